"""What a job is, and what its function is told."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cronsim import CronSim

from app.errors import AppError, Problem, because
from app.services.office import Office
from app.services.standing import EVERYTHING
from app.services.work import Actor

#: who acts in a background job
ACTOR = Actor(None, "background job", "job", standing=EVERYTHING)

WAITING, RUNNING, DONE, FAILED, SKIPPED = "waiting", "running", "done", "failed", "skipped"

#: after which a run that is not whole may be taken from a scheduler that died
LEASE = datetime.timedelta(minutes=10)

Outcome = str | Problem | None


class GiveUp(Exception):
    """Trying again is no use: the run has failed for the reason given."""

    def __init__(self, reason: AppError | Problem) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Run:
    """One due time of a job, as its function sees it."""

    #: the moment it was due (UTC, no zone), and the day that was in the office
    due: datetime.datetime
    day: datetime.date
    payload: Mapping[str, Any] = field(default_factory=dict)
    #: 1 for the first try
    attempt: int = 1
    #: no further try follows when this one fails
    last: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A function and when it is due.

    ``whole`` (the rule): the function gets a ``Work``; all it writes is committed together with
    the mark that it was done, so its effects happen once, whatever dies in between. It must not
    do anything that cannot be rolled back. Otherwise it gets the ``Platform``, opens units of work
    itself, and must bear being started again for the same due time: after a crash it is.
    """

    name: str
    title: str
    function: Callable[[Any, Run], Outcome]
    #: five fields as in crontab, in office time; "" for a job that is only enqueued
    cron: str = ""
    whole: bool = True
    #: tries before a run has failed
    tries: int = 8

    def latest(self, office: Office, now: datetime.datetime) -> datetime.datetime | None:
        """Return the last due time that is not after ``now`` (UTC, no zone)."""
        if not self.cron:
            return None
        # CronSim gives what is before its start
        start = office.local(now + datetime.timedelta(seconds=1))
        found = next(CronSim(self.cron, start, reverse=True), None)
        return office.stored(found) if found else None

    def next(self, office: Office, now: datetime.datetime) -> datetime.datetime | None:
        """Return the first due time after ``now`` (UTC, no zone)."""
        if not self.cron:
            return None
        found = next(CronSim(self.cron, office.local(now)), None)
        return office.stored(found) if found else None


def job(
    name: str, *, title: str, cron: str = "", whole: bool = True, tries: int = 8
) -> Callable[[Callable[[Any, Run], Outcome]], Job]:
    """Make a function a ``Job``; ``app.services.joblist`` names all there are."""
    if cron:
        CronSim(cron, datetime.datetime(2026, 1, 1))

    def make(function: Callable[[Any, Run], Outcome]) -> Job:
        return Job(name, title, function, cron, whole, tries)

    return make


def pause(attempt: int) -> datetime.timedelta:
    """Return how long to wait after a failed try: a minute, doubled each time, up to 6 hours."""
    return datetime.timedelta(minutes=min(2 ** min(attempt - 1, 20), 360))


def written(outcome: AppError | Problem | str | None) -> str:
    """Return an outcome as it is kept: a sentence apart from its values, so that it can be said
    in the language of whoever reads it."""
    if not outcome:
        return ""
    if isinstance(outcome, str):
        outcome = because("{said}", said=outcome)
    values = {name: kept(value) for name, value in outcome.values.items()}
    return json.dumps({"text": outcome.text, "values": values}, ensure_ascii=False)[:8000]


def kept(value: Any) -> Any:
    """Return a value of a sentence as JSON; a sentence inside a sentence stays one."""
    if isinstance(value, AppError | Problem):
        inner = {name: kept(v) for name, v in value.values.items()}
        return {"text": value.text, "values": inner}
    if isinstance(value, list | tuple | set | frozenset):
        return [kept(part) for part in value]
    return value if isinstance(value, int | str) else str(value)[:1000]


def read(text: str) -> Problem | None:
    """Return what ``written`` kept."""
    if not text:
        return None
    try:
        return sentence(json.loads(text))
    except ValueError:
        return because("{said}", said=text)


def sentence(said: Mapping[str, Any]) -> Problem:
    values = {
        name: sentence(v) if isinstance(v, dict) and "text" in v else v
        for name, v in said["values"].items()
    }
    return because(said["text"], **values)
