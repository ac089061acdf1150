"""What holds for every request and every answer: hosts, origins, limits, headers, cookies."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import SecurityError

from app.config import Config
from app.errors import AppError
from app.words import translate

#: what one form may hold beside its files: bytes, and entries
FORM_BYTES = 4 << 20
FORM_ENTRIES = 20_000
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not no-referrer: a browser then sends forms with the Origin null
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
YEAR = 365 * 86400


class OriginRefused(AppError):
    code = "origin.refused"
    status = 403
    text = "The form was not sent from a page of this application. Open the page and send it again."


class FormTooLarge(AppError):
    code = "form.too_large"
    status = 413
    text = (
        "The form is too large: {entries} entries and {megabytes} MB of text are the most. Split "
        "it, or import a file."
    )


def install(app: Flask, config: Config) -> None:
    """Guard every request of ``app``, also those of pages that do not exist yet."""
    app.config.update(
        MAX_CONTENT_LENGTH=config.max_upload_mb << 20,
        MAX_FORM_MEMORY_SIZE=FORM_BYTES,
        MAX_FORM_PARTS=FORM_ENTRIES,
        TRUSTED_HOSTS=list(config.trusted_hosts),
        SESSION_COOKIE_NAME="__Host-form" if config.secure_cookies else "form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure_cookies,
        # as long as the person stays signed in
        WTF_CSRF_TIME_LIMIT=None,
        # the origin is looked at below, with and without TLS
        WTF_CSRF_SSL_STRICT=False,
    )
    app.before_request(check_host)
    app.before_request(check_origin)
    app.before_request(check_form)
    CSRFProtect(app)
    app.after_request(lambda answer: guard(answer, config.secure_cookies))


def check_host() -> Response | None:
    """Answer nothing under a name that is not ours, not even a page with addresses in it."""
    try:
        request.host  # noqa: B018  (raises for a host that is not trusted)
    except SecurityError:
        text = translate("This address does not belong to the application.")
        return Response(text, 400, mimetype="text/plain")
    return None


def check_origin() -> None:
    """Refuse what changes something and comes from a page of another origin."""
    if request.method in SAFE:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none") or (
        origin is not None and urlsplit(origin).netloc != request.host
    ):
        raise OriginRefused()


def check_form() -> None:
    """Bound a form sent the old way, which Werkzeug does not: its bytes and its entries."""
    if request.mimetype != "application/x-www-form-urlencoded":
        return
    if request.content_length is None and request.method not in SAFE:
        abort(411)
    if (request.content_length or 0) > FORM_BYTES or len(request.form) > FORM_ENTRIES:
        raise FormTooLarge(entries=FORM_ENTRIES, megabytes=FORM_BYTES >> 20)


def guard(answer: Response, secure: bool) -> Response:
    """Set the headers that keep a page from doing what it should not."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    if not answer.cache_control.public:
        answer.vary.add("Cookie")
    if secure:
        answer.headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
    return answer
