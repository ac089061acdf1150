"""Carrying: what a new record takes over from the record of the period before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.definitions.periods import EXAMPLE, following, is_period
from app.errors import AppError
from app.services import access, history
from app.services.reading import get as get_record
from app.services.returns.facts import WAITING, calendar_of, due, of_register
from app.services.returns.owing import Matching
from app.services.returns.seeing import owned, sees_all
from app.services.work import Work
from app.storage import models, rows
from app.storage.catalog import Published

#: an entry of a record's history: it took over values of another
CARRY = "carry"


@dataclass(frozen=True, slots=True)
class Carried:
    """What a new record begins with: the return it is for, and the values taken over."""

    period: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    #: the fields of ``values`` that come from the last period
    names: frozenset[str] = frozenset()
    record: int | None = None


NOTHING = Carried()


def carry(work: Work, slug: str, values: Mapping[str, Any]) -> Carried:
    """Return what a new record begins with. ``values`` are those that are known already: the
    period and whose return it is; else the return that is due first is meant."""
    published = work.published(slug)
    if published.register.period is None:
        return NOTHING
    matching = Matching(work, published)
    spec, known = matching.spec, dict(values)
    if known.get(spec.field) is None:
        known |= _due_first(work, published, matching, known)
    pair = matching.pair(known)
    begun = {n: known[n] for n in (spec.field, spec.by.field) if n and known.get(n) is not None}
    if pair is None or not spec.carry:
        return Carried(str(known.get(spec.field) or ""), begun)
    before = (following(spec.every, pair[0], -1), pair[1])
    earlier = _record_of(work, matching, before)
    if earlier is None:
        return Carried(pair[0], begun)
    allowed = access.of(work, slug).changeable("create", None)
    taken = {
        name: earlier[1][name]
        for name in spec.carry
        if earlier[1].get(name) is not None and (allowed is None or name in allowed)
    }
    return Carried(pair[0], begun | taken, frozenset(taken), earlier[0])


def _due_first(
    work: Work, published: Published, matching: Matching, known: Mapping[str, Any]
) -> dict[str, Any]:
    """Return period and owner of the return that is waited for first: the person's own, or that
    of whom ``known`` names."""
    by = matching.spec.by
    query = sa.select(due.c.period, due.c.subject).where(
        of_register(published),
        due.c.state.in_(WAITING),
        due.c.opens_on <= work.today,
        due.c.record.is_(None),
    )
    subject = matching.pair({**known, matching.spec.field: _some_period(matching)})
    if by.field and known.get(by.field) is not None and subject is not None:
        query = query.where(due.c.subject == subject[1])
    elif work.standing.everything or sees_all(work, published.slug):
        return {}
    else:
        query = query.where(owned(work, published))
    row = work.tx.execute(query.order_by(due.c.due_on, due.c.period, due.c.subject)).first()
    if row is None:
        return {}
    found = {matching.spec.field: matching.spec.stored(row[0])}
    return found | matching.owner(row[1])


def _some_period(matching: Matching) -> str | int:
    return matching.spec.stored(EXAMPLE[matching.spec.every])


def _record_of(
    work: Work, matching: Matching, pair: tuple[str, int]
) -> tuple[int, Mapping[str, Any]] | None:
    """Return the record that was handed in for a return, as far as the person may see it."""
    published = matching.published
    if not is_period(matching.spec.every, pair[0]):
        return None
    number = work.tx.scalar(
        sa.select(due.c.record).where(
            of_register(published), due.c.period == pair[0], due.c.subject == pair[1]
        )
    )
    if number is None:
        number = _entered(work, matching, pair)
    if number is None:
        return None
    try:
        return number, get_record(work, published.slug, number).values
    except AppError:
        return None


def _entered(work: Work, matching: Matching, pair: tuple[str, int]) -> int | None:
    """Return a record of a period from before there were returns."""
    main, spec = matching.main, matching.spec
    where = [main.c[spec.field] == spec.stored(pair[0]), main.c["_deleted_at"].is_(None)]
    owner = matching.owner(pair[1]) or {"_unit": pair[1]}
    where += [main.c[name] == value for name, value in owner.items()]
    return work.tx.scalar(sa.select(sa.func.min(main.c["_id"])).where(*where))


def note_carried(work: Work, slug: str, record: int) -> None:
    """Keep in a new record's history what it took over and still has as it was."""
    published = work.published(slug)
    if published.register.period is None or not published.register.period.carry:
        return
    row = rows.get(work.tx, published, record)
    if row is None or row["_version"] != 1 or _is_noted(work, slug, record):
        return
    from_last = carry(work, slug, row)
    same = [name for name in from_last.names if row.get(name) == from_last.values[name]]
    if same:
        names = [name for name in calendar_of(published).carry if name in same]
        note = {"carried": names, "record": from_last.record}
        revision = row["_revision"]
        line = history.entry(work, slug, record, 1, revision, CARRY, note=note)
        history.append(work, [line])


def _is_noted(work: Work, slug: str, record: int) -> bool:
    """Return whether it stands in the history already: a form may be sent twice."""
    table = models.history
    query = sa.select(table.c.id).where(
        table.c.slug == slug, table.c.record == record, table.c.action == CARRY
    )
    return work.tx.scalar(query.limit(1)) is not None


__all__ = ["CARRY", "NOTHING", "Carried", "carry", "note_carried"]
