"""The second factor: each code once, wrong ones counted, secrets unreadable in the database."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

import pyotp
import pytest
import sqlalchemy as sa

from app.services import identity, second_factor, sessions
from app.services.identity import (
    CodeRefused,
    CodeTooLate,
    ConfirmationNeeded,
    Device,
    SignInRefused,
)
from app.services.policy import Policy
from app.services.vault import SealBroken, Vault
from app.storage.models_identity import account, account_event, recovery_code
from app.storage.session import Database
from tests.support.clock import movable

PASSWORD = "correct horse battery"
VAULT = Vault("k" * 40)


@dataclass
class Person:
    """Somebody with an authenticator."""

    database: Database
    number: int
    secret: str
    codes: list[str]

    def code(self, steps: int = 0) -> str:
        at = sessions.now().replace(tzinfo=datetime.UTC).timestamp()
        return pyotp.TOTP(self.secret).at(int(at) + 30 * steps)

    def half(self) -> str:
        return identity.sign_in(self.database, "zhang.san", PASSWORD)

    def enter(self, code: str, token: str | None = None) -> str:
        return identity.second_step(
            self.database, VAULT, token or self.half(), code, Device("10.0.0.7")
        )


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Move the clock on."""
    return movable(monkeypatch)


@pytest.fixture
def person(database: Database, later: Callable[..., None]) -> Person:
    """Somebody who set up the second factor some minutes ago."""
    with database.writing() as tx:
        number, _ = identity.create_account(tx, "zhang.san", "张三", PASSWORD)
    token = identity.sign_in(database, "zhang.san", PASSWORD)
    made = Person(database, number, "", [])
    with database.writing() as tx:
        signed_in = identity.who(tx, token)
        assert signed_in is not None
        setup = second_factor.begin(VAULT, signed_in)
        made.secret = setup.secret
        made.codes = second_factor.turn_on(tx, VAULT, signed_in, setup, made.code())
    later(minutes=3)
    return made


def whose(database: Database, token: str) -> str | None:
    with database.reading() as tx:
        found = identity.who(tx, token)
    return found and found.name


def test_the_password_alone_opens_nothing(database: Database, person: Person) -> None:
    half = person.half()

    assert whose(database, half) is None
    whole = person.enter(person.code(), half)
    assert whose(database, whole) == "张三"
    assert whose(database, half) is None


def test_a_code_is_accepted_once(person: Person) -> None:
    code = person.code()
    person.enter(code)

    with pytest.raises(CodeRefused):
        person.enter(code)


@pytest.mark.parametrize(
    ("steps", "taken"), [(-3, False), (-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_codes_of_a_step_before_and_after_are_taken(
    database: Database, person: Person, steps: int, taken: bool
) -> None:
    if taken:
        assert whose(database, person.enter(person.code(steps))) == "张三"
    else:
        with pytest.raises(CodeRefused):
            person.enter(person.code(steps))


def test_after_a_later_code_an_earlier_one_is_not_taken(person: Person) -> None:
    person.enter(person.code(1))

    with pytest.raises(CodeRefused):
        person.enter(person.code(0))


def test_wrong_codes_lock_however_often_the_password_is_right(
    database: Database, person: Person, later: Callable[..., None]
) -> None:
    for _ in range(5):
        with pytest.raises(CodeRefused):
            person.enter("000000")

    with pytest.raises(SignInRefused):
        person.half()
    later(minutes=16)
    assert whose(database, person.enter(person.code())) == "张三"


def test_wrong_codes_lock_at_one_session_too(person: Person) -> None:
    half = person.half()
    for code in ("000000", "000001", "x", "", "000002", "000003"):
        with pytest.raises(CodeRefused):
            person.enter(code, half)

    with pytest.raises(CodeRefused):
        person.enter(person.code(), half)


def test_a_recovery_code_works_once(database: Database, person: Person) -> None:
    assert len(set(person.codes)) == 10
    assert whose(database, person.enter(person.codes[3].upper())) == "张三"

    with pytest.raises(CodeRefused):
        person.enter(person.codes[3])
    with database.reading() as tx:
        assert second_factor.state(tx, person.number).codes == 9


def test_a_code_that_comes_too_late_is_told_so(person: Person, later: Callable[..., None]) -> None:
    half = person.half()
    later(minutes=6)

    with pytest.raises(CodeTooLate):
        person.enter(person.code(), half)
    with pytest.raises(CodeTooLate):
        person.enter(person.code(), "no token of ours")


def test_the_database_holds_neither_secret_nor_codes(database: Database, person: Person) -> None:
    with database.reading() as tx:
        kept = str(tx.scalar(sa.select(account.c.totp_secret)))
        stored = list(tx.scalars(sa.select(recovery_code.c.code_hash)))

    assert person.secret not in kept
    assert VAULT.open(kept) == person.secret
    with pytest.raises(SealBroken):
        Vault("another key of the application, long").open(kept)
    assert not {code.replace("-", "") for code in person.codes} & set(stored)
    assert all(len(digest) == 64 for digest in stored)


def test_a_secret_of_another_key_is_told_so(person: Person) -> None:
    other = Vault("another key of the application, long")

    with pytest.raises(SealBroken):
        identity.second_step(person.database, other, person.half(), person.code(), Device())


def test_an_administrator_resets_it_and_every_session_ends(
    database: Database, person: Person
) -> None:
    token = person.enter(person.code())

    with database.writing() as tx:
        second_factor.remove(tx, person.number, "管理员")

    assert whose(database, token) is None
    assert whose(database, person.half()) == "张三"
    with database.reading() as tx:
        query = sa.select(account_event.c.action, account_event.c.by)
        last = tx.execute(query.order_by(account_event.c.id.desc())).first()
    assert last is not None
    assert tuple(last) == ("second factor removed", "管理员")


def test_a_sensitive_change_asks_for_the_password_again(
    database: Database, person: Person, later: Callable[..., None]
) -> None:
    token = person.enter(person.code())
    later(minutes=11)

    def signed_in() -> identity.Account:
        with database.reading() as tx:
            found = identity.who(tx, token)
        assert found is not None
        return found

    def turn_off() -> None:
        with database.writing() as tx:
            second_factor.turn_off(tx, signed_in(), Policy())

    with pytest.raises(ConfirmationNeeded):
        turn_off()
    with pytest.raises(identity.OldPasswordWrong):
        identity.confirm(database, signed_in(), "wrong password")
    with pytest.raises(ConfirmationNeeded):
        turn_off()
    identity.confirm(database, signed_in(), PASSWORD)
    turn_off()
    assert whose(database, person.half()) == "张三"


def test_who_needs_a_second_factor_keeps_it(database: Database, person: Person) -> None:
    token = person.enter(person.code())
    with database.writing() as tx:
        found = identity.who(tx, token)
        assert found is not None
        with pytest.raises(second_factor.FactorRequired):
            second_factor.turn_off(tx, found, Policy(require_totp="everybody"))


@pytest.mark.parametrize(
    ("policy", "administrator", "must"),
    [
        ("nobody", True, ""),
        ("administrators", True, "totp"),
        ("administrators", False, ""),
        ("everybody", False, "totp"),
    ],
)
def test_the_setting_says_who_must_set_it_up(
    database: Database, policy: str, administrator: bool, must: str
) -> None:
    with database.writing() as tx:
        identity.create_account(tx, "li.si", "李四", PASSWORD, administrator=administrator)
    token = identity.sign_in(database, "li.si", PASSWORD)

    with database.reading() as tx:
        found = identity.who(tx, token, Policy(require_totp=policy))

    assert found is not None
    assert found.must == must
