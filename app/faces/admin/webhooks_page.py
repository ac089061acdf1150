"""The pages of webhooks, for administrators: who outside is told, what was sent, what failed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces.admin import desk
from app.faces.admin.jobs_page import STATES
from app.faces.admin.notices_page import MODES, TIMES, Answer
from app.services import access, notices
from app.services.notices import channels, sending
from app.services.notices.channels import Webhook
from app.services.notices.recipes import recipes
from app.words import gettext as _
from app.words import say

ENTRIES = ("title", "recipe", "url", "secret", "mode", *TIMES)


def blueprint() -> Blueprint:
    """Return the addresses under ``/settings/webhooks``."""
    made = Blueprint("webhooks", __name__, url_prefix="/settings/webhooks")
    made.add_url_rule("", "index", index)
    made.add_url_rule("/new", "new", new, methods=("GET", "POST"))
    made.add_url_rule("/<int:id>", "edit", edit, methods=("GET", "POST"))
    made.add_url_rule("/<int:id>/test", "test", test, methods=("POST",))
    made.add_url_rule("/<int:id>/remove", "remove", remove, methods=("POST",))
    made.add_url_rule("/deliveries/<int:id>", "again", again, methods=("POST",))
    return made


def index() -> str:
    """Return the webhooks and the last deliveries."""
    with desk.reading() as work:
        found = channels.webhooks(work)
        sent = sending.deliveries(work)
    rows = [
        {
            "id": one.id, "title": one.title, "recipe": one.recipe.title, "url": one.shown,
            "mode": _(MODES[one.rhythm.mode]), "off": one.rhythm.mode == "off",
            "about": about(one),
        }
        for one in found
    ]  # fmt: skip
    return render_template(
        "taizhang/settings/webhooks.html", rows=rows, sent=[line(one) for one in sent],
        mail=desk.platform().office.mail is not None, site=desk.platform().office.site,
        crumbs=[(_("Messages to the outside"), "")],
    )  # fmt: skip


def about(one: Webhook) -> str:
    """Return in words which notices a webhook is told of."""
    kinds = "、".join(_(notices.KINDS[kind]) for kind in one.kinds) or _("all kinds")
    if one.slugs:
        return _("{count} registers, {kinds}", count=len(one.slugs), kinds=kinds)
    return _("all registers, {kinds}", kinds=kinds)


def line(one: sending.Sent) -> dict[str, Any]:
    return {
        "id": one.id, "target": one.target, "kind": _(notices.KINDS.get(one.kind, one.kind)),
        "channel": _("mail") if one.channel == "mail" else _("webhook"),
        "state": _(one.state), "tone": STATES.get(one.state, ""), "attempts": one.attempts,
        "when": desk.moment(one.done_at or one.created_at),
        "next": desk.moment(one.next_at) if one.state == "waiting" else "",
        "error": say(one.error) if one.error else "", "failed": one.state == "failed",
    }  # fmt: skip


def new() -> Answer:
    """Set up a webhook."""
    if request.method == "POST":
        return saved(None)
    with desk.reading() as work:
        access.require(work, "administer")
    recipe = recipes().get(request.args.get("recipe", ""), recipes()["wecom"])
    values = {"title": recipe.title, "recipe": recipe.name, "mode": "once", "digest_at": "08:30"}
    return form(None, values, (), ())


def edit(id: int) -> Answer:
    """Show and change a webhook. The secret is never shown."""
    if request.method == "POST":
        return saved(id)
    with desk.reading() as work:
        access.require(work, "administer")
        found = channels.find(work, id)
    rhythm = channels.columns(found.rhythm)
    values = {"title": found.title, "recipe": found.recipe.name, **rhythm}
    return form(id, values, found.slugs, found.kinds, shown=found.shown)


def saved(number: int | None) -> Answer:
    given = {name: request.form.get(name, "") for name in ENTRIES}
    slugs, kinds = request.form.getlist("slugs"), request.form.getlist("kinds")
    try:
        with desk.writing() as work:
            channels.save_webhook(work, number, given, slugs, kinds)
    except AppError as refused:
        if refused.status != 422:
            raise
        # neither the address, which may hold a key, nor the secret goes back to the page
        return form(number, {**given, "secret": ""}, slugs, kinds, error=say(refused)), 422
    flash(_("The webhook is saved. Send a test message to see whether it arrives."), "success")
    return redirect(url_for("webhooks.index"))


def form(
    number: int | None, values: dict[str, str], slugs: Any, kinds: Any, *, shown: str = "",
    error: str = "",
) -> str:  # fmt: skip
    with desk.reading() as work:
        registers = [(entry.slug, entry.title) for entry in work.snapshot.entries.values()]
    heading = _("Change a webhook") if number is not None else _("New webhook")
    return render_template(
        "taizhang/settings/webhook.html", values=values, number=number, shown=shown, error=error,
        recipes=list(recipes().values()), registers=registers, slugs=slugs, kinds=kinds,
        every_kind=[(name, _(text)) for name, text in notices.KINDS.items()],
        modes=[(name, _(text)) for name, text in MODES.items()], heading=heading,
        crumbs=[(_("Messages to the outside"), url_for("webhooks.index")), (heading, "")],
    )  # fmt: skip


def test(id: int) -> Response:
    """Send a test message for real, and say whether it arrived."""
    try:
        sending.try_webhook(
            desk.platform(), desk.actor(), id, _("Test message"),
            _("Who reads this sees that the address and the signature are right."),
        )  # fmt: skip
    except AppError as refused:
        if refused.status in (403, 404):
            raise
        flash(say(refused), "danger")
    else:
        flash(_("The test message was taken."), "success")
    return redirect(url_for("webhooks.index"))


def remove(id: int) -> Response:
    """Take out a webhook."""
    with desk.writing() as work:
        channels.remove_webhook(work, id)
    flash(_("The webhook is removed."), "success")
    return redirect(url_for("webhooks.index"))


def again(id: int) -> Response:
    """Send a delivery that failed once more."""
    with desk.writing() as work:
        sending.send_again(work, id)
    flash(_("It is sent again within seconds."), "success")
    return redirect(url_for("webhooks.index"))
