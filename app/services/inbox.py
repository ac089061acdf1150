"""Inbox: what waits for somebody, by due date, in pages."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.services.tasks import KINDS, NEVER, Task, addresses, by_number, for_words, piles, seen
from app.services.work import Work
from app.storage.models_together import task as table

#: pieces of time, in the order in which they are shown
OVERDUE, TODAY, WEEK, LATER, UNDATED = PIECES = ("overdue", "today", "week", "later", "undated")
MINE, UNIT = "mine", "unit"
#: tasks on a page, the first unless another is chosen: a task stands in two lines
SIZES = (25, 50, 100)
SIZE = SIZES[0]
#: piles that are read apart and merged; of more than these all is sorted
PILES = 40
#: no more than the first so many are counted: a page must not cost what waits
COUNTED = 200
NO_KINDS: Mapping[str, int] = dict.fromkeys(KINDS, 0)


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
    #: there are more than ``total``, which is where the counting ended; ``pages`` and the last of
    #: ``pieces`` then only say that there is more
    more: bool = False
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
    found = piles(work, words)
    first = places(work, found, COUNTED + 1)
    more = len(first) > COUNTED
    registers, kinds = Counter(one.slug for one in first), Counter(one.kind for one in first)
    if more:
        # too much to be counted: the choices are those there may be, without their numbers
        registers, kinds = Counter(dict.fromkeys((s for _, s in found), 0)), Counter(NO_KINDS)
    if query.register:
        found = [(word, slug) for word, slug in found if slug == query.register]
    if more and (query.register or query.kind):
        first = places(work, found, COUNTED + 1, query.kind)
    kept = [
        one for one in first if query.register in ("", one.slug) and query.kind in ("", one.kind)
    ]
    endless, kept = len(kept) > COUNTED, kept[:COUNTED]
    pages = max(1, -(-len(kept) // query.size))
    page = max(query.page, 1) if endless else min(max(query.page, 1), pages)
    skipped = (page - 1) * query.size
    shown: Sequence[Place] = kept[skipped : skipped + query.size + 1]
    if endless and len(shown) <= query.size:
        # behind what is counted
        shown = places(work, found, query.size + 1, query.kind, skipped)
        if not shown:
            return waiting(work, replace(query, page=pages))
    if endless:
        pages = page + (len(shown) > query.size)
    tasks = by_number(work, [one.id for one in shown[: query.size]])
    days = Counter(one.ranked for one in kept)
    pieces = Counter[str]()
    for day, many in days.items():
        pieces[piece(None if day == NEVER else day, work.today)] += many
    return Page(tasks, page, pages, len(kept), endless, pieces, registers, kinds)


class Place(NamedTuple):
    """Where a task stands in the order of what waits."""

    id: int
    ranked: datetime.date
    slug: str
    kind: str


def places(
    work: Work,
    found: Sequence[tuple[str, str]],
    many: int,
    kind: str = "",
    skipped: int = 0,
) -> list[Place]:
    """Return what is due first in piles of tasks.

    Each pile lies in the index in the order of its days, so the first of each are read and
    merged: sorting all of it would cost what waits.
    """
    order = ("ranked", "id")
    kept = [table.c[name] for name in Place._fields]

    def of(words: Sequence[str], slugs: Sequence[str]) -> sa.Select[Any]:
        query = sa.select(*kept).where(for_words(words), seen(work, slugs))
        if kind:
            query = query.where(table.c.kind == kind)
        return query.order_by(*(table.c[name] for name in order)).limit(skipped + many)

    if len(found) <= PILES:
        parts = [sa.select(of([word], [slug]).subquery()) for word, slug in found]
    else:
        parts = [of([word for word, _ in found], sorted({slug for _, slug in found}))]
    if not parts:
        return []
    whole = (sa.union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
    last = sa.select(whole).order_by(*(whole.c[name] for name in order))
    return [Place(*row) for row in work.tx.execute(last.limit(many).offset(skipped))]
