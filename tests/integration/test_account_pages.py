"""The pages of accounts: what comes first, the own account, and the administrators' side."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.config import Config
from app.faces.admin import devices
from app.faces.admin.account_words import STATES, WAYS, WHAT
from app.services import accounts, identity, second_factor, sessions
from app.storage.models_identity import account, login_session
from app.words import CHINESE, translate
from tests.integration.test_census import CENSUS, OPEN, filled
from tests.support.clock import movable
from tests.support.visitor import PASSWORD, Visitor, make_account

MakeApp = Callable[..., Flask]
NEW = "another long one"


@pytest.fixture
def make_app(url: str, tmp_path: Path) -> Iterator[MakeApp]:
    """Make an application on the database of this test."""
    made = []

    def make(**settings: str) -> Flask:
        given = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path / "data"), **settings}
        config = Config.from_environment({f"TAIZHANG_{k}": v for k, v in given.items()})
        made.append(create_app(config))
        with made[-1].extensions["taizhang"].database.writing() as tx:
            if identity.ensure_administrator(tx):
                identity.set_password(tx, "admin", PASSWORD)
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
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Move the clock on."""
    return movable(monkeypatch)


def enter(app: Flask, login: str = "admin", password: str = PASSWORD) -> Visitor:
    visitor = Visitor(app)
    assert visitor.sign_in(login, password).status_code == 302
    return visitor


def send(visitor: Visitor, path: str, **form: str) -> Any:
    """Send a form of the page at ``path``."""
    token = visitor.token(path if path != "/account/sessions" else "/account/")
    return visitor.client.post(path, data={**form, "csrf_token": token})


def number_of(app: Flask, login: str) -> int:
    with app.extensions["taizhang"].database.reading() as tx:
        return identity.find(tx, login)


# ── what has to be done first


FIRST = {
    "password": ("/account/password", {"/account/password", "/sign-out"}),
    "totp": (
        "/account/second-factor",
        {"/account/second-factor", "/account/confirm", "/sign-out"},
    ),
}


@pytest.mark.parametrize("must", FIRST)
def test_nothing_else_answers_before(make_app: MakeApp, must: str) -> None:
    app = make_app(REQUIRE_TOTP="everybody" if must == "totp" else "nobody")
    make_account(app)
    given = PASSWORD
    if must == "password":
        with app.extensions["taizhang"].database.writing() as tx:
            given = identity.set_password(tx, "admin")
    visitor, (page, answered) = enter(app, "admin", given), FIRST[must]
    token = visitor.token(page)

    for (address, method), (who, _effect) in sorted(CENSUS.items()):
        if who is OPEN or address in answered:
            continue
        place = filled(address)
        if method == "GET":
            answer = visitor.get(place)
            assert (answer.status_code, answer.location) == (302, page), place
        data = {"csrf_token": token}
        script = visitor.client.open(
            place, method=method, data=data,
            headers={"Accept": "application/json", "Sec-Fetch-Dest": "empty"},
        )  # fmt: skip
        assert script.status_code == 403, place
        assert script.get_json()["code"] in ("password.must_change", "totp.must_set_up")
    assert visitor.get(page).status_code == 200
    assert visitor.client.post("/sign-out", data={"csrf_token": token}).status_code == 302


def test_the_password_is_changed_and_everything_is_open(app: Flask) -> None:
    with app.extensions["taizhang"].database.writing() as tx:
        given = identity.set_password(tx, "clerk")
    visitor = enter(app, "clerk", given)

    refused = send(visitor, "/account/password", old=given, new=given, again=given)
    assert refused.status_code == 422
    changed = send(visitor, "/account/password", old=given, new=NEW, again=NEW)

    assert (changed.status_code, changed.location) == (302, "/")
    assert visitor.get("/").status_code == 200


def test_a_password_is_outdated_on_every_page(
    make_app: MakeApp, later: Callable[..., None]
) -> None:
    app = make_app(PASSWORD_DAYS="90")
    later(days=91)
    visitor = enter(app)

    assert visitor.get("/").location == "/account/password"
    assert send(visitor, "/account/password", old=PASSWORD, new=NEW, again=NEW).status_code == 302
    assert visitor.get("/").status_code == 200


# ── the second factor, as a person meets it


