"""Watching: a job walks over what is new in the log and raises the alarms it gives reason for.

What is new is what came since it last walked, so nothing is missed while it stood still, and what
raised an alarm is not counted again. An alarm is an entry of the log itself, and a notice to
whoever reads the log.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.errors import because
from app.services import access, audit, calendar, notices
from app.services.audit import chain, checking
from app.services.audit.alarms import ACTOR, ADDRESS, Alarm
from app.services.standing import ADMINISTRATOR, THREE_POWERS, read_setting, store_setting
from app.services.work import Actor, Platform, Work
from app.storage import models_people as people
from app.storage.models_audit import audit as entries

RAISED, BROKEN = "alarm.raised", "audit.broken"
#: the setting that says how far the log was looked at
SEEN = "alarms_seen"
#: alarms on the page, and for how long they stand there
SHOWN, RECENT = 10, datetime.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that was raised: when, by what, how many, of whom."""

    number: int
    at: datetime.datetime
    name: str
    title: str
    subject: str
    count: int
    minutes: int


@dataclass(slots=True)
class Heap:
    """The entries that count for one condition and one subject, the oldest first."""

    entries: deque[tuple[datetime.datetime, int]] = field(default_factory=deque)
    total: int = 0

    def add(self, at: datetime.datetime, weight: int, span: datetime.timedelta) -> int:
        """Add an entry, let go of those that are too old, and return what is together now."""
        self.entries.append((at, weight))
        self.total += weight
        while self.entries and self.entries[0][0] <= at - span:
            self.total -= self.entries.popleft()[1]
        return self.total


def watch(work: Work, alarms: Iterable[Alarm]) -> list[Raised]:
    """Look at what is new in the log, raise the alarms it gives reason for and return them.

    In the caller's unit of work, so each is raised once. The first time only the place is kept.
    """
    newest = chain.head(work.tx)
    before = read_setting(work.tx, SEEN)
    if before == newest.number:
        return []
    # no entry tells of it: there would be no end to them
    store_setting(work.tx, SEEN, newest.number, work.now, work.actor.name)
    if not isinstance(before, int) or before > newest.number:
        return []
    raised = [one for alarm in alarms for one in check(work, alarm, before)]
    for one in raised:
        about = audit.About("alarm", "", f"{one.name} {one.subject}")
        told = {"alarm": one.name, "title": one.title, "subject": one.subject}
        audit.note(work, RAISED, about, told | {"count": one.count, "minutes": one.minutes})
    tell(work, raised)
    return raised


def check(work: Work, alarm: Alarm, seen: int) -> list[Raised]:
    """Return the alarms of one condition that entries after ``seen`` complete, the last of each
    subject, so that a long attack is one alarm at a time."""
    first = work.tx.scalar(sa.select(sa.func.min(entries.c.at)).where(entries.c.number > seen))
    if first is None:
        return []
    query = (
        sa.select(
            entries.c.number, entries.c.at, entries.c.actor, entries.c.actor_name,
            entries.c.address, entries.c.face, entries.c.detail,
        )
        .where(entries.c.event.in_(alarm.events), entries.c.at > first - alarm.span)
        .order_by(entries.c.number)
    )  # fmt: skip
    counted = last_counted(work, alarm, first)
    heaps: dict[str, Heap] = {}
    found: dict[str, Raised] = {}
    for row in work.tx.execute(query):
        subject = subject_of(alarm, row)
        if subject is None or row.number <= counted.get(subject, 0) or not meant(work, alarm, row):
            continue
        heap = heaps.setdefault(subject, Heap())
        together = heap.add(row.at, weight(alarm, row.detail), alarm.span)
        if together >= alarm.count and row.number > seen:
            told = alarm.name, alarm.title, subject, together, alarm.minutes
            found[subject] = Raised(row.number, row.at, *told)
            heaps[subject] = Heap()
    return list(found.values())


def last_counted(work: Work, alarm: Alarm, first: datetime.datetime) -> dict[str, int]:
    """Return subject → the number of the alarm raised last: what stands before it has counted."""
    query = sa.select(entries.c.number, entries.c.detail).where(
        entries.c.event == RAISED, entries.c.at > first - alarm.span
    )
    found: dict[str, int] = {}
    for number, detail in work.tx.execute(query.order_by(entries.c.number)):
        told = json.loads(detail)
        if told.get("alarm") == alarm.name:
            found[told.get("subject", "")] = number
    return found


def subject_of(alarm: Alarm, row: Any) -> str | None:
    """Return of whom an entry is counted; None for an entry that says of nobody."""
    if alarm.by == ADDRESS:
        return row.address or None
    if alarm.by == ACTOR:
        return f"{row.actor_name} #{row.actor}" if row.actor is not None else None
    return ""


def meant(work: Work, alarm: Alarm, row: Any) -> bool:
    """Return whether an entry counts at its hour; what the product set up by itself never does."""
    if row.face == "seed":
        return False
    if alarm.outside is None:
        return True
    local = work.office.local(row.at)
    begin, end = alarm.outside
    return not (calendar.of(work).is_working_day(local.date()) and begin <= local.time() < end)


def weight(alarm: Alarm, detail: str) -> int:
    if not alarm.sum:
        return 1
    value = json.loads(detail).get(alarm.sum)
    return value if isinstance(value, int) else 0


def prove(platform: Platform, actor: Actor) -> checking.Verdict:
    """Prove the log; where it is not whole, say so in it: that is an alarm."""
    verdict = checking.verify(platform)
    if not verdict.whole:
        with platform.writing(actor) as work:
            told = {"reason": work.office.say(verdict.breaks[0])}
            audit.note(work, BROKEN, audit.About("audit"), told, result=audit.REFUSED)
    return verdict


# ── telling


def tell(work: Work, raised: Sequence[Raised]) -> None:
    """Tell whoever reads the log, a notice for each condition. Whom it is about stands in the log
    only: a notice may also go to a mailbox or a group."""
    if not raised:
        return
    to = readers(work)
    numbers = Counter(one.title for one in raised)
    for title, count in numbers.items():
        said = because("Audit alarm: {title}", title=because(title))
        text = because("{count} times. The audit log says of whom and when.", count=count)
        link = f"/audit/?event={RAISED}"
        notices.notify(work, to, "system", work.office.say(said), work.office.say(text), link)


def readers(work: Work) -> list[int]:
    """Return the accounts that read the log today."""
    powers = set(access.POWERS["audit"])
    if read_setting(work.tx, THREE_POWERS):
        powers.discard(ADMINISTRATOR)
    role = people.role
    slugs = work.tx.scalars(sa.select(role.c.slug).where(role.c.power.in_(sorted(powers))))
    return sorted({number for slug in list(slugs) for number in notices.holders(work, slug)})


def recent(work: Work) -> list[Raised]:
    """Return the alarms of the last days, the newest first, for who may read the log."""
    access.require(work, "audit")
    query = (
        sa.select(entries.c.number, entries.c.at, entries.c.detail)
        .where(entries.c.event == RAISED, entries.c.at > work.now - RECENT)
        .order_by(entries.c.at.desc(), entries.c.number.desc())
        .limit(SHOWN)
    )
    return [
        Raised(
            number, at, told.get("alarm", ""), told.get("title", ""), told.get("subject", ""),
            told.get("count", 0), told.get("minutes", 0),
        )
        for number, at, told in (
            (row.number, row.at, json.loads(row.detail)) for row in work.tx.execute(query)
        )
    ]  # fmt: skip
