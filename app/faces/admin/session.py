"""Who asks, and what must be done first.

Every page is for people who are signed in, but for those that say otherwise with ``open_to_all``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import (
    Flask,
    current_app,
    flash,
    g,
    redirect,
    request,
    url_for,
)
from flask import session as form_session
from werkzeug.wrappers import Response

from app.config import Config
from app.errors import AppError
from app.faces import tracing
from app.services import identity, sessions
from app.services.identity import Account, Device
from app.services.oidc import Client
from app.services.policy import Policy
from app.services.vault import Vault
from app.services.work import Actor, Platform
from app.words import gettext

View = TypeVar("View", bound=Callable[..., Any])
LONGEST_ADDRESS = 2000


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


#: where the cookie of the forms keeps the unit somebody chose to act for
ACTING = "acting"
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
    tracing.install(app, current_actor)
    app.extensions["vault"] = Vault(config.secret_key)
    app.extensions["provider"] = Client(config.provider) if config.provider else None
    app.before_request(require_account)


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
    address, asked = request.remote_addr or "", tracing.number()
    if found is None:
        return Actor(None, "", "web", address, asked)
    unit = form_session.get(ACTING)
    return Actor(found.id, found.name, "web", address, asked, found.session, unit)


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
    token = request.cookies.get(the_cookie()[0])
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


def outside(path: str) -> str:
    """Return a path of ours as others write it: under the host that was asked, checked before."""
    scheme = "https" if the_cookie()[1] else request.scheme
    return f"{scheme}://{request.host}{path}"


def with_token(answer: Response, token: str) -> Response:
    """Give the browser the token of its session."""
    name, secure = the_cookie()
    answer.set_cookie(name, token, secure=secure, httponly=True, samesite="Lax", path="/")
    return answer


def _look_up() -> Account | None:
    token = request.cookies.get(the_cookie()[0])
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


def the_cookie() -> tuple[str, bool]:
    return cast("tuple[str, bool]", current_app.extensions["session_cookie"])


def _platform() -> Platform:
    return cast(Platform, current_app.extensions["taizhang"])
