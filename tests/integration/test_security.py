"""Signing in on pages, and what holds for every request and every answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import encode_multipart

from app import create_app
from app.config import Config
from app.faces.admin.session import local_path
from tests.support.visitor import PASSWORD, Visitor, make_account

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(url: str, tmp_path: Path) -> Iterator[MakeApp]:
    """Make an application on the database of this test; each is a process of its own."""
    made = []

    def make(**settings: str) -> Flask:
        given = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path / "data"), **settings}
        config = Config.from_environment({f"TAIZHANG_{k}": v for k, v in given.items()})
        made.append(create_app(config))
        return made[-1]

    yield make
    for app in made:
        app.extensions["taizhang"].database.dispose()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app()
    make_account(app)
    return app


@pytest.fixture
def browser(app: Flask) -> Visitor:
    """Somebody who is signed in."""
    browser = Visitor(app)
    assert browser.sign_in().status_code == 302
    return browser


def addresses(app: Flask, unsafe: bool) -> list[tuple[str, str]]:
    """Return (method, path) of every route; places are filled with something."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods or ()):
            if (method in ("POST", "PUT", "PATCH", "DELETE")) == unsafe and method != "OPTIONS":
                found.append((method, filled(rule)))
    return sorted(found)


def filled(rule: Rule) -> str:
    chosen = re.sub(r"<any\(([^,)]+)[^>]*>", r"\1", rule.rule)
    return re.sub(r"<(?:int:)?[^>]+>", "1", chosen)


def test_a_page_asks_for_sign_in_and_leads_back_to_it(app: Flask) -> None:
    browser = Visitor(app)

    asked = browser.get("/registers/pool/?q=a")
    assert asked.status_code == 302
    assert asked.location == "/sign-in?next=/registers/pool/?q%3Da"

    entered = browser.sign_in(next="/registers/pool/?q=a")
    assert entered.location == "/registers/pool/?q=a"


def test_the_home_page_greets_who_is_signed_in(browser: Visitor) -> None:
    assert "张三" in browser.get("/").text


def test_a_wrong_password_is_answered_on_the_page(app: Flask) -> None:
    answer = Visitor(app).sign_in(password="not this one")

    assert answer.status_code == 401
    assert "The sign-in did not succeed" in answer.text
    assert 'value="clerk"' in answer.text


def test_the_refusal_is_the_same_for_an_account_that_is_not_there(app: Flask) -> None:
    def text(login: str) -> str:
        answer = Visitor(app).sign_in(login, "not this one")
        hidden = re.sub(r'(csrf[_-]token" (?:content|value)=)"[^"]+"', r"\1", answer.text)
        return hidden.replace(login, "LOGIN")

    assert text("clerk") == text("nobody")


def test_every_route_refuses_who_is_not_signed_in(app: Flask) -> None:
    visitor = Visitor(app)
    token = visitor.token()

    for method, path in addresses(app, unsafe=False) + addresses(app, unsafe=True):
        if path.startswith(("/assets/", "/sign-in", "/language")):
            continue
        answer = visitor.client.open(path, method=method, data={"csrf_token": token})
        expected = {301, 302, 308, 401, 405} if method in ("GET", "HEAD") else {401, 400}
        assert answer.status_code in expected, (method, path)
        assert answer.status_code != 302 or answer.location.startswith("/sign-in"), path


@pytest.mark.parametrize("forgery", ["none", "foreign", "text", "override", "origin", "site"])
def test_every_writing_route_refuses_a_forged_request(
    app: Flask, browser: Visitor, forgery: str
) -> None:
    other = Visitor(app)
    other.sign_in()
    foreign, own = other.token("/"), browser.token("/")
    options = {
        "none": {"data": {"a": "1"}},
        "foreign": {"data": {"csrf_token": foreign}},
        "text": {"data": f'{{"csrf_token": "{own}"}}', "content_type": "text/plain"},
        "override": {"headers": {"X-HTTP-Method-Override": "POST"}},
        "origin": {
            "data": {"csrf_token": own},
            "headers": {"Origin": "https://evil.example"},
        },
        "site": {"data": {"csrf_token": own}, "headers": {"Sec-Fetch-Site": "cross-site"}},
    }[forgery]

    routes = addresses(app, unsafe=True)

    assert len(routes) >= 10
    for method, path in routes:
        answer = browser.client.open(path, method=method, **options)
        assert answer.status_code in (400, 403), (forgery, method, path, answer.status_code)
    assert browser.get("/").status_code == 200  # still signed in: /sign-out did nothing


