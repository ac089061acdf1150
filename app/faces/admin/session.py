"""Signing in and out, the own password, the language; who asks.

Every page is for people who are signed in, but for those that say otherwise with ``open_to_all``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as form_session
from werkzeug.wrappers import Response

from app.config import Config
from app.errors import AppError
from app.services import identity
from app.services.identity import Account
from app.services.passwords import PasswordRefused
from app.services.work import Actor, Platform
from app.words import COOKIE as LANGUAGE_COOKIE
from app.words import LANGUAGES, gettext, say

View = TypeVar("View", bound=Callable[..., Any])
YEAR = 365 * 86400
LONGEST_ADDRESS = 2000

pages = Blueprint("session", __name__, template_folder="templates")


class SignInNeeded(AppError):
    code = "sign_in.needed"
    status = 401
    text = (
        "You are not signed in any more, and nothing was changed. Sign in in another window, then "
        "send this again."
    )


#: where the cookie of the forms keeps the unit somebody chose to act for
ACTING = "acting"
#: what is served to everybody: style, scripts, symbols
OPEN = frozenset({"pages_static.asset"})


def install(app: Flask) -> None:
    """Ask for an account on every page of ``app``, also of those that come later."""
    config = cast(Config, app.extensions["taizhang_config"])
    app.extensions["session_cookie"] = (
        "__Host-session" if config.secure_cookies else "session",
        config.secure_cookies,
    )
    app.before_request(require_account)
    app.register_blueprint(pages)


def open_to_all(view: View) -> View:
    """Mark a view that needs no account."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def current_account() -> Account | None:
    """Return who asks, looked up once a request."""
    if "account" not in g:
        g.account = _look_up()
    return cast("Account | None", g.account)


def current_person() -> str:
    """Return the name of who asks, or nothing."""
    found = current_account()
    return found.name if found else ""


def current_actor() -> Actor:
    """Return who asks as the services want to know it; without an id nobody is signed in."""
    found = current_account()
    if found is None:
        return Actor(None, "", "web")
    return Actor(found.id, found.name, "web", unit=form_session.get(ACTING))


def require_account() -> Response | None:
    """Let nobody pass who is not signed in: to the sign-in page, or with a refusal."""
    endpoint = request.endpoint or ""
    view = current_app.view_functions.get(endpoint)
    if getattr(view, "open_to_all", False) or endpoint in OPEN:
        return None
    if current_account() is not None:
        return None
    asks_for_page = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    if request.method not in ("GET", "HEAD") or not asks_for_page or view is None:
        raise SignInNeeded()
    place = request.full_path.rstrip("?")
    wanted = None if place == url_for("home.index") else place
    return redirect(url_for("session.sign_in", next=wanted))


def local_path(address: str | None) -> str:
    """Return ``address`` when it is a path of this application, else the home page's."""
    home = url_for("home.index")
    if not address or len(address) > LONGEST_ADDRESS or not address.isprintable():
        return home
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not address.startswith("/"):
        return home
    return home if address[1:2] in ("/", "\\") or "\\" in parts.path else address


@pages.route("/sign-in", methods=["GET", "POST"])
@open_to_all
def sign_in() -> Any:
    """Sign in, with one answer for every reason why not."""
    target = local_path(request.values.get("next"))
    if request.method != "POST":
        return redirect(target) if current_account() else _sign_in_page(target)
    login = request.form.get("username", "")
    try:
        token = identity.sign_in(
            _platform().database,
            login,
            request.form.get("password", ""),
            request.remote_addr or "",
            request.user_agent.string,
        )
    except identity.SignInRefused as refused:
        return _sign_in_page(target, login[:64], say(refused)), refused.status
    # what was known of the visitor before is not carried into the session
    form_session.clear()
    return _with_token(redirect(target), token)


@pages.post("/sign-out")
def sign_out() -> Response:
    """End the session, for every copy of its cookie."""
    with _platform().database.writing() as tx:
        identity.sign_out(tx, request.cookies.get(_cookie()[0], ""))
    form_session.clear()
    answer = redirect(url_for("session.sign_in"))
    answer.delete_cookie(_cookie()[0], secure=_cookie()[1], httponly=True, samesite="Lax")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@pages.route("/password", methods=["GET", "POST"])
def password() -> Any:
    """Change the own password; every session ends, a new one begins here."""
    person = current_account()
    if person is None:
        raise SignInNeeded()
    if request.method != "POST":
        return render_template("taizhang/password.html")
    old, new = request.form.get("old", ""), request.form.get("new", "")
    try:
        if new != request.form.get("again", ""):
            raise PasswordsDiffer()
        identity.change_password(_platform().database, person.id, old, new)
        token = identity.sign_in(
            _platform().database,
            person.login,
            new,
            request.remote_addr or "",
            request.user_agent.string,
        )
    except (PasswordRefused, identity.OldPasswordWrong) as refused:
        return render_template("taizhang/password.html", error=say(refused)), refused.status
    form_session.clear()
    flash(gettext("The password was changed. Other devices are signed out."), "success")
    return _with_token(redirect(url_for("home.index")), token)


@pages.post("/language")
@open_to_all
def language() -> Response:
    """Remember the language somebody chose."""
    answer = redirect(local_path(request.form.get("next")))
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, wanted, YEAR, secure=_cookie()[1], httponly=True, samesite="Lax"
        )
    return answer


class PasswordsDiffer(PasswordRefused):
    code = "password.differ"
    text = "The two new passwords are not the same."


def _sign_in_page(target: str, username: str = "", error: str = "") -> str:
    return render_template("taizhang/login.html", next=target, username=username, error=error)


def _with_token(answer: Response, token: str) -> Response:
    name, secure = _cookie()
    answer.set_cookie(name, token, secure=secure, httponly=True, samesite="Lax", path="/")
    return answer


def _look_up() -> Account | None:
    token = request.cookies.get(_cookie()[0])
    if not token:
        return None
    with _platform().database.reading() as tx:
        found = identity.who(tx, token)
        if found is not None and request.method == "POST":
            g.seen = _platform().catalog.snapshot(tx)
    if found is not None:
        identity.touch(_platform().database, found)
    return found


def _cookie() -> tuple[str, bool]:
    return cast("tuple[str, bool]", current_app.extensions["session_cookie"])


def _platform() -> Platform:
    return cast(Platform, current_app.extensions["taizhang"])
