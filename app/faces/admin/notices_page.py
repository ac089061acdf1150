"""What a person is told, and how the person wants to be told outside the application."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces.admin import desk
from app.faces.admin.session import local_path
from app.services import notices
from app.services.notices import channels
from app.services.notices.times import Rhythm
from app.words import gettext as _
from app.words import say

Answer = str | Response | tuple[str, int]
MODES = {"off": "Do not send", "once": "At once", "digest": "Once a day, all together"}
TIMES = ("digest_at", "quiet_from", "quiet_to")


def blueprint() -> Blueprint:
    """Return the addresses of notices."""
    made = Blueprint("notices", __name__)
    made.add_url_rule("/notices/", "index", index)
    made.add_url_rule("/notices/read", "read_all", read_all, methods=("POST",))
    made.add_url_rule("/notices/<int:id>/open", "follow", follow, methods=("POST",))
    made.add_url_rule("/account/notices", "settings", settings, methods=("GET", "POST"))
    return made


def index() -> str:
    """Return the person's notices, unread first."""
    with desk.reading() as work:
        found = notices.listed(work)
        count = notices.unread(work)
    rows = [
        {
            "id": one.id, "when": desk.moment(one.at), "kind": _(notices.KINDS[one.kind]),
            "title": one.title, "text": one.text, "link": one.link, "unread": one.read_at is None,
        }
        for one in found
    ]  # fmt: skip
    return render_template(
        "taizhang/notices.html", rows=rows, count=count, crumbs=[(_("Notices"), "")]
    )


def follow(id: int) -> Response:
    """Mark a notice read and go where it leads."""
    with desk.writing() as work:
        link = notices.mark_read(work, id)
    return redirect(local_path(link) if link else url_for("notices.index"))


def read_all() -> Response:
    """Mark everything read."""
    with desk.writing() as work:
        notices.mark_all_read(work)
    return redirect(url_for("notices.index"))


def settings() -> Answer:
    """Show and change how the person wants to be told."""
    if request.method != "POST":
        with desk.reading() as work:
            return form(shown(channels.setting(work)))
    given = {name: request.form.get(name, "") for name in ("email", "mode", *TIMES)}
    muted = [kind for kind in notices.KINDS if not request.form.get(f"kind_{kind}")]
    try:
        rhythm = Rhythm(given["mode"], *(given[name] for name in TIMES))
        with desk.writing() as work:
            channels.change_setting(work, given["email"], rhythm, muted)
    except AppError as refused:
        return form({**given, "muted": muted}, say(refused)), refused.status
    flash(_("Your settings are saved."), "success")
    return redirect(url_for("notices.settings"))


def shown(setting: channels.Setting) -> dict[str, Any]:
    rhythm = channels.columns(setting.rhythm)
    return {"email": setting.email, **rhythm, "muted": setting.muted}


def form(values: dict[str, Any], error: str = "") -> str:
    return render_template(
        "taizhang/account_notices.html", values=values, error=error,
        modes=[(name, _(text)) for name, text in MODES.items()],
        kinds=[(name, _(text)) for name, text in notices.KINDS.items()],
        mail=desk.platform().office.mail is not None,
        crumbs=[(_("Notices"), url_for("notices.index")), (_("How I am told"), "")],
    )  # fmt: skip
