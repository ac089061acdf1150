"""Several people and processes at once: nothing is lost, nothing is half."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import event

from app.errors import AppError, PlanOutdated, RecordMoved
from app.services import history, publishing, records, removal
from app.services.exchange import import_file
from app.services.lists import Query, page
from app.storage.session import Database
from tests.support.register import ME, OTHER, ROOT, definition, platform_on, publish
from tests.support.wholeness import assert_whole

pytestmark = pytest.mark.fault


def start(url: str, prefix: str, count: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.writer", url, prefix, str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def all_together(processes: list[subprocess.Popen[str]]) -> list[list[str]]:
    """Let processes that are ready begin at once; return what each acknowledged."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said


def address(platform) -> str:
    return platform.database.url.render_as_string(hide_password=False)


@pytest.fixture
def platform(database, tmp_path):
    made = platform_on(database, tmp_path)
    publish(made, definition())
    return made


def test_four_processes_write_and_read_while_one_exports(platform):
    writers = [start(address(platform), f"第{n}组", 60) for n in range(4)]
    done = threading.Event()
    seen: list[int] = []

    def read_on() -> None:
        while not done.is_set():
            with platform.reading(ME) as work:
                seen.append(page(work, "demo", Query(sort="name")).total)

    reader = threading.Thread(target=read_on)
    reader.start()
    said = all_together(writers)
    done.set()
    reader.join()

    acknowledged = [name for lines in said for name in lines]
    assert [name for name in acknowledged if name.startswith("!")] == []
    assert len(acknowledged) == 240
    assert seen == sorted(seen)
    with platform.reading(ME) as work:
        assert page(work, "demo", Query()).total == 240


def test_no_unit_of_work_begins_as_a_reader_on_sqlite(sqlite_url, tmp_path):
    platform = platform_on(Database(sqlite_url), tmp_path)
    begun: list[str] = []
    event.listen(
        platform.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: begun.append(statement),
    )

    publish(platform, definition())
    with platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲厂"})

    starts = [i for i, statement in enumerate(begun) if statement.startswith("BEGIN")]
    for at, after in zip(starts, [*starts[1:], len(begun)], strict=True):
        writes = any(
            s.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER"))
            for s in begun[at:after]
        )
        assert begun[at] == "BEGIN IMMEDIATE" or not writes
    platform.database.dispose()


def test_one_form_sent_by_several_processes_makes_one_record(platform):
    writers = [start(address(platform), "同一张", 12) for _ in range(4)]

    said = all_together(writers)

    assert all(len([n for n in lines if not n.startswith("!")]) == 12 for lines in said)
    with platform.reading(ME) as work:
        assert page(work, "demo", Query()).total == 12


def together(*actions: Callable[[], object]) -> list[object]:
    """Run actions at the same moment; return what each returned or raised."""
    barrier = threading.Barrier(len(actions))
    results: list[object] = [None] * len(actions)

    def run(place: int, action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[place] = action()
        except AppError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_people_cannot_take_one_key(platform):
    def take():
        with platform.writing(ME) as work:
            return records.create(work, "demo", {"name": "甲厂"}).id

    results = together(take, take, take)

    assert len([r for r in results if isinstance(r, int)]) == 1
    refusals = {r.code for r in results if isinstance(r, AppError)}
    assert refusals <= {"record.refused", "record.collision"}
    with platform.reading(ME) as work:
        assert page(work, "demo", Query()).total == 1


def test_two_administrators_publish_at_once(platform):
    with platform.reading(ME) as work:
        base = publishing.plan(work, definition(title="甲")).base_hash

    def publishes(title):
        def run():
            document = definition(title=title)
            with platform.writing(ME, publishing=True) as work:
                return publishing.publish(work, document, base_hash=base, confirmed=True).revision

        return run

    results = together(publishes("甲"), publishes("乙"), publishes("丙"))

    assert [r for r in results if isinstance(r, int)] == [2]
    assert [type(r) for r in results if not isinstance(r, int)] == [PlanOutdated] * 2
    assert_whole(platform)


def test_publishing_and_saving_at_once_stores_under_one_revision(platform):
    with_code = definition(properties={"code": {"title": "代码", "type": "string"}})
    strict = with_code | {"required": ["name", "code"]}

    def publishes():
        publish(platform, strict)
        return "published"

    def saves(number):
        def run():
            with platform.writing(ME) as work:
                return records.create(work, "demo", {"name": f"第{number}厂"}).revision

        return run

    together(publishes, *[saves(n) for n in range(6)])

    with platform.reading(ME) as work:
        stored = page(work, "demo", Query()).rows
        assert all(row.revision == 1 for row in stored)


# ── five ways of writing one record, each against each


def by_form(platform, version):
    with platform.writing(OTHER) as work:
        records.change(work, "demo", 1, version, {"amount": "7"})


def by_restoring(platform, version):
    with platform.writing(OTHER) as work:
        removal.restore(work, "demo", 1, 1, version)


def by_deleting(platform, version):
    with platform.writing(OTHER) as work:
        removal.delete(work, "demo", 1, version, "重复")


def by_import(platform, version):
    import io

    text = f"_id,_version,名称,金额\n1,{version},甲厂,9\n"
    with platform.writing(OTHER) as work:
        import_file(work, "demo", io.BytesIO(text.encode()), format="csv", mode="update")


WAYS = {"form": by_form, "restore": by_restoring, "delete": by_deleting, "import": by_import}


@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("first", [w for w in WAYS if w != "delete"])
def test_the_second_writer_of_a_version_is_refused(platform, first, second):
    with platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲厂", "amount": "1"})
        records.change(work, "demo", 1, 1, {"amount": "2"})

    WAYS[first](platform, 2)
    with pytest.raises(AppError) as refused:
        WAYS[second](platform, 2)

    codes = {refused.value.code, *(p.code for p in refused.value.problems)}
    assert RecordMoved.code in codes
    with platform.reading(ME) as work:
        assert records.get(work, "demo", 1).version == 3
        assert len(history.of_record(work, "demo", 1)) == 3
