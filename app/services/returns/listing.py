"""Listing: units or rows by periods, totals, who is late, and what waits for somebody."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.definitions.periods import between, containing, first_day, following, ordinal
from app.services.returns.facts import (
    COLUMNS,
    HANDED_IN,
    MISSING,
    STATES,
    WAITING,
    Return,
    as_return,
    calendar_of,
    due,
    of_register,
    titles,
)
from app.services.returns.seeing import owned, visible
from app.services.returns.telling import URGE
from app.services.work import Work
from app.storage import models_returns as models
from app.storage.catalog import Published
from app.storage.rows import chunks

#: periods side by side where no year is chosen, lines of a page, units in the list of the late
SHOWN, PAGE, LATEST = 12, 50, 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked at: a year or the last periods, one state, one kind of unit, one unit."""

    year: int | None = None
    state: str = ""
    kind: str = ""
    unit: int | None = None
    page: int = 1
    size: int = PAGE


@dataclass(frozen=True, slots=True)
class Line:
    """A unit or row with its returns by period. ``heir`` is the unit that answers for a unit
    that is no more; ``unit`` the one that answers for a row."""

    subject: int
    title: str
    kind: str = ""
    heir: str = ""
    unit: str = ""
    cells: Mapping[str, Return] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Total:
    """How the returns of a period stand."""

    period: str
    states: Mapping[str, int]
    #: handed in after the due day
    late: int

    @property
    def owed(self) -> int:
        return sum(self.states.values())

    @property
    def handed_in(self) -> int:
        return sum(self.states.get(state, 0) for state in HANDED_IN)

    @property
    def missing(self) -> int:
        return sum(self.states.get(state, 0) for state in MISSING)


