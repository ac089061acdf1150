"""Draft pages: forms kept while they are typed, offered again, listed, discarded."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.errors import AppError, Problem, RecordMoved
from app.faces.admin import addresses, conflicts, desk, entry
from app.faces.admin.session import local_path
from app.services import drafts, records
from app.services.drafts import Draft, Form
from app.services.work import Work
from app.words import gettext as _

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView
    from app.faces.admin.saving import Sheet

LONGEST_TOKEN, LONGEST_WRITER = 64, 40
#: what is wrong with a form that is not filled to its end
ABSENT = frozenset({"schema.required", "schema.minItems"})


def blueprint() -> Blueprint:
    """Return the addresses under ``/drafts/``."""
    made = Blueprint("drafts", __name__, url_prefix="/drafts")
    made.add_url_rule("/", "index", index)
    place = f"/<int(max={2**63 - 1}):id>/discard"
    made.add_url_rule(place, "discard", discard, methods=("POST",))
    return made


def save(view: RegisterView) -> Response:
    """Keep what a form holds, asked by the form's own script."""
    form = request.form
    pairs = [
        (name, text.replace("\x00", ""))
        for name, text in form.items(multi=True)
        if name.startswith(entry.PREFIX)
    ]
    sent = Form(
        form.get("_token", "")[:LONGEST_TOKEN] or secrets.token_urlsafe(24),
        addresses.digits(form.get("_id", "")) or None,
        whole(form.get("_version", "")),
        whole(form.get("_revision", "")),
        pairs,
        whole(form.get("_turn", "")),
        form.get("_writer", "")[:LONGEST_WRITER],
        whole(form.get("_step", "")),
    )
    with desk.writing() as work:
        kept = drafts.save(work, view.register.slug, sent)
    at = clock(kept)
    return jsonify(id=kept.id, turn=kept.turn, text=_("Draft saved {time}", time=at))


def clock(draft: Draft) -> str:
    return f"{desk.local(draft.saved_at):%H:%M}"


def whole(text: str) -> int:
    """Return a count of a hidden field, as long as its column holds; 0 for anything else."""
    return addresses.digits(text, 9) or 0


def wanted(work: Work) -> Draft | None:
    """Return the draft that the address asks to go on with. Raises ``DraftNotFound``."""
    text = request.args.get("draft", "")
    return drafts.get(work, addresses.digits(text) or 0) if text else None


def offer(work: Work, slug: str, record: int | None) -> dict[str, Any] | None:
    """Return the draft that an opened form offers to go on with."""
    found = drafts.latest(work, slug, record)
    if found is None:
        return None
    return {"id": found.id, "when": desk.moment(found.saved_at)}


def continued(view: RegisterView, work: Work, sheet: Sheet, draft: Draft) -> None:
    """Put a draft into a form as it was typed, with what became different meanwhile: of the
    definition, and of the record. What no longer fits an amended definition is told at once, at
    its field: the person need not send it to hear of it."""
    record = sheet.record
    if draft.slug != view.register.slug or draft.record != (record.id if record else None):
        raise drafts.DraftNotFound(id=draft.id)
    form = MultiDict(draft.pairs)
    typed = entry.typed_of(view.register, form)
    sheet.outdated = conflicts.outdated(view, typed, draft.revision, form)
    sheet.typed |= typed
    sheet.token, sheet.saved = draft.token, clock(draft)
    if record is not None:
        sheet.version = draft.version
        if draft.version != record.version:
            moved = RecordMoved(
                id=record.id, who=record.updated_by, current=record.version,
                version=draft.version,
            )  # fmt: skip
            conflicts.merge(view, sheet, moved)
    if draft.revision < view.published.revision:
        sheet.problems = unfit(view, work, sheet)
        sheet.refusal = (
            _("Some entries of this draft do not fit the register as it is now.")
            if sheet.problems
            else ""
        )


def unfit(view: RegisterView, work: Work, sheet: Sheet) -> tuple[Problem, ...]:
    """Return what is wrong with what was typed so far; what is still missing is no mistake yet."""
    id = sheet.record.id if sheet.record else None
    found = records.judge(work, view.register.slug, sheet.typed, id).problems
    return tuple(
        problem
        for problem in found
        if problem.code not in ABSENT and not entry.blank(sheet.typed.get(problem.name, ""))
    )


def turn(work: Work, token: str) -> int:
    """Return how often the form of a token was kept so far."""
    return drafts.turn_of(work, token)


def index() -> str:
    """Return the person's own drafts."""
    with desk.reading() as work:
        found = [line for draft in drafts.listed(work) if (line := shown(work, draft))]
        return render_template(
            "taizhang/drafts.html", drafts=found, days=drafts.KEPT.days,
            crumbs=[(_("My drafts"), "")],
        )  # fmt: skip


def shown(work: Work, draft: Draft) -> dict[str, Any] | None:
    """Return a draft as it is listed; of a record that is not theirs any more only that it is
    there, so that it can be discarded."""
    if draft.slug not in work.snapshot:
        return {"id": draft.id, "title": _("A register that is gone"), "url": "", "what": "",
                "when": desk.moment(draft.saved_at)}  # fmt: skip
    line = {
        "id": draft.id, "title": work.register(draft.slug).title, "url": "",
        "what": _("New record"), "when": desk.moment(draft.saved_at),
    }  # fmt: skip
    if draft.record is None:
        line["url"] = url_for("register.create_view", slug=draft.slug, draft=draft.id)
        return line
    line["what"] = _("No. {id}", id=draft.record)
    try:
        record = records.to_treat(work, draft.slug, draft.record, "change")
    except AppError:
        return line
    line["what"] = record.label or line["what"]
    line["url"] = url_for("register.edit_view", slug=draft.slug, id=draft.record, draft=draft.id)
    return line


def discard(id: int) -> Response:
    """Throw a draft away and go back to where that was asked."""
    with desk.writing() as work:
        drafts.discard(work, id)
    flash(_("The draft was discarded."), "success")
    return redirect(local_path(request.form.get("next") or url_for("drafts.index")))
