"""Workflow: the steps that are possible for somebody, one of them made, many of them made.

Every function works inside the caller's unit of work, as those of ``records`` do. A transition
and all that follows from it are one: right, state, version, guard and required fields are looked
at after the register is held, so that of two reviewers exactly one wins.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import Transition
from app.errors import AppError, Problem
from app.services import access, lists, records, states
from app.services.carrying import carry_out
from app.services.deciding import DENIED, MISSING, decide
from app.services.moves import Order, Row, Verdict
from app.services.reading import Record, get, visible_row
from app.services.standing import EVERYTHING
from app.services.work import Actor, Platform, Work
from app.storage import rows
from app.storage.catalog import Published
from app.storage.models_workflow import deadline

#: records that one bulk transition takes
MOST = 5000
#: who makes a step that time makes
SYSTEM = Actor(None, "background job", "job", standing=EVERYTHING)


class TransitionRefused(AppError):
    """The record does not stand where the step begins, or something stands against it."""

    code = "workflow.refused"
    status = 409
    text = "“{title}” was not carried out: {reason}"


class TransitionDenied(TransitionRefused):
    code = "workflow.denied"
    status = 403


class TransitionIncomplete(TransitionRefused):
    """What belongs to the step is still to be entered; ``problems`` say what, each at its field."""

    code = "workflow.incomplete"
    status = 422


class NoWorkflow(AppError):
    code = "workflow.none"
    status = 404
    text = "{register} has no step {name}."


class TooMany(AppError):
    code = "workflow.too_many"
    text = "{count} records are too many for one step; at most {most} go together. Filter the list."


@dataclass(frozen=True, slots=True)
class Possible:
    """A transition somebody may make, and what stands against it now (nothing: it is open)."""

    transition: Transition
    reasons: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a bulk transition would do: to these rows, and not to those, for these reasons."""

    transition: Transition
    allowed: tuple[Record, ...]
    refused: tuple[tuple[Record, tuple[Problem, ...]], ...]


def way_of(published: Published, name: str) -> Transition:
    """Return a transition by its name. Raises ``NoWorkflow``."""
    flow = published.register.workflow
    found = flow.transition(name) if flow else None
    if found is None:
        raise NoWorkflow(register=published.register.title, name=name[:60])
    return found


def transitions_of(work: Work, slug: str, row: Row) -> list[Possible]:
    """Return the steps from where a stored row stands that are this person's to make, in the
    order of the definition, with what stands against each in words. What is still to be entered
    with a step (comment, fields, units) does not count: the step asks for it."""
    return transitions_of_many(work, slug, [row])[row["_id"]]


def transitions_of_many(work: Work, slug: str, found: Iterable[Row]) -> dict[int, list[Possible]]:
    """Return the steps of many stored rows at once, see ``transitions_of``."""
    published = work.published(slug)
    flow = published.register.workflow
    standing: dict[str, list[Row]] = {}
    possible: dict[int, list[Possible]] = {}
    for row in found:
        possible[row["_id"]] = []
        if flow is not None and row.get("_deleted_at") is None:
            standing.setdefault(states.name_of(flow, row), []).append(row)
    for state, alike in standing.items():
        for way in flow.leaving(state) if flow else ():
            asked = {f"/{name}" for name in (*way.require, "comment", "units")}
            for verdict in decide(work, published, alike, way, Order()):
                if not any(p.code == DENIED for p in verdict.problems):
                    reasons = [
                        p for p in verdict.problems if p.code != MISSING and p.at not in asked
                    ]
                    possible[verdict.row["_id"]].append(Possible(way, tuple(reasons)))
    return possible


def of_record(work: Work, slug: str, record: int) -> list[Possible]:
    """Return the steps of a record, see ``transitions_of``."""
    return transitions_of(work, slug, visible_row(work, work.published(slug), record))


def move(
    work: Work,
    slug: str,
    record: int,
    version: int | None,
    transition: str,
    comment: str = "",
    values: Mapping[str, Any] | None = None,
    units: Sequence[int] = (),
) -> Record:
    """Make a transition of one record. ``version`` is the one the person decided on; None where
    nobody looked at it, as on the command line.

    Raises:
        RecordMoved: somebody saved or moved the record meanwhile.
        TransitionRefused: with every reason in ``problems``; its kinds tell what the web answers.
    """
    work.hold(slug)
    published = work.published(slug)
    way = way_of(published, transition)
    row = visible_row(work, published, record)
    if version is not None and row["_version"] != version:
        raise records.moved(row, version)
    order = Order(comment, values or {}, tuple(units))
    [verdict] = decide(work, published, [row], way, order)
    if verdict.problems:
        raise refusal(way, verdict.problems)
    carry_out(work, published, [verdict], way, order)
    return get(work, slug, record)


