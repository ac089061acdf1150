"""The library, told of our variables and functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from app.expressions import complaints
from app.expressions.functions import FUNCTIONS
from app.expressions.names import declared
from app.expressions.problems import FormulaProblem
from app.expressions.shapes import library_type


@lru_cache(maxsize=8)
def environment(variables: tuple[tuple[str, str], ...]) -> Any:
    """Return the library's environment for sorted (name, type) pairs.

    One of 400 variables takes 1.3 ms and 0.4 MB; all expressions of a register share it.
    """
    types = {declared(name): library_type(shape) for name, shape in variables}
    return cel.NewEnv(variables=types, functions=list(_declarations()))


def _declarations() -> Iterator[Any]:
    for name, overloads in FUNCTIONS.items():
        own = [
            cel.Overload(
                f"{name}_{number}",
                return_type=cel.Type.DYN if each.gives == "none" else library_type(each.gives),
                parameters=[library_type(shape) for shape in each.takes],
            )
            for number, each in enumerate(overloads)
            if each.own
        ]
        if own:
            yield cel.FunctionDecl(name, own)
    anything = cel.Overload(
        "present_dyn", return_type=cel.Type.BOOL, parameters=[cel.Type.DYN], is_member=False
    )
    yield cel.FunctionDecl("present", [anything])


def check(text: str, variables: Mapping[str, str]) -> bytes:
    """Return the checked tree of ``text``, serialized.

    Raises:
        FormulaProblem: the library found mistakes; all of them are in it.
    """
    try:
        compiled = environment(tuple(sorted(variables.items()))).compile(text)
    except RuntimeError as refusal:
        found = complaints.read(str(refusal), text, variables)
        raise FormulaProblem.of(found) from None
    return bytes(compiled.serialize())
