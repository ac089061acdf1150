"""``flask calendar``: the calendar of working days."""

from __future__ import annotations

import calendar as gregorian
import datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from app.definitions.workdays import HOLIDAY
from app.faces.cli.base import (
    ACTOR,
    json_option,
    platform,
    print_json,
    refusals_as_exit_status,
    sentence,
)
from app.services import calendar

calendars = AppGroup("calendar", help="Working days: holidays and make-up days.")


@calendars.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_calendar(file: Path) -> None:
    """Read the holidays of whole years from FILE (json, xlsx, csv: 日期, 类型 休/班, 名称)."""
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        found = calendar.import_file(work, file)
    for year in found:
        free = sum(day.kind == HOLIDAY for day in year.days.values())
        text = "{year}: {free} holidays, {worked} make-up working days"
        click.echo(sentence(text, year=year.year, free=free, worked=len(year.days) - free))


@calendars.command("show")
@click.argument("year", type=int)
@json_option
def show_calendar(year: int, as_json: bool) -> None:
    """Print the days of YEAR that differ from the plain week, and the working days by month."""
    with refusals_as_exit_status(as_json):
        calendar.require_year(year)
        with platform().reading(ACTOR) as work:
            days = calendar.of(work)
    mine = {day: found for day, found in sorted(days.days.items()) if day.year == year}
    months = [
        sum(
            days.is_working_day(datetime.date(year, month, day))
            for day in range(1, gregorian.monthrange(year, month)[1] + 1)
        )
        for month in range(1, 13)
    ]
    known = year in days.years
    if as_json:
        listed = [{"on": d, "kind": f.kind, "title": f.title} for d, f in mine.items()]
        print_json({"year": year, "known": known, "days": listed, "working_days": months})
        return
    for day, found in mine.items():
        word = sentence("holiday") if found.kind == HOLIDAY else sentence("working day")
        click.echo(f"{day}  {word}  {found.title}")
    by_month = " ".join(map(str, months))
    text = "{year}: {count} working days (by month: {months})"
    click.echo(sentence(text, year=year, count=sum(months), months=by_month))
    if not known:
        text = "The holidays of {year} are not known yet: only weekends are taken into account."
        click.echo(sentence(text, year=year), err=True)
