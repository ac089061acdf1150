"""What an account may be: new, outdated, ended, unused; and what its sessions may be."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.services import identity, passwords, people, sessions
from app.services.identity import SignInRefused
from app.services.policy import DEFAULT, Policy
from app.services.sessions import Account
from app.storage.models_identity import account, account_event, login_session, sign_in_log
from app.storage.session import Database
from tests.support.clock import movable

PASSWORD = "correct horse battery"
NEW = "another long one"


@pytest.fixture
def number(database: Database) -> int:
    """The id of an account that can sign in with ``PASSWORD``."""
    with database.writing() as tx:
        return identity.create_account(tx, "zhang.san", "张三", PASSWORD)[0]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Move the clock on."""
    return movable(monkeypatch)


def seen(database: Database, token: str, policy: Policy = DEFAULT) -> Account | None:
    with database.reading() as tx:
        return identity.who(tx, token, policy)


def must(database: Database, token: str, policy: Policy = DEFAULT) -> str:
    found = seen(database, token, policy)
    assert found is not None
    return found.must


def test_a_password_that_was_made_up_must_be_changed_first(database: Database) -> None:
    with database.writing() as tx:
        number, given = identity.create_account(tx, "li.si", "李四")
    assert must(database, identity.sign_in(database, "li.si", given)) == "password"

    identity.change_password(database, number, given, NEW)

    assert must(database, identity.sign_in(database, "li.si", NEW)) == ""