def secret_on(page: str) -> str:
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found is not None
    return found[1].replace(" ", "")


def set_up(visitor: Visitor) -> tuple[str, list[str]]:
    page = visitor.get("/account/second-factor").text
    secret = secret_on(page)
    sealed = re.search(r'name="setup" value="([^"]+)"', page)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert sealed is not None
    assert token is not None
    answer = visitor.client.post(
        "/account/second-factor",
        data={"csrf_token": token[1], "setup": sealed[1], "code": code(secret), "do": "on"},
    )
    assert answer.status_code == 200, answer.text
    return secret, re.findall(r"<code>([a-z2-9-]{19})</code>", answer.text)


def code(secret: str, steps: int = 0) -> str:
    """Return what the authenticator shows."""
    at = second_factor.now().replace(tzinfo=datetime.UTC).timestamp()
    return pyotp.TOTP(secret).at(int(at) + 30 * steps)


def test_setting_up_and_signing_in_with_a_code(app: Flask) -> None:
    visitor = enter(app, "clerk")
    page = visitor.get("/account/second-factor").text
    assert '<svg viewBox="0 0' in page
    assert "style=" not in page
    secret, codes = set_up(visitor)
    assert len(codes) == 10

    again = Visitor(app)
    half = again.sign_in("clerk", next="/account/")
    assert half.location == "/sign-in/code?next=/account/"
    assert again.get("/account/").status_code == 302
    wrong = again.client.post(
        "/sign-in/code", data={"csrf_token": again.token("/sign-in/code"), "code": "000000"}
    )
    assert wrong.status_code == 401
    assert "was not accepted" in wrong.text
    before = again.cookie()
    right = again.client.post(
        "/sign-in/code?next=/account/",
        data={"csrf_token": again.token("/sign-in/code"), "code": code(secret, 1)},
    )
    assert right.location == "/account/"
    assert again.cookie() != before
    assert "10 recovery codes left" in again.get("/account/").text


def test_a_wrong_code_leaves_the_picture_as_it_was(app: Flask) -> None:
    visitor = enter(app, "clerk")
    page = visitor.get("/account/second-factor").text
    sealed = re.search(r'name="setup" value="([^"]+)"', page)
    assert sealed is not None

    answer = visitor.post("/account/second-factor", {"setup": sealed[1], "code": "000000"})

    assert answer.status_code == 422
    assert secret_on(answer.text) == secret_on(page)


@pytest.mark.parametrize("forged", ["", "x", "another"])
def test_a_setup_of_somebody_else_is_refused(app: Flask, forged: str) -> None:
    visitor = enter(app, "clerk")
    secret = "A" * 32
    sealed = app.extensions["vault"].seal(f"999:{secret}") if forged == "another" else forged

    answer = visitor.post("/account/second-factor", {"setup": sealed, "code": code(secret)})

    assert answer.status_code == 409
    assert "no longer valid" in answer.text


def test_a_sensitive_page_asks_for_the_password_after_ten_minutes(
    app: Flask, later: Callable[..., None]
) -> None:
    visitor = enter(app)
    later(minutes=11)
    other = number_of(app, "clerk")

    for path in ("/account/second-factor", "/people/accounts/new"):
        assert visitor.get(path).location == f"/account/confirm?next={path}"
    token = visitor.token("/account/")
    refused = visitor.client.post(
        f"/people/accounts/{other}", data={"do": "reset", "csrf_token": token}
    )
    assert refused.location == f"/account/confirm?next=/people/accounts/{other}"
    assert enter(app, "clerk")
    place = "/account/confirm?next=/people/accounts/new"
    wrong = visitor.client.post(place, data={"password": "wrong one", "csrf_token": token})
    assert wrong.status_code == 422
    right = visitor.client.post(place, data={"password": PASSWORD, "csrf_token": token})
    assert right.location == "/people/accounts/new"
    assert visitor.get("/people/accounts/new").status_code == 200


# ── sessions


