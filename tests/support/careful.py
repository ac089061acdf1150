"""A client that refuses a weak cookie, whichever answer of the whole suite sets it."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

#: session, signed form state, language: nothing else is ever kept in a browser
KNOWN = frozenset("session form language __Host-session __Host-form".split())


class CarefulClient(FlaskClient):
    """Looks at every ``Set-Cookie``, also on the way to where an answer leads."""

    def open(self, *given: Any, **options: Any) -> TestResponse:
        answer = super().open(*given, **options)
        for one in (*answer.history, answer):
            for cookie in one.headers.getlist("Set-Cookie"):
                look_at(cookie, one.request.scheme == "https")
        return answer


def look_at(cookie: str, secure: bool) -> None:
    name = cookie.partition("=")[0]
    attributes = {part.strip().casefold() for part in cookie.split(";")[1:]}
    assert name in KNOWN, cookie
    assert {"httponly", "samesite=lax", "path=/"} <= attributes, cookie
    assert not any(part.startswith("domain=") for part in attributes), cookie
    if secure:
        assert "secure" in attributes, cookie
