"""Clocks: how far the application's clock stands from the database's.

The order of the log is its numbers; its times are the application's. With several machines, or a
database on another one, a clock that is wrong makes them hard to compare.
"""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass

import sqlalchemy as sa

from app.errors import SettingRefused
from app.services import audit, work
from app.services.work import Platform, Work
from app.storage.models_audit import audit as entries

#: seconds apart from which it is told, and from which the application does not start
APART, MOST = 5.0, 60.0
EVENT = "clock.apart"
#: a difference that lasts is told again after this time
AGAIN = datetime.timedelta(hours=1)


class ClocksApart(SettingRefused):
    text = (
        "The clock of this machine and the clock of the database of {name} are {seconds} seconds "
        "apart, and more than {most} are not borne: times could not be relied on. Set the clocks."
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds by which the application's clock is ahead; ``unsure``: half of the time it took."""

    ahead: float
    unsure: float

    @property
    def apart(self) -> float:
        """Return how far apart they are at least."""
        return max(0.0, abs(self.ahead) - self.unsure)

    @property
    def wrong(self) -> bool:
        return self.apart > APART


def read(tx: sa.Connection) -> Reading:
    """Compare the clocks now. SQLite has none of its own: it asks the same machine."""
    if tx.dialect.name == "sqlite":
        query = sa.text("SELECT (julianday('now') - 2440587.5) * 86400.0")
    else:
        query = sa.text("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
    begin, mine = time.monotonic(), present()
    theirs = float(tx.scalar(query) or 0.0)
    took = time.monotonic() - begin
    return Reading(mine + took / 2 - theirs, took / 2 + 0.001)


def present() -> float:
    """Return the application's clock in seconds since 1970."""
    return time.time()


def check(platform: Platform) -> None:
    """Refuse to start on clocks that are far apart. Raises ``ClocksApart``."""
    with platform.database.reading() as tx:
        found = read(tx)
    if found.apart > MOST:
        name, seconds = "TAIZHANG_DATABASE_URL", round(found.apart)
        raise ClocksApart(name=name, seconds=seconds, most=round(MOST))


def watch(job: Work) -> None:
    """Note clocks that are apart in the log, once in a while as long as they are."""
    found = read(job.tx)
    if not found.wrong:
        return
    query = sa.select(sa.func.max(entries.c.at)).where(entries.c.event == EVENT)
    last = job.tx.scalar(query)
    if last is None or not datetime.timedelta() <= work.now() - last < AGAIN:
        told = {"seconds": round(found.apart)}
        audit.note(job, EVENT, audit.About("audit"), told, result=audit.REFUSED)
