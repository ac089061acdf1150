"""Inbox: what waits for somebody, by due date, in pages."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.services.tasks import KINDS, NEVER, Task, addresses, as_task, waits
from app.services.work import Work
from app.storage.models_together import task as table

#: pieces of time, in the order in which they are shown
OVERDUE, TODAY, WEEK, LATER, UNDATED = PIECES = ("overdue", "today", "week", "later", "undated")
MINE, UNIT = "mine", "unit"
SIZE = 50


@dataclass(frozen=True, slots=True)
class Query:
    """What of it is wanted. ``whose``: ``mine``, ``unit``, or both where empty."""

    register: str = ""
    kind: str = ""
    whose: str = ""
    page: int = 1
    size: int = SIZE


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what waits: the overdue first, then by due date, what has none last."""

    tasks: tuple[Task, ...]
    page: int
    pages: int
    total: int
    #: how many there are of each piece of time, register and kind
    pieces: Mapping[str, int] = field(default_factory=dict)
    registers: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)


def piece(day: datetime.date | None, today: datetime.date) -> str:
    """Return which piece of time a due date lies in; a week ends with its Sunday."""
    if day is None:
        return UNDATED
    if day <= today:
        return TODAY if day == today else OVERDUE
    return WEEK if day <= sunday(today) else LATER


def sunday(day: datetime.date) -> datetime.date:
    return day + datetime.timedelta(days=6 - day.weekday())


def words_of(work: Work, whose: str) -> tuple[str, ...]:
    """Return the addressees asked for."""
    words, own = addresses(work.standing), f"a:{work.standing.account}"
    if whose == MINE:
        return tuple(w for w in words if w == own)
    return tuple(w for w in words if w != own) if whose == UNIT else words


def waiting(work: Work, query: Query) -> Page:
    """Return a page of what waits for who asks, of records they may see."""
    words = words_of(work, query.whose)
    if not words or query.kind not in ("", *KINDS):
        return Page((), 1, 1, 0)
    where = waits(work, words)
    counts = counted(work, where)
    kept = {place: n for place, n in counts.items() if wanted(query, place)}
    total = sum(kept.values())
    pages = max(1, -(-total // query.size))
    page = min(max(query.page, 1), pages)
    if query.register:
        where = sa.and_(where, table.c.slug == query.register)
    if query.kind:
        where = sa.and_(where, table.c.kind == query.kind)
    found = sa.select(table).where(where).order_by(table.c.ranked, table.c.id)
    found = found.limit(query.size).offset((page - 1) * query.size)
    tasks = tuple(as_task(row) for row in work.tx.execute(found).mappings())
    registers, kinds, pieces = Counter[str](), Counter[str](), Counter[str]()
    for (slug, kind, _piece), n in counts.items():
        registers[slug] += n
        kinds[kind] += n
    for (_slug, _kind, name), n in kept.items():
        pieces[name] += n
    return Page(tasks, page, pages, total, pieces, registers, kinds)


def wanted(query: Query, place: tuple[str, str, str]) -> bool:
    return query.register in ("", place[0]) and query.kind in ("", place[1])


def counted(work: Work, where: sa.ColumnElement[bool]) -> dict[tuple[str, str, str], int]:
    """Return how many wait, by (register, kind, piece of time)."""
    today = work.today
    piece_of = sa.case(
        (table.c.ranked < today, OVERDUE),
        (table.c.ranked == today, TODAY),
        (table.c.ranked <= sunday(today), WEEK),
        (table.c.ranked < NEVER, LATER),
        else_=UNDATED,
    ).label("piece")
    columns = (table.c.slug, table.c.kind, piece_of)
    query = sa.select(*columns, sa.func.count()).where(where)
    query = query.group_by(table.c.slug, table.c.kind, sa.literal_column("piece"))
    return {(slug, kind, name): n for slug, kind, name, n in work.tx.execute(query)}
