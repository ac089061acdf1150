"""Facts: one return, what may become of it, and the refusals."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.periods import Periods, label
from app.errors import AppError
from app.services import access
from app.services.work import Work
from app.storage import models_returns as models
from app.storage import rows
from app.storage.catalog import Published

OPEN, LATE, SUBMITTED, NIL, SUPPLEMENTED, EXCUSED, CLOSED = (
    "open", "late", "submitted", "nil", "supplemented", "excused", "closed",
)  # fmt: skip
STATES = (OPEN, LATE, SUBMITTED, NIL, SUPPLEMENTED, EXCUSED, CLOSED)
#: waited for; with a record; not there and not to come by itself
WAITING = (OPEN, LATE)
HANDED_IN = (SUBMITTED, SUPPLEMENTED)
MISSING = (OPEN, LATE, CLOSED)

due = models.return_due


class NoReturns(AppError):
    code = "returns.none"
    status = 404
    text = "{register} has no calendar of returns. Its definition says one under period."


class ReturnNotFound(AppError):
    code = "returns.not_found"
    status = 404
    text = "There is no return {id} in {register}."


class ReturnRefused(AppError):
    code = "returns.refused"
    text = "The return for {period} stays as it is: {reason}"


class PeriodClosed(AppError):
    code = "returns.closed"
    status = 409
    text = "{reason}"


@dataclass(frozen=True, slots=True)
class Return:
    """One return. ``subject`` is the unit as it was in the period, or the row it is about;
    ``unit`` the unit that answers today."""

    id: int
    slug: str
    period: str
    about: str
    subject: int
    unit: int | None
    opens_on: datetime.date
    due_on: datetime.date
    locks_on: datetime.date | None
    state: str
    late: bool
    record: int | None
    submitted_at: datetime.datetime | None
    submitted_by: str | None
    reason: str
    supplementing: bool
    closed_at: datetime.datetime | None

    @property
    def locked(self) -> bool:
        """Return whether nothing of the period may be written."""
        return self.closed_at is not None and not self.supplementing


COLUMNS = (
    due.c.id, due.c.slug, due.c.period, due.c.about, due.c.subject, due.c.unit_id, due.c.opens_on,
    due.c.due_on, due.c.locks_on, due.c.state, due.c.late, due.c.record, due.c.submitted_at,
    due.c.submitted_by, due.c.reason, due.c.supplementing, due.c.closed_at,
)  # fmt: skip


def as_return(row: Sequence[Any]) -> Return:
    """Return a row of ``COLUMNS`` as what it is."""
    return Return(*row)


def calendar_of(published: Published) -> Periods:
    """Return a register's calendar of returns. Raises ``NoReturns``."""
    spec = published.register.period
    if spec is None:
        raise NoReturns(register=published.register.title)
    return spec


def of_register(published: Published) -> sa.ColumnElement[bool]:
    """Return the condition of the returns of a register, as it is defined today."""
    spec = calendar_of(published)
    return sa.and_(due.c.slug == published.slug, due.c.about == spec.by.register)


def subject_title(work: Work, published: Published, subject: int) -> str:
    """Return how the unit or the row that owes a return is called."""
    return titles(work, published, [subject]).get(subject, f"#{subject}")


def titles(work: Work, published: Published, subjects: list[int]) -> dict[int, str]:
    """Return how units or rows are called, also those that are gone; a row that the person may
    not see is not named."""
    spec = calendar_of(published)
    if not spec.by.register:
        return {subject: work.tree.title(subject) or f"#{subject}" for subject in subjects}
    target = work.published(spec.by.register)
    seen = access.seen(work, target)
    if seen is None:
        return rows.labels(work.tx, target, subjects)
    main, found = target.tables.main, {}
    for part in rows.chunks(subjects):
        query = sa.select(main.c["_id"], main.c["_label"]).where(main.c["_id"].in_(part), seen)
        found.update({row[0]: row[1] for row in work.tx.execute(query)})
    return found


def shown(published: Published, period: str) -> str:
    """Return a period as people read it; one of an earlier calendar as it is written."""
    spec = calendar_of(published)
    try:
        return label(spec.every, period)
    except ValueError:
        return period
