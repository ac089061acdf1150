"""The rows of what is due: put in, planned by the clock, taken by one scheduler, marked."""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from app.errors import AppError, Problem, because
from app.services import access
from app.services.jobs.job import (
    DONE,
    FAILED,
    LEASE,
    RUNNING,
    SKIPPED,
    WAITING,
    Job,
    written,
)
from app.services.work import Work
from app.storage.base import insert_or_leave
from app.storage.models_jobs import job_run

#: how long runs that came to an end are kept, at least the latest of each job
KEPT = datetime.timedelta(days=30)


class RunNotFound(AppError):
    code = "job.run_not_found"
    status = 404
    text = "There is no run {value} that could be tried again."


def enqueue(
    work: Work,
    name: str,
    payload: Mapping[str, Any] | None = None,
    not_before: datetime.datetime | None = None,
    key: str | None = None,
) -> bool:
    """Have a job run once, soon or not before a moment: in the caller's transaction, so it is
    there exactly when the caller's deed is. With a ``key`` that was used before nothing is added.

    Return whether it was added.
    """
    due = not_before or work.now
    return add(work, name, key or secrets.token_urlsafe(16), due, payload or {})


def add(
    work: Work, name: str, key: str, due: datetime.datetime, payload: Mapping[str, Any],
    state: str = WAITING, outcome: str = "",
) -> bool:  # fmt: skip
    """Put a row in and return whether that was done: it may be there, or another transaction may
    have put the same one in meanwhile."""
    values = {
        "job": name, "key": key, "due": due, "payload": json.dumps(payload, ensure_ascii=False),
        "state": state, "attempts": 0, "next_at": due, "taken_by": "", "created_at": work.now,
        "outcome": outcome,
    }  # fmt: skip
    return work.tx.scalar(unless_there(work.tx, values).returning(job_run.c.id)) is not None


def unless_there(tx: sa.Connection, values: Mapping[str, Any]) -> Any:
    """Return an INSERT that does nothing where the job and key are there already."""
    statement = insert_or_leave(tx, job_run).values(**values)
    return statement.on_conflict_do_nothing(index_elements=["job", "key"])


def plan(work: Work, jobs: Iterable[Job], now: datetime.datetime) -> None:
    """Put in the last due time of every job, unless it, or one after it, was there.

    However long nothing ran, one run makes up for all that were missed. A job seen for the first
    time is not due for times before that.
    """
    for one in jobs:
        due = one.latest(work.office, now)
        if due is None or known(work, one.name, due, now):
            continue
        first = work.tx.scalar(sa.select(job_run.c.id).where(job_run.c.job == one.name)) is None
        key = due.isoformat()
        if first:
            why = because("The job is new: it runs from its next due time on.")
            add(work, one.name, key, due, {}, SKIPPED, written(why))
            continue
        replace_older(work, one.name, due)
        add(work, one.name, key, due, {})


def known(work: Work, name: str, due: datetime.datetime, now: datetime.datetime) -> bool:
    """Return whether a run for ``due`` is there, or for a later time up to ``now``.

    What a wrong clock put into the future is not looked at: else one slip would silence the job.
    """
    query = sa.select(job_run.c.id).where(
        job_run.c.job == name, job_run.c.due >= due, job_run.c.due <= now
    )
    return work.tx.scalar(query.limit(1)) is not None


def replace_older(work: Work, name: str, due: datetime.datetime) -> None:
    """Take back what still waits for an earlier due time: the new run makes up for it."""
    why = because("A later run has taken its place.")
    work.tx.execute(
        job_run.update()
        .where(
            job_run.c.job == name, job_run.c.state == WAITING, job_run.c.due < due,
            job_run.c.outcome == "",
        )
        .values(state=SKIPPED, finished_at=work.now, outcome=written(why))
    )  # fmt: skip
    # one that has failed before keeps its reason
    work.tx.execute(
        job_run.update()
        .where(job_run.c.job == name, job_run.c.state == WAITING, job_run.c.due < due)
        .values(state=FAILED, finished_at=work.now)
    )


def runnable(now: datetime.datetime) -> sa.ColumnElement[bool]:
    """Return the condition of a run that may be taken: due, or left behind by who died."""
    return sa.and_(job_run.c.state.in_((WAITING, RUNNING)), job_run.c.next_at <= now)


def take(
    work: Work, jobs: Mapping[str, Job], now: datetime.datetime, owner: str
) -> tuple[sa.Row[Any], Job] | None:
    """Take the run that has waited longest; None when nothing is due.

    On PostgreSQL rows another scheduler holds are passed over; on SQLite there is one writer.
    """
    query = (
        sa.select(job_run)
        .where(runnable(now), job_run.c.job.in_(list(jobs)))
        .order_by(job_run.c.next_at, job_run.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = work.tx.execute(query).one_or_none()
    if row is None:
        return None
    one = jobs[row.job]
    if row.state == RUNNING and row.attempts >= one.tries:
        why = because("The scheduler ended while it ran, each of {count} times.", count=one.tries)
        mark(work, row.id, row.taken_by, FAILED, written(why))
        return take(work, jobs, now, owner)
    work.tx.execute(
        job_run.update()
        .where(job_run.c.id == row.id)
        .values(
            state=RUNNING, attempts=row.attempts + 1, taken_by=owner, started_at=work.now,
            finished_at=None, next_at=now + LEASE,
        )
    )  # fmt: skip
    return row, one


def mark(work: Work, number: int, owner: str, state: str, outcome: str = "", **more: Any) -> bool:
    """Note what came of a run; ``False`` when it was taken from ``owner`` meanwhile."""
    result = work.tx.execute(
        job_run.update()
        .where(job_run.c.id == number, job_run.c.taken_by == owner, job_run.c.state == RUNNING)
        .values(state=state, outcome=outcome, finished_at=work.now, **more)
    )
    return bool(result.rowcount)


def retry(work: Work, number: int) -> None:
    """Let a failed run be tried again at once, with all its tries."""
    access.require(work, "administer")
    result = work.tx.execute(
        job_run.update()
        .where(job_run.c.id == number, job_run.c.state.in_((FAILED, WAITING)))
        .values(state=WAITING, attempts=0, next_at=work.now)
    )
    if not result.rowcount:
        raise RunNotFound(value=number)


def purge(work: Work) -> int:
    """Take out ended runs older than ``KEPT``, but the latest due time of each job."""
    latest = sa.select(sa.func.max(job_run.c.due)).where(job_run.c.job == sa.bindparam("name"))
    removed = 0
    for name in list(work.tx.scalars(sa.select(job_run.c.job).distinct())):
        last = work.tx.scalar(latest, {"name": name})
        result = work.tx.execute(
            job_run.delete().where(
                job_run.c.job == name, job_run.c.state.in_((DONE, FAILED, SKIPPED)),
                job_run.c.due < work.now - KEPT, job_run.c.due < last,
            )
        )  # fmt: skip
        removed += result.rowcount
    return removed


def reason_of(error: Exception) -> AppError | Problem:
    """Return why a run failed as a sentence."""
    if isinstance(error, AppError):
        return error
    return because("{why}", why=f"{type(error).__name__}: {error}"[:1000])
