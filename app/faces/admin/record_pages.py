"""Record pages: one record, as it is and as it was; what changed; what breaks the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError, NeedsConfirmation, RecordNotFound, RecordRefused
from app.faces.admin import addresses, desk, showing, telling, together_pages, workflow_pages
from app.services import history, records, removal, revealing, rights
from app.services.reading import Record, as_of
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

MOST_CHANGES = 100
#: entries of a record's history that are shown at first
MOST_ENTRIES = 50


def reveal(view: RegisterView, id: int, name: str) -> str | Response:
    """Show one private value whole: to the page's script as it is, else in the page."""
    with desk.writing() as work:
        text = revealing.reveal(work, view.register.slug, id, name)
    if request.headers.get("Sec-Fetch-Dest") == "empty":
        return Response(text, mimetype="text/plain")
    return show(view, id, revealed={name: text})


def show(
    view: RegisterView,
    id: int,
    tried: Mapping[str, str] | None = None,
    revealed: Mapping[str, str] | None = None,
) -> str:
    """Return the page of a record; ``?version=`` shows it as it was then. ``tried`` is what was
    typed about it and refused; ``revealed`` are private fields that are shown whole this once."""
    slug = view.register.slug
    with desk.reading() as work:
        record, deleted = found(view, work, id)
        entries = history.of_record(work, slug, id)
        wanted = request.args.get("version", "")
        version, past, values = record.version, None, dict(record.values)
        if wanted and wanted != str(record.version):
            version = number(wanted)
            values = past_values(view, work, id, version)
            past = saved_by(next(e for e in entries if e.version == version))
        shown = visible(view, work, values) | dict.fromkeys(record.hidden, False)
        values |= revealed or {}
        names = {} if past else record.references
        users = [] if deleted or past else list(removal.referring(work, slug, id, seen=True))
        may = rights.may_record(work, slug, id)
        flow = {} if deleted or past else workflow_pages.panel(view, work, id, entries)
        return view.page(
            "record", flow=flow, label=view.name_of(record), id=id, version=version, past=past,
            deleted=deleted, current_version=record.version, here=f"{view.root}{id}",
            updated=None if past else updated(record), may=may,
            crumbs=view.crumbs((view.name_of(record), "")),
            sections=showing.sections(
                work, view.register, values, names, shown, id, revealable(view, record, past, may)
            ),
            history=telling.entries(work, slug, latest(entries), version if past else 0),
            earlier=len(entries) - len(latest(entries)),
            used=showing.used_by(work, users, id), tried=tried or {},
            together=None if deleted or past else together_pages.section(view, work, id),
        )  # fmt: skip


def revealable(view: RegisterView, record: Record, past: Any, may: rights.May) -> frozenset[str]:
    """Return the masked fields that the person may have shown whole, one by one."""
    single = {f.name for f in view.register.fields if f.private and not f.columns}
    return record.masked & single if may.reveal and not past else frozenset()


def latest(entries: list[history.Entry]) -> list[history.Entry]:
    """Return the entries the page shows: the newest, or all where ``?history=all`` asks so."""
    return entries if request.args.get("history") == "all" else entries[:MOST_ENTRIES]


def saved_by(one: history.Entry) -> dict[str, str]:
    return {"when": desk.moment(one.at), "who": desk.person(one.who)}


def updated(record: Record) -> dict[str, str]:
    return {"when": desk.moment(record.updated_at), "who": desk.person(record.updated_by)}


def found(view: RegisterView, work: Work, id: int) -> tuple[Record, bool]:
    """Return a record and whether it lies in the recycle bin."""
    try:
        return records.get(work, view.register.slug, id), False
    except RecordNotFound:
        return records.get(work, view.register.slug, id, deleted=True), True


def past_values(view: RegisterView, work: Work, id: int, version: int) -> dict[str, Any]:
    """Return the values of a version; what no longer fits its field's kind is left out."""
    json = as_of(work, view.register.slug, id, version)
    values: dict[str, Any] = {}
    for name in view.register.names:
        try:
            values[name] = view.published.gate.from_json({name: json.get(name)})[name]
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            values[name] = None
    return values


def visible(view: RegisterView, work: Work, values: dict[str, Any]) -> dict[str, bool]:
    """Return which fields the definition shows for these values."""
    if not any(field.visible for field in view.register.fields):
        return {}
    entered = {f.name: values.get(f.name) for f in view.register.fields}
    return view.published.gate.judge(entered, [], None, dict(entered)).visible


def number(text: str) -> int:
    found = addresses.digits(text, 9)
    if found is None:
        abort(404)
    return found


def restore(view: RegisterView, id: int) -> Response:
    """Make a record what it was, if today's definition lets it."""
    here = url_for("register.details_view", id=id)
    to, version = number(request.form.get("to", "")), number(request.form.get("_version", ""))
    try:
        with desk.writing() as work:
            removal.restore(work, view.register.slug, id, to, version)
    except (RecordRefused, NeedsConfirmation) as error:
        flash(
            _(
                "The record was not restored: {reason}",
                reason="；".join(say(p) for p in error.problems),
            ),
            "danger",
        )
        return redirect(f"{here}?version={to}")
    except RecordNotFound:
        raise
    except AppError as error:
        flash(say(error), "danger")
        return redirect(here)
    flash(_("The record is again what it was at version {version}.", version=to), "success")
    return redirect(here)


def changes(view: RegisterView) -> str:
    """Return what happened in the register, newest first."""
    with desk.reading() as work:
        entries = history.of_register(work, view.register.slug, MOST_CHANGES)
        told = telling.entries(work, view.register.slug, entries)
    return view.page("changes", history=told, crumbs=view.crumbs((_("Recent changes"), "")))
