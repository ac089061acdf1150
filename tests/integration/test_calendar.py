"""The calendar of working days on both engines: shipped, imported, corrected."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

import openpyxl
import pytest

from app.errors import FileRefused, NotAllowed
from app.services import calendar, seeding
from app.services.work import Actor, Platform
from tests.support.register import ME

SPRING = datetime.date(2026, 2, 16)


@pytest.fixture
def shipped(platform: Platform) -> Platform:
    """A platform with the years that come with the product."""
    seeding.seed_calendar(platform)
    return platform


def test_shipped_years_are_loaded_once(platform: Platform) -> None:
    assert seeding.seed_calendar(platform) == [2024, 2025, 2026]
    assert seeding.seed_calendar(platform) == []

    with platform.reading(ME) as work:
        days = calendar.of(work)
        assert [notice.source for notice in calendar.notices(work)][0] == "国办发明电〔2025〕7号"
    assert not days.is_working_day(SPRING)
    assert days.is_working_day(datetime.date(2026, 2, 14))
    assert days.known_until == datetime.date(2026, 12, 31)


def test_a_day_changed_by_hand_survives_the_next_start(shipped: Platform) -> None:
    with shipped.writing(ME) as work:
        calendar.change_day(work, datetime.date(2026, 2, 13), "holiday", "  小年   放假 ")
        calendar.change_day(work, SPRING, "", "")

    seeding.seed_calendar(shipped)

    with shipped.reading(ME) as work:
        days = calendar.of(work)
    assert days.days[datetime.date(2026, 2, 13)].title == "小年 放假"
    assert SPRING not in days.days
    assert days.is_working_day(SPRING)


def test_a_table_replaces_the_year_it_states(shipped: Platform, tmp_path: Path) -> None:
    path = tmp_path / "2026.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        rows = [
            ["日期", "类型", "名称"],
            ["2026年10月1日", "休", "国庆节"],
            ["2026/10/10", "班", ""],
        ]
        csv.writer(file).writerows(rows)

    with shipped.writing(ME) as work:
        found = calendar.import_file(work, path)

    assert [year.year for year in found] == [2026]
    with shipped.reading(ME) as work:
        days = calendar.of(work)
    assert [day for day in sorted(days.days) if day.year == 2026] == [
        datetime.date(2026, 10, 1), datetime.date(2026, 10, 10),
    ]  # fmt: skip
    assert not days.is_working_day(datetime.date(2025, 10, 8))


def test_a_worksheet_with_real_dates_adds_a_year(shipped: Platform, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["名称", "日期", "类型"])
    book.active.append(["元旦", datetime.date(2027, 1, 1), "放假"])
    book.active.append(["元旦", datetime.date(2027, 1, 3), "上班"])
    book.save(tmp_path / "2027.xlsx")

    with shipped.writing(ME) as work:
        calendar.import_file(work, tmp_path / "2027.xlsx")

    with shipped.reading(ME) as work:
        days = calendar.of(work)
    assert days.known_until == datetime.date(2027, 12, 31)
    assert days.is_working_day(datetime.date(2027, 1, 3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("日期,类型\n2027-02-30,休\n", "2027-02-30"),
        ("日期,类型\n2027-02-03,半天\n", "半天"),
        ("日期,类型\n2027-02-03,休\n2027-02-03,班\n", "2027-02-03"),
        ("日期,类型\n,休\n", "Row 2"),
        ("日期,类型\n2027-02-03,班\n", "2027"),
        ("日,类\n2027-02-03,班\n", "日期"),
        ("", "no rows"),
    ],
)
def test_a_faulty_table_changes_nothing(
    shipped: Platform, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text, "utf-8")
    with shipped.reading(ME) as work:
        before = calendar.of(work)

    with pytest.raises(FileRefused) as refused, shipped.writing(ME) as work:
        calendar.import_file(work, path)

    assert said in str(refused.value)
    with shipped.reading(ME) as work:
        assert calendar.of(work) == before


@pytest.mark.parametrize(
    "text",
    [
        "[", "[]", "{}", '{"year": "2027"}', '{"year": 99999}', '{"year": 2027}',
        '{"year": 2027, "holidays": {}}', '{"year": 2027, "holidays": [1]}',
        '{"year": 2027, "holidays": [{"from": "2027-01-01"}]}',
        '{"year": 2027, "holidays": [{"from": "2027-05-01", "to": "2027-04-01"}]}',
        '{"year": 2027, "holidays": [{"from": "2027-01-01", "to": "2027-12-31"}]}',
        '{"year": 2027, "holidays": [{"from": "2026-01-01", "to": "2026-01-02"}]}',
        '{"year": 2027, "workdays": [{"on": "2027-01-01"}]}',
    ],
)  # fmt: skip
def test_a_faulty_document_is_refused(shipped: Platform, tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text, "utf-8")

    with pytest.raises(FileRefused), shipped.writing(ME) as work:
        calendar.import_file(work, path)


def test_only_who_administers_changes_a_day(shipped: Platform) -> None:
    nobody = Actor(None, "", "web")

    with pytest.raises(NotAllowed), shipped.writing(nobody) as work:
        calendar.change_day(work, SPRING, "workday", "")


@pytest.mark.parametrize("day", [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)])
def test_a_day_outside_the_years_is_refused(shipped: Platform, day: datetime.date) -> None:
    with pytest.raises(calendar.YearRefused), shipped.writing(ME) as work:
        calendar.change_day(work, day, "holiday", "")
