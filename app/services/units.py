"""Units: founding, renaming, moving, ending; what happened to one, and how the tree stood.

Every change is an event with the day on which it takes effect, also one to come. What a unit
was on an earlier day is read from its events (``tree``). Merging and splitting:
``reorganising``.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.errors import RecordNotFound
from app.kinds import dump_json, load_json
from app.services import access, audit, people
from app.services.tree import Tree, Unit, read_tree, read_unit
from app.services.unit_refusals import (
    CodeRefused,
    CodeTaken,
    HasChildren,
    KindRefused,
    NotInForce,
    OutOfOrder,
    TitleRefused,
    TooDeep,
    UnitCycle,
    UnitNotFound,
    UnitRefused,
)
from app.services.work import Work
from app.storage import models_people as tables

__all__ = ["DEEPEST", "KINDS", "Event", "Facts", "UnitNotFound", "UnitRefused"]

KINDS = ("bureau", "township", "department", "taskforce", "enterprise", "other")
#: levels a tree may have
DEEPEST = 12
LONGEST_TITLE = 100
EVER = datetime.date.max

FOUNDED, RENAMED, MOVED, MERGED, RECEIVED, SPLIT, ENDED, LINKED = (
    "founded", "renamed", "moved", "merged", "received", "split", "ended", "linked",
)  # fmt: skip

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is entered of a new unit."""

    code: str
    title: str
    kind: str
    parent: int | None
    since: datetime.date
    until: datetime.date | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, or will happen, to a unit. ``note`` says what changed."""

    id: int
    unit: int
    action: str
    effective: datetime.date
    at: datetime.datetime
    who: str
    note: dict[str, Any] = field(default_factory=dict)


# ── reading


def tree(work: Work, day: datetime.date) -> Tree:
    """Return the tree as of a day."""
    return read_tree(work.tx, day)


def get(work: Work, number: int) -> Unit:
    """Return a unit with all that was entered of it. Raises ``UnitNotFound``."""
    found = read_unit(work.tx, number) if 0 < number < 2**63 else None
    if found is None:
        raise UnitNotFound(unit=number)
    return found


def by_code(work: Work, code: str) -> Unit | None:
    """Return the unit with a code, as it stands today."""
    return next((u for u in work.tree.units.values() if u.code == code), None)


def search(found: Tree, text: str) -> list[Unit]:
    """Return the units in force whose name or code contains ``text``."""
    wanted = unicodedata.normalize("NFKC", text).casefold().strip()
    return [
        unit for unit in found.valid()
        if wanted in unicodedata.normalize("NFKC", f"{unit.title} {unit.code}").casefold()
    ]  # fmt: skip


def events(work: Work, number: int) -> list[Event]:
    """Return what happened to a unit, the latest first."""
    table = tables.unit_event
    query = sa.select(table).where(table.c.unit_id == number)
    rows = work.tx.execute(query.order_by(table.c.effective.desc(), table.c.id.desc()))
    return [
        Event(r.id, r.unit_id, r.action, r.effective, r.at, r.who, load_json(r.note)) for r in rows
    ]


# ── writing


def found(work: Work, facts: Facts, reason: str = "") -> int:
    """Enter a unit and return its id. Raises ``UnitRefused``."""
    begin(work)
    check_facts(work, facts)
    values = {
        "code": facts.code, "title": facts.title.strip(), "kind": facts.kind,
        "parent_id": facts.parent, "position": facts.position,
        "valid_from": facts.since, "valid_until": facts.until,
    }  # fmt: skip
    number = int(
        work.tx.execute(tables.unit.insert().returning(tables.unit.c.id), values).scalar_one()
    )
    note = {"title": [None, values["title"]], "parent": [None, facts.parent], "reason": reason}
    add_event(work, number, FOUNDED, facts.since, note)
    check_shape(work, facts.since)
    return number


def check_facts(work: Work, facts: Facts) -> None:
    """Refuse a unit that cannot be entered."""
    if not _CODE.fullmatch(facts.code):
        raise CodeRefused(code=facts.code[:60])
    table = tables.unit
    taken = work.tx.scalar(sa.select(table.c.title).where(table.c.code == facts.code))
    if taken is not None:
        raise CodeTaken(code=facts.code, title=taken)
    check_title(facts.title)
    if facts.kind not in KINDS:
        raise KindRefused(kind=facts.kind[:40])
    if facts.parent is not None:
        check_in_force(work, facts.parent, facts.since)
    if facts.until is not None and facts.until <= facts.since:
        raise NotInForce(unit=facts.title, day=facts.since)


def check_title(title: str) -> None:
    if not title.strip() or len(title) > LONGEST_TITLE or not title.isprintable():
        raise TitleRefused(most=LONGEST_TITLE)


def rename(
    work: Work, number: int, title: str, effective: datetime.date, reason: str = "", kind: str = ""
) -> None:
    """Give a unit another name, and another kind, from a day on."""
    unit = changing(work, number, effective)
    check_title(title)
    if kind and kind not in KINDS:
        raise KindRefused(kind=kind[:40])
    note: dict[str, Any] = {"title": [unit.title, title.strip()], "reason": reason}
    values = {"title": title.strip()}
    if kind and kind != unit.kind:
        note["kind"] = [unit.kind, kind]
        values["kind"] = kind
    if all(note[name][0] == note[name][1] for name in note if name != "reason"):
        return
    work.tx.execute(tables.unit.update().where(tables.unit.c.id == number).values(values))
    add_event(work, number, RENAMED, effective, note)


def move(
    work: Work, number: int, parent: int | None, effective: datetime.date, reason: str = ""
) -> None:
    """Put a unit under another from a day on. Raises ``UnitCycle``, ``TooDeep``."""
    unit = changing(work, number, effective)
    if parent is not None:
        check_in_force(work, parent, effective)
    if parent == unit.parent:
        return
    update = tables.unit.update().where(tables.unit.c.id == number)
    work.tx.execute(update.values(parent_id=parent))
    note = {"parent": [unit.parent, parent], "reason": reason}
    add_event(work, number, MOVED, effective, note)
    check_shape(work, effective)


def end(work: Work, number: int, effective: datetime.date, reason: str = "") -> None:
    """Let a unit be no more from a day on; nobody answers for it then."""
    unit = changing(work, number, effective)
    close(work, unit, effective, ENDED, {"reason": reason})


def link(work: Work, number: int, slug: str, record: int | None) -> None:
    """Say which record of a register stands for a unit; ``""`` for none."""
    begin(work)
    unit = get(work, number)
    if slug:
        main = work.published(slug).tables.main
        query = sa.select(main.c["_id"]).where(main.c["_id"] == record)
        if record is None or work.tx.scalar(query.where(main.c["_deleted_at"].is_(None))) is None:
            raise RecordNotFound(id=record or "", register=work.register(slug).title)
    values = {"slug": slug or None, "record": record if slug else None}
    if (unit.slug, unit.record) == (values["slug"], values["record"]):
        return
    work.tx.execute(tables.unit.update().where(tables.unit.c.id == number).values(values))
    note = {"record": [[unit.slug, unit.record], [values["slug"], values["record"]]]}
    add_event(work, number, LINKED, work.today, note)


# ── what every change does


def begin(work: Work) -> None:
    """Ask for the right, and let nobody else change the tree until this is done."""
    access.require(work, "administer")
    people.touch(work.tx)


def changing(work: Work, number: int, effective: datetime.date) -> Unit:
    """Return a unit that may be changed with effect of a day."""
    begin(work)
    unit = get(work, number)
    last = next((e for e in events(work, number) if e.action != LINKED), None)
    if last is not None and last.effective > effective:
        raise OutOfOrder(unit=unit.title, last=last.effective)
    if not unit.is_valid(effective):
        raise NotInForce(unit=unit.title, day=effective)
    return unit


def check_in_force(work: Work, number: int, day: datetime.date) -> Unit:
    unit = get(work, number)
    if not unit.is_valid(day):
        raise NotInForce(unit=unit.title, day=day)
    return unit


def close(
    work: Work, unit: Unit, day: datetime.date, action: str, note: dict[str, Any],
    heir: int | None = None,
) -> None:  # fmt: skip
    """End a unit; ``heir`` answers for it from then on."""
    standing = read_tree(work.tx, day)
    left = [u for u in standing.children.get(unit.id, ()) if u.until is None or u.until > day]
    if left:
        raise HasChildren(unit=unit.title, day=day, count=len(left))
    update = tables.unit.update().where(tables.unit.c.id == unit.id)
    work.tx.execute(update.values(valid_until=day, merged_into=heir))
    add_event(work, unit.id, action, day, note)


def add_event(
    work: Work, number: int, action: str, effective: datetime.date, note: dict[str, Any]
) -> None:
    row = {
        "unit_id": number, "action": action, "effective": effective, "at": work.now,
        "who": work.actor.name, "note": dump_json(note),
    }  # fmt: skip
    work.tx.execute(tables.unit_event.insert(), row)
    title = work.tx.scalar(sa.select(tables.unit.c.title).where(tables.unit.c.id == number))
    facts = {"title": title, "change": f"{action} {effective}"}
    audit.note(work, "unit.changed", audit.About("unit", "", number), facts)


def check_shape(work: Work, day: datetime.date) -> None:
    """Refuse a tree that, on ``day`` or when something changes later, has a cycle or is too deep.

    Raises ``UnitCycle``, ``TooDeep``.
    """
    event = tables.unit_event
    query = sa.select(event.c.effective).where(event.c.effective > day).distinct()
    for one in (day, *sorted(work.tx.scalars(query)), EVER):
        check_tree(read_tree(work.tx, one))


def check_tree(standing: Tree) -> None:
    levels: dict[int, int] = {}
    for unit in standing.units.values():
        way: list[Unit] = []
        at: Unit | None = unit
        while at is not None and at.id not in levels:
            if at in way:
                raise UnitCycle(unit=unit.title, day=standing.day)
            way.append(at)
            at = standing.units[at.parent] if at.parent is not None else None
        level = levels[at.id] if at is not None else 0
        for one in reversed(way):
            level += 1
            levels[one.id] = level
            if level > DEEPEST and (one.until is None or one.until > standing.day):
                raise TooDeep(unit=one.title, level=level, most=DEEPEST)


def titles(standing: Tree, numbers: Sequence[int]) -> str:
    """Return the names of units, joined."""
    return "、".join(standing.title(number) for number in numbers)
