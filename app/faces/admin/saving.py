"""Saving: from a form to a service, and a refusal back into the form with everything typed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import flash, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response

from app.definitions.gate import Judgement
from app.errors import (
    AppError,
    NeedsConfirmation,
    Problem,
    RecordMoved,
    RecordNotFound,
    SubmissionReused,
)
from app.faces.admin import addresses, conflicts, desk, draft_pages, entry, form_page, returns_pages
from app.faces.admin.telling import tell
from app.services import access, beginning, drafts, records
from app.services.reading import Record
from app.services.returns import carrying
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

Answer = str | Response | tuple[str, int]
LONGEST_TOKEN = 64


@dataclass(slots=True)
class Sheet:
    """A form as it is opened or given back: what is typed, and what is wrong with it."""

    typed: entry.Typed
    record: Record | None = None
    version: int = 0
    token: str = ""
    refusal: str = ""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    confirmed: tuple[str, ...] = ()
    moved: dict[str, Any] | None = None
    outdated: list[str] = field(default_factory=list)
    #: the draft that is offered; when the draft shown was saved
    offer: dict[str, Any] | None = None
    saved: str = ""
    #: fields that still hold what the last period's record held
    carried: frozenset[str] = frozenset()


def blank(view: RegisterView) -> str:
    """Return the empty form with what a new record begins with, a token of its own, and what the
    address gives."""
    with desk.reading() as work:
        access.require(work, "create", view.register.slug)
        values = view.published.gate.beginnings() | beginning.own(work, view.register.slug)
    typed = entry.stored_as_typed(view.register, values)
    asked = {k: v for k, v in entry.typed_of(view.register, request.args).items() if v}
    typed |= asked
    # the period that is due first comes before the one that is today's
    of_period = {view.register.period.field} - asked.keys() if view.register.period else set()
    known = {name: value for name, value in typed.items() if name not in of_period}
    prefilled, carried = returns_pages.begun(view, known)
    token = secrets.token_urlsafe(24)
    return begun(view, Sheet(typed | prefilled, token=token, carried=carried))


def opened(view: RegisterView, id: int) -> str:
    """Return the form of a stored record."""
    with desk.reading() as work:
        record = records.to_treat(work, view.register.slug, id, "change")
    typed = entry.stored_as_typed(view.register, record.values)
    return begun(view, Sheet(typed, record, record.version, secrets.token_urlsafe(24)))


def begun(view: RegisterView, sheet: Sheet) -> str:
    """Return an opened form: with the draft the address asks for, or with the offer of one."""
    record = sheet.record.id if sheet.record else None
    with desk.reading() as work:
        draft = draft_pages.wanted(work)
        if draft is not None:
            draft_pages.continued(view, work, sheet, draft)
        else:
            sheet.offer = draft_pages.offer(work, view.register.slug, record)
        return form_page.drawn(view, sheet)


def create(view: RegisterView) -> Answer:
    """Store a new record; the form's token makes one record of two sendings."""
    token = request.form.get("_token", "")[:LONGEST_TOKEN]
    sheet = sent(view, None)
    sheet.token = token or secrets.token_urlsafe(24)

    def act(work: Work) -> Record:
        confirmed = sheet.confirmed
        made = records.create(
            work, view.register.slug, sheet.typed, token=token or None, confirmed=confirmed
        )
        if sheet.carried:
            carrying.note_carried(work, view.register.slug, made.id)
        return made

    return attempt(view, sheet, act)


def change(view: RegisterView, id: int) -> Answer:
    """Store what was changed in a record."""
    sheet = sent(view, view.record(id))

    def act(work: Work) -> Record:
        slug, confirmed = view.register.slug, sheet.confirmed
        return records.change(work, slug, id, sheet.version, sheet.typed, confirmed=confirmed)

    return attempt(view, sheet, act)


def sent(view: RegisterView, record: Record | None) -> Sheet:
    """Return the form that was sent."""
    return Sheet(
        entry.typed_of(view.register, request.form),
        record,
        whole(request.form.get("_version", "")),
        request.form.get("_token", "")[:LONGEST_TOKEN],
        confirmed=tuple(request.form.getlist("_confirmed")),
        carried=frozenset(request.form.getlist("_carried")),
    )


def attempt(view: RegisterView, sheet: Sheet, act: Callable[[Work], Record]) -> Answer:
    """Do ``act`` in one transaction; a refusal gives the form back, with what was typed."""
    outdated = conflicts.outdated(view, sheet.typed, whole(request.form.get("_revision", "")))
    if outdated:
        sheet.outdated = outdated
        return form_page.drawn(view, sheet), 409
    try:
        with desk.writing() as work:
            conflicts.require_revision(work, view)
            record = act(work)
            drafts.end(
                work, view.register.slug, sheet.token, sheet.record.id if sheet.record else None
            )
    except RecordNotFound:
        raise
    except AppError as error:
        give_back(view, sheet, error)
        return form_page.drawn(view, sheet), error.status
    return saved(view, record)


def give_back(view: RegisterView, sheet: Sheet, error: AppError) -> None:
    """Put a refusal into the form, where the person will see it."""
    if isinstance(error, NeedsConfirmation):
        sheet.warnings = error.problems
    elif isinstance(error, RecordMoved):
        conflicts.merge(view, sheet, error)
    elif isinstance(error, conflicts.DefinitionMoved):
        sheet.outdated = [say(error)]
    else:
        sheet.refusal, sheet.problems = say(error), error.problems
        if isinstance(error, SubmissionReused):
            sheet.token = secrets.token_urlsafe(24)


def saved(view: RegisterView, record: Record) -> Response:
    flash(_("{label} was saved.", label=view.name_of(record)), "success")
    if request.form.get("_another"):
        return redirect(url_for("register.create_view"))
    return redirect(url_for("register.details_view", id=record.id))


def check(view: RegisterView) -> Response:
    """Judge a form that is being filled, and write nothing: errors and warnings by pointer,
    computed values as shown, what is visible and what may be changed."""
    typed = entry.typed_of(view.register, request.form)
    outdated = conflicts.outdated(view, typed, whole(request.form.get("_revision", "")))
    id = whole(request.form.get("_id", ""))
    with desk.reading() as work:
        verdict = records.judge(work, view.register.slug, typed, id or None)
        computed = computed_of(view, work, verdict)
    return jsonify(
        errors=by_pointer(view, verdict.problems),
        warnings=by_pointer(view, verdict.warnings),
        computed=computed,
        visible={n: v for n, v in verdict.visible.items() if n not in verdict.concealed},
        editable=verdict.editable,
        outdated=outdated,
        revision=view.published.revision,
    )


def computed_of(view: RegisterView, work: Work, verdict: Judgement) -> dict[str, str]:
    """Return the derived fields as they are shown."""
    fields = [f for f in view.register.fields if f.derived and f.name not in verdict.concealed]
    return {f.name: tell(work, f, verdict.values.get(f.name)) for f in fields}


def by_pointer(view: RegisterView, problems: Sequence[Problem]) -> dict[str, list[str]]:
    """Return sentences by the pointer of the control they belong to."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        at = entry.in_form(view.register, problem.at, request.form)
        found.setdefault(at, []).append(say(problem))
    return found


def whole(text: str) -> int:
    """Return a number of a hidden field; 0 for anything else."""
    return addresses.digits(text) or 0
