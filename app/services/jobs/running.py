"""Running what is due: one run after the other, and the loop of a scheduler."""

from __future__ import annotations

import datetime
import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.errors import AppError, Problem
from app.services import access
from app.services.jobs import queue
from app.services.jobs.job import (
    ACTOR,
    DONE,
    FAILED,
    LEASE,
    GiveUp,
    Job,
    Outcome,
    Run,
    pause,
    read,
    written,
)
from app.services.work import Actor, Platform, Work, now
from app.storage.models_jobs import job_run

log = logging.getLogger("taizhang.jobs")

Jobs = Mapping[str, Job]
#: runs of one turn: the next one looks at the clock again
MOST = 200


class JobUnknown(AppError):
    code = "job.unknown"
    status = 404
    text = "There is no job {value}. There are: {names}."


class JobBusy(AppError):
    code = "job.busy"
    status = 409
    text = "The job is running at this moment, or was done for this due time already."


class _Lost(Exception):
    """Another scheduler has the run: what was done here is rolled back."""


def run_due(platform: Platform, jobs: Jobs, at: datetime.datetime | None = None) -> int:
    """Run everything that is due, and return how many runs that were. Any number of processes
    may do so at the same time. ``at`` (UTC, no zone) stands for the clock."""
    count = 0
    while count < MOST:
        moment = at or now()
        if not is_work(platform, jobs, moment):
            break
        owner = owner_name()
        with platform.writing(ACTOR) as work:
            queue.plan(work, jobs.values(), moment)
            taken = queue.take(work, jobs, moment, owner)
        if taken is None:
            break
        perform(platform, *taken, owner, moment)
        count += 1
    return count


def is_work(platform: Platform, jobs: Jobs, moment: datetime.datetime) -> bool:
    """Return whether something is due: two short queries, so that idling holds no lock."""
    with platform.reading(ACTOR) as work:
        if work.tx.scalar(sa.select(job_run.c.id).where(queue.runnable(moment)).limit(1)):
            return True
        dues = {one.name: one.latest(work.office, moment) for one in jobs.values()}
        query = sa.select(job_run.c.job, sa.func.max(job_run.c.due)).where(
            job_run.c.job.in_([name for name, due in dues.items() if due is not None]),
            job_run.c.due <= moment,
        )
        last = {name: due for name, due in work.tx.execute(query.group_by(job_run.c.job))}
    return any(
        due is not None and (name not in last or last[name] < due) for name, due in dues.items()
    )


def owner_name() -> str:
    """Return a name no other taking ever has: it fences off whoever was too slow."""
    return f"{socket.gethostname()[:40]}/{os.getpid()}/{secrets.token_hex(8)}"


def perform(
    platform: Platform, row: sa.Row[Any], one: Job, owner: str, moment: datetime.datetime
) -> None:
    """Run what was taken and note what came of it."""
    attempt = row.attempts + 1
    day = platform.office.local(row.due).date()
    run = Run(row.due, day, json.loads(row.payload), attempt, attempt >= one.tries)
    try:
        if one.whole:
            run_whole(platform, one, run, row.id, owner)
        else:
            outcome = one.function(platform, run)
            with platform.writing(ACTOR) as work:
                queue.mark(work, row.id, owner, DONE, written(outcome))
    except _Lost:
        log.warning("Job %s of %s was taken over by another scheduler.", one.name, row.due)
    except Exception as error:
        if not isinstance(error, AppError | GiveUp):
            log.exception("Job %s of %s failed.", one.name, row.due)
        final = run.last or isinstance(error, GiveUp)
        again = None if final else moment + pause(attempt)
        reason = error.reason if isinstance(error, GiveUp) else queue.reason_of(error)
        log.warning("Job %s of %s, try %s: %s", one.name, row.due, attempt, reason)
        note(platform, row.id, owner, reason, again)


def run_whole(platform: Platform, one: Job, run: Run, number: int, owner: str) -> None:
    """Do the job's work and mark it done in one transaction. The mark comes first: it holds the
    row, so that nobody takes the run even when its time runs out."""
    with platform.writing(ACTOR) as work:
        if not queue.mark(work, number, owner, DONE):
            raise _Lost
        outcome = one.function(work, run)
        set_outcome(work, number, outcome)


def set_outcome(work: Work, number: int, outcome: Outcome) -> None:
    if outcome:
        work.tx.execute(
            job_run.update().where(job_run.c.id == number).values(outcome=written(outcome))
        )


def note(
    platform: Platform, number: int, owner: str, reason: AppError | Problem,
    again: datetime.datetime | None,
) -> None:  # fmt: skip
    """Note that a try failed: another follows at ``again``, or the run has failed."""
    with platform.writing(ACTOR) as work:
        if again is None:
            queue.mark(work, number, owner, FAILED, written(reason))
        else:
            queue.mark(work, number, owner, queue.WAITING, written(reason), next_at=again)


def find(jobs: Jobs, name: str) -> Job:
    """Return a job by its name. Raises ``JobUnknown``."""
    if name not in jobs:
        raise JobUnknown(value=name[:60], names=", ".join(sorted(jobs)))
    return jobs[name]


def run_now(
    platform: Platform, jobs: Jobs, name: str, actor: Actor,
    due: datetime.datetime | None = None,
) -> Problem | None:  # fmt: skip
    """Run a job at once, for now or for a due time, and return what it said.

    For a due time that was done already it is refused. Raises what the job raised.
    """
    one = find(jobs, name)
    owner = owner_name()
    with platform.writing(actor) as work:
        access.require(work, "administer")
        moment = due or work.now
        key = moment.isoformat() if due else f"{moment.isoformat()} {secrets.token_hex(4)}"
        # a due time that waits is this one's: it is taken as the clock would take it
        queue.add(work, name, key, moment, {})
        number = work.tx.scalar(
            job_run.update()
            .where(
                job_run.c.job == name, job_run.c.key == key,
                job_run.c.state.in_((queue.WAITING, queue.SKIPPED, queue.FAILED)),
            )
            .values(
                state=queue.RUNNING, attempts=0, taken_by=owner, started_at=work.now,
                next_at=work.now + LEASE,
            )
            .returning(job_run.c.id)
        )  # fmt: skip
        if number is None:
            raise JobBusy()
        row = work.tx.execute(sa.select(job_run).where(job_run.c.id == number)).one()
    perform(platform, row, one, owner, now())
    with platform.reading(ACTOR) as work:
        ended = work.tx.execute(sa.select(job_run).where(job_run.c.id == number)).one()
    if ended.state != DONE:
        raise JobFailed(reason=read(ended.outcome) or "")
    return read(ended.outcome)


class JobFailed(AppError):
    code = "job.failed"
    status = 409
    text = "The job failed: {reason}"


class Scheduler:
    """The loop of one process: what is due is run within seconds."""

    def __init__(self, platform: Platform, jobs: Jobs, pause: float = 2.0) -> None:
        self.platform = platform
        self.jobs = jobs
        self.pause = pause
        self.stop = threading.Event()

    def run(self) -> None:
        """Run what is due until ``stop`` is set; a database that is away is waited for."""
        while not self.stop.is_set():
            try:
                run_due(self.platform, self.jobs)
            except (AppError, sa.exc.SQLAlchemyError) as error:
                log.warning("Jobs wait: %s", error)
                self.stop.wait(5 * self.pause)
            self.stop.wait(self.pause)
