"""Together pages: the part of a record's page where people talk – comments, watching, orders."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import flash, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError, RecordNotFound
from app.faces.admin import addresses, desk
from app.services import audience, rights
from app.services.reading import visible_row
from app.services.together import comments, orders, watching
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

Answer = Response | tuple[str, int]
LONGEST_SEARCH, MOST = 60, 20


class DateUnreadable(AppError):
    code = "order.date_unreadable"
    text = "{value} is no date. Write it as 2026-03-31."


def section(view: RegisterView, work: Work, id: int) -> dict[str, Any]:
    """Return what people said about a record, for its page."""
    slug = view.register.slug
    here = url_for("register.details_view", id=id)
    return {
        "here": here,
        "comments": [comment(one) for one in comments.of_record(work, slug, id)],
        "orders": [order(one) for one in orders.of_record(work, slug, id)],
        "watching": watching.is_watching(work, slug, id),
        "reviews": rights.reviews(work, slug, id),
        "longest": comments.LONGEST,
        "minutes": comments.MENDABLE.seconds // 60,
    }


def comment(one: comments.Comment) -> dict[str, Any]:
    return {
        "id": one.id,
        "who": desk.person(one.who),
        "when": desk.moment(one.at),
        "text": one.text,
        "mentions": one.mentions,
        "edited": desk.moment(one.edited_at),
        "deleted": desk.moment(one.deleted_at),
        "mendable": one.mendable,
        "mine": one.mine,
    }


def order(one: orders.Order) -> dict[str, Any]:
    return {
        "id": one.id,
        "who": desk.person(one.who),
        "when": desk.moment(one.at),
        "text": one.text,
        "due": f"{one.due_on:%Y-%m-%d}" if one.due_on else "",
        "closed": desk.moment(one.closed_at),
        "closed_by": desk.person(one.closed_by),
        "recipients": [
            {"name": r.party.name, "answer": r.answer or "", "who": desk.person(r.answered_by),
             "when": desk.moment(r.answered_at)}
            for r in one.recipients
        ],
        "read": [(name, desk.moment(at)) for name, at in one.read],
        "unread": one.unread,
        "readable": one.readable,
        "answerable": one.answerable,
        "closable": one.closable,
    }  # fmt: skip


def attempt(
    view: RegisterView, id: int, act: Callable[[Work], Any], done: str, tried: Mapping[str, str]
) -> Answer:
    """Do ``act`` in one transaction; a refusal gives the page back with what was typed."""
    try:
        with desk.writing() as work:
            act(work)
    except RecordNotFound:
        raise
    except AppError as error:
        return view.again(id, {**tried, "refusal": say(error)}), error.status
    flash(done, "success")
    return redirect(url_for("register.details_view", id=id) + "#together")


def mentioned() -> list[int]:
    found = audience.parties(request.form.getlist("to"))
    return [party.account for party in found if party.account is not None]


def say_something(view: RegisterView, id: int) -> Answer:
    text, slug = request.form.get("text", ""), view.register.slug
    people = mentioned()
    return attempt(
        view, id, lambda work: comments.add(work, slug, id, text, people),
        _("The comment was stored."), {"comment": text},
    )  # fmt: skip


def mend(view: RegisterView, id: int, number: int) -> Answer:
    """Change or take back a comment."""
    text, slug = request.form.get("text", ""), view.register.slug
    if request.form.get("do") == "delete":
        gone = _("The comment was deleted.")
        return attempt(view, id, lambda work: comments.delete(work, slug, id, number), gone, {})
    return attempt(
        view, id, lambda work: comments.edit(work, slug, id, number, text),
        _("The comment was stored."), {"mended": str(number), "mended_text": text},
    )  # fmt: skip


def watch(view: RegisterView, id: int) -> Answer:
    on, slug = request.form.get("on") == "1", view.register.slug
    done = _("You watch this record now.") if on else _("You do not watch this record any more.")
    return attempt(view, id, lambda work: watching.watch(work, slug, id, on=on), done, {})


def give_order(view: RegisterView, id: int) -> Answer:
    text, due = request.form.get("text", ""), request.form.get("due_on", "").strip()
    parties, slug = list(audience.parties(request.form.getlist("to"))), view.register.slug

    def act(work: Work) -> None:
        orders.give(work, slug, id, text, parties, day_of(due))

    tried = {"order": text, "due_on": due}
    return attempt(view, id, act, _("The order was given."), tried)


def day_of(text: str) -> datetime.date | None:
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise DateUnreadable(value=text[:40]) from None


def treat_order(view: RegisterView, id: int, number: int) -> Answer:
    """Say that one has read an order, answer it, or close it."""
    text, slug = request.form.get("text", ""), view.register.slug
    do = request.form.get("do", "")
    if do == "answer":
        return attempt(
            view, id, lambda work: orders.answer(work, slug, id, number, text),
            _("The order was answered."), {"answered": str(number), "answer": text},
        )  # fmt: skip
    if do == "close":
        done = _("The order was closed.")
        return attempt(view, id, lambda work: orders.close(work, slug, id, number), done, {})
    done = _("It was noted that you have read the order.")
    return attempt(view, id, lambda work: orders.read(work, slug, id, number), done, {})


def people(view: RegisterView, id: int) -> Response:
    """Return whom one may write to about a record: people, with ``units=1`` units as well. Only
    those who may see it are named."""
    text = request.args.get("q", "")[:LONGEST_SEARCH]
    addresses.check_text("q", text)
    with desk.reading() as work:
        row = visible_row(work, view.published, id)
        found = []
        if request.args.get("units"):
            found = audience.units(work, view.published, row, text, MOST)
        found += audience.persons(work, view.published, row, text, MOST)
    return jsonify(
        results=[
            {"id": p.word, "label": f"{p.name}（{p.note}）" if p.note else p.name} for p in found
        ]
    )