def test_a_person_sees_and_ends_the_own_sessions(app: Flask) -> None:
    here, there, third = (enter(app, "clerk") for _ in range(3))
    page = here.get("/account/")
    assert page.text.count("Sign out there") == 2
    with app.extensions["taizhang"].database.reading() as tx:
        ids = list(tx.scalars(sa.select(login_session.c.id).order_by(login_session.c.id)))

    send(here, "/account/sessions", end=str(ids[1]))
    assert there.get("/").location == "/sign-in"
    assert "ended by you or by an administrator" in there.get("/sign-in").text
    assert third.get("/").status_code == 200
    send(here, "/account/sessions", end="others")
    assert third.get("/").status_code == 302
    assert here.get("/").status_code == 200


@pytest.mark.parametrize("end", ["", "-1", "999999", "x", "9" * 40])
def test_nobody_ends_a_session_of_somebody_else(app: Flask, end: str) -> None:
    chief, clerk = enter(app), enter(app, "clerk")
    with app.extensions["taizhang"].database.reading() as tx:
        first = tx.scalar(sa.select(sa.func.min(login_session.c.id)))

    send(clerk, "/account/sessions", end=end or str(first))

    assert chief.get("/").status_code == 200
    assert clerk.get("/").status_code == 200


def test_what_a_page_asks_by_itself_keeps_nothing_alive(
    app: Flask, later: Callable[..., None]
) -> None:
    visitor, polling = enter(app, "clerk"), enter(app, "clerk")
    for _ in range(3):
        later(minutes=12)
        visitor.get("/account/")
        polling.get("/account/", headers={"X-Taizhang-Background": "1"})

    assert visitor.get("/").status_code == 200
    assert polling.get("/").status_code == 302


def test_who_signs_in_elsewhere_is_told_here(make_app: MakeApp) -> None:
    app = make_app(SESSIONS_PER_PERSON="1")
    first, second = enter(app), enter(app)

    assert first.get("/").location == "/sign-in"
    assert "your account signed in elsewhere" in first.get("/sign-in").text
    assert second.get("/").status_code == 200


# ── the administrators' side


def test_only_administrators_get_to_accounts(app: Flask) -> None:
    clerk, other = enter(app, "clerk"), number_of(app, "admin")
    assert "/people/accounts/" in enter(app).get("/account/").text
    assert "/people/accounts/" not in clerk.get("/account/").text

    for path in ("/people/accounts/", "/people/accounts/new", f"/people/accounts/{other}"):
        assert clerk.get(path).status_code == 403, path
    token = clerk.token("/account/")
    for path in ("/people/accounts/new", f"/people/accounts/{other}"):
        form = {"do": "disable", "login": "x.y", "name": "x", "csrf_token": token}
        assert clerk.client.post(path, data=form).status_code == 403, path
    assert enter(app)


def test_an_account_is_made_and_its_password_shown_once(app: Flask) -> None:
    chief = enter(app)

    made = send(chief, "/people/accounts/new", login="li.si", name="李四", ends="2099-12-31")

    shown = re.search(r'class="secret">([^<]+)<', made.text)
    assert shown is not None
    number = number_of(app, "li.si")
    page = chief.get(f"/people/accounts/{number}").text
    assert shown[1] not in page
    assert "2099-12-31" in page
    assert enter(app, "li.si", shown[1]).get("/").location == "/account/password"
    listed = chief.get("/people/accounts/?q=李&state=new+password").text
    assert "li.si" in listed
    assert "clerk" not in listed


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"login": "", "name": "某人"}, "cannot be a login name"),
        ({"login": "CLERK", "name": "某人"}, "already an account"),
        ({"login": "li.si", "name": " "}, "name of the person is missing"),
        ({"login": "li.si", "name": "某人", "ends": "soon"}, "soon is not a date"),
        ({"login": "li.si", "name": "某人", "ends": "9999-12-31"}, "9999-12-31 is not a date"),
    ],
)
def test_a_wrong_entry_is_named_and_nothing_is_made(
    app: Flask, form: dict[str, str], said: str
) -> None:
    chief = enter(app)

    answer = send(chief, "/people/accounts/new", **form)

    assert answer.status_code in (409, 422)
    assert said in answer.text
    with app.extensions["taizhang"].database.reading() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(account)) == 2


