"""Conditions: ``if``/``then``, ``allOf`` and so on, and the one schema that judges a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from app.definitions import patterns
from app.definitions.draft import Draft
from app.definitions.register import Field
from app.definitions.sound import Path_
from app.kinds.base import Kind, Unreadable

DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: schemas within schemas
MOST_LEVELS = 6
_SINGLE = ("if", "then", "else", "not")
_SEVERAL = ("allOf", "anyOf")
_WHOLE = (*_SINGLE, *_SEVERAL, "dependentRequired")


def check_conditions(draft: Draft) -> None:
    """Note what the conditions on a whole record say of fields that are not there."""
    top = {key: part for key, part in draft.body.items() if key in _WHOLE}
    _check(draft, (), top, 1)


def _check(draft: Draft, at: Path_, condition: Mapping[str, Any], level: int) -> None:
    if level > MOST_LEVELS:
        text = "Conditions are nested more than {most} levels deep."
        draft.findings.add(at, "too_deep", text, most=MOST_LEVELS)
        return
    _check_if(draft, at, condition)
    for path, name in _names(condition):
        _check_name(draft, (*at, *path), name)
    for name, value in condition.get("properties", {}).items():
        if name in draft.kinds:
            where = (*at, "properties", name)
            _check_value(draft, where, value, draft.kinds[name], level + 1)
    for keyword in _SINGLE:
        if keyword in condition:
            _check(draft, (*at, keyword), condition[keyword], level + 1)
    for keyword in _SEVERAL:
        for place, part in enumerate(condition.get(keyword, ())):
            _check(draft, (*at, keyword, place), part or {}, level + 1)


def _check_if(draft: Draft, at: Path_, condition: Mapping[str, Any]) -> None:
    for keyword in ("then", "else"):
        if keyword in condition and "if" not in condition:
            text = "{keyword} without if says nothing."
            draft.findings.add((*at, keyword), "conflict", text, keyword=keyword)
    if "if" in condition and not ("then" in condition or "else" in condition):
        text = "if without then or else says nothing."
        draft.findings.add((*at, "if"), "conflict", text)


def _names(condition: Mapping[str, Any]) -> Iterator[tuple[Path_, Any]]:
    for place, name in enumerate(condition.get("required", ())):
        yield ("required", place), name
    for name in condition.get("properties", {}):
        yield ("properties", name), name
    for name, others in condition.get("dependentRequired", {}).items():
        yield ("dependentRequired", name), name
        for place, other in enumerate(others):
            yield ("dependentRequired", name, place), other


def _check_name(draft: Draft, at: Path_, name: Any) -> None:
    if name is not None and name not in draft.declared:
        text = "There is no field {name}."
        draft.findings.unknown(at, "unknown_field", text, name, draft.declared)


def _check_value(draft: Draft, at: Path_, value: Mapping[str, Any], kind: Kind, level: int) -> None:
    if level > MOST_LEVELS:
        text = "Conditions are nested more than {most} levels deep."
        draft.findings.add(at, "too_deep", text, most=MOST_LEVELS)
        return
    if "pattern" in value and (refused := patterns.refusal(value["pattern"])):
        draft.findings.add((*at, "pattern"), "pattern", refused[0], **refused[1])
    plain = not kind.own_table and kind.json_type != "array" and not hasattr(kind, "register")
    if plain and "const" in value:
        _check_constant(draft, (*at, "const"), value["const"], kind)
    for place, part in enumerate(value.get("enum", ()) if plain else ()):
        _check_constant(draft, (*at, "enum", place), part, kind)
    if "not" in value:
        _check_value(draft, (*at, "not"), value["not"], kind, level + 1)


def _check_constant(draft: Draft, at: Path_, said: Any, kind: Kind) -> None:
    """A constant that no value of the field is ever equal to is a mistake."""
    if said is None or kind.formula_type == "":
        return
    try:
        written = kind.to_json(kind.reader().deserialize(said))
    except Unreadable as refused:
        draft.findings.add(at, "condition", refused.text, **refused.values)
        return
    if written != said and Decimal not in (type(written), type(said)):
        text = "A value of kind {kind} is stored as {value}: write it so."
        draft.findings.add(at, "condition", text, kind=kind.name, value=written)


# --- the schema of a record ------------------------------------------------------------------


def record_schema(body: Mapping[str, Any], fields: Iterable[Field]) -> dict[str, Any]:
    """Return the JSON Schema that judges a record: JSON Schema's own keywords only."""
    fields = list(fields)
    whole: dict[str, Any] = {
        "$schema": DRAFT,
        "type": "object",
        "properties": {field.name: field.schema for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }
    whole |= {key: part for key, part in body.items() if key in _WHOLE}
    exact_whole: dict[str, Any] = exact(whole)
    return exact_whole


def exact(schema: Any) -> Any:
    """Return ``schema`` with every binary fraction as the decimal that was written."""
    if isinstance(schema, float):
        return Decimal(repr(schema))
    if isinstance(schema, Mapping):
        return {key: exact(part) for key, part in schema.items() if key != "$comment"}
    if isinstance(schema, list | tuple):
        return [exact(part) for part in schema]
    return schema
