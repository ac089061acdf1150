"""A job whose effects are counted, and a process that runs it:
``python -m tests.support.counted_jobs URL FOLDER AT [stop]`` – waits for a line, then runs what
is due at AT; with ``stop`` it says "between" after the first effect and waits for ever."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from app.services import jobs
from app.services.jobs import Job, Run
from app.services.work import Platform, Work
from app.storage.session import Database
from tests.support.register import platform_on

effect = sa.Table(
    "effect",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("due", sa.DateTime),
    sa.Column("part", sa.Integer),
)


def prepare(platform: Platform) -> None:
    """Make the table of effects."""
    with platform.database.writing() as tx:
        effect.create(tx)


def effects(platform: Platform) -> list[tuple[datetime.datetime, int]]:
    """Return the effects there are: (due time, which part)."""
    with platform.database.reading() as tx:
        rows = tx.execute(sa.select(effect.c.due, effect.c.part).order_by(effect.c.id))
        return [(row.due, row.part) for row in rows]


def counted(between: Callable[[], None] = lambda: None, cron: str = "0 * * * *") -> Job:
    """Return an hourly job of two effects."""

    @jobs.job("count", title="Count", cron=cron)
    def count(work: Work, run: Run) -> str | None:
        work.tx.execute(effect.insert().values(due=run.due, part=1))
        between()
        work.tx.execute(effect.insert().values(due=run.due, part=2))
        return "counted"

    return count


def main() -> None:
    """Run what is due, once a line has come."""
    url, folder, at = sys.argv[1:4]

    def wait() -> None:
        if "stop" in sys.argv:
            print("between", flush=True)
            sys.stdin.read()

    one = counted(wait)
    platform = platform_on(Database(url), Path(folder))
    print("ready", flush=True)
    sys.stdin.readline()
    ran = jobs.run_due(platform, {one.name: one}, datetime.datetime.fromisoformat(at))
    print(f"ran {ran}", flush=True)


if __name__ == "__main__":
    main()
