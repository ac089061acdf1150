"""Parts of a compiled expression: closures over a scope, put together once and called often.

A scope holds the values by variable name, the row of each loop under ``@1``, ``@2`` …, and
under ``@left`` the steps that may still be taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.expressions.functions import Overload
from app.expressions.problems import ABSORBED, Exhausted, NoResult
from app.expressions.shapes import USUAL, converter

#: steps one evaluation may take in loops and on lists and texts
MOST_STEPS = 100_000
LEFT = "@left"

Scope = Any
Run = Callable[[Scope], Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has been compiled, and the type of what it gives."""

    run: Run
    shape: str


def charge(scope: Scope, steps: int) -> None:
    """Take ``steps`` from what may still be done."""
    left = scope[LEFT] - steps
    if left < 0:
        raise Exhausted
    scope[LEFT] = left


def constant(value: Any) -> Run:
    return lambda scope: value


def variable(name: str, shape: str) -> Run:
    """Return the reading of a scalar variable; a value of the usual class needs no look."""
    convert = converter(shape)
    usual = USUAL[shape]

    def read(scope: Scope) -> Any:
        value = scope.get(name)
        return value if type(value) is usual else convert(value)

    return read


def list_variable(name: str, shape: str, rows: str) -> Run:
    """Return the reading of a list; ``visits.amount`` is gathered from ``rows`` if not given."""
    convert = converter(shape)
    column = name.rpartition(".")[2]

    def read(scope: Scope) -> Any:
        values = scope.get(name)
        if values is None and rows and scope.get(rows) is not None:
            values = [row.get(column) for row in scope[rows]]
        if values is not None and hasattr(values, "__len__"):
            charge(scope, len(values))
        return convert(values)

    return read


def row(key: str) -> Run:
    """Return the reading of a loop's present element."""
    return lambda scope: scope[key]


def column(operand: Run, name: str, shape: str) -> Run:
    """Return the reading of one column of a row."""
    convert = converter(shape)
    return lambda scope: convert(operand(scope).get(name))


def apply(overload: Overload, arguments: Sequence[Run]) -> Run:
    """Return the call of one overload."""
    function, cost = overload.run, overload.cost
    if cost is not None:
        return _charged(function, cost, arguments)
    if len(arguments) == 1:
        (only,) = arguments
        return lambda scope: function(only(scope))
    if len(arguments) == 2:
        left, right = arguments
        return lambda scope: function(left(scope), right(scope))
    return lambda scope: function(*[argument(scope) for argument in arguments])


def _charged(
    function: Callable[..., Any], cost: Callable[..., int], arguments: Sequence[Run]
) -> Run:
    def run(scope: Scope) -> Any:
        values = [argument(scope) for argument in arguments]
        charge(scope, cost(*values))
        return function(*values)

    return run


def decide(left: Run, right: Run, deciding: bool) -> Run:
    """Return ``&&`` (deciding: False) or ``||`` (deciding: True).

    Either side that gives the deciding value decides, even where the other has no result
    or fails; otherwise a failure counts before a missing value.
    """

    def run(scope: Scope) -> bool:
        try:
            if left(scope) is deciding:
                return deciding
        except ABSORBED as trouble:
            try:
                if right(scope) is deciding:
                    return deciding
            except NoResult:
                pass
            raise trouble
        return right(scope)

    return run


def choose(condition: Run, yes: Run, no: Run) -> Run:
    return lambda scope: yes(scope) if condition(scope) else no(scope)


def items(elements: Sequence[Run]) -> Run:
    """Return a list literal."""

    def run(scope: Scope) -> list[Any]:
        charge(scope, len(elements))
        return [element(scope) for element in elements]

    return run


def present(operand: Run) -> Run:
    """Return whether there is a value; an empty text or list is none."""

    def run(scope: Scope) -> bool:
        try:
            value = operand(scope)
        except NoResult:
            return False
        return not (isinstance(value, (str, list)) and not value)

    return run


def among(value: Run, values: Run, normal: Callable[[Any], Any] | None) -> Run:
    """Return ``value in values``; ``normal`` makes two values comparable."""

    def run(scope: Scope) -> bool:
        sought = value(scope)
        found = values(scope)
        charge(scope, len(found))
        if normal is None:
            return sought in found
        return normal(sought) in [normal(each) for each in found]

    return run


def same(left: Run, right: Run, normal: Callable[[Any], Any] | None, equal: bool) -> Run:
    """Return whether two lists are equal (``equal``) or differ."""

    def run(scope: Scope) -> bool:
        one, other = left(scope), right(scope)
        charge(scope, len(one) + len(other))
        if normal is not None:
            one, other = [normal(each) for each in one], [normal(each) for each in other]
        return (one == other) is equal

    return run


def add_lists(left: Run, right: Run) -> Run:
    def run(scope: Scope) -> list[Any]:
        one, other = left(scope), right(scope)
        charge(scope, len(one) + len(other))
        return [*one, *other]

    return run


def scope_of(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a scope of its own for one evaluation."""
    scope: dict[str, Any] = {name: values.get(name) for name in names}
    scope[LEFT] = MOST_STEPS
    return scope
