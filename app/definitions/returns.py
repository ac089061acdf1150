"""Returns: the calendar a register's ``period`` declares, checked against its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.draft import Draft
from app.definitions.gathering import make_conditions
from app.definitions.periods import EXAMPLE, HALF, HELD_BY, Deadline, Owing, Periods, is_period

AT = ("register", "period")
#: what may stand in ``by`` for rows, and for units
ROWS, UNITS = ("register", "via", "where", "unit"), ("kinds", "role", "field")
NEXT_MONTH = Deadline(1)


def make_periods(draft: Draft) -> Periods | None:
    """Return the calendar of returns, None where the register has none; note what is wrong."""
    said = draft.body.get("register", {}).get("period")
    if not isinstance(said, dict) or not {"every", "field", "by", "due"} <= said.keys():
        return None
    every, before = said["every"], len(draft.findings)
    _check_holder(draft, every, said["field"])
    by = _owing(draft, said["by"])
    opens, due = _deadline(said.get("opens"), NEXT_MONTH), _deadline(said["due"], NEXT_MONTH)
    if opens.working == due.working and (opens.offset, opens.day) > (due.offset, due.day):
        text = "Returns are due before they open: let them open earlier."
        draft.findings.add((*AT, "opens"), "period", text)
    first = str(said.get("from", ""))
    if first and not is_period(every, first):
        text = "{value} does not name a period; write it as {example}."
        draft.findings.add((*AT, "from"), "period", text, value=first, example=EXAMPLE[every])
    carry = _carried(draft, said, by)
    if len(draft.findings) > before:
        return None
    return Periods(
        every, said["field"], by, opens, due,
        remind=tuple(sorted({n for n in said.get("remind", ()) if n is not None}, reverse=True)),
        late=said.get("late", True), lock=said.get("lock"),
        supplement=said.get("supplement", False), nil=said.get("nil", False),
        carry=carry, first=first,
    )  # fmt: skip


def _deadline(said: Mapping[str, Any] | None, otherwise: Deadline) -> Deadline:
    if not said or "day" not in said:
        return otherwise
    return Deadline(said["day"], said.get("working", False), said.get("offset", 1))


def _check_holder(draft: Draft, every: str, name: str) -> None:
    """Check that the field can hold the period."""
    at = (*AT, "field")
    if not _is_field(draft, at, name):
        return
    kind = draft.kinds.get(name)
    if kind is not None and kind.name not in HELD_BY[every]:
        text = "{name} is of kind {kind}; a period of this length is held by the kind {listed}."
        listed = " / ".join(HELD_BY[every]) + (" (2026H1)" if every == HALF else "")
        draft.findings.add(at, "period", text, name=name, kind=kind.name, listed=listed)
    if name in draft.fields and draft.fields[name].derived:
        text = "{name} is computed; the period is entered."
        draft.findings.add(at, "period", text, name=name)


def _is_field(draft: Draft, at: tuple[Any, ...], name: str) -> bool:
    if name in draft.declared:
        return True
    text = "There is no field {name}."
    draft.findings.unknown(at, "unknown_field", text, name, draft.declared)
    return False


def _owing(draft: Draft, said: Mapping[str, Any]) -> Owing:
    """Return who owes, the one way or the other."""
    at = (*AT, "by")
    rows = [name for name in ROWS if name in said]
    units = [name for name in UNITS if name in said]
    if rows and units:
        text = "Either units owe ({units}) or rows of a register ({rows}), not both."
        facts = {"units": ", ".join(UNITS), "rows": ", ".join(ROWS)}
        draft.findings.add((*at, units[0]), "period", text, **facts)
    if rows:
        return _rows_owing(draft, at, said)
    name = str(said.get("field", ""))
    if name and _is_field(draft, (*at, "field"), name):
        _check_unit_field(draft, (*at, "field"), draft.kinds.get(name), name)
    return Owing(
        name,
        tuple(part for part in said.get("role", ()) if part),
        tuple(part for part in said.get("kinds", ()) if part),
    )


def _rows_owing(draft: Draft, at: tuple[Any, ...], said: Mapping[str, Any]) -> Owing:
    register, via, unit = (str(said.get(name, "")) for name in ("register", "via", "unit"))
    for name in ("register", "via"):
        if name not in said:
            text = "The keyword {limit} is missing."
            draft.findings.add(at, "missing_keyword", text, limit=name)
            return Owing()
    if not draft.world.exists(register):
        text, known = "There is no register {name}.", draft.world.slugs
        draft.findings.unknown((*at, "register"), "unknown_register", text, register, known)
        return Owing()
    if _is_field(draft, (*at, "via"), via):
        kind = draft.kinds.get(via)
        if kind is not None and getattr(kind, "register", "") != register:
            text = "{name} does not refer to {register}."
            draft.findings.add((*at, "via"), "period", text, name=via, register=register)
    _check_unit_of_row(draft, (*at, "unit"), register, unit)
    where = tuple(make_conditions(draft, (*at, "where"), register, said.get("where") or {}))
    for condition in where:
        if condition.own:
            text = "A row is compared with a value here, not with a field of a record."
            draft.findings.add((*at, "where", condition.field), "period", text)
    return Owing(via, register=register, where=where, unit=unit)


def _check_unit_of_row(draft: Draft, at: tuple[Any, ...], register: str, unit: str) -> None:
    if unit and not draft.world.has(register, unit):
        text, known = "There is no field {name} in {register}.", draft.world.names(register)
        draft.findings.unknown(at, "unknown_field", text, unit, known, register=register)
    elif unit:
        _check_unit_field(draft, at, draft.world.kind(register, unit), unit)


def _check_unit_field(draft: Draft, at: tuple[Any, ...], kind: Any, name: str) -> None:
    if kind is not None and not (hasattr(kind, "register") or kind.formula_type == "string"):
        text = "A row belongs to a unit by a reference or a text; {name} is of kind {kind}."
        draft.findings.add(at, "period", text, name=name, kind=kind.name)


def _carried(draft: Draft, said: Mapping[str, Any], by: Owing) -> tuple[str, ...]:
    """Return the fields that are carried forward: entered ones, and none that names the return."""
    names = tuple(name for name in said.get("carry", ()) if name)
    for place, name in enumerate(said.get("carry", ())):
        at = (*AT, "carry", place)
        if name is None or not _is_field(draft, at, name):
            continue
        kind, field = draft.kinds.get(name), draft.fields.get(name)
        if (field and field.derived) or name in (said["field"], by.field):
            text = "{name} cannot be carried over: it is computed, or says which return it is."
            draft.findings.add(at, "period", text, name=name)
        elif kind is not None and hasattr(kind, "accepts"):
            text = "{name} cannot be carried over: files are uploaded anew."
            draft.findings.add(at, "period", text, name=name)
    return names