@dataclass(frozen=True, slots=True)
class Grid:
    """One page of the table of units, or rows, by periods."""

    periods: tuple[str, ...]
    lines: Sequence[Line]
    totals: Sequence[Total]
    count: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Chased:
    """A unit that is late: for how many returns, since when, how often it was urged."""

    unit: int | None
    title: str
    count: int
    since: datetime.date
    urged: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Returns of one register and period that wait for somebody: ``id`` is one of them."""

    slug: str
    register: str
    period: str
    every: str
    due_on: datetime.date
    state: str
    count: int
    id: int


def years(work: Work, slug: str) -> list[int]:
    """Return the years for which there are returns, the latest first."""
    query = sa.select(sa.func.min(due.c.period), sa.func.max(due.c.period))
    first, last = work.tx.execute(query.where(of_register(work.published(slug)))).one()
    return list(range(int(last[:4]), int(first[:4]) - 1, -1)) if first else []


def periods_shown(work: Work, published: Published, year: int | None) -> list[str]:
    """Return the periods of a year, or the last ones, as far as returns were made."""
    every = calendar_of(published).every
    query = sa.select(sa.func.min(due.c.period), sa.func.max(due.c.period))
    first, last = work.tx.execute(query.where(of_register(published))).one()
    if first is None:
        return []
    try:
        ordinal(every, first), ordinal(every, last)
    except ValueError:  # the calendar was another one before
        first = last = containing(every, work.today)
    found = list(between(every, max(first, following(every, last, -1200)), last))
    if year is None:
        return found[-SHOWN:]
    return [period for period in found if first_day(every, period).year == year]


def grid(work: Work, slug: str, wish: Wish) -> Grid:
    """Return one page of the table. Raises ``NoReturns``, ``NotAllowed``."""
    published = work.published(slug)
    seen = visible(work, published)
    periods = periods_shown(work, published, wish.year)
    where = sa.and_(seen, due.c.period.in_(periods))
    subjects, count, page, pages = _subjects(work, published, where, wish)
    cells = _cells(work, where, subjects)
    lines = _lines(work, published, subjects, cells)
    return Grid(tuple(periods), lines, _totals(work, where, periods), count, page, pages)


def _subjects(
    work: Work, published: Published, where: sa.ColumnElement[bool], wish: Wish
) -> tuple[list[int], int, int, int]:
    """Return the units or rows of a page, how many there are, its number, and how many pages."""
    if wish.state in STATES:
        where &= due.c.state == wish.state
    if wish.unit is not None:
        where &= due.c.unit_id == wish.unit
    if calendar_of(published).by.register:
        return _rows_of_page(work, published, where, wish)
    found = set(work.tx.scalars(sa.select(due.c.subject).where(where).distinct()))
    units = [work.tree.units[n] for n in found if n in work.tree.units]
    kinds = [unit for unit in units if not wish.kind or unit.kind == wish.kind]
    kinds.sort(key=lambda unit: (unit.position, unit.code))
    page, pages, first = _paged(len(kinds), wish)
    return [u.id for u in kinds[first : first + wish.size]], len(kinds), page, pages


def _rows_of_page(
    work: Work, published: Published, where: sa.ColumnElement[bool], wish: Wish
) -> tuple[list[int], int, int, int]:
    main = work.published(calendar_of(published).by.register).tables.main
    if wish.kind:
        units = [u.id for u in work.tree.units.values() if u.kind == wish.kind]
        where &= due.c.unit_id.in_(units)
    owing = main.c["_id"].in_(sa.select(due.c.subject).where(where))
    count = work.tx.scalar(sa.select(sa.func.count()).select_from(main).where(owing)) or 0
    page, pages, first = _paged(count, wish)
    query = sa.select(main.c["_id"]).where(owing).order_by(main.c["_label"], main.c["_id"])
    return list(work.tx.scalars(query.limit(wish.size).offset(first))), count, page, pages


def _paged(count: int, wish: Wish) -> tuple[int, int, int]:
    pages = max(1, -(-count // wish.size))
    page = min(max(1, wish.page), pages)
    return page, pages, (page - 1) * wish.size


def _cells(
    work: Work, where: sa.ColumnElement[bool], subjects: Sequence[int]
) -> dict[int, dict[str, Return]]:
    found: dict[int, dict[str, Return]] = {}
    for part in chunks(subjects):
        for row in work.tx.execute(sa.select(*COLUMNS).where(where, due.c.subject.in_(part))):
            one = as_return(row)
            found.setdefault(one.subject, {})[one.period] = one
    return found


def _lines(
    work: Work, published: Published, subjects: Sequence[int], cells: Mapping[int, Any]
) -> list[Line]:
    named, tree = titles(work, published, list(subjects)), work.tree
    rows = bool(calendar_of(published).by.register)
    lines = []
    for subject in subjects:
        mine = cells.get(subject, {})
        title = named.get(subject, f"#{subject}")
        if rows:
            unit = next((tree.title(one.unit) for one in mine.values() if one.unit), "")
            lines.append(Line(subject, title, unit=unit, cells=mine))
            continue
        heir = tree.heir(subject)
        name = tree.title(heir) if heir != subject else ""
        lines.append(Line(subject, title, tree[subject].kind, name, cells=mine))
    return lines


def _totals(work: Work, where: sa.ColumnElement[bool], periods: Sequence[str]) -> list[Total]:
    late = sa.func.sum(sa.case((due.c.late, 1), else_=0))
    query = sa.select(due.c.period, due.c.state, sa.func.count(), late).where(where)
    states: dict[str, dict[str, int]] = {period: {} for period in periods}
    lates: dict[str, int] = {}
    for period, state, count, behind in work.tx.execute(query.group_by(due.c.period, due.c.state)):
        states[period][state] = count
        lates[period] = lates.get(period, 0) + int(behind)
    return [Total(period, states[period], lates.get(period, 0)) for period in periods]


def chase(work: Work, slug: str) -> list[Chased]:
    """Return the units that are late, the longest first; at most ``LATEST``."""
    published = work.published(slug)
    seen = sa.and_(visible(work, published), due.c.state.in_(WAITING))
    seen &= due.c.due_on < work.today
    since = sa.func.min(due.c.due_on)
    query = sa.select(due.c.unit_id, sa.func.count(), since).where(seen).group_by(due.c.unit_id)
    found = work.tx.execute(query.order_by(since, due.c.unit_id).limit(LATEST)).all()
    event = models.return_event
    urged = sa.select(event.c.unit_id, sa.func.count(event.c.at.distinct())).where(
        event.c.slug == slug, event.c.action == URGE
    )
    times = {row[0]: row[1] for row in work.tx.execute(urged.group_by(event.c.unit_id))}
    return [
        Chased(unit, work.tree.title(unit), count, day, times.get(unit, 0))
        for unit, count, day in found
    ]


def entries(found: Grid, wish: Wish) -> list[tuple[Line, Return]]:
    """Return the returns of a page of the table one by one."""
    return [
        (line, line.cells[period])
        for line in found.lines
        for period in found.periods
        if period in line.cells and wish.state in ("", line.cells[period].state)
    ]


def told(work: Work, found: Return) -> list[tuple[datetime.datetime, str, str, str]]:
    """Return what was done about one return, the newest first: (at, who, action, reason)."""
    event = models.return_event
    to_unit = sa.and_(
        event.c.return_id.is_(None), event.c.unit_id == found.unit,
        event.c.period == found.period,
    )  # fmt: skip
    query = sa.select(event.c.at, event.c.who, event.c.action, event.c.reason).where(
        event.c.slug == found.slug, sa.or_(event.c.return_id == found.id, to_unit)
    )
    rows = work.tx.execute(query.order_by(event.c.id.desc()).limit(LATEST))
    return [(at, who, action, reason) for at, who, action, reason in rows]


def mine(work: Work) -> list[Waiting]:
    """Return what the person's units have to hand in, by due day: for the page everybody
    begins with. One query for each register with a calendar of returns."""
    found: list[Waiting] = []
    for entry in work.snapshot.entries.values():
        if not work.standing.roles or not work.register(entry.slug).period:
            continue
        published = work.published(entry.slug)
        spec = calendar_of(published)
        columns = (due.c.period, due.c.due_on, due.c.state)
        query = (
            sa.select(*columns, sa.func.count(), sa.func.min(due.c.id))
            .where(of_register(published), owned(work, published))
            .where(sa.or_(due.c.state.in_(WAITING), due.c.supplementing))
            .where(due.c.opens_on <= work.today)
            .group_by(*columns)
        )
        found += [
            Waiting(entry.slug, entry.title, period, spec.every, last, state, count, number)
            for period, last, state, count, number in work.tx.execute(query)
        ]
    return sorted(found, key=lambda one: (one.due_on, one.slug, one.period))
