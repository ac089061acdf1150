"""Many at once: the audit log is one strict sequence, whoever began first (AU-174)."""

from __future__ import annotations

import datetime
import multiprocessing
import threading
from pathlib import Path

import sqlalchemy as sa

from app.services import audit, records, work
from app.services.audit.checking import verify
from app.services.work import Actor, Platform
from app.storage.models_audit import audit as table
from app.storage.session import Database
from tests.support.register import ME, definition, platform_on, publish

PROCESSES, ACTS = 4, 250


def acting(url: str, folder: str, which: int) -> None:
    """Be one of the processes: act, with a clock of one's own, every tenth time in vain."""
    skew = datetime.timedelta(seconds=7 * which)
    real = work.now
    work.now = lambda: real() - skew  # type: ignore[assignment]
    platform = platform_on(Database(url), Path(folder))
    actor = Actor(which, f"第{which}人", "web")
    for turn in range(ACTS):
        try:
            with platform.writing(actor) as unit:
                audit.note(unit, "setting.changed", audit.About("setting", "", turn))
                if turn % 10 == 9:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            audit.note_refusal(platform.database, "access.refused", actor=actor)
    platform.database.dispose()


def test_four_processes_leave_a_strict_sequence_without_gaps(
    platform: Platform, tmp_path: Path
) -> None:
    url = platform.database.url.render_as_string(hide_password=False)
    spawn = multiprocessing.get_context("spawn")
    them = [
        spawn.Process(target=acting, args=(url, str(tmp_path), which)) for which in range(PROCESSES)
    ]
    for one in them:
        one.start()
    for one in them:
        one.join()

    assert [one.exitcode for one in them] == [0] * PROCESSES
    with platform.database.reading() as tx:
        numbers = list(tx.scalars(sa.select(table.c.number).order_by(table.c.number)))
        done = list(
            tx.execute(
                sa.select(table.c.actor, table.c.object_id)
                .where(table.c.event == "setting.changed")
                .order_by(table.c.number)
            )
        )
    assert numbers == list(range(1, PROCESSES * ACTS + 1))
    for which in range(PROCESSES):
        own = [int(row.object_id) for row in done if row.actor == which]
        assert own == [turn for turn in range(ACTS) if turn % 10 != 9]
    assert verify(platform).whole


def test_who_begins_earlier_and_commits_later_comes_later(platform: Platform) -> None:
    """On SQLite the second waits for the first from the start, so there the order is that of
    beginning; on PostgreSQL both are under way and the commits decide."""
    noted, finished = threading.Event(), threading.Event()

    def early() -> None:
        with platform.writing(Actor(1, "先", "web")) as unit:
            audit.note(unit, "setting.changed")
            noted.set()
            if not platform.database.sqlite:
                assert finished.wait(30)

    first = threading.Thread(target=early)
    first.start()
    assert noted.wait(30)
    with platform.writing(Actor(2, "后", "web")) as unit:
        audit.note(unit, "setting.changed")
    finished.set()
    first.join()

    with platform.database.reading() as tx:
        names = list(tx.scalars(sa.select(table.c.actor_name).order_by(table.c.number)))
    assert names == (["先", "后"] if platform.database.sqlite else ["后", "先"])
    assert verify(platform).whole


def test_writers_publishers_and_refusals_do_not_block_each_other(platform: Platform) -> None:
    """The end of the log is locked last of all, so nobody waits in a circle."""
    publish(platform, definition())
    failed: list[BaseException] = []

    def run(turns: int, kind: int) -> None:
        try:
            for turn in range(turns):
                if kind == 0:
                    document = definition(title=f"台账{turn}")
                    publish(platform, document)
                elif kind == 1:
                    with platform.writing(ME) as unit:
                        audit.note(unit, "setting.changed")
                        records.create(unit, "demo", {"name": f"厂{turn}"})
                else:
                    audit.note_refusal(platform.database, "access.refused", actor=ME)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(15, kind)) for kind in (0, 1, 2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert failed == []
    verdict = verify(platform)
    assert verdict.whole
    assert verdict.last == 1 + 3 * 15