def test_who_is_disabled_while_signed_in_is_out_at_the_next_request(app: Flask) -> None:
    chief, clerk = enter(app), enter(app, "clerk")
    assert clerk.get("/account/").status_code == 200
    token = clerk.token("/account/")

    assert send(chief, f"/people/accounts/{number_of(app, 'clerk')}", do="disable").location

    assert clerk.get("/account/").status_code == 302
    changed = {"old": PASSWORD, "new": NEW, "again": NEW, "csrf_token": token}
    assert clerk.client.post("/account/password", data=changed).status_code == 401
    assert Visitor(app).sign_in("clerk").status_code == 401


def test_what_is_done_to_an_account_and_undone(app: Flask) -> None:
    chief, number = enter(app), number_of(app, "clerk")
    place = f"/people/accounts/{number}"
    for _ in range(5):
        Visitor(app).sign_in("clerk", "wrong password")

    assert "Unlock" in chief.get(place).text
    for action, works in (("unlock", True), ("disable", False), ("enable", True)):
        assert send(chief, place, do=action).status_code == 302, action
        assert (Visitor(app).sign_in("clerk").status_code == 302) is works, action
    clerk = enter(app, "clerk")
    set_up(clerk)
    assert Visitor(app).sign_in("clerk").location.startswith("/sign-in/code")
    assert send(chief, place, do="reset_factor").status_code == 302
    clerk = enter(app, "clerk")
    assert send(chief, place, do="end_sessions").status_code == 302
    assert clerk.get("/").status_code == 302
    log = chief.get(place).text
    for word in ("locked after too many failures", "account closed", "second factor removed"):
        assert word in log
    assert "by 管理员" in log


@pytest.mark.parametrize(
    "action", ["reset", "disable", "reset_factor", "unlock", "enable", "change"]
)
def test_nobody_does_it_to_the_own_account(app: Flask, action: str) -> None:
    chief = enter(app)

    answer = send(chief, f"/people/accounts/{number_of(app, 'admin')}", do=action, name="管理员")

    assert answer.status_code == 409
    assert chief.get("/").status_code == 200


def test_an_account_that_is_not_there_is_told(app: Flask) -> None:
    chief = enter(app)
    token = chief.token("/account/")

    assert chief.get("/people/accounts/999").status_code == 404
    for action in ("reset", "disable", "change"):
        form = {"do": action, "name": "x", "csrf_token": token}
        assert chief.client.post("/people/accounts/999", data=form).status_code == 404, action
    odd = {"do": "explode", "csrf_token": token}
    assert (
        chief.client.post(f"/people/accounts/{number_of(app, 'clerk')}", data=odd).status_code
        == 400
    )


def test_many_accounts_are_paged(app: Flask) -> None:
    chief = enter(app)
    with app.extensions["taizhang"].database.writing() as tx:
        row = dict(tx.execute(sa.select(account).where(account.c.login == "clerk")).one()._mapping)
        del row["id"]
        rows = [row | {"login": f"p{n:03}", "login_key": f"p{n:03}"} for n in range(120)]
        tx.execute(account.insert(), rows)

    last = chief.get("/people/accounts/?page=3").text

    assert "p119" in last
    assert "p047" not in last
    assert "122" in last


TARGETS = [
    "//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/",
    "javascript:alert(1)", "/ok\r\nX: 1", "/" + "a" * 8192,
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_every_page_that_leads_on_leads_to_a_path_of_ours(app: Flask, target: str) -> None:
    visitor = enter(app, "clerk")
    form = {"next": target, "password": PASSWORD, "language": "en"}

    for path in ("/account/confirm", "/language"):
        assert visitor.post(path, form).location == "/", path
    secret, _codes = set_up(visitor)
    again = Visitor(app)
    assert again.sign_in("clerk", next=target).location == "/sign-in/code?next=/"
    given = {"next": target, "code": code(secret, 1), "csrf_token": again.token("/sign-in/code")}
    assert again.client.post("/sign-in/code", data=given).location == "/"


def test_every_word_about_accounts_has_its_chinese() -> None:
    said = [*WHAT.values(), *STATES.values(), *WAYS.values()]

    assert [text for text in said if translate(text, CHINESE) == text] == []
    assert set(STATES) == set(accounts.STATES)


def test_sessions_are_named_in_words() -> None:
    edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/130 Safari/537.36 Edg/130.0"
    assert devices.told(edge) == "Edge · Windows"
    assert sessions.Device("1", "ü" * 300).columns()["agent"] == "?" * 200
