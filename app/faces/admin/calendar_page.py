"""The page of working days: a year by month, each day open to a change."""

from __future__ import annotations

import calendar as gregorian
import datetime
import tempfile
from pathlib import Path
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.definitions.workdays import HOLIDAY, WORKDAY, WorkCalendar
from app.errors import FileRefused, because
from app.faces.admin import addresses, desk
from app.services import access, calendar
from app.words import gettext as _

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def blueprint() -> Blueprint:
    """Return the addresses under ``/settings/calendar``."""
    made = Blueprint("calendar", __name__, url_prefix="/settings/calendar")
    made.add_url_rule("", "show", show)
    made.add_url_rule("/day", "change", change, methods=("POST",))
    made.add_url_rule("/import", "bring", bring, methods=("POST",))
    return made


def show() -> str:
    """Return a year; whoever is signed in may look, who administers may change."""
    with desk.reading() as work:
        today = work.today
        year = calendar.require_year(year_of(request.args.get("year", str(today.year))))
        days = calendar.of(work)
        notice = next((one for one in calendar.notices(work) if one.year == year), None)
        may_change = access.may(work, "administer")
    months = [month(days, year, number, today) for number in range(1, 13)]
    return render_template(
        "taizhang/settings/calendar.html", year=year, months=months, notice=notice,
        named=spans(days, year), known=year in days.years,
        total=sum(one["working"] for one in months),
        weekdays=[_(name) for name in WEEKDAYS], may_change=may_change,
        chosen=chosen(days, year), kinds=kinds(),
        loaded=desk.moment(notice.loaded_at) if notice else "",
        years=sorted({*days.years, year, today.year, today.year + 1}),
        crumbs=[(_("Calendar of working days"), "")],
    )  # fmt: skip


def spans(days: WorkCalendar, year: int) -> list[dict[str, Any]]:
    """Return the days with a kind of their own, those in a row under one name as one line."""
    found: list[dict[str, Any]] = []
    for on, one in sorted(days.days.items()):
        if on.year != year:
            continue
        free = one.kind == HOLIDAY
        last = found[-1] if found else None
        follows = last and on - last["on"] == datetime.timedelta(days=1)
        if last and follows and (last["title"], last["free"]) == (one.title, free):
            last |= {"on": on, "last": f"{on:%m-%d}"}
        else:
            found.append(
                {"on": on, "first": f"{on:%m-%d}", "last": "", "title": one.title, "free": free}
            )
    return found


def kinds() -> list[tuple[str, str]]:
    return [
        ("", _("As its weekday says")), (WORKDAY, _("Working day")), (HOLIDAY, _("Day off")),
    ]  # fmt: skip


def chosen(days: WorkCalendar, year: int) -> dict[str, Any] | None:
    """Return the day that is being changed."""
    text = request.args.get("day", "")
    if not text:
        return None
    day = date_of(text)
    found = days.days.get(day)
    if day.year != year:
        return None
    return {
        "on": day.isoformat(),
        "kind": found.kind if found else "",
        "title": found.title if found else "",
        "weekday": _(WEEKDAYS[day.weekday()]),
    }


def month(days: WorkCalendar, year: int, number: int, today: datetime.date) -> dict[str, Any]:
    """Return one month as weeks of seven days, Monday first; None beside its days."""
    weeks = [
        [cell(days, datetime.date(year, number, day), today) if day else None for day in week]
        for week in gregorian.monthcalendar(year, number)
    ]
    working = sum(1 for week in weeks for one in week if one and one["works"])
    return {"number": number, "weeks": weeks, "working": working}


def cell(days: WorkCalendar, day: datetime.date, today: datetime.date) -> dict[str, Any]:
    found = days.days.get(day)
    works = days.is_working_day(day)
    plain = day.weekday() < 5
    return {
        "day": day.day, "on": day.isoformat(), "works": works, "today": day == today,
        "mark": "" if works == plain else "work" if works else "off",
        "kind": "holiday" if found and not works else "rest" if not works else "work",
        "title": found.title if found else "",
    }  # fmt: skip


def change() -> Response:
    """Change one day and go back to its year."""
    day = date_of(request.form.get("on", ""))
    with desk.writing() as work:
        calendar.change_day(work, day, request.form.get("kind", ""), request.form.get("title", ""))
    flash(_("{day} was changed.", day=day.isoformat()), "success")
    return redirect(url_for("calendar.show", year=day.year))


def bring() -> Response:
    """Read the holidays of whole years from a file that was sent."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise FileRefused(reason=because("No file was chosen."))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"calendar{Path(file.filename).suffix.lower()[:6]}"
        file.save(path)
        with desk.writing() as work:
            access.require(work, "administer")
            years = [one.year for one in calendar.import_file(work, path)]
    shown = "、".join(map(str, years))
    flash(_("The holidays of {years} were read.", years=shown), "success")
    return redirect(url_for("calendar.show", year=years[-1]))


def year_of(text: str) -> int:
    year = addresses.digits(text, 4)
    if year is None or len(text) < 4:
        raise addresses.refuse("{name} is not a year.", name=text[:60])
    return year


def date_of(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise addresses.refuse("{name} is not a date.", name=text[:60]) from None
