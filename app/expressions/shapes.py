"""The types of the language, as words: double, int, list(string), rows …

Inside this room child rows are ``list(row visits)``, so that a row knows its columns, and
``none`` is the type of what can have no value: it fits everywhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from cel_expr_python import cel

from app.expressions import sentences
from app.expressions.problems import Failure, NoResult

SCALARS: dict[str, Any] = {
    "double": cel.Type.DOUBLE,
    "int": cel.Type.INT,
    "bool": cel.Type.BOOL,
    "string": cel.Type.STRING,
    "timestamp": cel.Type.TIMESTAMP,
}
_ROW = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)

#: the Python class a scalar usually comes in
USUAL: dict[str, type] = {
    "double": Decimal,
    "int": int,
    "bool": bool,
    "string": str,
    "timestamp": datetime.date,
}


def element(shape: str) -> str:
    """Return the type of the elements of a list type, or ``""`` when it is none."""
    return shape[5:-1] if shape.startswith("list(") else ""


def library_type(shape: str) -> Any:
    """Return the library's type for a declared ``shape``."""
    if shape == "rows":
        return cel.Type.List(_ROW)
    if inner := element(shape):
        return cel.Type.List(library_type(inner))
    return SCALARS[shape]


def inside(name: str, shape: str) -> str:
    """Return the type used inside for variable ``name`` declared as ``shape``."""
    return f"list(row {name})" if shape == "rows" else shape


def outside(shape: str) -> str:
    """Return the type as people write it."""
    if shape == "none":
        return "dyn"
    if shape.startswith("row "):
        return "row"
    if inner := element(shape):
        return "rows" if inner.startswith("row ") else f"list({outside(inner)})"
    return shape


def fits(actual: str, wanted: str) -> bool:
    """Return whether a value of type ``actual`` may stand where ``wanted`` is asked."""
    if actual == wanted or "none" in (actual, wanted):
        return True
    inner = element(actual)
    return bool(inner) and bool(element(wanted)) and fits(inner, element(wanted))


def join(shapes: Iterable[str]) -> str | None:
    """Return the type all ``shapes`` have in common, None when there is none."""
    joined = "none"
    for shape in shapes:
        if not fits(shape, joined):
            return None
        if joined == "none" or joined == "list(none)":
            joined = shape
    return joined


def moment(value: datetime.date) -> datetime.datetime:
    """Return a date as its first moment, so that dates and times compare."""
    if isinstance(value, datetime.datetime):
        return value
    return datetime.datetime(value.year, value.month, value.day)


def converter(shape: str) -> Callable[[Any], Any]:
    """Return a function that makes a given value one of type ``shape``.

    It raises ``NoResult`` for None and ``Failure`` for a value of another type. Elements
    of a list that are None are left out.
    """
    if inner := element(shape):
        return _list_converter(shape, converter(inner))
    if shape.startswith("row "):
        return _checked("rows", lambda value: value if isinstance(value, Mapping) else None)
    return _CONVERTERS[shape]


def _checked(shape: str, accept: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if value is None:
            raise NoResult
        accepted = accept(value)
        if accepted is None:
            raise Failure(sentences.WRONG_VALUE, value=value, type=shape)
        return accepted

    return convert


def _list_converter(shape: str, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def accept(value: Any) -> list[Any] | None:
        if not isinstance(value, (list, tuple)):
            return None
        return [convert(each) for each in value if each is not None]

    return _checked(outside(shape), accept)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, float):
        return _number(Decimal(repr(value)))
    return Decimal(value) if type(value) is int else None


def _string(value: Any) -> str | None:
    """Accept a text, and the number of a referenced record as one."""
    return value if isinstance(value, str) else str(value) if type(value) is int else None


def _timestamp(value: Any) -> datetime.date | None:
    aware = isinstance(value, datetime.datetime) and value.tzinfo is not None
    return value if isinstance(value, datetime.date) and not aware else None


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "double": _checked("double", _number),
    "int": _checked("int", lambda value: value if type(value) is int else None),
    "bool": _checked("bool", lambda value: value if type(value) is bool else None),
    "string": _checked("string", _string),
    "timestamp": _checked("timestamp", _timestamp),
}
