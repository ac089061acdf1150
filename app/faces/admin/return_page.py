"""Return page: one return, what was done about it, and what may be done."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces.admin import desk
from app.faces.admin.returns_pages import SIGNS, day, form_url, state_of, state_word
from app.services.returns import deeds, listing, seeing
from app.services.returns.facts import (
    CLOSED,
    EXCUSED,
    LATE,
    NIL,
    OPEN,
    WAITING,
    Return,
    calendar_of,
    shown,
    subject_title,
)
from app.services.returns.owing import Matching
from app.services.returns.telling import OPENED, OVERDUE, REMIND, URGE
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

#: what the history calls a deed
DEEDS: Mapping[str, str] = {
    "opened": "the unit was told that it is open", "remind": "the unit was reminded",
    "overdue": "the unit was told that it is overdue", "urge": "urged the unit",
    "nil": "declared a nil return", "take-back": "took the nil return back",
    "supplement": "asked for a supplementary return", "excuse": "excused the unit",
    "reopen": "opened the return again",
}  # fmt: skip
#: what is said to a unit, with the day on which its return is due
TOLD = (OPENED, REMIND, OVERDUE, URGE)
Deed = Callable[[Work, str, int], Any]


def show(view: RegisterView, id: int) -> str:
    """Return the page of one return."""
    slug = view.register.slug
    with desk.reading() as work:
        found = seeing.get(work, slug, id)
        title = subject_title(work, view.published, found.subject)
        period = shown(view.published, found.period)
        told = [
            {"when": desk.moment(at), "who": desk.person(who), "deed": _(DEEDS.get(action, action)),
             "reason": said(action, reason)}
            for at, who, action, reason in listing.told(work, found)
        ]  # fmt: skip
        heading = f"{title} · {period}"
        returns = (_("Returns"), url_for("register.returns_view"))
        return view.page(
            "return", heading=heading, crumbs=view.crumbs(returns, (heading, "")), id=id,
            facts=facts(work, found), state=state_of(found), sign=SIGNS[state_of(found)][0],
            word=state_word(state_of(found)), told=told, locked=found.locked,
            may=may(view, work, found), until=day(work.today),
            form=form_url(view, Matching(work, view.published), found),
            record=f"{view.root}{found.record}" if found.record is not None else "",
        )  # fmt: skip


def said(action: str, reason: str) -> str:
    """Return what stands beside a deed: a reason, or the day that a unit was told."""
    if action in TOLD and reason[:4].isdigit():
        return _("due {day}", day=reason)
    return _(reason) if reason else ""


def facts(work: Work, found: Return) -> list[tuple[str, str]]:
    """Return what is known of a return, in words."""
    unit = work.tree.title(found.unit)
    if not found.about and found.unit != found.subject:
        unit = _("{unit} (for {former}, which was merged into it)", unit=unit,
                 former=work.tree.title(found.subject))  # fmt: skip
    listed = [
        (_("Answering unit"), unit),
        (_("Open from"), day(found.opens_on)),
        (_("Due on"), day(found.due_on)),
        (_("Closes after"), day(found.locks_on)),
        (_("Handed in"), desk.moment(found.submitted_at)),
        (_("By"), desk.person(found.submitted_by)),
        (_("Closed"), desk.moment(found.closed_at)),
        (_("Reason"), _(found.reason) if found.reason else ""),
    ]
    return [(title, text) for title, text in listed if text]


def may(view: RegisterView, work: Work, found: Return) -> frozenset[str]:
    """Return what the person may do to a return now."""
    spec, state = calendar_of(view.published), found.state
    waited = state in WAITING or found.supplementing
    allowed = set()
    if seeing.may_fill(work, view.published, found):
        allowed |= {"fill"} if waited else set()
        allowed |= {"nil"} if waited and spec.nil else set()
        allowed |= {"take-back"} if state == NIL and not found.locked else set()
        asks = state == CLOSED and spec.supplement and not found.supplementing
        allowed |= {"supplement"} if asks else set()
    if seeing.may_review(work, found.slug):
        allowed |= {"excuse"} if state in (OPEN, LATE, CLOSED) else set()
        allowed |= {"reopen"} if found.closed_at or state in (NIL, EXCUSED) else set()
        allowed |= {"urge"} if state in WAITING and found.unit else set()
    return frozenset(allowed)


def act(view: RegisterView, id: int) -> Response:
    """Do what the form asks, and say what came of it."""
    here, wanted = url_for("register.return_view", id=id), request.form.get("act", "")
    deed = deeds_of().get(wanted)
    if deed is None:
        flash(_("Please choose what to do."), "danger")
        return redirect(here)
    try:
        with desk.writing() as work:
            deed(work, view.register.slug, id)
            found = seeing.get(work, view.register.slug, id)
            form = form_url(view, Matching(work, view.published), found)
    except AppError as error:
        if error.status == 404:
            raise
        flash(say(error), "danger")
        return redirect(here)
    flash(_("Done."), "success")
    return redirect(form if wanted == "supplement" else here)


def deeds_of() -> dict[str, Deed]:
    """Return what may be asked, with what the form says beside it."""
    reason = request.form.get("reason", "")
    return {
        "nil": deeds.declare_nil,
        "take-back": deeds.take_nil_back,
        "supplement": lambda work, slug, id: deeds.ask_supplement(work, slug, id, reason),
        "excuse": lambda work, slug, id: deeds.excuse(work, slug, id, reason),
        "reopen": lambda work, slug, id: deeds.reopen(work, slug, id, reason, until()),
        "urge": lambda work, slug, id: deeds.urge(
            work, slug, [seeing.get(work, slug, id).unit], reason
        ),
    }


def until() -> datetime.date | None:
    """Return the day until which a return is opened again, None where none is said."""
    try:
        return datetime.date.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return None
