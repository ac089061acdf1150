"""``flask user``, and ``flask account`` as its former name."""

from __future__ import annotations

import datetime
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from app import create_app
from app.config import Config
from app.services import identity, second_factor, sessions
from app.services.identity import SignInRefused
from app.storage.models_identity import account
from app.storage.session import Database


@pytest.fixture
def app(url: str, tmp_path: Path) -> Iterator[Flask]:
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "LANGUAGE": "en"}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    yield app
    app.extensions["taizhang"].database.dispose()


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions["taizhang"].database
    return found


def run(app: Flask, *words: str, typed: str = "") -> Result:
    result = app.test_cli_runner().invoke(args=list(words), input=typed)
    assert "Traceback" not in result.output
    return result


def password_in(result: Result) -> str:
    assert result.exit_code == 0, result.output
    found = re.search(r"Password: (\S+)", result.output)
    assert found is not None, result.output
    return found[1]


@pytest.mark.parametrize(
    ("create", "reset"), [("user create", "user reset"), ("account create", "account password")]
)
def test_an_account_is_made_and_reset(
    app: Flask, database: Database, create: str, reset: str
) -> None:
    first = password_in(run(app, *create.split(), "li.si", "--name", "李四"))
    assert identity.sign_in(database, "li.si", first)

    second = password_in(run(app, *reset.split(), "li.si"))

    with pytest.raises(SignInRefused):
        identity.sign_in(database, "li.si", first)
    token = identity.sign_in(database, "li.si", second)
    with database.reading() as tx:
        found = identity.who(tx, token)
    assert found is not None
    assert (found.name, found.must) == ("李四", "password")


def test_a_password_that_is_asked_for_must_be_changed_too(app: Flask, database: Database) -> None:
    typed = "correct horse battery\n" * 2

    result = run(app, "user", "create", "li.si", "--ask", typed=typed)

    assert result.exit_code == 0
    assert "battery" not in result.output.replace("Password", "")
    token = identity.sign_in(database, "li.si", "correct horse battery")
    with database.reading() as tx:
        found = identity.who(tx, token)
    assert found is not None
    assert found.must == "password"


def test_an_account_ends_at_the_offices_midnight_wherever_the_machine_stands(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        run(app, "user", "create", "li.si", "--until", "2099-12-31")
    finally:
        monkeypatch.undo()
        time.tzset()

    with database.reading() as tx:
        ends = tx.scalar(sa.select(account.c.ends_at))
    assert ends == datetime.datetime(2099, 12, 31, 16)  # midnight in Shanghai, in UTC


def test_an_account_is_closed_opened_and_unlocked(app: Flask, database: Database) -> None:
    given = password_in(
        run(app, "user", "create", "li.si", "--administrator", "--until", "2099-12-31")
    )
    for command, works in (("disable", False), ("enable", True)):
        assert run(app, "user", command, "li.si").exit_code == 0
        if works:
            assert identity.sign_in(database, "li.si", given)
        else:
            with pytest.raises(SignInRefused):
                identity.sign_in(database, "li.si", given)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            identity.sign_in(database, "li.si", "wrong password")
    assert run(app, "user", "unlock", "li.si").exit_code == 0
    assert identity.sign_in(database, "li.si", given)


def test_a_second_factor_is_taken_away_and_the_password_stays(
    app: Flask, database: Database
) -> None:
    given = password_in(run(app, "user", "create", "li.si"))
    assert "no second factor" in run(app, "user", "reset", "li.si", "--totp").output
    with database.writing() as tx:
        sealed = app.extensions["vault"].seal("A" * 32)
        tx.execute(account.update().values(totp_secret=sealed, totp_since=second_factor.now()))

    result = run(app, "user", "reset", "li.si", "--totp")

    assert (result.exit_code, result.output.strip()) == (
        0,
        "The second factor of li.si was taken away.",
    )
    with database.reading() as tx:
        assert sessions.waiting(tx, identity.sign_in(database, "li.si", given)) is None


def test_accounts_are_listed_by_state(app: Flask) -> None:
    for login in ("li.si", "wang.wu"):
        run(app, "user", "create", login)
    run(app, "user", "disable", "wang.wu")

    whole = json.loads(run(app, "user", "list", "--json").output)
    closed = run(app, "user", "list", "--state", "disabled").output

    assert [(p["login"], p["state"]) for p in whole] == [
        ("li.si", "new password"),
        ("wang.wu", "disabled"),
    ]
    assert "wang.wu" in closed
    assert "li.si" not in closed


def test_accounts_nobody_uses_are_suspended(app: Flask, database: Database) -> None:
    run(app, "user", "create", "li.si")
    with database.writing() as tx:
        tx.execute(account.update().values(created_at=sa.text("'2020-01-01 00:00:00'")))

    result = run(app, "user", "suspend-unused")

    assert result.output.strip() == "The account li.si is suspended."
    assert run(app, "user", "suspend-unused").output == ""


@pytest.mark.parametrize("command", ["reset", "unlock", "disable", "enable"])
def test_an_account_that_is_not_there_is_refused(app: Flask, command: str) -> None:
    result = run(app, "user", command, "nobody")

    assert result.exit_code == 1
    assert "There is no account with the login name nobody." in result.output


@pytest.mark.parametrize(
    ("login", "said"), [("a b", "cannot be a login name"), ("LI.SI", "already an account")]
)
def test_a_login_that_cannot_be_used_is_refused(app: Flask, login: str, said: str) -> None:
    run(app, "user", "create", "li.si")

    result = run(app, "user", "create", login)

    assert result.exit_code == 1
    assert said in result.output
