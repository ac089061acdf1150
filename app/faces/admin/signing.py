"""Signing in and out, and the language: the pages that everybody may ask for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask import session as form_session
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces.admin import desk
from app.faces.admin.session import (
    current_account,
    device,
    local_path,
    open_to_all,
    outside,
    policy,
    provider,
    the_account,
    the_cookie,
    vault,
    with_token,
)
from app.services import audit, identity, sessions
from app.words import COOKIE as LANGUAGE_COOKIE
from app.words import LANGUAGES, say

YEAR = 365 * 86400

pages = Blueprint("session", __name__, template_folder="templates")


def install(app: Flask) -> None:
    """Serve the pages."""
    app.register_blueprint(pages)


@pages.route("/sign-in", methods=["GET", "POST"])
@open_to_all
def sign_in() -> Any:
    """Sign in, with one answer for every reason why not."""
    target = local_path(request.values.get("next"))
    if request.method != "POST":
        return redirect(target) if current_account() else sign_in_page(target)
    login, given = request.form.get("username", ""), request.form.get("password", "")
    try:
        token = identity.sign_in(
            desk.platform().database, login, given, device().address, device().agent, policy()
        )
    except identity.SignInRefused as refused:
        audit.sign_in_refused(desk.platform().database, login)
        return sign_in_page(target, login[:64], say(refused)), refused.status
    return entered(token, target)


def entered(token: str, target: str) -> Response:
    """Lead whoever has just signed in to the page wanted, or to the second step before it."""
    with desk.platform().database.reading() as tx:
        half = sessions.waiting(tx, token) is not None
    # what was known of the visitor before is not carried into the session
    form_session.clear()
    if half:
        target = url_for("session.code", next=target)
    return with_token(redirect(target), token)


@pages.route("/sign-in/code", methods=["GET", "POST"])
@open_to_all
def code() -> Any:
    """Ask for a code of the second factor, or for a recovery code."""
    target = local_path(request.values.get("next"))
    token = request.cookies.get(the_cookie()[0], "")
    with desk.platform().database.reading() as tx:
        half = sessions.waiting(tx, token)
    if half is None:
        return redirect(url_for("session.sign_in", next=target))
    if request.method != "POST":
        return render_template("taizhang/code.html", next=target, login=half.login)
    given = request.form.get("code", "")
    try:
        whole = identity.second_step(
            desk.platform().database, vault(), token, given, device(), policy()
        )
    except AppError as refused:
        audit.sign_in_refused(desk.platform().database, half.login)
        page = render_template(
            "taizhang/code.html", next=target, login=half.login, error=say(refused)
        )
        return page, refused.status
    return entered(whole, target)


@pages.post("/sign-out")
def sign_out() -> Response:
    """End the session, for every copy of its cookie."""
    way = the_account().way
    with desk.platform().database.writing() as tx:
        identity.sign_out(tx, request.cookies.get(the_cookie()[0], ""))
        audit.note(tx, "sign_out")
    form_session.clear()
    left = "1" if way == sessions.PROVIDER and provider() else None
    answer = redirect(url_for("session.sign_in", left=left))
    answer.delete_cookie(the_cookie()[0], secure=the_cookie()[1], httponly=True, samesite="Lax")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@pages.post("/language")
@open_to_all
def language() -> Response:
    """Remember the language somebody chose."""
    answer = redirect(local_path(request.form.get("next")))
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, wanted, YEAR, secure=the_cookie()[1], httponly=True, samesite="Lax"
        )
    return answer


def sign_in_page(target: str, username: str = "", error: str = "") -> str:
    """Return the page that asks for login name and password, and offers the provider."""
    offered = provider()
    leave = ""
    if offered is not None and request.args.get("left"):
        leave = offered.leave(outside(url_for("session.sign_in")))
    return render_template(
        "taizhang/login.html", next=target, username=username, error=error, leave=leave,
        label=offered.provider.label if offered else "",
    )  # fmt: skip
