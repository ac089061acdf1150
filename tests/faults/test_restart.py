"""FA-134: PostgreSQL is restarted and killed under people who save. What was acknowledged is
there, once; nothing is half; what people are told meanwhile is a sentence."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from app.errors import AppError, Busy, DatabaseGone
from app.services import records
from app.services.lists import Query, page
from app.storage.session import Database
from tests.support import books
from tests.support.agreement import disagreements
from tests.support.databases import session_folder
from tests.support.register import ME, platform_on, publish
from tests.support.throwaway import ThrowAway

pytestmark = [pytest.mark.fault, pytest.mark.postgresql]

WRITERS = 3
#: saves that must arrive before and after each blow
STEADY = 12
#: attempts of one writer between the server's return and its first success
PATIENT = 60


class Crowd:
    """Writers that send every form again, with its token, until it is acknowledged."""

    def __init__(self, url: str, folder: Path) -> None:
        self.platforms = [platform_on(Database(url, pool_size=2), folder) for _ in range(WRITERS)]
        self.acknowledged: list[tuple[str, int]] = []
        self.told: list[AppError] = []
        self.broken: list[BaseException] = []
        self.attempts = [0] * WRITERS
        self.moved, self.ending = threading.Condition(), threading.Event()
        self.threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def _write(self, writer: int) -> None:
        try:
            for number in range(1_000):
                if self.ending.is_set():
                    return
                self._send(writer, f"{writer}-{number}", number)
        except BaseException as error:
            self.broken.append(error)

    def _send(self, writer: int, name: str, number: int) -> None:
        year = 1990 + number // 12
        month = f"{year}-{number % 12 + 1:02d}"
        raw = {"firm": writer + 1, "month": month, "year": year, "income": "1"}
        while True:
            try:
                self.attempts[writer] += 1
                with self.platforms[writer].writing(ME) as work:
                    made = records.create(work, "report", raw, token=name)
                break
            except (DatabaseGone, Busy) as error:
                self.told.append(error)
                self.ending.wait(0.05)
        with self.moved:
            self.attempts[writer] = 0
            self.acknowledged.append((name, made.id))
            self.moved.notify_all()

    def carry_on(self) -> None:
        """Wait until a good number of further saves are acknowledged."""
        with self.moved:
            goal = len(self.acknowledged) + STEADY
            arrived = self.moved.wait_for(
                lambda: self.broken or len(self.acknowledged) >= goal, timeout=60
            )
        assert self.broken == []
        assert arrived, f"No save arrived any more; the last answer was {self.told[-1:]}"

    def end(self) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()
        for platform in self.platforms:
            platform.database.dispose()


@pytest.fixture
def server() -> Iterator[ThrowAway]:
    server = ThrowAway(session_folder() / f"throwaway-{uuid4().hex[:8]}")
    yield server
    server.stop()


def test_the_database_is_restarted_and_killed_under_load(server, tmp_path):
    platform = platform_on(Database(server.url), tmp_path)
    publish(platform, books.firm(), books.report())
    with platform.writing(ME) as work:
        for number in range(WRITERS):
            records.create(work, "firm", {"name": f"{number}厂"})
    crowd = Crowd(server.url, tmp_path)
    try:
        for blow in (
            lambda: server.restart("fast"),
            lambda: server.restart("immediate"),
            server.kill_backend,
            server.kill_postmaster,
        ):
            crowd.carry_on()
            blow()
            server.ready()
            crowd.attempts = [0] * WRITERS
            crowd.carry_on()
            assert max(crowd.attempts) <= PATIENT
    finally:
        crowd.end()

    assert crowd.broken == []
    assert {type(error) for error in crowd.told} <= {DatabaseGone, Busy}
    assert_stored_once(platform, crowd)
    assert disagreements(platform) == []
    platform.database.dispose()


def assert_stored_once(platform, crowd):
    ids = [number for _, number in crowd.acknowledged]
    assert len(set(ids)) == len(ids)
    with platform.reading(ME) as work:
        assert page(work, "report", Query()).total == len(ids)
        counted = [records.get(work, "firm", n + 1).values["income"] for n in range(WRITERS)]
    assert sum(counted) == len(ids)


def test_a_server_that_is_away_is_told_in_a_sentence(tmp_path):
    gone = platform_on(Database(f"postgresql://nobody@/nothing?host={tmp_path}"), tmp_path)

    for use in (gone.reading, gone.writing):
        with pytest.raises(DatabaseGone) as told, use(ME):
            pass
        assert str(tmp_path) not in told.value.sentence()
    gone.database.dispose()
