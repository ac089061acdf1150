"""What the page and the command line show: jobs, their next due time, their last runs."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from app.errors import Problem
from app.services import access
from app.services.jobs.job import FAILED, RUNNING, WAITING, Job, read
from app.services.work import Work
from app.storage.models_jobs import job_run

#: runs that are listed
MOST = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """One run as it is listed."""

    id: int
    job: str
    due: datetime.datetime
    state: str
    attempts: int
    next_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    outcome: Problem | None


@dataclass(frozen=True, slots=True)
class JobState:
    """A job, when it is due next, its last run, and how many runs wait or have failed."""

    job: Job
    next: datetime.datetime | None
    last: Listed | None
    waiting: int
    failed: int


def states(work: Work, jobs: Mapping[str, Job]) -> list[JobState]:
    """Return every job with how it stands."""
    access.require(work, "administer")
    count = sa.func.count()
    query = sa.select(job_run.c.job, job_run.c.state, count).group_by(
        job_run.c.job, job_run.c.state
    )
    counts = {(name, state): number for name, state, number in work.tx.execute(query)}
    return [
        JobState(
            one,
            one.next(work.office, work.now),
            latest(work, one.name),
            counts.get((one.name, WAITING), 0) + counts.get((one.name, RUNNING), 0),
            counts.get((one.name, FAILED), 0),
        )
        for one in jobs.values()
    ]


def latest(work: Work, name: str) -> Listed | None:
    query = (
        sa.select(job_run)
        .where(job_run.c.job == name, job_run.c.started_at.is_not(None))
        .order_by(job_run.c.started_at.desc(), job_run.c.id.desc())
        .limit(1)
    )
    row = work.tx.execute(query).one_or_none()
    return listed(row) if row else None


def runs(work: Work, state: str = "", job: str = "") -> list[Listed]:
    """Return the last runs, the newest first; of one job or in one state where asked."""
    access.require(work, "administer")
    query = sa.select(job_run).order_by(job_run.c.id.desc()).limit(MOST)
    if state:
        query = query.where(job_run.c.state == state)
    if job:
        query = query.where(job_run.c.job == job)
    return [listed(row) for row in work.tx.execute(query)]


def listed(row: sa.Row[tuple[object, ...]]) -> Listed:
    return Listed(
        row.id, row.job, row.due, row.state, row.attempts, row.next_at, row.started_at,
        row.finished_at, read(row.outcome),
    )  # fmt: skip
