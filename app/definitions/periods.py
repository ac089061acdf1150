"""Periods: months, quarters, half-years and years as a return names them, and when it is due.

A period is the text a record holds: ``2026-03``, ``2026Q1``, ``2026H1``, ``2026``. Pure
arithmetic; which days are worked is handed in.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.definitions.register import Condition
from app.definitions.workdays import WorkCalendar
from app.kinds.calendars import FIRST_YEAR, LAST_YEAR
from app.kinds.wording import word

MONTH, QUARTER, HALF, YEAR = "month", "quarter", "half-year", "year"
#: how often → how many a year
PER_YEAR = {MONTH: 12, QUARTER: 4, HALF: 2, YEAR: 1}
#: how often → the kinds of field that hold such a period
HELD_BY = {MONTH: ("month",), QUARTER: ("quarter",), HALF: ("text", "choice"), YEAR: ("year",)}
#: how often → how its text is written
WRITTEN = {
    MONTH: re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII),
    QUARTER: re.compile(r"([0-9]{4})Q([1-4])", re.ASCII),
    HALF: re.compile(r"([0-9]{4})H([12])", re.ASCII),
    YEAR: re.compile(r"([0-9]{4})()", re.ASCII),
}
EXAMPLE = {MONTH: "2026-01", QUARTER: "2026Q1", HALF: "2026H1", YEAR: "2026"}


@dataclass(frozen=True, slots=True)
class Deadline:
    """A day after a period: the ``day``-th day, or working day, of the month that is
    ``offset`` months after the period's last one."""

    day: int
    working: bool = False
    offset: int = 1


@dataclass(frozen=True, slots=True)
class Owing:
    """Who owes a return: units, by kind and role, or every row of another register.

    ``field`` is the field of a record that says whose return it is: for rows the reference to
    the row, for units a text with the unit's code or a reference to the record that stands for
    it, ``""`` for the unit that entered the record.
    """

    field: str = ""
    roles: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    register: str = ""
    where: tuple[Condition, ...] = ()
    #: the field of a row that says which unit answers for it; ``""`` for the unit it belongs to
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Periods:
    """The calendar of returns of a register."""

    every: str
    field: str
    by: Owing
    opens: Deadline
    due: Deadline
    #: working days before the due day on which it is said again, the earliest first
    remind: tuple[int, ...] = ()
    late: bool = True
    #: days after the due day on which the period closes; None: never
    lock: int | None = None
    supplement: bool = False
    nil: bool = False
    carry: tuple[str, ...] = ()
    first: str = ""

    def __str__(self) -> str:
        """Return the calendar in few words, for a plan of changes."""
        who = self.by.register or "、".join((*self.by.kinds, *self.by.roles)) or "units"
        day = f"{self.due.day}{'w' if self.due.working else ''}+{self.due.offset}"
        return f"{self.every} ({self.field}; {who}; {day})"

    def opens_on(self, period: str, days: WorkCalendar) -> datetime.date:
        """Return the day from which a return may be handed in."""
        return on(self.opens, last_day(self.every, period), days)

    def due_on(self, period: str, days: WorkCalendar) -> datetime.date:
        """Return the last day for a return; a day that is not worked gives way to the next
        one that is (民法典 第二百零三条)."""
        return days.next_working_day(on(self.due, last_day(self.every, period), days))

    def locks_on(self, due: datetime.date) -> datetime.date | None:
        """Return the last day before the return closes."""
        return None if self.lock is None else due + datetime.timedelta(days=self.lock)

    def stored(self, period: str) -> str | int:
        """Return a period as the register's field keeps it."""
        return int(period) if self.every == YEAR else period

    def begun(self, today: datetime.date, days: WorkCalendar) -> str:
        """Return the last period whose returns are open on ``today``."""
        at = following(self.every, containing(self.every, today), 1)
        while self.opens_on(at, days) > today:
            at = following(self.every, at, -1)
        return at


def is_period(every: str, text: object) -> bool:
    """Return whether ``text`` names a period between the years a register may speak of."""
    found = WRITTEN[every].fullmatch(text) if isinstance(text, str) else None
    return found is not None and FIRST_YEAR <= int(found[1]) <= LAST_YEAR


def ordinal(every: str, period: str) -> int:
    """Return the place of a period among all of its kind."""
    found = WRITTEN[every].fullmatch(period)
    if found is None:
        raise ValueError(period)
    return int(found[1]) * PER_YEAR[every] + int(found[2] or 1) - 1


def named(every: str, place: int) -> str:
    """Return the period at a place: ``ordinal`` undone."""
    year, part = divmod(place, PER_YEAR[every])
    if every == MONTH:
        return f"{year:04d}-{part + 1:02d}"
    sign = {QUARTER: "Q", HALF: "H"}.get(every)
    return f"{year:04d}{sign}{part + 1}" if sign else f"{year:04d}"


def following(every: str, period: str, steps: int = 1) -> str:
    """Return the period ``steps`` later, earlier when negative."""
    return named(every, ordinal(every, period) + steps)


def between(every: str, first: str, last: str) -> Iterator[str]:
    """Give the periods from ``first`` to ``last``, both included."""
    for place in range(ordinal(every, first), ordinal(every, last) + 1):
        yield named(every, place)


def containing(every: str, day: datetime.date) -> str:
    """Return the period a day lies in."""
    per = PER_YEAR[every]
    return named(every, day.year * per + (day.month - 1) * per // 12)


def first_day(every: str, period: str) -> datetime.date:
    year, part = divmod(ordinal(every, period), PER_YEAR[every])
    return datetime.date(year, part * (12 // PER_YEAR[every]) + 1, 1)


def last_day(every: str, period: str) -> datetime.date:
    first = first_day(every, period)
    month = first.month + 12 // PER_YEAR[every] - 1
    return first.replace(month=month, day=calendar.monthrange(first.year, month)[1])


def on(deadline: Deadline, last: datetime.date, days: WorkCalendar) -> datetime.date:
    """Return the day a deadline means, for a period that ends on ``last``; a month that has
    no such day has it on its last one."""
    year, month = divmod(last.year * 12 + last.month - 1 + deadline.offset, 12)
    length = calendar.monthrange(year, month + 1)[1]
    if not deadline.working:
        return datetime.date(year, month + 1, min(deadline.day, length))
    before = datetime.date(year, month + 1, 1) - datetime.timedelta(days=1)
    there = days.add_working_days(before, deadline.day)
    return min(there, datetime.date(year, month + 1, length))


def label(every: str, period: str) -> str:
    """Return a period as people read it, in the language of the moment."""
    year, part = divmod(ordinal(every, period), PER_YEAR[every])
    key = f"{every}-{part + 1}" if every == HALF else every
    return word(key).format(year=f"{year:04d}", part=part + 1)
