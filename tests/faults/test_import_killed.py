"""An import that is killed, at whatever moment, has stored all of its rows or none.

FA-129: SIGKILL at each batch edge and at random moments on both engines, and at single writes
to the disk under SQLite. After each, the database is read by a process that starts anew.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.services import exchange
from app.services.work import Actor
from app.storage import models
from app.storage.session import Database
from tests.conftest import ENGINES
from tests.support.databases import TEMPLATE
from tests.support.importing import SLUG
from tests.support.register import ROOT, definition, platform_on, publish

pytestmark = pytest.mark.fault

ROWS = 4000
CLERK = Actor(None, "张三", "cli")
#: batches, and the moments around them
EDGES = ("reading", "1000", "2000", "3000", "4000", "stored", "committed")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    lines = (f"企业{n},{n}.25,{'甲' if n % 2 else '乙'},2024-06-30" for n in range(ROWS))
    path.write_text("名称,金额,类别,登记日期\n" + "\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(params=ENGINES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Make a database in which the register is published, and give its address."""
    with ExitStack() as stack:

        def make() -> str:
            if request.param == "sqlite":
                name = f"{len(list(tmp_path.glob('*.db')))}.db"
                url = request.getfixturevalue("sqlite").copy(tmp_path / name)
            else:
                url = stack.enter_context(request.getfixturevalue("postgresql").database(TEMPLATE))
            prepare(url, tmp_path)
            return str(url)

        yield make


def prepare(url: str, folder: Path) -> None:
    database = Database(url)
    publish(platform_on(database, folder), definition())
    database.dispose()


def command(url: str, folder: Path, file: Path) -> list[str]:
    return [sys.executable, "-m", "tests.support.importing", url, str(folder), str(file)]


def stored(url: str) -> int:
    """Return the number of records, which must be that of their histories; all, or none."""
    database = Database(url)
    with database.reading() as tx:
        records = tx.scalar(sa.text(f"SELECT count(*) FROM {table_of(tx)}")) or 0
        history = models.history
        entries = tx.scalar(
            sa.select(sa.func.count()).select_from(history).where(history.c.slug == SLUG)
        )
        if database.sqlite:
            assert tx.scalar(sa.text("PRAGMA integrity_check")) == "ok"
    database.dispose()
    assert records in (0, ROWS)
    assert entries == records
    return records


def table_of(tx: sa.Connection) -> str:
    [name] = [n for n in sa.inspect(tx).get_table_names() if n.endswith(SLUG)]
    return str(name)


def run_until(arguments: list[str], edge: str) -> None:
    """Start the import and kill it once it has said ``edge``."""
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == edge:
                break
        process.kill()


def test_killed_at_every_edge_of_a_batch_it_is_all_or_nothing(
    fresh: Callable[[], str], file: Path, tmp_path: Path
) -> None:
    url, kept = fresh(), {}
    for edge in EDGES:
        run_until(command(url, tmp_path, file), edge)
        kept[edge] = stored(url)
        url = fresh() if kept[edge] else url

    assert [edge for edge in EDGES[:-2] if kept[edge]] == []
    assert kept["committed"] == ROWS


def test_killed_at_random_moments_it_is_all_or_nothing_and_can_be_repeated(
    fresh: Callable[[], str], file: Path, tmp_path: Path
) -> None:
    url, begun = fresh(), time.monotonic()
    subprocess.run(command(url, tmp_path, file), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    lasting = time.monotonic() - begun
    assert stored(url) == ROWS
    url, chance = fresh(), random.Random(129)

    for _ in range(10):
        arguments = command(url, tmp_path, file)
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(0, lasting))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        url = fresh() if stored(url) else url

    again(url, file, tmp_path)


def again(url: str, file: Path, folder: Path) -> None:
    """Import the file once more, in full and then without any effect."""
    platform = platform_on(Database(url), folder)
    reports = []
    for _ in range(2):
        with platform.writing(CLERK) as work:
            reports.append(exchange.import_file(work, SLUG, file, mode="upsert"))
    platform.database.dispose()
    assert [(r.created, r.changed, r.unchanged) for r in reports] == [(ROWS, 0, 0), (0, 0, ROWS)]
    assert stored(url) == ROWS


def can_trace() -> bool:
    """Return whether this machine lets one process trace another."""
    strace = shutil.which("strace")
    if not strace:
        return False
    return subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_trace(), reason="needs strace")
def test_killed_at_a_write_to_the_disk_it_is_all_or_nothing(
    sqlite_url: str, file: Path, tmp_path: Path
) -> None:
    prepare(sqlite_url, tmp_path)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    clean = path.with_suffix(".clean")
    shutil.copyfile(path, clean)
    arguments = command(sqlite_url, tmp_path, file)
    total = count_writes(arguments, tmp_path / "trace")
    assert stored(sqlite_url) == ROWS

    steps = sorted({*range(1, total, max(1, total // 8)), *range(max(1, total - 4), total + 1)})
    kept = []
    for step in steps:
        restore(path, clean)
        inject = f"inject=pwrite64:signal=KILL:when={step}"
        traced = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=pwrite64", "-e", inject]
        subprocess.run([*traced, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
        kept.append(stored(sqlite_url))

    assert kept[0] == 0
    assert sorted(kept) == kept


def count_writes(arguments: list[str], trace: Path) -> int:
    traced = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=pwrite64"]
    subprocess.run([*traced, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return len(re.findall(r"pwrite64\(", trace.read_text("utf-8", "replace")))


def restore(path: Path, clean: Path) -> None:
    """Put the database back as it was before the import."""
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.copyfile(clean, path)