def refusal(way: Transition, problems: Sequence[Problem]) -> TransitionRefused:
    """Return the refusal that problems make, of the kind of the first that counts."""
    kind = TransitionRefused
    if any(p.code == DENIED for p in problems):
        kind = TransitionDenied
    elif all(p.at for p in problems):
        kind = TransitionIncomplete
    return kind(problems, title=way.title, reason=problems[0])


# ── many at once


def selection(work: Work, slug: str, query: lists.Query) -> list[int]:
    """Return the records of a list, in its order. Raises ``TooMany`` beyond ``MOST``."""
    access.require(work, "see", slug)
    published = work.published(slug)
    main = published.tables.main
    statement = sa.select(main.c["_id"]).where(main.c["_deleted_at"].is_(None))
    where = lists.condition(work, published, query)
    if where is not None:
        statement = statement.where(where)
    statement = statement.order_by(*lists.order(work, published, query.sort)).limit(MOST + 1)
    found = list(work.tx.scalars(statement))
    if len(found) > MOST:
        raise TooMany(count=lists.total(work, slug, query), most=MOST)
    return found


def preview(
    work: Work, slug: str, ids: Sequence[int], transition: str, order: Order | None = None
) -> Preview:
    """Return which of the records a transition would move, and why not the others. With no
    ``order`` what is still to be entered does not count."""
    published = work.published(slug)
    way = way_of(published, transition)
    verdicts = decide(work, published, seen_rows(work, published, ids), way, order or Order())
    if order is None:
        for verdict in verdicts:
            asked = ("/comment", "/units")
            verdict.problems = [p for p in verdict.problems if p.at not in asked]
    shown = records.as_records(work, published, [v.row for v in verdicts], ())
    pairs = list(zip(shown, verdicts, strict=True))
    return Preview(
        way,
        tuple(record for record, v in pairs if not v.problems),
        tuple((record, tuple(v.problems)) for record, v in pairs if v.problems),
    )


def move_many(
    work: Work, slug: str, ids: Sequence[int], transition: str, order: Order
) -> tuple[int, list[Verdict]]:
    """Make a transition of every record that allows it, in this one unit of work; return how
    many were moved, and the verdicts on those that were not."""
    work.hold(slug)
    published = work.published(slug)
    way = way_of(published, transition)
    verdicts = decide(work, published, seen_rows(work, published, ids), way, order)
    allowed = [v for v in verdicts if not v.problems]
    carry_out(work, published, allowed, way, order)
    return len(allowed), [v for v in verdicts if v.problems]


def seen_rows(work: Work, published: Published, ids: Sequence[int]) -> list[Row]:
    """Return the rows of ``ids`` that are there and seen. Raises ``TooMany``."""
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MOST:
        raise TooMany(count=len(wanted), most=MOST)
    access.require(work, "see", published.slug)
    asked = access.of(work, published.slug)
    found = rows.get_many(work.tx, published, wanted)
    return [r for r in found if r["_deleted_at"] is None and asked.allows("see", r)]


# ── time


def advance_due(platform: Platform, now: datetime.datetime) -> int:
    """Make every automatic transition whose time is over at ``now`` (UTC); return how many.

    A job calls this. Made twice, or by two schedulers at once, a record moves once.
    """
    moved = 0
    with platform.reading(SYSTEM) as work:
        work.now = now
        slugs = work.tx.scalars(sa.select(deadline.c.slug).where(deadline.c.due < work.today))
        waiting = sorted(set(slugs) & work.snapshot.entries.keys())
    for slug in waiting:
        with platform.writing(SYSTEM) as work:
            work.now = now
            moved += advance(work, slug)
    return moved


def advance(work: Work, slug: str) -> int:
    """Make the automatic transitions of one register whose time is over."""
    work.hold(slug)
    published = work.published(slug)
    flow = published.register.workflow
    if flow is None:
        return 0
    query = sa.select(deadline.c.record).where(deadline.c.slug == slug, deadline.c.due < work.today)
    found = rows.get_many(work.tx, published, list(work.tx.scalars(query)))
    moved = 0
    for way in flow.transitions:
        if not way.automatic:
            continue
        here = [
            row for row in found
            if row["_deleted_at"] is None and states.name_of(flow, row) in way.sources
        ]  # fmt: skip
        verdicts = decide(work, published, here, way, Order(by_itself=True))
        allowed = [v for v in verdicts if not v.problems]
        carry_out(work, published, allowed, way, Order(by_itself=True))
        moved += len(allowed)
    return moved
