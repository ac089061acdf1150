"""A client that signs in and sends forms with their token, as a browser does."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services import identity
from tests.support.careful import CarefulClient

LOGIN, PASSWORD = "clerk", "correct horse battery"
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


class Visitor:
    """One visitor of ``app`` with cookies of its own; speaks English."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = CarefulClient(app, app.response_class, use_cookies=True)
        self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"

    def get(self, path: str, **options: Any) -> TestResponse:
        """Ask for a page."""
        return self.client.get(path, **options)

    def token(self, path: str = "/sign-in") -> str:
        """Return the form token of the page at ``path``."""
        found = _TOKEN.search(self.client.get(path, follow_redirects=True).text)
        assert found is not None
        return found[1]

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form with its token."""
        return self.client.post(path, data={**(data or {}), "csrf_token": self.token()}, **options)

    def sign_in(self, login: str = LOGIN, password: str = PASSWORD, **more: str) -> TestResponse:
        """Sign in through the page."""
        return self.post("/sign-in", {"username": login, "password": password, **more})

    def cookie(self, name: str = "session") -> str:
        """Return the value of a cookie."""
        found = self.client.get_cookie(name)
        assert found is not None
        return found.value


def make_account(app: Flask, login: str = LOGIN) -> None:
    """Create the account ``Visitor.sign_in`` uses."""
    with app.extensions["taizhang"].database.writing() as tx:
        identity.create_account(tx, login, "张三", PASSWORD)
