"""The tree of units as it stood, stands, or will stand on a day.

A unit's row holds what it is after everything that was entered, also for later: a move or a
new name that takes effect next month is in the row already. For a day before that the events
after it are taken back, newest first; so no job has to run on the day itself.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.kinds import load_json
from app.storage import models_people as people

#: what an event may change of a unit → the attribute; the note holds (before, after)
CHANGED = {"title": "title", "parent": "parent", "kind": "kind"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the office. ``until`` is the first day on which it is no more."""

    id: int
    code: str
    title: str
    kind: str
    parent: int | None
    position: int
    since: datetime.date
    until: datetime.date | None
    merged_into: int | None
    slug: str | None
    record: int | None

    def is_valid(self, day: datetime.date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


class Tree:
    """All units there ever were, as of a day: what is merged later is not merged yet."""

    def __init__(self, units: Iterable[Unit] = (), day: datetime.date = datetime.date.max) -> None:
        self.day = day
        self.units: Mapping[int, Unit] = {unit.id: unit for unit in units}
        self.children: dict[int | None, list[Unit]] = {}
        self._heirs: dict[int, list[int]] = {}
        for unit in self.units.values():
            self.children.setdefault(unit.parent, []).append(unit)
            if (after := self._after(unit)) is not None:
                self._heirs.setdefault(after, []).append(unit.id)
        for below in self.children.values():
            below.sort(key=lambda unit: (unit.position, unit.code))

    def __getitem__(self, number: int) -> Unit:
        return self.units[number]

    def _after(self, unit: Unit) -> int | None:
        """Return the unit that answers for one from its end on, once that has come."""
        return unit.merged_into if unit.until is None or unit.until <= self.day else None

    def title(self, number: int | None) -> str:
        """Return a unit's name, ``""`` for none."""
        unit = self.units.get(number) if number is not None else None
        return unit.title if unit else ""

    def heir(self, number: int) -> int:
        """Return the unit that answers on the day for what was ``number``'s."""
        seen = {number}
        while (after := self._after(self.units[number])) is not None and after not in seen:
            number = after
            seen.add(number)
        return number

    def own(self, number: int) -> frozenset[int]:
        """Return the unit and every unit that was merged into it: whose rows it reads now."""
        return self._gather(number, below=False)

    def below(self, number: int) -> frozenset[int]:
        """Return the unit, all units below it, and what was merged into any of them."""
        return self._gather(number, below=True)

    def _gather(self, number: int, *, below: bool) -> frozenset[int]:
        found: set[int] = set()
        waiting = [number]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._heirs.get(one, ())
                if below:
                    waiting += [unit.id for unit in self.children.get(one, ())]
        return frozenset(found)

    def above(self, number: int) -> list[int]:
        """Return the units above one, nearest first."""
        found: list[int] = []
        parent = self.units[number].parent
        while parent is not None and parent not in found and parent != number:
            found.append(parent)
            parent = self.units[parent].parent
        return found

    def valid(self) -> list[Unit]:
        """Return the units in force on the day, each below its parent, by position."""
        found: list[Unit] = []
        waiting = list(reversed(self.children.get(None, ())))
        while waiting:
            unit = waiting.pop()
            if unit.is_valid(self.day):
                found.append(unit)
            waiting += reversed(self.children.get(unit.id, ()))
        return found


UNITS = sa.select(
    people.unit.c.id, people.unit.c.code, people.unit.c.title, people.unit.c.kind,
    people.unit.c.parent_id, people.unit.c.position, people.unit.c.valid_from,
    people.unit.c.valid_until, people.unit.c.merged_into, people.unit.c.slug,
    people.unit.c.record,
)  # fmt: skip


def read_unit(tx: sa.Connection, number: int) -> Unit | None:
    """Read one unit with everything that was entered of it, also for later."""
    row = tx.execute(UNITS.where(people.unit.c.id == number)).one_or_none()
    return None if row is None else Unit(*row)


def read_tree(tx: sa.Connection, day: datetime.date) -> Tree:
    """Read every unit there ever was, as of a day."""
    event = people.unit_event
    units = {row.id: Unit(*row) for row in tx.execute(UNITS.order_by(people.unit.c.id))}
    later = (
        sa.select(event.c.unit_id, event.c.note)
        .where(event.c.effective > day, event.c.action.in_(("renamed", "moved")))
        .order_by(event.c.effective.desc(), event.c.id.desc())
    )
    for number, note in tx.execute(later):
        units[number] = taken_back(units[number], load_json(note))
    return Tree(units.values(), day)


def taken_back(unit: Unit, note: Mapping[str, Any]) -> Unit:
    """Return a unit as it was before the event whose note this is."""
    before = {name: note[key][0] for key, name in CHANGED.items() if key in note}
    return replace(unit, **before)
