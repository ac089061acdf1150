"""States: where a record stands, and what that keeps from being changed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import State, Workflow
from app.definitions.gate import Judgement
from app.errors import AppError, Problem
from app.services.work import Work
from app.storage.catalog import Published
from app.storage.models_workflow import deadline
from app.storage.rows import chunks

#: the action of history that a transition is
TRANSITION = "transition"

Row = Mapping[str, Any]


class RecordLocked(AppError):
    code = "record.locked"
    status = 409
    text = (
        "This record stands in “{state}”, where nobody changes it. It has to be returned or "
        "unlocked first."
    )


def starting(work: Work, published: Published, values: Row) -> dict[str, Any]:
    """Return the system columns of a new record: the state it begins in, since now."""
    flow = published.register.workflow
    if flow is None:
        return {}
    held = values.get(flow.field) if flow.field else None
    return {"_state": held if held in flow else flow.initial, "_state_since": work.now}


def name_of(flow: Workflow, row: Row) -> str:
    """Return the state of a row; one that never moved is at the beginning."""
    return flow.state(row.get("_state")).name


def column_of(published: Published) -> sa.ColumnElement[str]:
    """Return the state of the rows of a register with a workflow, as SQL."""
    flow = published.register.workflow
    assert flow is not None
    return sa.func.coalesce(published.tables.main.c["_state"], flow.initial)


def stands_in(published: Published, state: str) -> sa.ColumnElement[bool]:
    """Return the condition that a row stands in a state, as its index can answer it."""
    flow, column = published.register.workflow, published.tables.main.c["_state"]
    there = column == state
    assert flow is not None
    return sa.or_(there, column.is_(None)) if state == flow.initial else there


def due_days(work: Work, slug: str, ids: Iterable[int]) -> dict[int, datetime.date]:
    """Return the last day of the time each record has in its state, where there is one."""
    found: dict[int, datetime.date] = {}
    wanted = list(ids)
    for part in chunks(wanted):
        query = sa.select(deadline.c.record, deadline.c.due)
        query = query.where(deadline.c.slug == slug, deadline.c.record.in_(part))
        found.update({row[0]: row[1] for row in work.tx.execute(query)})
    return found


def effective(work: Work, published: Published, row: Row) -> State:
    """Return where a record stands at this moment: a time limit that is over has moved it on,
    whether or not the job that does so has run."""
    flow = published.register.workflow
    assert flow is not None
    state = flow.state(row.get("_state"))
    after = flow.timed(state.name)
    if after is None:
        return state
    due = due_days(work, published.slug, [row["_id"]]).get(row["_id"])
    return flow.state(after.target) if due is not None and due < work.today else state


def require_open(work: Work, published: Published, row: Row) -> None:
    """Raise ``RecordLocked`` for a record that nobody changes in its state."""
    if published.register.workflow is None:
        return
    state = effective(work, published, row)
    if state.locked:
        raise RecordLocked(state=state.title)


def hold(work: Work, published: Published, row: Row | None, verdict: Judgement) -> None:
    """Add to a verdict what the workflow keeps from being entered (``row`` None) or changed."""
    flow = published.register.workflow
    if flow is None:
        return
    if row is None:
        verdict.problems += _beginning(work, published, flow, verdict.values)
    elif verdict.changed:
        verdict.problems += _locked(work, published, flow, row, verdict.changed)


def _beginning(work: Work, published: Published, flow: Workflow, values: Row) -> list[Problem]:
    """A new record begins at the beginning. Records that are taken over, by import or on the
    command line and by whoever may do everything, come with the state they have."""
    given = values.get(flow.field) if flow.field else None
    if given in (None, flow.initial):
        return []
    if work.standing.everything and work.actor.face != "web":
        return []
    text = "A new record begins with “{state}”; {field} is changed by the steps of the workflow."
    shown = {"state": flow.state(flow.initial).title, "field": published.register[flow.field].title}
    at = f"/{flow.field}"
    return [Problem(at, "workflow.beginning", text, shown, frozenset((flow.field,)))]


def _locked(
    work: Work, published: Published, flow: Workflow, row: Row, changed: frozenset[str]
) -> list[Problem]:
    register, state = published.register, effective(work, published, row)
    if flow.field in changed:
        text = "{field} is changed by the steps of the workflow, on the record's page."
        shown = {"field": register[flow.field].title}
        at = f"/{flow.field}"
        return [Problem(at, "workflow.by_step", text, shown, frozenset((flow.field,)))]
    entered = {name for name in changed if not register[name].derived}
    if state.locked:
        return [Problem("", "record.locked", RecordLocked.text, {"state": state.title})]
    text = "{field} can no longer be changed in “{state}”."
    return [
        Problem(
            f"/{name}", "workflow.locked_field", text,
            {"field": register[name].title, "state": state.title}, frozenset((name,)),
        )
        for name in sorted(entered & state.fields)
    ]  # fmt: skip


def shown_form(work: Work, published: Published, row: Row | None, verdict: Judgement) -> None:
    """Say in a verdict for a form which fields the workflow keeps."""
    flow = published.register.workflow
    if flow is None:
        return
    kept = frozenset({flow.field} - {""})
    if row is not None:
        kept |= effective(work, published, row).fields
    verdict.not_theirs |= kept


def is_locked(work: Work, published: Published, row: Row) -> bool:
    """Return whether nobody changes a record in its state."""
    if published.register.workflow is None or "_state" not in row:
        return False
    return effective(work, published, row).locked
