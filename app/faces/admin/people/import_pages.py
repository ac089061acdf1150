"""Import pages: units, people and pairings from a file, checked first or at once."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError, NotAllowed
from app.faces import grant_words
from app.faces.admin import desk
from app.faces.admin.exchange_pages import TYPES, sent, spool, tell
from app.faces.admin.people import common
from app.faces.admin.people.common import Answer
from app.services import access, intake
from app.services.exchange import ImportReport, ImportStopped
from app.services.exchange.writers import write_table
from app.services.intake import PersonChange
from app.services.work import Work
from app.words import gettext as _
from app.words import say

TITLES = {"units": "Import units", "people": "Import people", "pairings": "Import pairings"}
BACK = {"units": "people.units", "people": "people.posts", "pairings": "people.pairings"}
#: what opens each
OPENED = {"units": ("administer",), "people": ("administer", "grant"), "pairings": ("grant",)}
Passwords = list[tuple[str, str, str]]
Taken = tuple[ImportReport, Passwords, list[PersonChange]]
#: people whose difference is listed; the others are counted
SHOWN = 200


def allowed(work: Work, what: str) -> None:
    """Refuse whoever may not import this. Raises ``NotAllowed``."""
    held = work.standing.powers
    if not any(held & access.POWERS[action] for action in OPENED[what]):
        raise NotAllowed(action=OPENED[what][0])


def show(what: str) -> Answer | Response:
    """Read a file, or only check it, and say what came of it."""
    if request.method != "POST":
        return page(what)
    file = request.files.get("file")
    dry_run = bool(request.form.get("dry_run"))
    with desk.reading() as work:
        allowed(work, what)
    if file is None or not file.filename:
        return page(what, refusal=_("Please choose a file first.")), 422
    try:
        report, passwords, changes = take(what, file.stream, file.filename, dry_run)
    except ImportStopped as stopped:
        return page(what, report=tell(stopped.report, say(stopped))), 422
    except AppError as error:
        return page(what, refusal=say(error)), error.status
    if passwords and request.form.get("as_file"):
        return as_file(passwords)
    told = tell(report, "")
    if not report.dry_run:
        told["headline"] = _(
            "{created} were entered, {changed} changed.",
            created=f"{report.created:,}", changed=f"{report.changed:,}",
        )  # fmt: skip
    return page(what, report=told, passwords=passwords, **different(changes, report.dry_run))


def different(changes: list[PersonChange], dry_run: bool) -> dict[str, Any]:
    """Return for the page who is new or different after an import, and how many are left out."""
    rows = [
        {"row": one.row, "login": one.login, "name": one.after,
         "texts": grant_words.person_changes(one)}
        for one in changes[:SHOWN]
    ]  # fmt: skip
    left = len(changes) - len(rows)
    return {"changes": rows, "left": f"{left:,}" if left else "", "trial": dry_run}


def take(what: str, stream: Any, name: str, dry_run: bool) -> Taken:
    """Import a file; return the report, the passwords that were made up, who is different."""
    with desk.writing(face="import") as work:
        if what == "units":
            return intake.import_units(work, stream, name, dry_run=dry_run), [], []
        if what == "pairings":
            return intake.import_pairings(work, stream, name, dry_run=dry_run), [], []
        done = intake.import_people(work, stream, name, dry_run=dry_run)
        return done.report, done.passwords, done.changes


def as_file(passwords: Passwords) -> Response:
    """Send the passwords as a worksheet: this once, they are kept nowhere."""
    headings = [_("Login name"), _("Full name"), _("Password")]
    with spool() as out:
        write_table(out, "xlsx", _("Passwords"), headings, passwords)
    answer = sent(out, f"{_('Passwords')}.xlsx", TYPES["xlsx"])
    answer.headers["Cache-Control"] = "no-store"
    return answer


def page(what: str, **more: Any) -> str:
    with desk.reading() as work:
        allowed(work, what)
        columns = [(c.title, c.required) for c in intake.columns_of(what)]
        back = url_for(BACK[what])
        heading = _(TITLES[what])
        return common.page(
            "import", work, heading=heading, what=what, columns=columns, back=back,
            template_url=url_for("people.template", what=what), crumbs=common.crumbs((heading, "")),
            **{"refusal": "", "report": None, "passwords": [], "changes": [], **more},
        )  # fmt: skip


def template(what: str) -> Response:
    """Send an empty worksheet with the headings an import understands."""
    with desk.reading() as work:
        allowed(work, what)
    headings = [column.title for column in intake.columns_of(what)]
    with spool() as out:
        write_table(out, "xlsx", what, headings, [])
    return sent(out, f"{_(TITLES[what])}.xlsx", TYPES["xlsx"])
