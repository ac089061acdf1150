"""A publication that is killed or runs into a broken disk leaves the old revision or the new."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.services import publishing
from app.services.audit.chain import AuditFailed
from app.services.lists import Query, page
from app.storage.session import Database
from tests.support.register import ME, ROOT, definition, platform_on, publish
from tests.support.wholeness import assert_whole, digest, dumped

pytestmark = pytest.mark.fault

BEFORE = definition(properties={"size": {"title": "规模", "type": "string"}})
#: a new table's worth of steps: a field with a default, a change of kind, a child list, indexes
AFTER = definition(
    properties={
        "size": {"title": "规模", "type": "integer"},
        "memo": {"title": "备注", "type": "string", "default": "无"},
        "double": {"title": "两倍", "scale": 2, "computed": "amount * 2.0"},
        "visits": {
            "title": "走访",
            "type": "array",
            "items": {"type": "object", "properties": {"on": {"type": "string", "format": "date"}}},
        },
    },
    register={"filters": ["kind", "noted_on"]},
)
CALLS = {
    "killed at a write": ("pwrite64", "signal=KILL"),
    "no space at a write": ("pwrite64", "error=ENOSPC"),
    "I/O error at a sync": ("fdatasync,fsync", "error=EIO"),
}


def prepared(platform):
    publish(platform, BEFORE)
    with platform.writing(ME) as work:
        from app.services import records

        for number in range(60):
            raw = {"name": f"第{number}厂", "amount": number, "size": str(number)}
            records.create(work, "demo", raw | ({"size": "大"} if number % 7 == 0 else {}))


def run(url: str, path: Path, *before: str) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-m", "tests.support.job", url, str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def outcome(url: str, folder: Path) -> tuple[int, int]:
    """Open what is left as the next process does; return (revision, records)."""
    database = Database(url)
    try:
        platform = platform_on(database, folder)
        assert_whole(platform)
        with platform.reading(ME) as work:
            entry = work.snapshot.entries["demo"]
            fields = work.published("demo").register
            assert ("memo" in fields) is (entry.revision == 2)
            return entry.revision, page(work, "demo", Query()).total
    finally:
        database.dispose()


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("fault", CALLS)
def test_stepping_through_every_write(fault, sqlite_url, tmp_path):
    platform = platform_on(Database(sqlite_url), tmp_path)
    prepared(platform)
    platform.database.dispose()
    original = Path(sqlite_url.removeprefix("sqlite:///"))
    with Database(sqlite_url).writing() as tx:
        assert tx is not None
    document = tmp_path / "after.json"
    document.write_text(dumped(AFTER), "utf-8")
    calls, fault_text = CALLS[fault]

    seen = set()
    for step in steps():
        broken = tmp_path / f"broken{step}.db"
        for ending in ("", "-wal"):
            if Path(f"{original}{ending}").exists():
                shutil.copyfile(f"{original}{ending}", f"{broken}{ending}")
        inject = f"inject={calls}:{fault_text}:when={step}"
        strace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={calls}", "-e", inject]
        result = run(f"sqlite:///{broken}", document, *strace)
        revision, count = outcome(f"sqlite:///{broken}", tmp_path)
        seen.add(revision)
        assert count == 60
        if "done" in result.stdout:
            assert revision == 2
        for ending in ("", "-wal", "-shm"):
            Path(f"{broken}{ending}").unlink(missing_ok=True)
        if "done" in result.stdout and not result.returncode:
            break
    assert seen >= {1, 2}


def steps():
    """Give the writes to break: the first dozen, then further and further apart."""
    step = 1
    while True:
        yield step
        step += 1 if step < 12 else max(2, step // 5)


def test_killing_the_publisher_at_any_moment(url, tmp_path):
    platform = platform_on(Database(url), tmp_path)
    prepared(platform)
    document = tmp_path / "after.json"
    document.write_text(dumped(AFTER), "utf-8")
    address = platform.database.url.render_as_string(hide_password=False)
    before = digest(platform)
    chance = random.Random(7)

    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.job", address, str(document)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read()
        process.wait()
        process.stdout.close()
        revision, count = outcome(address, tmp_path)
        assert count == 60
        if revision == 2:
            break
        assert "done" not in said
        assert digest(platform) == before
    publish(platform, AFTER)
    assert outcome(address, tmp_path) == (2, 60)
    platform.database.dispose()


def test_a_failure_at_any_statement_changes_nothing(platform_with_rows):
    platform = platform_with_rows
    before, failed = digest(platform), 0

    for number in range(1, 400):
        count = 0

        def breaks(*_: object, at: int = number) -> None:
            nonlocal count
            count += 1
            if count == at:
                raise sa.exc.OperationalError("broken here", {}, Exception("broken"))

        event.listen(platform.database.engine, "before_cursor_execute", breaks)
        try:
            with platform.writing(ME, publishing=True) as work:
                publishing.publish(work, AFTER, confirmed=True)
            break
        except (sa.exc.OperationalError, AuditFailed):
            failed += 1
        finally:
            event.remove(platform.database.engine, "before_cursor_execute", breaks)
        assert digest(platform) == before
    assert failed > 20
    assert_whole(platform)


@pytest.fixture
def platform_with_rows(database, tmp_path):
    platform = platform_on(database, tmp_path)
    prepared(platform)
    return platform
