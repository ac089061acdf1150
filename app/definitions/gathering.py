"""Gathering: look-ups and roll-ups, the values that come from other records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from app.definitions.register import Condition, Lookup, Rollup
from app.kinds import kind_of
from app.kinds.base import Kind, Unreadable

if TYPE_CHECKING:
    from app.definitions.draft import Draft

OPERATIONS = ("sum", "avg", "min", "max", "latest", "count")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
#: kinds that are not one plain value, so that nothing is gathered from them
_NOT_PLAIN = {"rows", "list(string)", ""}
_NUMBERS = {"double", "int"}
#: kinds that ``plus`` can be added to
_STEPS = {"month", "quarter", "year", "date", "integer", "number"}

NO_REGISTER = "There is no register {name}: publish it first, or give both definitions together."
NO_FIELD = "There is no field {name}."
NO_FIELD_THERE = "There is no field {name} in {register}."
NOT_WELL_THERE = "{name} is itself not well, so nothing can be read from it: mend it first."


def rollup_path(rollup: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return operation, register and field of a roll-up; ``""`` for what is missing."""
    operation = next((name for name in OPERATIONS if name in rollup), "")
    register, _, field = str(rollup.get(operation, "")).partition(".")
    return operation, register, field


# --- look-ups ------------------------------------------------------------------------------


def make_lookup(draft: Draft, name: str) -> Lookup | None:
    """Return the look-up of field ``name``; note why it cannot be made and return None."""
    at = ("properties", name, "lookup")
    reference, _, target = draft.props[name]["lookup"].partition(".")
    note, world = draft.findings, draft.world
    if reference not in draft.declared:
        note.unknown(at, "unknown_field", NO_FIELD, reference, draft.declared)
        return None
    if reference not in draft.kinds:
        return None
    register = getattr(draft.kinds[reference], "register", "")
    if not register:
        text = "{name} is not a reference: a look-up reads through a reference of this record."
        note.add(at, "not_a_reference", text, name=reference)
        return None
    if not world.exists(register):
        return None
    if not world.has(register, target):
        known = world.names(register)
        note.unknown(at, "unknown_field", NO_FIELD_THERE, target, known, register=register)
        return None
    kind = _kind_there(draft, at, register, target)
    if kind is not None and kind.formula_type in ("rows", "") and not hasattr(kind, "register"):
        text = "{name} cannot be looked up: it is not one value."
        note.add(at, "not_plain", text, name=f"{register}.{target}")
        return None
    return Lookup(reference, register, target) if kind is not None else None


# --- roll-ups ------------------------------------------------------------------------------


def make_rollup(draft: Draft, name: str) -> Rollup | None:
    """Return the roll-up of field ``name``; note why it cannot be made and return None."""
    prop = draft.props[name]["rollup"]
    at = ("properties", name, "rollup")
    note, before = draft.findings, len(draft.findings)
    said = [operation for operation in OPERATIONS if operation in prop]
    if len(said) != 1:
        text = "A roll-up says exactly one of {operations}; here are {count}."
        note.add(at, "rollup", text, operations=", ".join(OPERATIONS), count=len(said))
        return None
    operation, register, field = rollup_path(prop)
    if not draft.world.exists(register):
        known = draft.world.slugs
        note.unknown((*at, operation), "unknown_register", NO_REGISTER, register, known)
        return None
    if field:
        _check_source(draft, (*at, operation), operation, register, field)
    _check_via(draft, at, register, prop)
    by = _check_by(draft, at, register, operation, prop)
    where = tuple(make_conditions(draft, (*at, "where"), register, prop.get("where", {})))
    if "via" not in prop and not any(part.own for part in where):
        text = (
            "The roll-up gathers the same rows for every record: add via, or a where with $field."
        )
        note.add(at, "rollup", text)
    if len(note) > before:
        return None
    return Rollup(operation, register, field, where, prop.get("via", ""), by)


