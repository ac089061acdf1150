"""Bin pages: deleting with a reason, the recycle bin, taking out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError, RecordNotFound, RecordRefused
from app.faces.admin import desk
from app.faces.admin.record_pages import number
from app.services import records, removal, rights
from app.services.reading import Record
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView


def delete(view: RegisterView, id: int) -> str | Response | tuple[str, int]:
    """Ask for the reason, then move the record to the recycle bin."""
    with desk.reading() as work:
        record = records.to_treat(work, view.register.slug, id, "delete")
    if request.method != "POST":
        return asked(view, record)
    reason = request.form.get("reason", "")
    version = number(request.form.get("_version", ""))
    try:
        with desk.writing() as work:
            removal.delete(work, view.register.slug, id, version, reason)
    except RecordRefused as refused:
        missing = next((say(p) for p in refused.problems if p.name == "reason"), "")
        return asked(view, record, missing=missing, refusal="" if missing else say(refused)), 422
    except RecordNotFound:
        raise
    except AppError as error:
        return asked(view, view.record(id), refusal=say(error), reason=reason), error.status
    flash(_("{label} is in the recycle bin now.", label=view.name_of(record)), "success")
    return redirect(view.root)


def asked(
    view: RegisterView, record: Record, refusal: str = "", missing: str = "", reason: str = ""
) -> str:
    return view.page(
        "delete", label=view.name_of(record), id=record.id, version=record.version,
        here=f"{view.root}{record.id}", refusal=refusal, missing=missing, reason=reason,
        crumbs=view.crumbs((view.name_of(record), f"{view.root}{record.id}"), (_("Delete"), "")),
    )  # fmt: skip


def undelete(view: RegisterView, id: int) -> Response:
    """Take a record out of the recycle bin."""
    try:
        with desk.writing() as work:
            removal.undelete(work, view.register.slug, id)
    except RecordRefused as refused:
        flash("；".join(say(p) for p in refused.problems) or say(refused), "danger")
        return redirect(url_for("register.bin_view"))
    flash(_("The deletion was undone."), "success")
    return redirect(url_for("register.details_view", id=id))


def listed(view: RegisterView) -> str:
    """Return the recycle bin."""
    with desk.reading() as work:
        found = removal.deleted(work, view.register.slug)
        may = rights.restorable(work, view.register.slug, [record.id for record, _why in found])
    rows = [
        {
            "id": record.id,
            "label": view.name_of(record),
            "when": desk.moment(record.deleted_at),
            "who": desk.person(record.deleted_by),
            "reason": reason,
            "restore": record.id in may,
        }
        for record, reason in found
    ]
    return view.page("bin", rows=rows, crumbs=view.crumbs((_("Recycle bin"), "")))
