"""Schedulers as processes: two at once, and one that is killed between two effects."""

from __future__ import annotations

import datetime
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services import jobs
from app.services.work import Platform
from app.storage.session import Database
from tests.support.counted_jobs import counted, effects, prepare
from tests.support.register import ROOT, platform_on

pytestmark = pytest.mark.fault

HOUR = datetime.timedelta(hours=1)
NOON = datetime.datetime(2026, 3, 2, 12, 0, 30)
TOP = NOON.replace(second=0)


@pytest.fixture
def office(url: str, tmp_path: Path) -> Iterator[Platform]:
    database = Database(url)
    platform = platform_on(database, tmp_path)
    prepare(platform)
    one = counted()
    jobs.run_due(platform, {one.name: one}, NOON - HOUR)
    yield platform
    database.dispose()


def process(url: str, folder: Path, at: datetime.datetime, *more: str) -> subprocess.Popen[str]:
    """Start a scheduler that waits for a line."""
    command = [sys.executable, "-m", "tests.support.counted_jobs", url, str(folder)]
    started = subprocess.Popen(
        [*command, at.isoformat(), *more],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def go(started: subprocess.Popen[str]) -> None:
    assert started.stdin is not None
    started.stdin.write("\n")
    started.stdin.flush()


def test_schedulers_that_start_together_run_a_due_time_once(
    office: Platform, url: str, tmp_path: Path
) -> None:
    for hour in range(5):
        both = [process(url, tmp_path, NOON + hour * HOUR) for _ in range(3)]
        for one in both:
            go(one)
        said = [one.communicate(timeout=120)[0] for one in both]
        assert sorted(said) == ["ran 0\n", "ran 0\n", "ran 1\n"]

    dues = [TOP + hour * HOUR for hour in range(5)]
    assert effects(office) == [(due, part) for due in dues for part in (1, 2)]


def test_killed_between_two_effects_both_happen_once_later(
    office: Platform, url: str, tmp_path: Path
) -> None:
    victim = process(url, tmp_path, NOON, "stop")
    go(victim)
    assert victim.stdout is not None
    assert victim.stdout.readline() == "between\n"

    victim.send_signal(signal.SIGKILL)
    victim.communicate()

    assert effects(office) == []
    one = counted()
    assert jobs.run_due(office, {one.name: one}, NOON) == 0, "it may still be running elsewhere"
    assert jobs.run_due(office, {one.name: one}, NOON + HOUR / 4) == 1
    assert effects(office) == [(TOP, 1), (TOP, 2)]


# SQLite has one writer: the other scheduler could only wait for it
@pytest.mark.parametrize(
    "url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_while_a_run_is_in_progress_nobody_takes_it_even_when_its_time_is_over(
    office: Platform, url: str, tmp_path: Path
) -> None:
    slow = process(url, tmp_path, NOON, "stop")
    go(slow)
    assert slow.stdout is not None
    assert slow.stdout.readline() == "between\n"

    one = counted()
    assert jobs.run_due(office, {one.name: one}, NOON + HOUR / 2) == 0

    said = slow.communicate("", timeout=120)[0]
    assert said == "ran 1\n"
    assert effects(office) == [(TOP, 1), (TOP, 2)]
