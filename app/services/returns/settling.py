"""Settling: a record of a period hands its return in, its deletion opens it again; of a period
that is closed nothing is written.

Called by whoever writes records, with many rows at once: a few statements for a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import Transition
from app.definitions.gate import Judgement, Values
from app.errors import Problem, because
from app.services.returns.facts import (
    CLOSED,
    EXCUSED,
    HANDED_IN,
    LATE,
    NIL,
    OPEN,
    SUBMITTED,
    SUPPLEMENTED,
    WAITING,
    PeriodClosed,
    calendar_of,
    due,
    of_register,
    shown,
    titles,
)
from app.services.returns.owing import Matching, Pair
from app.services.work import Work
from app.storage.catalog import Published
from app.storage.points import among
from app.storage.rows import CHUNK, chunks

CODE = "period.closed"
#: whose return it is names no record the person sees: nothing is said of it
UNSEEN = "reference.missing"
SUPPLEMENT = (
    "{period} is closed for {subject}. Hand in a supplementary return with its reason on the page "
    "of returns, or ask the reviewing office to reopen it."
)
REOPEN = "{period} is closed for {subject}. Ask the reviewing office to reopen it."

Row = Mapping[str, Any] | None


# ── closed periods


def note_closed(
    work: Work,
    published: Published,
    read: Sequence[tuple[int | None, Values, list[Problem], Values | None]],
    verdicts: Sequence[Judgement],
) -> None:
    """Add a problem to every new or changed record whose period is closed, before or after."""
    if published.register.period is None:
        return
    matching = Matching(work, published)
    units = _units_of(work, matching, [number for number, *_ in read])
    touched: list[tuple[Judgement, set[Pair]]] = []
    for (number, _, _, old), verdict in zip(read, verdicts, strict=True):
        if old is not None and not verdict.changed:
            continue
        system = {} if number is None else {"_id": number, "_unit": units.get(number)}
        if any(p.code == UNSEEN and p.name == matching.spec.by.field for p in verdict.problems):
            continue
        states = [verdict.values, *([old] if old is not None else [])]
        pairs = {p for values in states if (p := matching.pair({**values, **system}))}
        touched.append((verdict, pairs))
    closed = _closed(work, published, {pair for _, pairs in touched for pair in pairs})
    if not closed:
        return
    for verdict, pairs in touched:
        for pair in sorted(pairs & closed.keys()):
            verdict.problems.append(closed[pair])


def require_open(work: Work, published: Published, row: Mapping[str, Any]) -> None:
    """Raise ``PeriodClosed`` when a stored row belongs to a period that is closed."""
    if published.register.period is None:
        return
    pair = Matching(work, published).pair(row)
    found = _closed(work, published, {pair} if pair else set())
    for problem in found.values():
        raise PeriodClosed(reason=because(problem.text, **problem.values))


def closed_to(
    work: Work, published: Published, found: Sequence[Mapping[str, Any]], way: Transition
) -> dict[int, Problem]:
    """Return for each stored row that a transition would hand in, or take back, in a period that
    is closed why it stays."""
    flow = published.register.workflow
    if published.register.period is None or flow is None or not flow.hands(way):
        return {}
    matching = Matching(work, published)
    begun, target = matching.begun, way.target in matching.begun
    crossing = [row for row in found if (flow.state(row["_state"]).name in begun) != target]
    pairs = {row["_id"]: pair for row in crossing if (pair := matching.pair(row)) is not None}
    closed = _closed(work, published, set(pairs.values()))
    return {number: closed[pair] for number, pair in pairs.items() if pair in closed}


def _units_of(work: Work, matching: Matching, numbers: Sequence[int | None]) -> dict[int, int]:
    """Return the unit of stored rows, where the unit says whose return a record is."""
    wanted = [number for number in numbers if number is not None]
    if not matching.by_unit or not wanted:
        return {}
    main, found = matching.main, {}
    for part in chunks(wanted):
        query = sa.select(main.c["_id"], main.c["_unit"]).where(main.c["_id"].in_(part))
        found.update({row[0]: row[1] for row in work.tx.execute(query)})
    return found


def _closed(work: Work, published: Published, pairs: set[Pair]) -> dict[Pair, Problem]:
    """Return those of ``pairs`` that are closed, each with its sentence."""
    found: dict[Pair, str] = {}
    for periods, subjects in _parts(pairs):
        query = sa.select(due.c.period, due.c.subject, due.c.state).where(
            of_register(published), due.c.period.in_(periods),
            among(work.tx, due.c.subject, subjects),
            due.c.closed_at.is_not(None), due.c.supplementing.is_(sa.false()),
        )  # fmt: skip
        for period, subject, state in work.tx.execute(query):
            if (period, subject) in pairs:
                found[period, subject] = state
    if not found:
        return {}
    spec = calendar_of(published)
    named = titles(work, published, sorted({subject for _, subject in found}))
    problems = {}
    for (period, subject), state in found.items():
        text = SUPPLEMENT if spec.supplement and state == CLOSED else REOPEN
        facts = {"period": shown(published, period), "subject": named.get(subject, f"#{subject}")}
        problems[period, subject] = Problem(f"/{spec.field}", CODE, text, facts)
    return problems


def _parts(pairs: Iterable[Pair]) -> Iterable[tuple[list[str], list[int]]]:
    """Give periods and subjects short enough for one statement; it may mean a few more pairs."""
    subjects = sorted({subject for _, subject in pairs})
    for part in chunks(subjects, CHUNK * 2):
        among = set(part)
        yield sorted({period for period, subject in pairs if subject in among}), part


# ── what a record does to its return


def settle(work: Work, published: Published, rows: Iterable[Row]) -> None:
    """Bring the returns that ``rows`` belong, or belonged, to in step with what is stored."""
    if published.register.period is None:
        return
    matching = Matching(work, published)
    touched = matching.touched(matching.pairs(row for row in rows if row is not None))
    for periods, subjects in _parts(touched):
        where = sa.and_(
            of_register(published),
            due.c.period.in_(periods),
            among(work.tx, due.c.subject, subjects),
        )
        bring_in_step(work, matching, where)


def settle_moved(work: Work, published: Published, moved: Iterable[tuple[Row, Row]]) -> None:
    """Settle what (row before, row after) moved from one return to another."""
    if published.register.period is None:
        return
    matching = Matching(work, published)
    pair = matching.pair
    apart = [both for both in moved if len({pair(row) for row in both if row is not None}) > 1]
    settle(work, published, [row for both in apart for row in both])


def bring_in_step(work: Work, matching: Matching, where: sa.ColumnElement[bool]) -> None:
    """Bring returns in step with the records there are."""
    take_back(work, matching, where)
    hand_in(work, matching, where)
    note_begun(work, matching, where)


def note_begun(work: Work, matching: Matching, where: sa.ColumnElement[bool]) -> None:
    """Note with the returns that wait which record was begun for each: it is gone on with, and
    no second one is entered."""
    if not matching.begun:
        return
    first = sa.select(sa.func.min(matching.main.c["_id"])).where(matching.belongs())
    begun = first.scalar_subquery()
    waiting = due.c.state.in_((*WAITING, CLOSED))
    other = due.c.record.is_distinct_from(begun)
    work.tx.execute(due.update().where(where, waiting, other).values(record=begun))


def take_back(work: Work, matching: Matching, where: sa.ColumnElement[bool]) -> None:
    """Open the returns whose record is no longer there, or is another's now."""
    there = sa.exists().where(matching.main.c["_id"] == due.c.record, matching.handed())
    overdue = due.c.due_on < work.today if matching.spec.late else sa.false()
    work.tx.execute(
        due.update()
        .where(where, due.c.state.in_(HANDED_IN), ~there)
        .values(
            state=sa.case((due.c.closed_at.is_not(None), CLOSED), (overdue, LATE), else_=OPEN),
            record=None, submitted_at=None, submitted_by=None, late=sa.false(),
        )
    )  # fmt: skip


def hand_in(work: Work, matching: Matching, where: sa.ColumnElement[bool]) -> None:
    """Mark the returns for which there is a record now."""
    first = sa.select(sa.func.min(matching.main.c["_id"])).where(matching.handed())
    ready = sa.or_(due.c.closed_at.is_(None), due.c.supplementing)
    work.tx.execute(
        due.update()
        .where(where, due.c.state.in_((*WAITING, NIL, EXCUSED, CLOSED)), ready)
        .where(sa.exists().where(matching.handed()))
        .values(
            record=first.scalar_subquery(),
            state=sa.case((due.c.supplementing, SUPPLEMENTED), else_=SUBMITTED),
            late=sa.case((due.c.due_on < work.today, sa.true()), else_=sa.false()),
            supplementing=sa.false(), submitted_at=work.now, submitted_by=work.actor.name,
        )
    )  # fmt: skip