def rollup_needs(slug: str, rollup: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields whose kinds must be known before a roll-up of register ``slug`` is made."""
    _, register, field = rollup_path(rollup)
    where = rollup.get("where", {})
    for name in dict.fromkeys((field, rollup.get("via", ""), rollup.get("by", ""), *where)):
        if name:
            yield register, name
    for said in where.values():
        for value in said.values() if isinstance(said, dict) else (said,):
            if own := _own(value):
                yield slug, own


def rollup_kind(draft: Draft, rollup: Rollup) -> Kind | None:
    """Return the kind of a roll-up's value when the property does not say it."""
    if rollup.operation == "count":
        return kind_of({"type": "integer"})
    if rollup.operation == "avg":
        return kind_of({"type": "number", "scale": 2})
    kind = draft.world.kind(rollup.register, rollup.field)
    if rollup.operation == "sum" and kind is not None and kind.formula_type == "int":
        return kind_of({"type": "integer"})
    return kind


def _source_kind(draft: Draft, at: tuple[str, ...], register: str, name: str) -> Kind | None:
    """Return the kind of a field of the source register; note when there is none."""
    if not draft.world.has(register, name):
        known, text = draft.world.names(register), NO_FIELD_THERE
        draft.findings.unknown(at, "unknown_field", text, name, known, register=register)
        return None
    return _kind_there(draft, at, register, name)


def _kind_there(draft: Draft, at: tuple[str, ...], register: str, name: str) -> Kind | None:
    """Return the kind of a field that ``register`` has; note when it is not known there. In the
    register itself the field is noted at its own place."""
    kind = draft.world.kind(register, name)
    if kind is None and register != draft.slug:
        draft.findings.add(at, "not_well", NOT_WELL_THERE, name=f"{register}.{name}")
    return kind


def _check_source(
    draft: Draft, at: tuple[str, ...], operation: str, register: str, field: str
) -> None:
    kind = _source_kind(draft, at, register, field)
    if kind is None:
        return
    name = f"{register}.{field}"
    if operation in ("sum", "avg") and kind.formula_type not in _NUMBERS:
        text = "{name} is not a number: {operation} needs one."
        draft.findings.add(at, "rollup", text, name=name, operation=operation)
    elif operation in ("min", "max") and not kind.sortable:
        text = "{name} has no order: {operation} needs one."
        draft.findings.add(at, "rollup", text, name=name, operation=operation)
    elif kind.formula_type in _NOT_PLAIN and not hasattr(kind, "register"):
        text = "{name} cannot be gathered: it is not one value."
        draft.findings.add(at, "rollup", text, name=name)


def _check_via(draft: Draft, at: tuple[str, ...], register: str, prop: Mapping[str, Any]) -> None:
    if "via" not in prop:
        return
    kind = _source_kind(draft, (*at, "via"), register, prop["via"])
    if kind is not None and getattr(kind, "register", "") != draft.slug:
        text = (
            "{name} does not refer to this register, so no rows are gathered through it. Leave via "
            "out and say in where which rows are meant."
        )
        draft.findings.add((*at, "via"), "rollup", text, name=f"{register}.{prop['via']}")


def _check_by(
    draft: Draft, at: tuple[str, ...], register: str, operation: str, prop: Mapping[str, Any]
) -> str:
    by = str(prop.get("by", ""))
    if operation == "latest" and not by:
        text = "latest needs by: the field that orders the rows."
        draft.findings.add(at, "rollup", text)
    elif by and operation != "latest":
        text = "by is for latest only."
        draft.findings.add((*at, "by"), "rollup", text)
    elif by:
        kind = _source_kind(draft, (*at, "by"), register, by)
        if kind is not None and not kind.sortable:
            text = "{name} has no order, so it cannot order the rows."
            draft.findings.add((*at, "by"), "rollup", text, name=f"{register}.{by}")
    return by


# --- where -------------------------------------------------------------------------------------


def make_conditions(
    draft: Draft, at: tuple[Any, ...], register: str, where: Mapping[str, Any]
) -> Iterator[Condition]:
    """Give the conditions ``where`` puts on rows of ``register``; note what is wrong."""
    for name, said in where.items():
        kind = _source_kind(draft, (*at, name), register, name)
        if kind is None:
            continue
        whole = said if isinstance(said, dict) else {"==": said}
        plus = whole.get("plus", 0)
        if "plus" in whole and not any(_own(value) for value in whole.values()):
            text = "plus is added to a value of this record: write $field beside it."
            draft.findings.add((*at, name), "rollup", text)
        for operator in COMPARISONS:
            if operator in whole:
                path = (*at, name, operator) if isinstance(said, dict) else (*at, name)
                found = _condition(draft, path, (name, kind), operator, whole[operator], plus)
                if found is not None:
                    yield found


def _own(value: Any) -> str:
    """Return the field named by ``"$field"``, ``""`` for any other value."""
    return value[1:] if isinstance(value, str) and value.startswith("$") else ""


def _condition(
    draft: Draft,
    at: tuple[str, ...],
    source: tuple[str, Kind],
    operator: str,
    said: Any,
    plus: int,
) -> Condition | None:
    name, kind = source
    if operator in ("<", "<=", ">", ">=") and not kind.sortable:
        text = "{name} has no order: compare it with == or in."
        draft.findings.add(at, "rollup", text, name=name)
        return None
    if own := _own(said):
        fits = _fits_own(draft, at, source, own, plus)
        return Condition(name, operator, None, own, plus) if fits else None
    if operator == "in":
        values = [_constant(draft, at, source, part) for part in said if part is not None]
        return Condition(name, operator, tuple(values))
    return Condition(name, operator, _constant(draft, at, source, said))


def _fits_own(
    draft: Draft, at: tuple[str, ...], source: tuple[str, Kind], own: str, plus: int
) -> bool:
    """Return whether a field of the source can be compared with the own field ``own``."""
    if own not in draft.declared:
        draft.findings.unknown(at, "unknown_field", NO_FIELD, own, draft.declared)
        return False
    mine = draft.kinds.get(own)
    if mine is None:
        return False
    name, kind = source
    if not comparable(mine, kind):
        text = "{name} ({kind}) cannot be compared with {own} ({own_kind})."
        facts = {"name": name, "kind": kind.name, "own": own, "own_kind": mine.name}
        draft.findings.add(at, "rollup", text, **facts)
        return False
    if plus and mine.name not in _STEPS:
        text = "plus cannot be added to {name} ({kind})."
        draft.findings.add(at, "rollup", text, name=own, kind=mine.name)
        return False
    return True


def comparable(one: Kind, other: Kind) -> bool:
    """Return whether values of two kinds can be equal."""
    targets = {getattr(one, "register", ""), getattr(other, "register", "")}
    if targets != {""}:
        return len(targets) == 1
    if one.formula_type in _NUMBERS and other.formula_type in _NUMBERS:
        return True
    same = one.formula_type == other.formula_type and one.formula_type not in _NOT_PLAIN
    return same and (one.name == other.name or {one.name, other.name} <= {"text", "choice"})


def _constant(draft: Draft, at: tuple[str, ...], source: tuple[str, Kind], said: Any) -> Any:
    """Return a constant as a value of the source's kind; note one that is none."""
    name, kind = source
    if getattr(kind, "register", "") or kind.formula_type in ("rows", ""):
        text = "{name} cannot be compared with a constant; write $field for a field of this record."
        draft.findings.add(at, "rollup", text, name=name)
        return None
    try:
        value = kind.reader().deserialize(said)
    except Unreadable as refused:
        draft.findings.add(at, "rollup", refused.text, **refused.values)
        return None
    choices = getattr(kind, "choices", None)
    offered = [getattr(choice, "value", choice) for choice in choices or ()]
    if choices is not None and value not in offered:
        text = "{name} is not one of the choices there."
        draft.findings.unknown(at, "rollup", text, value, [str(part) for part in offered])
    return value
