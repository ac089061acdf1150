"""Deeds: what people do to a return beside handing in its record, each kept with its reason."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from app.errors import NotAllowed, because
from app.services import calendar
from app.services.returns import telling
from app.services.returns.facts import (
    CLOSED,
    EXCUSED,
    LATE,
    NIL,
    OPEN,
    WAITING,
    Return,
    ReturnRefused,
    calendar_of,
    due,
    shown,
)
from app.services.returns.seeing import get, may_fill, may_review, visible
from app.services.returns.telling import note
from app.services.work import Work

LONGEST_REASON = 500
#: working days for which a reopened return stays open, unless a day is named
REOPENED_FOR = 5


def declare_nil(work: Work, slug: str, number: int) -> Return:
    """Declare that there is nothing to report. Raises ``ReturnRefused``, ``NotAllowed``."""
    found = _held(work, slug, number)
    _require_filler(work, found)
    if not calendar_of(work.published(slug)).nil:
        raise refused(work, found, "The register takes no nil returns.")
    if found.state not in WAITING and not found.supplementing:
        raise refused(work, found, "It is not waited for any more.")
    late = found.due_on < work.today
    _store(
        work, found, state=NIL, late=late, submitted_at=work.now, submitted_by=work.actor.name,
        supplementing=False,
    )  # fmt: skip
    note(work, found, telling.DECLARED)
    return get(work, slug, number)


def take_nil_back(work: Work, slug: str, number: int) -> Return:
    """Take a nil return back, as long as the period is not closed."""
    found = _held(work, slug, number)
    _require_filler(work, found)
    if found.state != NIL or found.locked:
        raise refused(work, found, "There is no nil return to take back, or the period is closed.")
    _store(work, found, **_waiting(work, found))
    note(work, found, telling.TAKEN_BACK)
    return get(work, slug, number)


def ask_supplement(work: Work, slug: str, number: int, reason: str) -> Return:
    """Open a closed return for a supplementary one, with the reason why it was missing."""
    found = _held(work, slug, number)
    _require_filler(work, found)
    if not calendar_of(work.published(slug)).supplement:
        text = "The register takes no supplementary returns; ask the reviewing office."
        raise refused(work, found, text)
    if found.state != CLOSED:
        raise refused(work, found, "Only a return that was missing when its period closed is.")
    reason = _reason(work, found, reason)
    _store(work, found, supplementing=True, reason=reason)
    note(work, found, telling.ASKED, reason)
    return get(work, slug, number)


def excuse(work: Work, slug: str, number: int, reason: str) -> Return:
    """Excuse a unit from a return that is not there."""
    found = _held(work, slug, number)
    _require_reviewer(work, slug)
    if found.state not in (OPEN, LATE, CLOSED):
        raise refused(work, found, "It was handed in, or excused before.")
    reason = _reason(work, found, reason)
    _store(work, found, state=EXCUSED, reason=reason, supplementing=False)
    note(work, found, telling.EXCUSE, reason)
    return get(work, slug, number)


def reopen(
    work: Work, slug: str, number: int, reason: str, until: datetime.date | None = None
) -> Return:
    """Open a closed, nil or excused return again, until a day (five working days from today)."""
    found = _held(work, slug, number)
    _require_reviewer(work, slug)
    if found.closed_at is None and found.state not in (NIL, EXCUSED):
        raise refused(work, found, "It is open.")
    if until is not None and until < work.today:
        raise refused(work, found, "The day until which it is open is over.")
    reason = _reason(work, found, reason)
    facts: dict[str, Any] = {"closed_at": None, "reason": reason, "supplementing": False}
    if found.locks_on is not None:
        days = calendar.of(work)
        facts["locks_on"] = until or days.add_working_days(work.today, REOPENED_FOR)
    if found.state in (NIL, EXCUSED, CLOSED):
        facts |= _waiting(work, found)
    _store(work, found, **facts)
    note(work, found, telling.REOPENED, reason)
    return get(work, slug, number)


def urge(work: Work, slug: str, units: Iterable[int | None] | None = None, text: str = "") -> int:
    """Urge the units that have not handed in, all of them where ``units`` is None; return to
    how many it was said."""
    published = work.published(slug)
    _require_reviewer(work, slug)
    where = [visible(work, published), due.c.opens_on <= work.today]
    if units is not None:
        wanted = list(units)
        chosen: list[sa.ColumnElement[bool]] = [due.c.unit_id.in_([u for u in wanted if u])]
        if None in wanted:
            chosen.append(due.c.unit_id.is_(None))
        where.append(sa.or_(*chosen))
    text = text.strip()[:LONGEST_REASON]
    return len(telling.tell_owing(work, telling.URGE, slug, *where, text=text))


# ── parts


def _held(work: Work, slug: str, number: int) -> Return:
    """Return a return that nobody else treats meanwhile."""
    work.hold(slug)
    return get(work, slug, number)


def _require_filler(work: Work, found: Return) -> None:
    if not may_fill(work, work.published(found.slug), found):
        raise NotAllowed(action="create")


def _require_reviewer(work: Work, slug: str) -> None:
    if not may_review(work, slug):
        raise NotAllowed(action="review")


def refused(work: Work, found: Return, text: str) -> ReturnRefused:
    published = work.published(found.slug)
    return ReturnRefused(period=shown(published, found.period), reason=because(text))


def _reason(work: Work, found: Return, reason: str) -> str:
    given = reason.strip()[:LONGEST_REASON]
    if not given:
        raise refused(work, found, "Please say why.")
    return given


def _waiting(work: Work, found: Return) -> dict[str, Any]:
    """Return what a return is that is waited for again."""
    spec = calendar_of(work.published(found.slug))
    late = spec.late and found.due_on < work.today
    return {
        "state": LATE if late else OPEN, "late": False, "record": None, "submitted_at": None,
        "submitted_by": None,
    }  # fmt: skip


def _store(work: Work, found: Return, **values: Any) -> None:
    work.tx.execute(due.update().where(due.c.id == found.id).values(**values))
