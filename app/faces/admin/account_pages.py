"""The own account: sessions and sign-ins, the password, the second factor."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask import session as form_session
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces.admin import addresses, desk
from app.faces.admin.account_words import lines, sessions_shown
from app.faces.admin.failures import refused as refusal
from app.faces.admin.failures import wants_json
from app.faces.admin.session import (
    device,
    local_path,
    policy,
    the_account,
    vault,
    with_token,
)
from app.services import accounts, audit, identity, second_factor, sessions
from app.services.identity import ConfirmationNeeded
from app.services.passwords import PasswordRefused
from app.services.second_factor import Setup
from app.words import gettext as _
from app.words import say

pages = Blueprint("account", __name__, url_prefix="/account", template_folder="templates")


class PasswordsDiffer(PasswordRefused):
    code = "password.differ"
    text = "The two new passwords are not the same."


class PasswordMissing(AppError):
    code = "password.missing"
    text = "Enter your password."


def install(app: Flask) -> None:
    """Serve the pages, and ask for the password again where that is needed."""
    app.register_blueprint(pages)
    app.register_error_handler(ConfirmationNeeded, ask_again)


def ask_again(error: ConfirmationNeeded) -> Any:
    """Lead to the page that asks for the password, and from there back to the page at hand."""
    if wants_json():
        return refusal(error)
    return redirect(url_for("account.confirm", next=request.full_path.rstrip("?")))


def crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(_("My account"), url_for("account.overview") if more else ""), *more]


@pages.get("/")
def overview() -> str:
    """Return the own account: where it is signed in, what happened to it."""
    person = the_account()
    with desk.reading() as work:
        return render_template(
            "taizhang/account/overview.html",
            crumbs=crumbs(),
            me=accounts.own(work.tx, person.id, work.now),
            factor=second_factor.state(work.tx, person.id),
            required=policy().needs_totp(person.administrator),
            sessions=sessions_shown(
                sessions.open_sessions(work.tx, person.id, policy()), person.session
            ),
            lines=lines(accounts.own_log(work.tx, person.id)),
            moment=desk.moment,
        )


@pages.post("/sessions")
def end_sessions() -> Response:
    """End one of the own sessions, or all of them but this one."""
    person, which = the_account(), request.form.get("end", "")
    with desk.writing() as work:
        if which == "others":
            sessions.sign_out_others(work.tx, person.id, person.session)
        elif (number := addresses.digits(which, 17)) is not None:
            sessions.end_one(work.tx, person.id, number)
    if which:
        flash(_("The sign-in there has ended."), "success")
    return redirect(url_for("account.overview"))


@pages.route("/password", methods=["GET", "POST"])
def password() -> Any:
    """Change the own password; every session ends, a new one begins here."""
    person = the_account()
    if request.method != "POST":
        return password_page()
    old, new = request.form.get("old", ""), request.form.get("new", "")
    try:
        if new != request.form.get("again", ""):
            raise PasswordsDiffer()
        identity.change_password(desk.platform().database, person.id, old, new)
    except (PasswordRefused, identity.OldPasswordWrong) as refused:
        if isinstance(refused, identity.OldPasswordWrong):
            audit.note_refusal(desk.platform().database, "password.refused")
        return password_page(say(refused)), refused.status
    with desk.writing() as work:
        token = identity.open_session(work.tx, person.id, device(), way=person.way, policy=policy())
    form_session.clear()
    flash(_("The password was changed. Other devices are signed out."), "success")
    return with_token(redirect(url_for("home.index")), token)


def password_page(error: str = "") -> str:
    held = the_account().must == "password"
    return render_template(
        "taizhang/account/password.html", error=error, held=held, login=the_account().login,
        crumbs=crumbs((_("Change the password"), "")),
    )  # fmt: skip


@pages.route("/confirm", methods=["GET", "POST"])
def confirm() -> Any:
    """Ask for the password again before something that others must not do in our place."""
    person, target = the_account(), local_path(request.values.get("next"))
    error, status = "", 200
    if request.method == "POST":
        try:
            given = request.form.get("password", "")
            if not given:
                raise PasswordMissing()
            identity.confirm(desk.platform().database, person, given)
            return redirect(target)
        except (PasswordMissing, identity.OldPasswordWrong) as refused:
            error, status = say(refused), refused.status
    page = render_template(
        "taizhang/account/confirm.html", next=target, error=error, held=bool(person.must),
        login=person.login,
        crumbs=crumbs((_("Confirm that it is you"), "")), provider=person.way == sessions.PROVIDER,
    )  # fmt: skip
    return page, status


@pages.route("/second-factor", methods=["GET", "POST"], endpoint="second_factor")
def second_factor_page() -> Any:
    """Set up the second factor, replace it, renew the recovery codes, or take it away."""
    person = the_account()
    person.require_fresh()
    if request.method != "POST":
        return factor_page(second_factor.begin(vault(), person))
    action = request.form.get("do", "")
    try:
        if action == "off":
            return turned_off()
        if action == "codes":
            with desk.writing() as work:
                return codes_page(second_factor.renew_codes(work.tx, person))
        return turned_on()
    except second_factor.CodeWrong as refused:
        setup = second_factor.again(vault(), person, request.form.get("setup", ""))
        return factor_page(setup, say(refused)), refused.status
    except AppError as refused:
        return factor_page(second_factor.begin(vault(), person), say(refused)), refused.status


def turned_on() -> str:
    person = the_account()
    setup = second_factor.again(vault(), person, request.form.get("setup", ""))
    with desk.writing() as work:
        codes = second_factor.turn_on(work.tx, vault(), person, setup, request.form.get("code", ""))
    return codes_page(codes)


def turned_off() -> Response:
    with desk.writing() as work:
        second_factor.turn_off(work.tx, the_account(), policy())
    flash(_("The second factor was taken away. Please sign in again."), "success")
    return redirect(url_for("session.sign_in"))


def factor_page(setup: Setup, error: str = "") -> str:
    person = the_account()
    with desk.reading() as work:
        state = second_factor.state(work.tx, person.id)
    return render_template(
        "taizhang/account/second_factor.html",
        crumbs=crumbs((_("Second factor"), "")),
        setup=setup,
        picture=picture(setup.address),
        secret=" ".join(setup.secret[at : at + 4] for at in range(0, len(setup.secret), 4)),
        state=state,
        since=desk.moment(state.since),
        required=policy().needs_totp(person.administrator),
        held=person.must == "totp",
        error=error,
    )


def codes_page(codes: list[str]) -> str:
    return render_template(
        "taizhang/account/codes.html", codes=codes, crumbs=crumbs((_("Recovery codes"), ""))
    )


def picture(address: str) -> Markup:
    """Return a QR code as an element of the page: no image is asked for, nothing is sent."""
    drawn = segno.make(address, error="m", micro=False)
    return Markup(drawn.svg_inline(scale=4, border=4, svgclass="qr", lineclass=None, omitsize=True))
