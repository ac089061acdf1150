"""Working days: arithmetic against a naive count, and the shipped years against a second source."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.definitions.workdays import HOLIDAY, WORKDAY, Exceptional, WorkCalendar
from app.services.calendar_files import read_years

FOLDER = Path(__file__).parents[2] / "schemas" / "calendar"
DAY = datetime.timedelta(days=1)
FIRST, LAST = datetime.date(2023, 12, 1), datetime.date(2026, 1, 31)


def shipped() -> WorkCalendar:
    years = [y for path in sorted(FOLDER.glob("*.json")) for y in read_years(path)]
    days = {day: found for year in years for day, found in year.days.items()}
    return WorkCalendar.of(days, frozenset(year.year for year in years))


SHIPPED = shipped()
dates = st.dates(FIRST, LAST)
calendars = st.dictionaries(
    dates, st.builds(Exceptional, st.sampled_from([WORKDAY, HOLIDAY])), max_size=60
).map(lambda days: WorkCalendar.of(days, frozenset({2024, 2025})))


def naive_is_working(calendar: WorkCalendar, day: datetime.date) -> bool:
    found = calendar.days.get(day)
    return found.kind == WORKDAY if found else day.weekday() not in (5, 6)


def naive_add(calendar: WorkCalendar, day: datetime.date, n: int) -> datetime.date:
    """Walk one day at a time, counting the working days that are reached."""
    step = DAY if n > 0 else -DAY
    left = abs(n)
    while left:
        day += step
        left -= naive_is_working(calendar, day)
    return day


def naive_between(calendar: WorkCalendar, a: datetime.date, b: datetime.date) -> int:
    count, step = 0, DAY if b > a else -DAY
    while a != b:
        a += step
        count += naive_is_working(calendar, a)
    return count if step == DAY else -count


@settings(deadline=None)
@given(calendars, dates, st.integers(-300, 300))
def test_adding_counts_as_one_counts_on_a_wall_calendar(
    calendar: WorkCalendar, day: datetime.date, n: int
) -> None:
    assert calendar.add_working_days(day, n) == naive_add(calendar, day, n)


@settings(deadline=None)
@given(calendars, dates, dates)
def test_days_between_are_those_one_counts(
    calendar: WorkCalendar, a: datetime.date, b: datetime.date
) -> None:
    assert calendar.working_days_between(a, b) == naive_between(calendar, a, b)


@settings(deadline=None)
@given(calendars, dates, st.integers(-300, 300))
def test_adding_and_counting_agree(calendar: WorkCalendar, day: datetime.date, n: int) -> None:
    there = calendar.add_working_days(day, n)

    assert calendar.working_days_between(day, there) == n
    assert n == 0 or calendar.is_working_day(there)


@settings(deadline=None)
@given(calendars, dates)
def test_next_working_day_is_the_day_itself_or_the_first_after(
    calendar: WorkCalendar, day: datetime.date
) -> None:
    there = calendar.next_working_day(day)

    assert naive_is_working(calendar, there)
    assert not any(naive_is_working(calendar, day + DAY * k) for k in range((there - day).days))


def test_the_day_of_the_notice_does_not_count() -> None:
    friday_before_spring_festival = datetime.date(2026, 2, 13)

    # Saturday 14 is worked, 15 to 23 are free: 14, 24, 25, 26, 27
    assert SHIPPED.add_working_days(friday_before_spring_festival, 5) == datetime.date(2026, 2, 27)
    assert SHIPPED.add_working_days(friday_before_spring_festival, 6) == datetime.date(2026, 2, 28)
    assert SHIPPED.add_working_days(friday_before_spring_festival, 0) == datetime.date(2026, 2, 13)
    assert SHIPPED.next_working_day(datetime.date(2026, 10, 1)) == datetime.date(2026, 10, 8)


def test_a_year_that_is_not_known_says_so() -> None:
    assert SHIPPED.known_until == datetime.date(2026, 12, 31)
    assert SHIPPED.is_known(datetime.date(2024, 1, 1))
    assert not SHIPPED.is_known(datetime.date(2027, 1, 1))
    assert WorkCalendar.of({}, frozenset()).known_until is None


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_every_day_of_a_shipped_year_is_as_a_second_source_has_it(year: int) -> None:
    """``chinesecalendar`` was typed in by other people from the same notices."""
    day = datetime.date(year, 1, 1)
    while day.year == year:
        assert SHIPPED.is_working_day(day) == chinese_calendar.is_workday(day), day
        day += DAY


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_year_names_its_notice_and_where_it_was_read(path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))

    assert document["source"].startswith("国办发明电〔")
    assert document["checked"]
    assert all(entry["title"] for entry in document["holidays"] + document["workdays"])
