"""Rights: what of a record somebody sends is theirs to fill in, and whether it stays theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.definitions.gate import Judgement
from app.definitions.permissions import SELF
from app.errors import Problem
from app.services import access, states
from app.services.access import Access
from app.services.concealing import masked
from app.services.work import Work
from app.storage import rows
from app.storage.catalog import Published

Row = Mapping[str, Any]


def ownership(work: Work) -> dict[str, Any]:
    """Return whose a record that is entered now is: the unit acted for, and the account."""
    return {"_unit": work.unit, "_owner": work.actor.id}


def not_theirs(
    asked: Access, action: str, row: Row | None, values: Mapping[str, Any], before: Row
) -> list[Problem]:
    """Return a problem for every field of ``values`` (read) that differs from ``before`` and is
    not the person's to fill in. A field they do not see does not exist for them."""
    allowed = asked.changeable(action, row)
    if allowed is None:
        return []
    hidden = asked.hidden(row) if row is not None else frozenset[str]()
    problems = []
    for name, value in values.items():
        if name in allowed or name not in asked.register or asked.register[name].derived:
            continue
        if value == before.get(name):
            continue
        text = "{field} is filled in by others; you may not change it here."
        code, shown = "value.not_yours", asked.register[name].title
        if name in hidden:
            text = "{register} has no field {field}. Check the spelling, or leave it out."
            code, shown = "record.unknown_field", name
        facts = {"field": shown, "register": asked.register.title}
        problems.append(Problem(f"/{name}", code, text, facts, frozenset((name,))))
    return problems


def stays_theirs(
    work: Work, published: Published, action: str, verdict: Judgement, row: Row
) -> None:
    """Add a problem to a verdict whose record would not be one the person may enter (``row`` is
    whose it is) or, changed, would no longer be theirs."""
    asked = access.of(work, published.slug)
    if asked.everything or asked.allows(action, {**row, **verdict.values}):
        return
    names = {
        name
        for grant in published.register.permissions
        if action in grant.may and work.standing.roles & set(grant.roles)
        for name in (grant.by, *(c.field for c in grant.where))
        if name and name != SELF
    }
    entered = {name: entered_for(published, name) for name in names}
    if any(p.name in entered.values() and verdict.values.get(p.name) is None
           for p in verdict.problems):  # fmt: skip
        # whose it is cannot be said before that is entered
        return
    where = sorted(names & (verdict.changed or names))
    text = "You may not enter this record: it belongs to a unit, or has values, outside yours."
    if action == "change":
        text = "The record would no longer be yours to change: its unit or values lie outside."
    at = f"/{entered[where[0]]}" if where else ""
    verdict.problems.append(Problem(at, "record.not_yours", text, {}, frozenset(where[:1])))


def entered_for(published: Published, name: str) -> str:
    """Return the field a person fills in to say ``name``: for a look-up its reference."""
    lookup = published.register[name].lookup if name in published.register else None
    return lookup.reference if lookup else name


def shown_form(asked: Access, action: str, row: Row | None, verdict: Judgement) -> None:
    """Say in a verdict for a form which fields are not shown, and which may not be changed;
    mask what was derived of private values."""
    allowed = asked.changeable(action, row)
    verdict.concealed = asked.hidden(row) if row is not None else asked.never_shown()
    if allowed is not None:
        verdict.not_theirs = frozenset(asked.register.names) - allowed
    for name in verdict.concealed:
        verdict.visible[name] = False
        verdict.values[name] = None
    for name in asked.masked(row if row is not None else {}):
        if asked.register[name].derived and verdict.values.get(name) is not None:
            verdict.values[name] = masked(asked.register[name], verdict.values[name])


@dataclass(frozen=True, slots=True)
class May:
    """What somebody may do here: which buttons a page offers."""

    create: bool
    change: bool
    delete: bool
    restore: bool
    export: bool
    bring: bool
    publish: bool
    reveal: bool


def may(work: Work, slug: str, row: Row | None = None) -> May:
    """Return what the actor may do in a register, or to one record of it (``row``)."""
    asked = access.of(work, slug)

    def ask(action: str) -> bool:
        return asked.can(action) if row is None else asked.allows(action, row)

    powers = work.standing.powers & access.POWERS["publish"]
    return May(
        create=asked.can("create"),
        change=ask("change"),
        delete=ask("delete"),
        restore=ask("restore"),
        export=asked.can("export"),
        bring=asked.can("import"),
        publish=bool(powers) or asked.can("publish"),
        reveal=ask("reveal"),
    )


def may_record(work: Work, slug: str, record: int) -> May:
    """Return what may be done to a stored record, deleted or not."""
    published = work.published(slug)
    row = rows.get(work.tx, published, record) or {}
    found = may(work, slug, row)
    if states.is_locked(work, published, row):
        return replace(found, change=False, delete=False)
    return found


def restorable(work: Work, slug: str, records: Sequence[int]) -> frozenset[int]:
    """Return which stored records may be taken out of the recycle bin."""
    asked = access.of(work, slug)
    found = rows.get_many(work.tx, work.published(slug), records)
    return frozenset(row["_id"] for row in found if asked.allows("restore", row))


def reviews(work: Work, slug: str, record: int) -> bool:
    """Return whether the actor may review a stored record."""
    row = rows.get(work.tx, work.published(slug), record)
    return row is not None and access.of(work, slug).allows("review", row)


def fillable(work: Work, slug: str) -> frozenset[str]:
    """Return the fields the person may fill in, of a new record or of one that is there."""
    asked = access.of(work, slug)
    entered = frozenset(f.name for f in asked.register.fields if not f.derived)
    found: frozenset[str] = frozenset()
    for term in asked.terms:
        if term.may & {"create", "change"}:
            found |= (term.change if term.change is not None else entered) & (
                term.see if term.see is not None else entered
            )
    return entered if asked.everything else entered & found
