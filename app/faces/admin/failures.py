"""Failures: every refusal and every mishap as a calm page, or as JSON where a script asked."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from app.errors import AppError, NotAllowed
from app.faces import tracing
from app.faces.admin import desk
from app.faces.admin.chrome import asset
from app.faces.admin.session import current_actor
from app.faces.security import OriginRefused
from app.services import audit
from app.words import gettext as _
from app.words import say

log = logging.getLogger(__name__)

#: status → heading and sentence; what is not listed here is told as the 500
TOLD: dict[int, tuple[str, str]] = {
    400: (
        "This request cannot be understood",
        "The address or the form holds something that cannot be read. Go back and try again.",
    ),
    401: ("You are not signed in", "Sign in, then do it again. Nothing was changed."),
    403: (
        "This is not open to you",
        "Your account may not do this. Ask your administrator if you need it.",
    ),
    404: (
        "There is nothing here",
        "The page does not exist, or the record was deleted. Look at the list or the recycle bin.",
    ),
    405: (
        "This request cannot be understood",
        "This address is not asked in that way. Go back and try again.",
    ),
    409: (
        "Somebody else was quicker",
        "What you wanted to change was changed meanwhile. Look at it again.",
    ),
    413: (
        "Too much at once",
        "The file or the form is larger than the server takes. Send less at a time.",
    ),
    422: (
        "This was not accepted",
        "Something in the request needs correcting. Go back and look at it again.",
    ),
    429: ("Too many requests", "Please wait a moment and try again."),
    500: (
        "Something went wrong on the server",
        "Nothing was saved by this request. Tell the administrator the incident number below.",
    ),
    503: ("The server is busy", "Nothing was changed. Please try again in a moment."),
}


class FormForged(AppError):
    code = "form.forged"
    status = 400
    text = (
        "This form was open too long, or belongs to another sign-in. Go back, reload the page and "
        "send it again."
    )


def install(app: Flask) -> None:
    """Let every failure end in a page."""
    app.register_error_handler(AppError, refused)
    app.register_error_handler(CSRFError, forged)
    app.register_error_handler(HTTPException, broken)
    app.register_error_handler(Exception, crashed)
    app.after_request(note_refused)


def note_refused(response: Response) -> Response:
    """Tell the audit log of a request that its sender may not make: once, whoever answered it."""
    error = g.pop("not_allowed", None)
    if error is not None:
        forged = not isinstance(error, NotAllowed)
        told = {"method": request.method, "path": request.path[:200], "code": error.code}
        if not forged:
            told["action"] = str(error.values.get("action", ""))
        about = audit.About("register", g.get("slug") or "") if g.get("slug") else None
        event = "request.forged" if forged else "access.refused"
        actor = current_actor()
        if actor.id is not None and not forged:
            with desk.reading() as work:
                actor = replace(actor, unit=work.standing.home)
        audit.note_refusal(desk.platform().database, event, about, told, actor=actor)
    return response


def refused(error: AppError) -> ResponseReturnValue:
    if isinstance(error, NotAllowed | OriginRefused):
        g.not_allowed = error
    return answer(error.status, text=say(error), code=error.code)


def forged(_error: CSRFError) -> ResponseReturnValue:
    g.not_allowed = FormForged()
    return answer(400, text=_(FormForged.text), code=FormForged.code)


def broken(error: HTTPException) -> ResponseReturnValue:
    """Answer an error of HTTP; redirects pass."""
    if error.response is not None or (error.code or 500) < 400:
        return error
    given = answer(error.code or 500)
    headers = [(k, v) for k, v in error.get_headers() if k in ("Allow", "Retry-After")]
    return given[0], given[1], dict(headers)


def crashed(error: Exception) -> ResponseReturnValue:
    """Log what nobody foresaw under a number, and show the number alone."""
    number = secrets.token_hex(4).upper()
    log.error("incident %s at %s %s", number, request.method, request.path, exc_info=error)
    if current_app.testing and current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    return answer(500, number=number)


def answer(status: int, text: str = "", code: str = "", number: str = "") -> tuple[Any, int]:
    """Return the page of a failure, or its JSON."""
    title, sentence = TOLD.get(status, TOLD[500 if status >= 500 else 400])
    shown = text or _(sentence)
    if wants_json():
        return jsonify(
            status=status, code=code or f"http.{status}", text=shown, number=number
        ), status
    try:
        page = render_template(
            "taizhang/error.html",
            status=status,
            title=_(title),
            text=shown,
            number=number,
            asked=tracing.number(),
            back=back(),
            sign_in=sign_in_again() if status == 401 else "",
        )
    except Exception:
        log.exception("the page of a failure failed")
        page = plain(title, shown, number)
    return page, status


def plain(title: str, text: str, number: str) -> str:
    """Return a page that needs neither templates nor the database."""
    return Markup(
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{0}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="{1}"></head><body><main><div class="sorry"><h1>{0}</h1>'
        "<p>{2}</p><p>{3}</p></div></main></body></html>"
    ).format(_(title), asset("app.css"), text, number)


def wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json" or request.is_json


def sign_in_again() -> str:
    """Return where one signs in and comes back to the form that was just sent; what was typed
    into it is put back there by its own script."""
    rule = request.url_rule
    place = request.path if rule is not None and "GET" in (rule.methods or ()) else back()
    return url_for("session.sign_in", next=place or None)


def back() -> str:
    """Return the page of ours that the person came from, else the list of the register."""
    came = urlsplit(request.referrer or "")
    if came.netloc == request.host and came.path != request.path:
        return came.path + (f"?{came.query}" if came.query else "")
    snapshot, slug = g.get("snapshot"), g.get("slug")
    if snapshot is None or slug not in snapshot:
        return ""
    return url_for("register.index_view", slug=slug)
