"""The calendar of working days as data: read, shown by year, imported, corrected.

Weekends are a rule, everything else is a row of ``calendar_day``. The years 2024 to 2026 come
with the product (``schemas/calendar``); the notice of a later year is imported when it is out.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from app.definitions.workdays import HOLIDAY, WORKDAY, Exceptional, WorkCalendar
from app.errors import AppError, because
from app.kinds.calendars import FIRST_YEAR, LAST_YEAR
from app.services import access
from app.services.calendar_files import CalendarYear, read_years
from app.services.work import Actor, Platform, Work
from app.storage.models_calendar import calendar_day, calendar_year

#: characters of the name of a day
LONGEST_TITLE = 40


class DayRefused(AppError):
    code = "calendar.day_refused"
    text = "{value} cannot be changed: {reason}"


class YearRefused(AppError):
    code = "calendar.year_refused"
    status = 404
    text = "There is no calendar for {value}: name a year from {first} to {last}."


@dataclass(frozen=True, slots=True)
class Notice:
    """By which notice the days of a year are known."""

    year: int
    title: str
    source: str
    loaded_at: datetime.datetime


def of(work: Work) -> WorkCalendar:
    """Return the calendar as of this unit of work: two short queries, some 40 rows a year."""
    days = {
        row.on: Exceptional(row.kind, row.title) for row in work.tx.execute(sa.select(calendar_day))
    }
    return WorkCalendar.of(days, frozenset(work.tx.scalars(sa.select(calendar_year.c.year))))


def notices(work: Work) -> list[Notice]:
    """Return the known years, the latest first."""
    query = sa.select(calendar_year).order_by(calendar_year.c.year.desc())
    return [Notice(*row) for row in work.tx.execute(query)]


def require_year(year: int) -> int:
    """Return ``year``. Raises ``YearRefused`` for one that no register speaks of."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise YearRefused(value=year, first=FIRST_YEAR, last=LAST_YEAR)
    return year


def import_file(work: Work, source: Path) -> list[CalendarYear]:
    """Store the years of a file (json, xlsx, csv), each replacing what was known of that year.

    Raises ``FileRefused`` with the line and the value that cannot be read; nothing is stored.
    """
    access.require(work, "administer")
    found = read_years(source)
    for year in found:
        forget(work, year.year)
        store(work, year)
    return found


def seed(platform: Platform, folder: Path, actor: Actor) -> list[int]:
    """Store the shipped years that are not known yet; days changed by hand stay as they are."""
    with platform.reading(actor) as work:
        known = set(work.tx.scalars(sa.select(calendar_year.c.year)))
    fresh = [y for path in sorted(folder.glob("*.json")) for y in read_years(path)]
    fresh = [year for year in fresh if year.year not in known]
    if fresh:
        with platform.writing(actor) as work:
            for year in fresh:
                store(work, year)
    return [year.year for year in fresh]


def forget(work: Work, year: int) -> None:
    """Take out every exceptional day of a year, and that it is known."""
    first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    work.tx.execute(calendar_day.delete().where(calendar_day.c.on.between(first, last)))
    work.tx.execute(calendar_year.delete().where(calendar_year.c.year == year))


def store(work: Work, year: CalendarYear) -> None:
    there = set(
        work.tx.scalars(sa.select(calendar_day.c.on).where(calendar_day.c.on.in_(year.days)))
    )
    rows = [
        {"on": day, "kind": found.kind, "title": found.title}
        for day, found in year.days.items()
        if day not in there
    ]
    if rows:
        work.tx.execute(calendar_day.insert(), rows)
    work.tx.execute(
        calendar_year.insert().values(
            year=year.year, title=year.title, source=year.source, loaded_at=work.now
        )
    )


def change_day(work: Work, day: datetime.date, kind: str, title: str) -> None:
    """Make one day a working day or a free one, or (``kind`` empty) what its weekday says."""
    access.require(work, "administer")
    require_year(day.year)
    if kind not in ("", WORKDAY, HOLIDAY):
        raise DayRefused(value=day, reason=because("{value} is no kind of day.", value=kind))
    title = " ".join(title.split())
    if len(title) > LONGEST_TITLE:
        text = "The name is longer than {count} characters."
        raise DayRefused(value=day, reason=because(text, count=LONGEST_TITLE))
    work.tx.execute(calendar_day.delete().where(calendar_day.c.on == day))
    if kind:
        work.tx.execute(calendar_day.insert().values(on=day, kind=kind, title=title))