@pytest.mark.parametrize("way", ["sign out", "change the password"])
def test_a_copied_cookie_is_dead_in_every_process(
    make_app: MakeApp, browser: Visitor, way: str
) -> None:
    copied = browser.cookie()
    copies = [Visitor(browser.app), Visitor(make_app())]
    for copy in copies:
        copy.client.set_cookie("session", copied)
        assert copy.get("/").status_code == 200

    if way == "sign out":
        assert browser.post("/sign-out").status_code == 302
    else:
        new = "another long one"
        assert (
            browser.post(
                "/account/password", {"old": PASSWORD, "new": new, "again": new}
            ).status_code
            == 302
        )
        assert browser.get("/").status_code == 200

    for copy in copies:
        assert copy.get("/").status_code == 302


def test_a_session_set_before_signing_in_is_replaced(app: Flask) -> None:
    browser = Visitor(app)
    browser.client.set_cookie("session", "chosen-by-somebody-else")
    token = browser.token()

    browser.sign_in()

    assert browser.cookie() != "chosen-by-somebody-else"
    assert browser.token("/") != token


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("not it", "another long one", "another long one", "present password is not right"),
        (PASSWORD, "short", "short", "needs at least 12"),
        (PASSWORD, "another long one", "another long two", "not the same"),
    ],
)
def test_a_password_is_not_changed_by_mistake(
    browser: Visitor, old: str, new: str, again: str, said: str
) -> None:
    answer = browser.post("/account/password", {"old": old, "new": new, "again": again})

    assert answer.status_code == 422
    assert said in answer.text
    assert Visitor(browser.app).sign_in().status_code == 302


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/nowhere", "/registers/none/", "/assets/1/app.css", "/assets/1/no"]
)
def test_every_answer_carries_the_headers(browser: Visitor, path: str) -> None:
    with browser.get(path, headers={"Origin": "null"}) as answer:
        headers = answer.headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert "charset=utf-8" in headers["Content-Type"]
    assert "Strict-Transport-Security" not in headers
    if not path.startswith("/assets/"):
        assert headers["Cache-Control"] == "no-store"
        assert "Cookie" in headers["Vary"]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evil.example:8000", ""]
)
def test_a_host_we_do_not_answer_for_is_refused(browser: Visitor, host: str) -> None:
    answer = browser.get("/", headers={"Host": host})

    assert answer.status_code == 400
    assert "evil" not in answer.text
    assert answer.headers["Content-Security-Policy"]


def test_forwarded_headers_are_not_believed(app: Flask) -> None:
    visitor = Visitor(app)

    answer = visitor.get(
        "/", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    )

    assert "evil" not in answer.location


def test_cookies_are_closed_and_with_tls_secure(make_app: MakeApp, app: Flask) -> None:
    for made, prefix, secure in (
        (app, "", False),
        (make_app(SECURE_COOKIES="yes"), "__Host-", True),
    ):
        browser = Visitor(made)
        browser.client.environ_base["wsgi.url_scheme"] = "https" if secure else "http"
        cookies = browser.sign_in().headers.getlist("Set-Cookie")

        assert {c.split("=")[0] for c in cookies} <= {f"{prefix}session", f"{prefix}form"}
        for cookie in cookies:
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert ("Secure" in cookie) == secure


def test_with_tls_browsers_are_told_to_stay_with_it(make_app: MakeApp) -> None:
    answer = Visitor(make_app(SECURE_COOKIES="yes")).get("/sign-in")

    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/ok\r\nX: 1",
        "\\\\evil.example",
        "/" + "a" * 8192,
        "evil",
        "",
    ],
)
def test_only_a_path_of_ours_is_led_to(app: Flask, target: str) -> None:
    with app.test_request_context():
        assert local_path(target) == "/"
    assert Visitor(app).sign_in(next=target).location == "/"


@pytest.mark.parametrize(
    ("kind", "size"), [("keys", 20_001), ("keys", 100_000), ("bytes", 5 << 20), ("bytes", 70 << 20)]
)
def test_a_form_over_the_limits_is_refused(browser: Visitor, kind: str, size: int) -> None:
    token = browser.token("/").encode()
    body = b"&".join(b"k%d=1" % n for n in range(size)) if kind == "keys" else b"a=" + b"x" * size

    answer = browser.client.post(
        "/language",
        data=b"csrf_token=" + token + b"&" + body,
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 413
    assert "too large" in answer.text or "Too much" in answer.text


def test_a_form_of_many_rows_is_taken(browser: Visitor) -> None:
    many = {f"visits-{row}-amount": "1" for row in range(15_000)}
    boundary, parts = encode_multipart({**many, "csrf_token": browser.token("/")})

    as_parts = browser.client.post(
        "/language", data=parts, content_type=f"multipart/form-data; boundary={boundary}"
    )
    assert browser.post("/language", many).status_code == 302
    assert as_parts.status_code == 302


def test_the_language_is_remembered(browser: Visitor) -> None:
    browser.post("/language", {"language": "zh_Hans", "next": "/"})

    assert 'lang="zh-CN"' in browser.get("/").text
    browser.post("/language", {"language": "en\r\nX: 1"})
    assert 'lang="zh-CN"' in browser.get("/").text
