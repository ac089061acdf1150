"""Whereabouts: the way a record has come, and who holds it now, since when."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import OWNER, UNIT, State
from app.services import access, joint, lists, states
from app.services.history import Entry
from app.services.work import Work
from app.storage import models
from app.storage import models_people as people
from app.storage.models_identity import account


@dataclass(frozen=True, slots=True)
class Passage:
    """One step of the way: what was done, by whom, and where it led."""

    at: datetime.datetime
    who: str
    step: str
    source: str
    target: str
    colour: str
    comment: str
    units: tuple[str, ...]
    automatic: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may act now: names of roles, units and people; until when, where there is a limit."""

    state: State
    since: datetime.datetime | None
    names: tuple[str, ...]
    due: datetime.date | None


def way_of(work: Work, slug: str, entries: Iterable[Entry]) -> list[Passage]:
    """Return the transitions among entries of a record's history, the oldest first, under the
    names they had when they were made."""
    flow = work.register(slug).workflow
    colours = {state.name: state.colour for state in flow.states} if flow else {}
    found = []
    for one in entries:
        if one.action == states.TRANSITION:
            step, source, target = (*one.note.get("titles", ()), "", "", "")[:3]
            found.append(
                Passage(
                    one.at, one.who, step, source, target,
                    colours.get(one.note.get("to", ""), "grey"), str(one.note.get("comment", "")),
                    tuple(one.note.get("units", ())), bool(one.note.get("automatic")),
                )
            )  # fmt: skip
    return found[::-1]


def holder_of(
    work: Work, slug: str, row: Mapping[str, Any], rounds: Sequence[joint.Round]
) -> Holder | None:
    """Return who holds a stored row, of whose joint reviews ``rounds`` are, the newest first; None
    in a register without a workflow."""
    flow = work.register(slug).workflow
    if flow is None:
        return None
    state = flow.state(row.get("_state"))
    due = states.due_days(work, slug, [row["_id"]]).get(row["_id"])
    if rounds and rounds[0].closed_at is None:
        waiting = [work.tree.title(answer.unit) for answer in rounds[0].missing]
        return Holder(state, row.get("_state_since"), tuple(waiting), due or rounds[0].due)
    ways = [way for way in flow.leaving(state.name) if not way.automatic]
    names: dict[str, None] = {}
    titles = role_titles(work)
    # whoever takes it on holds it; that it can also be withdrawn says nothing
    onward = [way for way in ways if way.target != flow.initial] or ways
    for way in onward:
        if way.people & {OWNER, UNIT} and (unit := work.tree.title(row.get("_unit"))):
            names[unit] = None
        elif OWNER in way.people and (owner := owner_name(work, row.get("_owner"))):
            names[owner] = None
        names |= dict.fromkeys(titles.get(role, role) for role in way.roles if not way.people)
    return Holder(state, row.get("_state_since"), tuple(names), due)


def role_titles(work: Work) -> dict[str, str]:
    table = people.role
    found = work.tx.execute(sa.select(table.c.slug, table.c.title))
    return {row[0]: row[1] for row in found}


def owner_name(work: Work, number: int | None) -> str:
    if number is None:
        return ""
    return work.tx.scalar(sa.select(account.c.name).where(account.c.id == number)) or ""


def state_counts(work: Work, slug: str) -> dict[str, int]:
    """Return how many records the actor sees in each state; kept until somebody writes."""
    published = work.published(slug)
    if published.register.workflow is None:
        return {}
    where = access.of(work, slug).rows("see")
    table = models.register
    changes = work.tx.scalar(sa.select(table.c.changes).where(table.c.slug == slug))
    scope = lists.spelled(work, where)
    main, column = published.tables.main, states.column_of(published)
    found: dict[str, int] = {}
    keys = {
        state.name: (slug, published.revision, changes, f"state {state.name}", scope)
        for state in published.register.workflow.states
    }
    # what is referred to somebody changes without a write to the register
    if "assignment" not in scope and all(key in work.catalog.counts for key in keys.values()):
        return {name: work.catalog.counts[key] for name, key in keys.items()}
    query = sa.select(column, sa.func.count()).where(main.c["_deleted_at"].is_(None))
    if where is not None:
        query = query.where(where)
    # the expression is repeated: PostgreSQL takes two parameters for two different values
    for name, count in work.tx.execute(query.group_by(sa.literal_column("1"))):
        found[name] = count
    for name, key in keys.items():
        work.catalog.keep_count(key, found.get(name, 0))
    return {name: found.get(name, 0) for name in keys}
