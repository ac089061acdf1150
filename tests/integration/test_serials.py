"""Numbers that the platform gives: one after the other, whoever enters, on both engines."""

from __future__ import annotations

import datetime
import threading
from pathlib import Path
from typing import Any

import pytest

from app.errors import RecordRefused
from app.services import exchange, lists, publishing, records, removal
from app.services.work import Platform
from tests.support.register import ME, definition, publish

NO = {"title": "编号", "type": "string", "maxLength": 20, "serial": "WL-{year}-{000}"}


def numbered(platform: Platform, **no: Any) -> None:
    publish(
        platform,
        definition(
            properties={"no": {**NO, **no}, "name": {"title": "名称", "type": "string"}},
            register={"key": None, "sort": None, "label": "{no}"},
        ),
    )


def enter(platform: Platform, day: str = "2026-03-01", **raw: Any) -> str:
    with platform.writing(ME) as work:
        work.now = datetime.datetime.fromisoformat(f"{day} 04:00:00")
        return records.create(work, "demo", {"name": "甲", **raw}).values["no"]


def test_numbers_follow_each_other_and_begin_anew_each_year(platform: Platform) -> None:
    numbered(platform)

    given = [enter(platform), enter(platform), enter(platform, "2027-01-01"), enter(platform)]

    assert given == ["WL-2026-001", "WL-2026-002", "WL-2027-001", "WL-2026-003"]


def test_a_refused_record_uses_no_number_up(platform: Platform) -> None:
    numbered(platform)
    with pytest.raises(RecordRefused):
        enter(platform, name="")

    assert enter(platform) == "WL-2026-001"


def test_a_number_in_the_recycle_bin_is_not_given_again(platform: Platform) -> None:
    numbered(platform)
    enter(platform)
    with platform.writing(ME) as work:
        last = records.create(work, "demo", {"name": "乙"})
        removal.delete(work, "demo", last.id, 1, "x")
        given = records.create(work, "demo", {"name": "丙"}).values["no"]

    assert int(given[-3:]) == int(last.values["no"][-3:]) + 1


def test_a_number_once_given_stays(platform: Platform) -> None:
    numbered(platform)
    with platform.writing(ME) as work:
        made = records.create(work, "demo", {"name": "甲"})

    with pytest.raises(RecordRefused) as refused, platform.writing(ME) as work:
        records.change(work, "demo", made.id, 1, {"no": "WL-2026-900"})

    [problem] = refused.value.problems
    assert problem.at == "/no"


def test_more_than_the_digits_count_on(platform: Platform) -> None:
    numbered(platform)
    enter(platform, no="WL-2026-999")

    assert [enter(platform), enter(platform)] == ["WL-2026-1000", "WL-2026-1001"]


def test_an_old_number_of_another_shape_is_passed_over(platform: Platform) -> None:
    numbered(platform)
    enter(platform, no="WL-2026-旧一百二十号文")
    enter(platform, no="WL-2026-004")

    assert enter(platform) == "WL-2026-005"


def test_many_at_once_get_a_number_each(platform: Platform) -> None:
    numbered(platform)
    given, failed = list[str](), list[BaseException]()

    def go() -> None:
        try:
            given.extend(enter(platform) for _ in range(5))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert sorted(given) == [f"WL-2026-{n:03d}" for n in range(1, 21)]


def test_an_import_brings_its_own_and_leaves_the_rest_to_the_platform(
    platform: Platform, tmp_path: Path
) -> None:
    numbered(platform)
    year = datetime.date.today().year
    file = tmp_path / "old.csv"
    file.write_text(f"编号,名称\n,甲\nWL-{year}-041,乙\n,丙\n", "utf-8")

    with platform.writing(ME) as work:
        exchange.import_file(work, "demo", file)
        found = {one.label for one in lists.page(work, "demo", lists.Query()).rows}

    assert found == {f"WL-{year}-041", f"WL-{year}-042", f"WL-{year}-043"}


def test_records_from_before_the_numbering_may_be_numbered_by_hand(platform: Platform) -> None:
    publish(platform, definition(register={"key": None}))
    with platform.writing(ME) as work:
        old = records.create(work, "demo", {"name": "甲"})
    numbered(platform)

    with platform.writing(ME) as work:
        changed = records.change(work, "demo", old.id, 1, {"no": "补-1"})

    assert changed.values["no"] == "补-1"


@pytest.mark.parametrize("serial", ["WL-{year}", "WL-{0000}-{year}", "{no}-{000}", "{000}{000}"])
def test_a_numbering_that_cannot_count_is_refused(platform: Platform, serial: str) -> None:
    with platform.reading(ME) as work:
        found = publishing.check(work, definition(properties={"no": {**NO, "serial": serial}}))

    assert any(problem.at == "/properties/no/serial" for problem in found)


def test_only_a_text_is_numbered(platform: Platform) -> None:
    field = {"title": "号", "type": "integer", "serial": "{00}"}
    with platform.reading(ME) as work:
        found = publishing.check(work, definition(properties={"no": field}))

    assert [problem.at for problem in found] == ["/properties/no/serial"]