def test_a_reset_password_works_for_a_day(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    with database.writing() as tx:
        given = identity.set_password(tx, "zhang.san", by="管理员")
    later(hours=23)
    token = identity.sign_in(database, "zhang.san", given)
    assert must(database, token) == "password"

    later(hours=2)

    with pytest.raises(SignInRefused):
        identity.sign_in(database, "zhang.san", given)


def test_the_last_five_passwords_are_not_taken_again(database: Database, number: int) -> None:
    taken = [
        PASSWORD,
        *(f"a long password number {word}" for word in "one two six ten nine".split()),
    ]
    for old, new in itertools.pairwise(taken):
        identity.change_password(database, number, old, new)

    for former in taken[1:]:
        with pytest.raises(passwords.PasswordUsedBefore):
            identity.change_password(database, number, taken[-1], former)
    identity.change_password(database, number, taken[-1], PASSWORD)


def test_a_password_is_outdated_where_the_office_says_so(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    later(days=91)
    token = identity.sign_in(database, "zhang.san", PASSWORD)

    assert must(database, token) == ""
    assert must(database, token, Policy(password_days=90)) == "password"
    assert must(database, token, Policy(password_days=120)) == ""


def test_the_name_of_a_unit_is_no_password(database: Database, number: int) -> None:
    with database.writing() as tx:
        people.ensure_root(tx)
        tx.execute(sa.text("UPDATE unit SET title = '卧龙区石桥镇人民政府综合办公室'"))

    with pytest.raises(passwords.PasswordNamesOffice):
        identity.change_password(database, number, PASSWORD, "卧龙区石桥镇人民政府综合办公室2026!")


@pytest.mark.parametrize("way", ["create", "reset", "change"])
@pytest.mark.parametrize(
    "password",
    ["12345678", "Aa123456", "zhang.san2026", "gongxinju!1", "short12", "张三张三的密码是这个啊啊"],
)
def test_no_way_takes_what_is_easily_guessed(
    database: Database, number: int, way: str, password: str
) -> None:
    with pytest.raises(passwords.PasswordRefused), database.writing() as tx:
        if way == "create":
            identity.create_account(tx, "zhang.sa", "张三", password)
        elif way == "reset":
            identity.set_password(tx, "zhang.san", password)
        else:
            tx.rollback()
            identity.change_password(database, number, PASSWORD, password)


def test_an_account_ends_at_its_moment_also_for_who_is_signed_in(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    token = identity.sign_in(database, "zhang.san", PASSWORD)
    with database.writing() as tx:
        ends = sessions.now() + datetime.timedelta(minutes=20)
        tx.execute(account.update().values(ends_at=ends))
    later(minutes=19)
    assert seen(database, token)

    later(minutes=2)

    assert seen(database, token) is None
    with pytest.raises(SignInRefused):
        identity.sign_in(database, "zhang.san", PASSWORD)


def test_an_account_nobody_uses_is_suspended_until_it_is_opened(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    with database.writing() as tx:
        identity.create_account(tx, "li.si", "李四", PASSWORD)
    later(days=60)
    identity.sign_in(database, "li.si", PASSWORD)
    later(days=31)

    with database.writing() as tx:
        assert identity.suspend_stale(tx, sessions.now(), 0) == ()
        assert identity.suspend_stale(tx, sessions.now(), 90) == ("zhang.san",)
        assert identity.suspend_stale(tx, sessions.now(), 90) == ()
    with pytest.raises(SignInRefused):
        identity.sign_in(database, "zhang.san", PASSWORD)
    with database.writing() as tx:
        identity.enable(tx, "zhang.san")
        assert identity.suspend_stale(tx, sessions.now(), 90) == ()
    assert identity.sign_in(database, "zhang.san", PASSWORD)
    with database.reading() as tx:
        noted = sa.select(account_event.c.action).where(account_event.c.account_id == number)
        assert list(tx.scalars(noted)) == ["created", "suspended", "enabled"]


def test_an_administrators_session_ends_sooner(
    database: Database, number: int, later: Callable[..., None]
) -> None:
    with database.writing() as tx:
        identity.set_administrator(tx, number, True)
    token = identity.sign_in(database, "zhang.san", PASSWORD)
    later(minutes=14)
    assert seen(database, token)

    later(minutes=2)

    assert seen(database, token) is None
    assert seen(database, token, Policy(idle_administrators=datetime.timedelta(minutes=30)))


def test_an_account_that_gets_powers_signs_in_again(database: Database, number: int) -> None:
    before = identity.sign_in(database, "zhang.san", PASSWORD)

    with database.writing() as tx:
        identity.set_administrator(tx, number, True)

    assert seen(database, before) is None
    assert identity.sign_in(database, "zhang.san", PASSWORD) != before


def test_a_role_with_powers_marks_the_account(database: Database, number: int) -> None:
    with database.writing() as tx:
        people.ensure_roles(tx)
        root = people.ensure_root(tx)
        people.appoint(tx, number, root, "township")
        assert not tx.scalar(sa.select(account.c.administrator))
        people.appoint(tx, number, root, "audit_administrator")
        assert tx.scalar(sa.select(account.c.administrator))


@pytest.mark.parametrize("most", [1, 2])
def test_more_sessions_than_allowed_end_the_oldest(
    database: Database, number: int, later: Callable[..., None], most: int
) -> None:
    policy = Policy(sessions=most)
    tokens = []
    for _ in range(3):
        tokens.append(identity.sign_in(database, "zhang.san", PASSWORD, policy=policy))
        later(seconds=5)

    alive = [seen(database, token) is not None for token in tokens]

    assert alive == [at >= 3 - most for at in range(3)]
    with database.reading() as tx:
        assert sessions.why_ended(tx, tokens[0]) == "elsewhere"


def test_every_attempt_is_written_down(database: Database, number: int) -> None:
    identity.sign_in(database, "zhang.san", PASSWORD, "10.0.0.7", "Firefox/130 Windows")
    for login in ("zhang.san", "nobody"):
        with pytest.raises(SignInRefused):
            identity.sign_in(database, login, "wrong password", "10.0.0.8")

    with database.reading() as tx:
        columns = (sign_in_log.c.account_id, sign_in_log.c.outcome, sign_in_log.c.address)
        found = tx.execute(sa.select(*columns).order_by(sign_in_log.c.id)).all()
    assert [tuple(row) for row in found] == [
        (number, "signed in", "10.0.0.7"),
        (number, "refused", "10.0.0.8"),
        (None, "refused", "10.0.0.8"),
    ]


@pytest.mark.parametrize(
    "state", ["unknown", "disabled", "locked", "suspended", "expired", "wrong"]
)
def test_every_refusal_compares_one_hash_and_writes_as_much(
    database: Database, number: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer takes as long whatever the reason: the hash is what takes time."""
    moment = sessions.now()
    values = {
        "disabled": {"disabled_at": moment},
        "locked": {"locked_until": moment + datetime.timedelta(minutes=5)},
        "suspended": {"suspended_at": moment},
        "expired": {"one_time_until": moment},
    }.get(state)
    if values:
        with database.writing() as tx:
            tx.execute(account.update().values(values))
    compared = []
    real = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda *given: compared.append(1) or real(*given))

    with pytest.raises(SignInRefused) as refused:
        given = "wrong password" if state == "wrong" else PASSWORD
        identity.sign_in(database, "nobody" if state == "unknown" else "zhang.san", given)

    assert compared == [1]
    assert refused.value.status == 401
    with database.reading() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(sign_in_log)) == 1


def test_who_asks_is_one_statement(database: Database, number: int) -> None:
    token = identity.sign_in(database, "zhang.san", PASSWORD)
    asked: list[str] = []
    with database.reading() as tx:
        sa.event.listen(
            tx, "before_cursor_execute", lambda _c, _u, statement, *_r: asked.append(statement)
        )
        assert identity.who(tx, token)

    assert len([statement for statement in asked if statement != "BEGIN"]) == 1


def test_a_fresh_installation_knows_no_usual_password(database: Database) -> None:
    with database.writing() as tx:
        identity.ensure_administrator(tx)
    logins = "admin administrator root guest test user demo taizhang system 管理员".split()
    usual = ["admin", "123456", "password", "taizhang", "Admin@123"]

    assert len(logins) * len(usual) == 50
    for login, password in itertools.product(logins, usual):
        with pytest.raises(SignInRefused):
            identity.sign_in(database, login, password)
    with database.reading() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(login_session)) == 0
