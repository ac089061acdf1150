"""Office: what is settled where the application is installed – time zone, address, mail server."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from app.errors import Problem

#: the office's time zone unless the configuration names another
ZONE = "Asia/Shanghai"
#: an address mail can be sent to; what is allowed beyond this no office uses
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Through which server mail leaves. ``security``: none, starttls or tls."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    sender: str


@dataclass(frozen=True, slots=True)
class Office:
    """``site`` is the address people open the application at, "" where it is not stated."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo(ZONE))
    site: str = ""
    mail: MailServer | None = None
    #: puts a sentence into the language in which the office is written to
    say: Callable[[Problem], str] = Problem.sentence
    #: days after which audit entries go, and after which an account nobody uses is suspended
    audit_days: int = 365
    unused_days: int = 90

    def local(self, at: datetime.datetime) -> datetime.datetime:
        """Return a stored moment (UTC, no zone) as the office's clocks show it."""
        return at.replace(tzinfo=datetime.UTC).astimezone(self.zone)

    def stored(self, local: datetime.datetime) -> datetime.datetime:
        """Return a moment of the office's clocks, without a zone or with one, as it is stored."""
        if local.tzinfo is None:
            local = local.replace(tzinfo=self.zone)
        return local.astimezone(datetime.UTC).replace(tzinfo=None)

    def at(self, day: datetime.date, time: datetime.time) -> datetime.datetime:
        """Return the stored moment at which the office's clocks show ``time`` on ``day``."""
        return self.stored(datetime.datetime.combine(day, time))
