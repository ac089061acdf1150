"""A signed-in person's browser without a window: the application asked as pages ask it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from werkzeug.test import TestResponse

from app.services import identity
from app.services.work import Platform
from tests.support.careful import CarefulClient
from tests.support.register import ROOT

PASSWORD = "eine sehr lange Probe 2026"
#: what no answer may show: traces, drivers, statements, paths of the server
INSIDE = re.compile(
    r"Traceback|sqlalchemy|psycopg|sqlite3\.|site-packages|\.py\b|File &#34;|"
    r"/tmp/|/dev/shm/|/home/|"
    r"SELECT .{1,400} FROM|INSERT INTO|ALTER TABLE|CREATE (?:UNIQUE )?(?:TABLE|INDEX)",
    re.IGNORECASE,
)
#: one of these stands in whatever the expression finds, and is looked for ten times as fast
SIGNS = (
    *("traceback", "sqlalchemy", "psycopg", "sqlite3.", "site-packages", ".py", "file &#34;"),
    *("/tmp/", "/dev/shm/", "/home/", "select ", "insert into", "alter table", "create "),
)
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """A signed-in person's browser. No answer may ever be a 5xx or show what is inside."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.platform: Platform = app.extensions["taizhang"]
        self.client = CarefulClient(app, app.response_class, use_cookies=True)
        self.token = ""

    def sign_in(self, login: str = "admin") -> None:
        with self.platform.database.writing() as tx:
            if login == "admin":
                identity.ensure_administrator(tx)
            identity.set_password(tx, login, PASSWORD)
        self.get("/sign-in")
        answer = self.post("/sign-in", username=login, password=PASSWORD)
        assert answer.status_code == 302, answer.text
        self.get("/")

    def get(self, path: str, **parameters: Any) -> TestResponse:
        return self.seen(
            self.client.get(path + ("?" + urlencode(parameters) if parameters else ""))
        )

    def post(self, path: str, data: Any = None, **form: Any) -> TestResponse:
        whole = {"csrf_token": self.token, **(data or {}), **form}
        return self.seen(self.client.post(path, data=whole))

    def seen(self, answer: TestResponse) -> TestResponse:
        """Look an answer over, whatever it answers."""
        answer.get_data()
        answer.close()
        assert answer.status_code < 500, answer.text
        if answer.mimetype in ("text/html", "text/plain", "application/json"):
            inside = inside_of(answer.text)
            assert inside is None, answer.text[max(0, inside.start() - 200) : inside.end() + 200]
            self.token = found[1] if (found := TOKEN.search(answer.text)) else self.token
        return answer


def inside_of(text: str) -> re.Match[str] | None:
    """Return the first place of a text that shows what is inside."""
    plain = text.casefold()
    return INSIDE.search(text) if any(sign in plain for sign in SIGNS) else None


def sink() -> dict[str, Any]:
    """Return the definition with a field of every kind."""
    return json.loads((ROOT / "tests/data/registers/kitchen_sink.json").read_text("utf-8"))
