"""Reading a year's holidays: our JSON, or a table of 日期, 类型, 名称 as xlsx or csv.

The JSON follows the State Council's notice: ``holidays`` as spans from … to, ``workdays`` one by
one. A table has one row for each day. A file states whole years: what it does not name is an
ordinary day of the week.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.definitions.workdays import HOLIDAY, WORKDAY, Exceptional
from app.errors import FileRefused, Problem, because
from app.kinds import load_json
from app.kinds.base import Unreadable
from app.kinds.calendars import FIRST_YEAR, LAST_YEAR
from app.kinds.date import Date
from app.services.exchange.headings import normal
from app.services.exchange.readers import CSV, XLSX, read_table

#: what an office writes for each kind of day
WORDS: Mapping[str, str] = {
    **dict.fromkeys(("workday", "work", "班", "上班", "补班", "调休上班", "工作日"), WORKDAY),
    **dict.fromkeys(("holiday", "off", "休", "放假", "休息", "节假日", "法定节假日"), HOLIDAY),
}
#: the columns of a table, in this order, and what each may be headed
COLUMNS = (("日期", "date", "on"), ("类型", "kind", "type"), ("名称", "title", "name"))
#: a file states a few dozen days; whoever sends more sends another kind of file
MOST_DAYS = 5000
LARGEST = 2 << 20
_SPAN = 40


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """One year as a file states it."""

    year: int
    title: str
    source: str
    days: Mapping[datetime.date, Exceptional]


def read_years(path: Path) -> list[CalendarYear]:
    """Return the years of a file. Raises ``FileRefused`` at the first thing that is wrong."""
    format = path.suffix.lower().removeprefix(".")
    if path.stat().st_size > LARGEST:
        raise refuse("{name} is too large to be a calendar.", name=path.name)
    if format == "json":
        return [from_json(path)]
    if format in (CSV, XLSX):
        return from_table(path, format)
    raise refuse("{name} is neither json, xlsx nor csv.", name=path.name)


def refuse(text: str, **values: Any) -> FileRefused:
    return FileRefused(reason=because(text, **values))


def from_json(path: Path) -> CalendarYear:
    try:
        document = load_json(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise refuse("{name} is not JSON: {why}.", name=path.name, why=error) from error
    if not isinstance(document, dict):
        raise refuse("{name} is not a calendar: it begins with a brace.", name=path.name)
    year = document.get("year")
    if type(year) is not int or not FIRST_YEAR <= year <= LAST_YEAR:
        raise refuse("{at}: {value} is not a year.", at="/year", value=year)
    days: dict[datetime.date, Exceptional] = {}
    for at, day, found in stated(document):
        if day.year != year:
            raise refuse("{at}: {value} is not in the year {year}.", at=at, value=day, year=year)
        put(days, at, day, found)
    return finished(
        year, days, text_of(document, "title") or path.name, text_of(document, "source")
    )


def text_of(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def stated(document: Mapping[str, Any]) -> Iterator[tuple[str, datetime.date, Exceptional]]:
    """Give every day of a JSON document with its place."""
    for at, entry in entries(document, "holidays"):
        first, last = date_of(entry, at, "from"), date_of(entry, at, "to")
        if not 0 <= (last - first).days < _SPAN:
            text = "{at}: {first} to {last} is not the span of a holiday."
            raise refuse(text, at=at, first=first, last=last)
        for offset in range((last - first).days + 1):
            day = first + datetime.timedelta(days=offset)
            yield at, day, Exceptional(HOLIDAY, text_of(entry, "title"))
    for at, entry in entries(document, "workdays"):
        yield at, date_of(entry, at, "on"), Exceptional(WORKDAY, text_of(entry, "title"))


def entries(document: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    found = document.get(name, [])
    if not isinstance(found, list) or len(found) > MOST_DAYS:
        raise refuse("{at} is not a list of days.", at=f"/{name}")
    for index, entry in enumerate(found):
        if not isinstance(entry, dict):
            raise refuse("{at} is not a list of days.", at=f"/{name}/{index}")
        yield f"/{name}/{index}", entry


def date_of(entry: Mapping[str, Any], at: str, name: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(entry[name])
    except (KeyError, TypeError, ValueError):
        text = "{at}: {value} is not a date. Write it as 2026-10-01."
        raise refuse(text, at=f"{at}/{name}", value=entry.get(name)) from None


def from_table(path: Path, format: str) -> list[CalendarYear]:
    known = {name for names in COLUMNS for name in names}
    years: dict[int, dict[datetime.date, Exceptional]] = {}
    with path.open("rb") as stream:
        table = read_table(stream, format, lambda row: sum(normal(c) in known for c in row))
        places = [place_of(table.heading, names) for names in COLUMNS]
        if places[0] is None or places[1] is None:
            raise refuse("{name} has no columns 日期 and 类型 (名称 may follow).", name=path.name)
        for count, (number, cells) in enumerate(table.rows):
            if count == MOST_DAYS:
                raise refuse("{name} is too large to be a calendar.", name=path.name)
            values = [cells[p] if p is not None and p < len(cells) else None for p in places]
            day, found = read_row(number, values)
            put(years.setdefault(day.year, {}), str(number), day, found)
    if not years:
        raise refuse("{name} names no day.", name=path.name)
    return [finished(year, days, path.name, "") for year, days in sorted(years.items())]


def place_of(heading: Any, names: tuple[str, ...]) -> int | None:
    return next((at for at, cell in enumerate(heading) if normal(cell) in names), None)


def read_row(number: int, values: list[Any]) -> tuple[datetime.date, Exceptional]:
    kind = Date()
    try:
        day = kind.reader().read(kind.from_cell(values[0]))
    except Unreadable as error:
        reason = Problem("", "reason", error.text, error.values)
        raise refuse("Row {row}: {reason}", row=number, reason=reason) from error
    if day is None:
        raise refuse("Row {row} has no date.", row=number)
    word = normal(values[1])
    if word not in WORDS:
        text = "Row {row}: {value} is not a type of day. Write 休 (free) or 班 (worked)."
        raise refuse(text, row=number, value=values[1] or "–")
    title = "" if values[2] is None else " ".join(str(values[2]).split())
    return day, Exceptional(WORDS[word], title[:40])


def put(
    days: dict[datetime.date, Exceptional], at: str, day: datetime.date, found: Exceptional
) -> None:
    """Add a day; the same day twice with two meanings is a mistake of the file."""
    before = days.setdefault(day, found)
    if before.kind != found.kind:
        raise refuse("{at}: {value} is both a holiday and a working day.", at=at, value=day)


def finished(
    year: int, days: Mapping[datetime.date, Exceptional], title: str, source: str
) -> CalendarYear:
    """Return a year that states at least one holiday: without any, its table is not whole."""
    if not any(found.kind == HOLIDAY for found in days.values()):
        raise refuse("The year {year} has no holiday in this file: it is not whole.", year=year)
    return CalendarYear(year, title, source, days)
