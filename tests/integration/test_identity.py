"""Accounts, lock-out and sessions, on both engines and over several processes."""

from __future__ import annotations

import datetime
import multiprocessing
import sqlite3
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest
import sqlalchemy as sa

from app.services import identity, passwords
from app.services.identity import SignInRefused
from app.storage.models_identity import account, account_event, login_session
from app.storage.session import Database
from tests.support.clock import movable

PASSWORD = "correct horse battery"


@pytest.fixture
def number(database: Database) -> int:
    """The id of an account that can sign in with ``PASSWORD``."""
    with database.writing() as tx:
        return identity.create_account(tx, "Zhang.San", "张三", PASSWORD)[0]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Move the clock on."""
    return movable(monkeypatch)


def name_of(database: Database, token: str) -> str | None:
    with database.reading() as tx:
        found = identity.who(tx, token)
    return found and found.name


def events(database: Database, number: int) -> list[str]:
    with database.reading() as tx:
        query = sa.select(account_event.c.action).where(account_event.c.account_id == number)
        return list(tx.scalars(query.order_by(account_event.c.id)))


def fail(database: Database, times: int, login: str = "zhang.san") -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused):
            identity.sign_in(database, login, "wrong password")


def test_the_right_password_signs_in_however_the_login_is_capitalised(
    database: Database, number: int
) -> None:
    token = identity.sign_in(database, "ＺＨＡＮＧ.san", PASSWORD)

    assert name_of(database, token) == "张三"


def test_the_database_holds_neither_password_nor_token(database: Database, number: int) -> None:
    token = identity.sign_in(database, "zhang.san", PASSWORD)

    with database.reading() as tx:
        kept = tx.scalar(sa.select(account.c.password_hash))
        stored = tx.scalar(sa.select(login_session.c.token_hash))
    assert kept.startswith("$argon2id$")
    assert stored != token
    assert len(stored) == 64


def test_every_refusal_reads_the_same(database: Database, number: int) -> None:
    with database.writing() as tx:
        identity.create_account(tx, "gone", "离职", PASSWORD)
        identity.disable(tx, "gone")
    fail(database, 5)

    said = set()
    for login in ("zhang.san", "gone", "nobody", "", "x" * 10_000, "\x00", "\ud800"):
        with pytest.raises(SignInRefused) as refused:
            identity.sign_in(database, login, PASSWORD)
        said.add(refused.value.sentence())

    assert len(said) == 1


def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    fail(database, 5)

    with pytest.raises(SignInRefused):
        identity.sign_in(database, "zhang.san", PASSWORD)
    later(minutes=14)
    with pytest.raises(SignInRefused):
        identity.sign_in(database, "zhang.san", PASSWORD)
    later(minutes=2)
    assert identity.sign_in(database, "zhang.san", PASSWORD)
    assert events(database, number) == ["created", "locked"]


def test_a_success_forgets_the_failures_before_it(database: Database, number: int) -> None:
    for _ in range(2):
        fail(database, 4)
        assert identity.sign_in(database, "zhang.san", PASSWORD)


def test_the_lock_of_one_account_is_not_that_of_another(database: Database, number: int) -> None:
    with database.writing() as tx:
        identity.create_account(tx, "li.si", "李四", PASSWORD)
    fail(database, 5)

    assert identity.sign_in(database, "li.si", PASSWORD)


def test_an_administrator_unlocks_and_it_is_noted(database: Database, number: int) -> None:
    fail(database, 5)

    with database.writing() as tx:
        identity.unlock(tx, "zhang.san")

    assert identity.sign_in(database, "zhang.san", PASSWORD)
    assert events(database, number) == ["created", "locked", "unlocked"]


def guess(url: str, times: int) -> int:
    """Guess in a process of its own; return how many passwords were compared with the hash."""
    compared = 0
    real = passwords.matches

    def count(password_hash: str | None, password: str) -> bool:
        nonlocal compared
        compared += password_hash is not None
        return real(password_hash, password)

    passwords.matches = count
    database = Database(url)
    for _ in range(times):
        try:
            identity.sign_in(database, "zhang.san", "wrong password")
        except SignInRefused:
            continue
    database.dispose()
    return compared


def test_at_most_five_guesses_are_compared_over_all_workers(
    database: Database, url: str, number: int
) -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=spawn) as workers:
        compared = list(workers.map(guess, [url] * 4, [5] * 4))

    assert sum(compared) == 5
    assert guess(url, 3) == 0  # nor by a worker that starts afterwards


@pytest.mark.parametrize("end", ["sign_out", "everywhere", "disable", "set", "change"])
def test_a_copied_token_is_dead_wherever_it_is_used(
    database: Database, url: str, number: int, end: str
) -> None:
    token = identity.sign_in(database, "zhang.san", PASSWORD)
    elsewhere = Database(url)
    assert name_of(elsewhere, token) == "张三"

    if end == "change":
        identity.change_password(database, number, PASSWORD, "another long one")
    else:
        with database.writing() as tx:
            if end == "sign_out":
                identity.sign_out(tx, token)
            elif end == "everywhere":
                identity.sign_out_everywhere(tx, number)
            elif end == "disable":
                identity.disable(tx, "zhang.san")
            else:
                identity.set_password(tx, "zhang.san")

    assert name_of(database, token) is None
    assert name_of(elsewhere, token) is None
    elsewhere.dispose()


def test_a_session_ends_when_idle_and_at_the_latest_after_twelve_hours(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    token = identity.sign_in(database, "zhang.san", PASSWORD)
    for _ in range(28):
        later(minutes=25)
        with database.reading() as tx:
            seen = identity.who(tx, token)
        assert seen is not None
        identity.touch(database, seen)

    later(minutes=21)  # 12 h 1 min after signing in
    assert name_of(database, token) is None

    token = identity.sign_in(database, "zhang.san", PASSWORD)
    later(minutes=31)
    assert name_of(database, token) is None


def test_use_is_noted_at_most_once_a_minute(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    token = identity.sign_in(database, "zhang.san", PASSWORD)

    def seen_after(seconds: int) -> datetime.datetime:
        later(seconds=seconds)
        with database.reading() as tx:
            seen = identity.who(tx, token)
        assert seen is not None
        identity.touch(database, seen)
        with database.reading() as tx:
            return tx.scalar(sa.select(login_session.c.seen_at))

    first = seen_after(0)
    assert seen_after(50) == first
    assert seen_after(20) > first


def test_noting_use_waits_for_nobody(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    token = identity.sign_in(database, "zhang.san", PASSWORD)
    with database.reading() as tx:
        seen = identity.who(tx, token)
    assert seen is not None
    later(minutes=2)

    with database.writing() as tx:
        tx.execute(login_session.update().values(agent="busy"))
        identity.touch(database, seen)

    with database.engine.connect() as connection:
        if database.sqlite:
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, sqlite3.Connection)
            assert driver.execute("PRAGMA busy_timeout").fetchone() == (30000,)
    assert name_of(database, token) == "张三"


def test_the_old_password_is_needed_and_its_failures_count(database: Database, number: int) -> None:
    for _ in range(5):
        with pytest.raises(identity.OldPasswordWrong):
            identity.change_password(database, number, "not the old one", "another long one")

    with pytest.raises(identity.OldPasswordWrong):
        identity.change_password(database, number, PASSWORD, "another long one")
    with pytest.raises(SignInRefused):
        identity.sign_in(database, "zhang.san", PASSWORD)


def test_a_changed_password_replaces_the_old_one(database: Database, number: int) -> None:
    identity.change_password(database, number, PASSWORD, "another long one")

    fail(database, 1)
    with pytest.raises(SignInRefused):
        identity.sign_in(database, "zhang.san", PASSWORD)
    assert identity.sign_in(database, "zhang.san", "another long one")


def test_the_administrator_is_created_once(database: Database) -> None:
    with database.writing() as tx:
        created = identity.ensure_administrator(tx)
    assert created is not None

    with database.writing() as tx:
        assert identity.ensure_administrator(tx) is None
    assert identity.sign_in(database, *created)


@pytest.mark.parametrize("login", ["", "a", "a b", "x" * 65, "a\nb"])
def test_a_login_name_that_cannot_be_typed_is_refused(database: Database, login: str) -> None:
    with database.writing() as tx, pytest.raises(identity.LoginRefused):
        identity.create_account(tx, login, "某人")


def test_two_accounts_do_not_share_a_login(database: Database, number: int) -> None:
    with database.writing() as tx, pytest.raises(identity.LoginTaken):
        identity.create_account(tx, "ZHANG.SAN", "另一个")
