"""Signing in and out, the language; who asks, and what must be done first.

Every page is for people who are signed in, but for those that say otherwise with ``open_to_all``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from app.services import identity, sessions
from app.services.identity import Account, Device
from app.services.oidc import Client
from app.services.policy import Policy
from app.services.vault import Vault
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


class PasswordChangeNeeded(AppError):
    code = "password.must_change"
    status = 403
    text = "Change your password first: it was given to you, or is too old. Nothing was changed."


class FactorNeeded(AppError):
    code = "totp.must_set_up"
    status = 403
    text = "Set up the second factor first: your account needs one. Nothing was changed."


#: what is served to everybody: style, scripts, symbols
OPEN = frozenset({"pages_static.asset"})
#: what has to be done first → the page for it, what else answers until then, the refusal
FIRST: Mapping[str, tuple[str, frozenset[str], type[AppError]]] = {
    "password": ("account.password", frozenset({"session.sign_out"}), PasswordChangeNeeded),
    "totp": (
        "account.second_factor",
        frozenset({"session.sign_out", "account.confirm"}),
        FactorNeeded,
    ),
}
#: a request that carries this was not made by a person, and keeps no session alive
BACKGROUND = "X-Taizhang-Background"
#: why a session is no more → what its person is told
ENDED = {
    "elsewhere": "You were signed out here because your account signed in elsewhere.",
    "everywhere": "This session was ended from another device of yours.",
    "ended": "This session was ended by you or by an administrator.",
    "password": "The password of your account was changed. Sign in with the new one.",
    "powers": "The powers of your account were changed. Please sign in again.",
}


def install(app: Flask) -> None:
    """Ask for an account on every page of ``app``, also of those that come later."""
    config = cast(Config, app.extensions["taizhang_config"])
    app.extensions["session_cookie"] = (
        "__Host-session" if config.secure_cookies else "session",
        config.secure_cookies,
    )
    app.extensions["vault"] = Vault(config.secret_key)
    app.extensions["provider"] = Client(config.provider) if config.provider else None
    app.before_request(require_account)
    app.register_blueprint(pages)


def open_to_all(view: View) -> View:
    """Mark a view that needs no account."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def in_background(view: View) -> View:
    """Mark a view that pages ask by themselves: it keeps no session alive."""
    view.in_background = True  # type: ignore[attr-defined]
    return view


def policy() -> Policy:
    """Return what the settings say about signing in."""
    return cast(Config, current_app.extensions["taizhang_config"]).sign_in


def vault() -> Vault:
    return cast(Vault, current_app.extensions["vault"])


def provider() -> Client | None:
    """Return the identity provider, where the settings name one."""
    return cast("Client | None", current_app.extensions["provider"])


def device() -> Device:
    """Return from where the request comes."""
    return Device(request.remote_addr or "", request.user_agent.string)


def the_account() -> Account:
    """Return who asks. Raises ``SignInNeeded`` when nobody does."""
    found = current_account()
    if found is None:
        raise SignInNeeded()
    return found


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
    return Actor(found.id, found.name, "web") if found else Actor(None, "", "web")


def require_account() -> Response | None:
    """Let nobody pass who is not signed in, or has something to do first: to the page for it, or
    with a refusal where no page was asked for."""
    endpoint = request.endpoint or ""
    view = current_app.view_functions.get(endpoint)
    if getattr(view, "open_to_all", False) or endpoint in OPEN:
        return None
    found = current_account()
    if found is not None and not found.must:
        return None
    place = request.full_path.rstrip("?")
    wanted = None if place == url_for("home.index") else place
    if found is None:
        if not _asks_for_page() or view is None:
            raise SignInNeeded()
        tell_why_ended()
        return redirect(url_for("session.sign_in", next=wanted))
    page, answered, refusal = FIRST[found.must]
    if endpoint == page or endpoint in answered:
        return None
    if not _asks_for_page():
        raise refusal()
    return redirect(url_for(page))


def _asks_for_page() -> bool:
    asked = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    return request.method in ("GET", "HEAD") and asked


def tell_why_ended() -> None:
    """Tell a person whose session is no more why, where it was not the clock."""
    token = request.cookies.get(_cookie()[0])
    if token:
        with _platform().database.reading() as tx:
            why = ENDED.get(sessions.why_ended(tx, token))
        if why:
            flash(gettext(why), "warning")


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
        return redirect(target) if current_account() else sign_in_page(target)
    login, given = request.form.get("username", ""), request.form.get("password", "")
    try:
        token = identity.sign_in(
            _platform().database, login, given, device().address, device().agent, policy()
        )
    except identity.SignInRefused as refused:
        return sign_in_page(target, login[:64], say(refused)), refused.status
    return entered(token, target)


def entered(token: str, target: str) -> Response:
    """Lead whoever has just signed in to the page wanted, or to the second step before it."""
    with _platform().database.reading() as tx:
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
    token = request.cookies.get(_cookie()[0], "")
    with _platform().database.reading() as tx:
        half = sessions.waiting(tx, token)
    if half is None:
        return redirect(url_for("session.sign_in", next=target))
    if request.method != "POST":
        return render_template("taizhang/code.html", next=target, login=half.login)
    given = request.form.get("code", "")
    try:
        whole = identity.second_step(
            _platform().database, vault(), token, given, device(), policy()
        )
    except AppError as refused:
        page = render_template(
            "taizhang/code.html", next=target, login=half.login, error=say(refused)
        )
        return page, refused.status
    return entered(whole, target)


@pages.post("/sign-out")
def sign_out() -> Response:
    """End the session, for every copy of its cookie."""
    way = the_account().way
    with _platform().database.writing() as tx:
        identity.sign_out(tx, request.cookies.get(_cookie()[0], ""))
    form_session.clear()
    left = "1" if way == sessions.PROVIDER and provider() else None
    answer = redirect(url_for("session.sign_in", left=left))
    answer.delete_cookie(_cookie()[0], secure=_cookie()[1], httponly=True, samesite="Lax")
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
            LANGUAGE_COOKIE, wanted, YEAR, secure=_cookie()[1], httponly=True, samesite="Lax"
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


def outside(path: str) -> str:
    """Return a path of ours as others write it: under the host that was asked, checked before."""
    scheme = "https" if _cookie()[1] else request.scheme
    return f"{scheme}://{request.host}{path}"


def with_token(answer: Response, token: str) -> Response:
    """Give the browser the token of its session."""
    name, secure = _cookie()
    answer.set_cookie(name, token, secure=secure, httponly=True, samesite="Lax", path="/")
    return answer


def _look_up() -> Account | None:
    token = request.cookies.get(_cookie()[0])
    if not token:
        return None
    with _platform().database.reading() as tx:
        found = identity.who(tx, token, policy())
        if found is not None and request.method == "POST":
            g.seen = _platform().catalog.snapshot(tx)
    if found is not None and not _is_in_background():
        identity.touch(_platform().database, found)
    return found


def _is_in_background() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return BACKGROUND in request.headers or getattr(view, "in_background", False)


def _cookie() -> tuple[str, bool]:
    return cast("tuple[str, bool]", current_app.extensions["session_cookie"])


def _platform() -> Platform:
    return cast(Platform, current_app.extensions["taizhang"])
