"""Advancing: some records stay where they begin, most go on through their workflow.

Every step is made by the workflow's own service, with history and all that follows. Only plain
steps are made: none that time or a joint review makes, none that needs units or opens records.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import Transition, Workflow
from app.definitions.register import Field, Register
from app.kinds.inventing import month_count
from app.services import workflow
from app.services.demo.filling import stand_in
from app.services.demo.labelling import SAID
from app.services.demo.recipes import grid_of
from app.services.demo.referring import source_of
from app.services.moves import Order
from app.services.work import Actor, Platform, Work
from app.storage import rows

BATCH = 1000
#: the share of records that stay where they are, that are sent back or refused, and that are
#: taken out of use once they are in it
STAY, ASIDE, RETIRE = 0.14, 0.05, 0.04
#: how much rarer records of former months are still on their way, and which months are recent
OLDER, RECENT = 12, 2
#: what every template calls the step that gives a record back
RETURN = "return"


@dataclass(slots=True)
class Journey:
    """Where a record is on its way."""

    number: int
    state: str
    recent: bool = True
    seen: set[str] = field(default_factory=set)


def advance(platform: Platform, actor: Actor, slug: str, after: int) -> Counter[str]:
    """Move the records after ``after`` on; return how many stand in each state."""
    with platform.reading(actor) as work:
        register = work.register(slug)
        flow, main = register.workflow, work.published(slug).tables.main
        if flow is None:
            return Counter()
        now = month_count(work.today.year, work.today.month)
        grid = grid_of(register, 1)
        column = main.c[grid.field] if grid else sa.null()
        query = sa.select(main.c["_id"], main.c["_state"], column)
        query = query.where(main.c["_id"] > after, main.c["_deleted_at"].is_(None))
        found = work.tx.execute(query.order_by(main.c["_id"])).all()
    all_ = [Journey(row[0], flow.state(row[1]).name) for row in found]
    for one, row in zip(all_, found, strict=True):
        month = register[grid.field].kind.month_of(row[2]) if grid else None
        one.recent = month is None or month + RECENT >= now
    going = [one for one in all_ if one.state == flow.initial]
    for step in range(len(flow.states)):
        chosen: dict[str, list[Journey]] = defaultdict(list)
        for one in going:
            one.seen.add(one.state)
            way = choose(flow, one, slug, step)
            if way is not None:
                chosen[way.name].append(one)
        going = []
        for name, travellers in chosen.items():
            for start in range(0, len(travellers), BATCH):
                part = travellers[start : start + BATCH]
                going += move(platform, actor, register, name, part)
    return Counter(one.state for one in all_)


def choose(flow: Workflow, one: Journey, slug: str, step: int) -> Transition | None:
    """Return the step a record makes next, None where it stays."""
    source = source_of(slug, one.number, "step", step)
    ways = [way for way in flow.leaving(one.state) if is_plain(way) and way.target not in one.seen]
    onward = [way for way in ways if leads_on(flow, one.state, way)]
    aside = [way for way in ways if way not in onward]
    drawn = source.random() * (1 if one.recent else OLDER)
    if drawn < STAY or not ways:
        return None
    if aside and drawn < STAY + ASIDE:
        return source.choice(aside)
    if not onward or (leaves_use(flow, onward[0]) and source.random() > RETIRE):
        return None
    return onward[0] if source.random() < 0.9 else source.choice(onward)


def leads_on(flow: Workflow, state: str, way: Transition) -> bool:
    """Return whether a step brings a record nearer to its end: none that takes it back to where
    it is not handed in, and none that says why not."""
    if way.target in flow.begun:
        return False
    names = [one.name for one in flow.states]
    usual = [one for one in flow.leaving(state) if one.comment != "required" and is_plain(one)]
    if way.comment == "required":
        return not usual and names.index(way.target) > names.index(state) and way.name != RETURN
    return True


def is_plain(way: Transition) -> bool:
    """Return whether a step needs nobody but whoever makes it."""
    special = way.automatic or way.chosen or way.units or way.joint or way.opens or way.deadline
    return not special


def leaves_use(flow: Workflow, way: Transition) -> bool:
    """Return whether a step takes records out of use: what was open to changes is locked, and
    nothing follows but the way back."""
    target = flow.state(way.target)
    if target.final or not target.locked:
        return False
    following = [one for one in flow.leaving(way.target) if one.comment != "required"]
    return not following and not any(flow.state(name).locked for name in way.sources)


def move(
    platform: Platform, actor: Actor, register: Register, name: str, part: Sequence[Journey]
) -> list[Journey]:
    """Make a step of some records; return those that made it. What a step asks for is taken
    from the examples where a record does not have it."""
    moved: list[Journey] = []
    with platform.writing(actor) as work:
        published = work.published(register.slug)
        way = workflow.way_of(published, name)
        groups: dict[tuple[str, ...], list[Journey]] = defaultdict(list)
        by_id = {one.number: one for one in part}
        for row in rows.get_many(work.tx, published, list(by_id)):
            blank = tuple(n for n in way.require if row[n] in (None, ()))
            groups[blank].append(by_id[row["_id"]])
        for blank, travellers in groups.items():
            values = supplied(work, register, blank)
            if values is None:
                continue
            comment = f"{SAID}：{way.title}" if way.comment != "none" else ""
            order = Order(comment, values)
            ids = [one.number for one in travellers]
            _, refused = workflow.move_many(work, register.slug, ids, name, order)
            stayed = {verdict.row["_id"] for verdict in refused}
            moved += [one for one in travellers if one.number not in stayed]
    for one in moved:
        one.state = way.target
    return moved


def supplied(work: Work, register: Register, names: Sequence[str]) -> Mapping[str, Any] | None:
    """Return what fields that are still blank may hold: a file, or what examples say, times as
    of now; None where none says it, or it would be another record."""
    values: dict[str, Any] = {}
    for name in names:
        entry = register[name]
        if entry.kind.name == "attachment":
            file = stand_in(work, register.slug, name)
            values[name] = None if file is None else [file]
        else:
            values[name] = shown(entry, register, work.today)
        if values[name] is None:
            return None
    return values


def shown(entry: Field, register: Register, today: datetime.date) -> Any:
    """Return what the last of the examples has in a field, as it would be sent."""
    said = [e.record[entry.name] for e in register.examples if e.valid and e.record.get(entry.name)]
    if not said or entry.reference or entry.columns:
        return None
    value = entry.kind.reader().deserialize(said[-1])
    place = entry.kind.month_of(value)
    if place is not None:
        ahead = month_count(today.year, today.month) - place
        value = entry.kind.moved(value, ahead, today.year - place // 12)
        value = min(value, today) if type(value) is datetime.date else value
    return entry.kind.to_json(value)
