"""Inference: which kind a property declares, or a formula's type makes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.kinds import kind_of
from app.kinds.base import Kind

#: format -> the type it goes with, where that is not text
_TYPES = {"longitude": "number", "latitude": "number", "year": "integer"}

#: type of a formula -> the property it stands for when a field says no type
_MADE = {
    "double": {"type": "number"},
    "int": {"type": "integer"},
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "timestamp": {"type": "string", "format": "date"},
}

#: type of a kind -> types of formulas whose result it takes
_TAKES = {"double": {"double", "int"}}

_STRING = r"""[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_TOKEN = re.compile(rf"(?s){_STRING}|//[^\n]*|(\.\s*)?([A-Za-z_][A-Za-z0-9_]*)|(\.)")
_CALL = re.compile(r"(?:\s|//[^\n]*)*\(")


def with_type(prop: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``prop`` with the type that its other keywords imply."""
    if "type" in prop or "reference" in prop:
        return dict(prop)
    if "format" in prop:
        implied = _TYPES.get(prop["format"], "string")
    elif "enum" in prop or "oneOf" in prop:
        implied = "string"
    elif "items" in prop:
        implied = "array"
    elif "scale" in prop:
        implied = "number"
    else:
        return dict(prop)
    return {"type": implied, **prop}


def declared(prop: Mapping[str, Any]) -> Kind | None:
    """Return the kind that ``prop`` itself says, None when it says none."""
    whole = with_type(prop)
    return kind_of(whole) if "type" in whole or "reference" in whole else None


def made_by(formula_type: str, prop: Mapping[str, Any]) -> Kind | None:
    """Return the kind of a computed field without a type, None when the type is not enough."""
    made = _MADE.get(formula_type)
    return kind_of({**made, **prop}) if made else None


def type_in_formulas(kind: Kind) -> str:
    """Return the type of a kind's values in formulas, ``""`` for what none can read."""
    return "int" if kind.json_type == "integer" else kind.formula_type


def takes(kind: Kind, formula_type: str) -> bool:
    """Return whether a field of ``kind`` takes the result of a formula of ``formula_type``."""
    wanted = kind.formula_type
    return formula_type in ("dyn", wanted) or formula_type in _TAKES.get(wanted, ())


def mentioned(text: str) -> tuple[set[str], set[str]]:
    """Return the names a formula mentions: of this record (``x``, ``this.x``), and of the stored
    one (``old.x``). A function that is called, ``year(day)``, is no field of that name."""
    own: set[str] = set()
    old: set[str] = set()
    last = ""
    for found in _TOKEN.finditer(text):
        dot, name = found.group(1), found.group(2)
        if name and dot and last in ("old", "this"):
            (old if last == "old" else own).add(name)
        elif name and not dot and not _CALL.match(text, found.end()):
            own.add(name)
        last = name if name and not dot else ""
    return own, old


def variables(name: str, kind: Kind, columns: Mapping[str, Kind]) -> Iterator[tuple[str, str]]:
    """Yield what formulas may read of a field, with its type: value, columns, stored value."""
    if not kind.formula_type:
        return
    for prefix in ("", "old."):
        yield prefix + name, type_in_formulas(kind)
        for column, inner in columns.items():
            if inner.formula_type:
                yield f"{prefix}{name}.{column}", f"list({type_in_formulas(inner)})"
