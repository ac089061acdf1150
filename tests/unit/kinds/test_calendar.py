"""Dates as people and worksheets write them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kinds import Kind, Unreadable, language
from app.kinds.date import Date
from app.kinds.datetime_ import DateTime
from app.kinds.month import Month
from app.kinds.quarter import Quarter
from app.kinds.year import Year

DAYS = st.dates(datetime.date(1900, 1, 1), datetime.date(2199, 12, 31))


def from_cell(kind: Kind, cell: Any) -> Any:
    """Return the value a worksheet's cell has in a column of ``kind``."""
    return kind.reader().deserialize(kind.from_cell(cell))


@given(DAYS)
def test_any_day_survives_every_way_of_writing_it(day: datetime.date) -> None:
    read = Date().reader().deserialize

    for pattern in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d"):
        assert read(day.strftime(pattern)) == day
    assert read(f"{day.year}年{day.month}月{day.day}日") == day
    assert Date().from_json(Date().to_json(day)) == day


@given(st.dates(datetime.date(1906, 1, 8), datetime.date(2199, 12, 31)))
def test_excels_serial_numbers_are_days(day: datetime.date) -> None:
    serial = (day - datetime.date(1899, 12, 30)).days

    assert from_cell(Date(), float(serial)) == day
    assert from_cell(Date(), serial + 0.75) == day
    assert from_cell(Month(), serial) == day.strftime("%Y-%m")
    assert from_cell(DateTime(), serial + 0.5) == datetime.datetime.combine(day, datetime.time(12))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (1.0, datetime.date(1900, 1, 1)),
        (59, datetime.date(1900, 2, 28)),
        (61, datetime.date(1900, 3, 1)),
        (20240630.0, datetime.date(2024, 6, 30)),
        (datetime.datetime(2024, 6, 30, 14, 5), datetime.date(2024, 6, 30)),
        ("2024/6/30", datetime.date(2024, 6, 30)),
    ],
)
def test_a_dates_cell_is_read(cell: Any, value: datetime.date) -> None:
    assert from_cell(Date(), cell) == value


@pytest.mark.parametrize("cell", [60, 0, -1, 2024, 2024.0, 202406, 109575, 1e300, True, "2024"])
def test_a_number_that_is_no_days_serial_is_refused(cell: Any) -> None:
    with pytest.raises(Unreadable):
        from_cell(Date(), cell)


def test_a_month_typed_as_a_number_is_read() -> None:
    assert from_cell(Month(), 202406.0) == "2024-06"
    assert from_cell(Month(), datetime.datetime(2024, 6, 1)) == "2024-06"


def test_times_are_shown_and_read_in_either_language() -> None:
    assert (Month().show("2024-06"), Quarter().show("2024Q1")) == ("2024年6月", "2024年第1季度")
    token = language.set("en")
    try:
        assert (Month().show("2024-06"), Quarter().show("2024Q1")) == ("2024-06", "2024Q1")
    finally:
        language.reset(token)


def test_a_time_of_day_is_not_lost_by_reading_it_as_a_date() -> None:
    with pytest.raises(Unreadable):
        Date().reader().deserialize(
            Date().from_other(DateTime(), datetime.datetime(2024, 6, 30, 8))
        )
    noon = datetime.datetime(2024, 6, 30)
    assert Date().reader().deserialize(Date().from_other(DateTime(), noon)) == noon.date()
    assert Month().reader().deserialize(Month().from_other(Date(), noon.date())) == "2024-06"


def test_a_year_out_of_range_is_told_the_range() -> None:
    with pytest.raises(Unreadable) as refused:
        Year().reader().deserialize("2204")

    assert refused.value.values == {"value": "2204", "first": 1900, "last": 2199}
