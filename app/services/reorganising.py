"""Merging and splitting units, and what a reorganisation touches before it is done.

The rows keep the unit that entered them ("as then"); the unit that answers from the day on reads
them as its own ("as now"). Posts stay where they are and are held in the answering unit.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import units
from app.services.standing import valid_on
from app.services.tree import Tree, read_tree
from app.services.units import Facts
from app.services.work import Work
from app.storage import models_people as tables


class NothingToMerge(AppError):
    code = "unit.nothing_to_merge"
    text = "Choose at least one unit to merge, and another that it becomes part of."


class NothingToSplit(AppError):
    code = "unit.nothing_to_split"
    text = "Enter at least two units that come out of the split, or one where the old unit stays."


class HeirUnknown(AppError):
    code = "unit.heir_unknown"
    text = "{code} is none of the units that come out of the split: say which one answers."


@dataclass(frozen=True, slots=True)
class Touched:
    """What a reorganisation touches: posts, pairings, units below, records per register."""

    posts: int
    pairings: int
    below: tuple[str, ...]
    records: tuple[tuple[str, int], ...]


def touched(work: Work, numbers: Sequence[int], day: datetime.date) -> Touched:
    """Return what stands in units on a day: what changing them reaches."""
    standing = read_tree(work.tx, day)
    reached = sorted({u for number in numbers for u in standing.own(number)})
    below = [
        unit.title
        for number in numbers
        for unit in standing.children.get(number, ())
        if unit.is_valid(day)
    ]
    return Touched(
        _count(work, tables.post, reached, day),
        _count(work, tables.pairing, reached, day),
        tuple(below),
        tuple(_records(work, reached)),
    )


def _count(work: Work, table: sa.Table, reached: Sequence[int], day: datetime.date) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return work.tx.scalar(query.where(table.c.unit_id.in_(reached), valid_on(table, day))) or 0


def _records(work: Work, reached: Sequence[int]) -> list[tuple[str, int]]:
    """Return (register's title, number of records) of the registers that hold any."""
    found = []
    for slug in work.snapshot.entries:
        published = work.published(slug)
        main = published.tables.main
        query = sa.select(sa.func.count()).select_from(main)
        mine = main.c["_unit"].in_(reached), main.c["_deleted_at"].is_(None)
        count = work.tx.scalar(query.where(*mine)) or 0
        if count:
            found.append((published.register.title, count))
    return found


def merge(
    work: Work, numbers: Sequence[int], heir: int, effective: datetime.date, reason: str = ""
) -> None:
    """Let units end on a day and become part of ``heir``, with all that stands below them.

    Raises ``UnitRefused``, ``NothingToMerge``.
    """
    merged = list(dict.fromkeys(numbers))
    if not merged or heir in merged:
        raise NothingToMerge()
    receiving = units.changing(work, heir, effective)
    rescue(work, merged, heir, effective, reason)
    note = {"from": merged, "reason": reason}
    for number in merged:
        units.changing(work, number, effective)
        adopt(work, number, heir, effective, reason, merged)
    for number in merged:
        unit = units.changing(work, number, effective)
        told = {"into": [receiving.id], "reason": reason}
        units.close(work, unit, effective, units.MERGED, told, heir)
    units.add_event(work, heir, units.RECEIVED, effective, note)
    units.check_shape(work, effective)


def rescue(
    work: Work, merged: Sequence[int], heir: int, effective: datetime.date, reason: str
) -> None:
    """Lift ``heir`` out from under what is merged into it."""
    standing = read_tree(work.tx, effective)
    above = standing.above(heir)
    if set(above) & set(merged):
        top = max(above.index(number) for number in merged if number in above)
        units.move(work, heir, standing[above[top]].parent, effective, reason)


def adopt(
    work: Work, number: int, heir: int, effective: datetime.date, reason: str,
    ending: Sequence[int],
) -> None:  # fmt: skip
    """Put the units below one under its heir; those that end themselves stay."""
    standing: Tree = read_tree(work.tx, effective)
    for child in standing.children.get(number, ()):
        if child.id not in ending and (child.until is None or child.until > effective):
            units.move(work, child.id, heir, max(effective, child.since), reason)


def split(
    work: Work, number: int, parts: Sequence[Facts], heir: str, effective: datetime.date,
    reason: str = "",
) -> list[int]:  # fmt: skip
    """Let new units come out of one on a day; return their ids.

    ``heir`` is the code of the part that answers for what was the old unit's; with the old
    unit's own code that unit stays and goes on answering.

    Raises ``UnitRefused``, ``NothingToSplit``, ``HeirUnknown``.
    """
    unit = units.changing(work, number, effective)
    stays = heir == unit.code
    if len(parts) < (1 if stays else 2):
        raise NothingToSplit()
    if not stays and heir not in {part.code for part in parts}:
        raise HeirUnknown(code=heir)
    made = [
        units.found(work, replace(part, parent=unit.parent, since=effective), reason)
        for part in parts
    ]
    told: dict[str, Any] = {"into": made, "reason": reason}
    if stays:
        units.add_event(work, number, units.SPLIT, effective, told)
        return made
    answering = made[[part.code for part in parts].index(heir)]
    adopt(work, number, answering, effective, reason, (number,))
    told["heir"] = answering
    unit = units.changing(work, number, effective)
    units.close(work, unit, effective, units.SPLIT, told, answering)
    units.check_shape(work, effective)
    return made
