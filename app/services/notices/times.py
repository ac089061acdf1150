"""When a message goes out: at once, but not in quiet hours, or with the day's digest. Pure."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from app.errors import AppError
from app.services.office import Office

OFF, ONCE, DIGEST = "off", "once", "digest"

_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:：]([0-5][0-9])")


class TimeRefused(AppError):
    code = "notice.time_refused"
    text = "{value} is not a time of day. Write it as 08:30."


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a person or a webhook wants to be told. Times are HH:MM in the office, "" for none."""

    mode: str = ONCE
    digest_at: str = "08:30"
    quiet_from: str = ""
    quiet_to: str = ""

    def send_at(self, office: Office, now: datetime.datetime) -> datetime.datetime:
        """Return when a message that comes up ``now`` (UTC, no zone) is sent."""
        local = office.local(now)
        if self.mode == DIGEST:
            return following(office, local, self.digest_at)
        if self.is_quiet(local.time()):
            return following(office, local, self.quiet_to)
        return now

    def is_quiet(self, time: datetime.time) -> bool:
        """Return whether ``time`` is in the quiet hours, which may go over midnight."""
        if not self.quiet_from or not self.quiet_to or self.quiet_from == self.quiet_to:
            return False
        first, last = clock(self.quiet_from), clock(self.quiet_to)
        if first < last:
            return first <= time < last
        return time >= first or time < last


def clock(text: str) -> datetime.time:
    """Return the time of day in ``text``. Raises ``TimeRefused``."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise TimeRefused(value=text[:20] or "–")
    return datetime.time(int(found[1]), int(found[2]))


def clean(text: str) -> str:
    """Return a time of day as it is kept, "" for none. Raises ``TimeRefused``."""
    return f"{clock(text):%H:%M}" if text.strip() else ""


def following(office: Office, local: datetime.datetime, text: str) -> datetime.datetime:
    """Return the next moment (UTC) after ``local`` at which the office's clocks show ``text``."""
    time = clock(text)
    day = local.date() + datetime.timedelta(days=local.time() >= time)
    return office.at(day, time)
