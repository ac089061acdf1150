"""Exchange pages: a file in, with a report of every bad cell; what the list shows, out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from flask import request, send_file
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.errors import AppError, RegisterNotFound
from app.faces.admin import addresses, desk
from app.services import access, exchange, rights
from app.services.exchange.headings import heading_of
from app.services.exchange.importing import format_of
from app.services.exchange.report import ImportReport, ImportStopped
from app.services.exchange.writers import write_table
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

MODES = ("insert", "update", "upsert")
BEHAVIOURS = ("stop", "skip")
#: cells that are listed on the page
SHOWN = 500
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
}
#: a file larger than this is written to disk
IN_MEMORY = 4 * 1024 * 1024


def imported(view: RegisterView) -> str | tuple[str, int]:
    """Read a file into the register, or only check it, and say what came of it."""
    with desk.reading() as work:
        access.require(work, "import", view.register.slug)
    if request.method != "POST":
        return page(view)
    mode = request.form.get("mode", "insert")
    on_error = request.form.get("on_error", "stop")
    dry_run = bool(request.form.get("dry_run"))
    file = request.files.get("file")
    if file is None or not file.filename:
        return page(view, mode, on_error, refusal=_("Please choose a file first.")), 422
    if mode not in MODES or on_error not in BEHAVIOURS:
        return page(view, refusal=_("Please choose what to do with the rows.")), 422
    try:
        report = take(view, file, mode, on_error, dry_run)
    except ImportStopped as stopped:
        exchange.note_stopped(desk.platform(), desk.actor(), view.published, stopped)
        told = tell(stopped.report, say(stopped))
        return page(view, mode, on_error, report=told), 422
    except RegisterNotFound:
        raise
    except AppError as error:
        return page(view, mode, on_error, refusal=say(error)), error.status
    return page(view, mode, on_error, report=tell(report, ""))


def take(
    view: RegisterView, file: FileStorage, mode: str, on_error: str, dry_run: bool
) -> ImportReport:
    format = format_of(file.filename or "")
    with desk.writing(face="import") as work:
        return exchange.import_file(
            work, view.register.slug, file.stream, format=format, mode=mode,
            on_error=on_error, dry_run=dry_run,
        )  # fmt: skip


def tell(report: ImportReport, stopped: str) -> dict[str, Any]:
    """Return a report in words."""
    counts = {
        "total": f"{report.total:,}",
        "created": f"{report.created:,}",
        "changed": f"{report.changed:,}",
        "unchanged": f"{report.unchanged:,}",
        "refused": f"{report.faulty:,}",
    }
    if stopped:
        headline = stopped
    elif report.dry_run:
        headline = _("Checked; nothing was stored.")
    else:
        headline = _("{created} records were entered, {changed} changed.", **counts)
    detail = _(
        "{total} rows read: {created} new, {changed} changed, {unchanged} as they were, "
        "{refused} refused.",
        **counts,
    )
    listed = report.refused[:SHOWN]
    return {
        "good": not report.faulty,
        "headline": headline,
        "detail": detail,
        "ignored": "、".join(report.ignored),
        "shown": _("the first {count}", count=SHOWN) if len(report.refused) > SHOWN else "",
        "cells": [
            {"row": r.row, "title": r.heading, "value": r.cell, "text": say(r.problem)}
            for r in listed
        ],
        "warnings": [
            {"row": r.row, "title": r.heading, "value": r.cell, "text": say(r.problem)}
            for r in report.warnings[:SHOWN]
        ],
    }


def page(
    view: RegisterView, mode: str = "insert", on_error: str = "stop", refusal: str = "",
    report: dict[str, Any] | None = None,
) -> str:  # fmt: skip
    with desk.reading() as work:
        theirs = rights.fillable(work, view.register.slug)
    fields = [f for f in view.register.fields if f.name in theirs and not f.columns]
    return view.page(
        "import", mode=mode, on_error=on_error, refusal=refusal, report=report,
        crumbs=view.crumbs((_("Import"), "")), template_url=f"{view.root}template.xlsx",
        columns=[{"title": f.title, "unit": f.unit, "required": f.required} for f in fields],
        modes=[
            ("insert", _("Enter new records; a row that is already there is refused")),
            ("update", _("Change records that are already there")),
            ("upsert", _("Change those that are there, enter the others")),
        ],
        behaviours=[
            ("stop", _("Store nothing until every row is right")),
            ("skip", _("Store the good rows, list the others")),
        ],
    )  # fmt: skip


def exported(view: RegisterView, format: str) -> Response:
    """Send what the list shows as a file."""
    query = addresses.parse(request.args.items(multi=True))
    with spool() as out, desk.reading() as work:
        count = exchange.export(work, view.register.slug, query, format, out)
        with desk.writing() as writing:
            exchange.note_export(writing, view.register.slug, query, format, count)
    return sent(out, f"{view.register.title}.{format}", TYPES[format])


def template(view: RegisterView) -> Response:
    """Send an empty worksheet with the headings an import understands."""
    with desk.reading() as work:
        access.require(work, "import", view.register.slug)
        theirs = rights.fillable(work, view.register.slug)
    fields = [
        f for f in view.register.fields
        if f.name in theirs and not f.columns and not hasattr(f.kind, "accepts")
    ]  # fmt: skip
    headings = [heading_of(view.register, f) for f in fields]
    formats = [f.kind.cell_format for f in fields]
    with spool() as out:
        write_table(out, "xlsx", view.register.title, headings, [], formats)
    return sent(out, f"{view.register.title}.xlsx", TYPES["xlsx"])


@contextmanager
def spool() -> Iterator[IO[bytes]]:
    """Give a file for an answer: Werkzeug closes it when the answer is sent, we where none is."""
    out = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    try:
        yield out
    except BaseException:
        out.close()
        raise


def sent(out: Any, name: str, type: str) -> Response:
    out.seek(0)
    return send_file(out, mimetype=type, as_attachment=True, download_name=name, max_age=0)
