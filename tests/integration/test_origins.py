"""One address, many accounts: who tries a password on everybody, and who works there (ID-3)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.services import identity, passwords, policy
from app.services.identity import AddressBarred, SignInRefused
from app.storage.models_audit import audit
from app.storage.models_identity import account, sign_in_log
from app.storage.session import Database
from tests.support.clock import movable

PASSWORD = "correct horse battery"
OFFICE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
#: so many failures of one address are borne
MOST = 12
POLICY = policy.Policy(address_failures=MOST)


@pytest.fixture
def people(database: Database) -> list[str]:
    """Twenty people; the first has signed in from the office before."""
    logins = [f"person.{n}" for n in range(20)]
    with database.writing() as tx:
        for login in logins:
            identity.create_account(tx, login, login, PASSWORD)
    sign_in(database, logins[0])
    return logins


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return movable(monkeypatch)


def sign_in(database: Database, login: str, password: str = PASSWORD, address: str = OFFICE) -> str:
    return identity.sign_in(database, login, password, address, "", POLICY)


def spray(database: Database, logins: list[str], times: int = MOST) -> None:
    """Try one password on many accounts, once each."""
    for login in logins[1 : times + 1]:
        with pytest.raises(SignInRefused):
            sign_in(database, login, "Spring2026!")


def failed(database: Database, login: str) -> int:
    with database.reading() as tx:
        query = sa.select(account.c.failed).where(account.c.login_key == login)
        return int(tx.scalar(query) or 0)


def test_an_address_from_which_many_sign_ins_failed_is_barred_for_a_quarter_of_an_hour(
    database: Database, people: list[str], later: Callable[..., None]
) -> None:
    spray(database, people)

    with pytest.raises(AddressBarred):
        sign_in(database, people[15])
    assert sign_in(database, people[15], address=ELSEWHERE)
    later(minutes=14)
    with pytest.raises(AddressBarred):
        sign_in(database, people[16])
    later(minutes=2)
    assert sign_in(database, people[16])


def test_who_works_there_still_signs_in(database: Database, people: list[str]) -> None:
    spray(database, people)

    assert sign_in(database, people[0])


def test_one_failure_less_bars_nobody(database: Database, people: list[str]) -> None:
    spray(database, people, MOST - 1)

    assert sign_in(database, people[15])


def test_what_is_barred_is_compared_with_no_password_and_counts_for_no_account(
    database: Database, people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spray(database, people)
    compared = []
    real = passwords.matches
    monkeypatch.setattr(
        passwords, "matches", lambda kept, given: compared.append(kept) or real(kept, given)
    )

    for _ in range(6):
        with pytest.raises(AddressBarred):
            sign_in(database, people[15], "Spring2026!")

    assert compared == [None] * 6
    assert failed(database, people[15]) == 0
    with database.reading() as tx:
        query = sa.select(sign_in_log.c.outcome).where(sign_in_log.c.outcome == "barred")
        assert len(list(tx.scalars(query))) == 6


def test_a_barred_address_is_told_the_same_of_every_name(
    database: Database, people: list[str]
) -> None:
    spray(database, people)

    said = set()
    for login in (people[0], people[15], "nobody.here", "", "\x00", "x" * 300):
        with pytest.raises(AddressBarred) as refused:
            sign_in(database, login, "Spring2026!")
        said.add((refused.value.sentence(), refused.value.status))

    assert len(said) == 1


def test_an_account_is_still_locked_by_itself_from_a_barred_address(
    database: Database, people: list[str]
) -> None:
    spray(database, people)
    for _ in range(5):
        with pytest.raises(AddressBarred):
            sign_in(database, people[0], "wrong password")

    with pytest.raises(AddressBarred):
        sign_in(database, people[0])


def test_no_limit_bars_no_address(database: Database, people: list[str]) -> None:
    free = policy.Policy(address_failures=0)
    for login in people[1:15]:
        with pytest.raises(SignInRefused):
            identity.sign_in(database, login, "Spring2026!", OFFICE, "", free)

    assert identity.sign_in(database, people[16], PASSWORD, OFFICE, "", free)


def test_that_an_address_was_barred_stands_in_the_audit_log_once(
    database: Database, people: list[str]
) -> None:
    spray(database, people)
    for login in people[13:18]:
        with pytest.raises(AddressBarred):
            sign_in(database, login, "Spring2026!")

    with database.reading() as tx:
        query = sa.select(audit).where(audit.c.event == "address.blocked")
        [row] = tx.execute(query)
    assert (row.object_type, row.object_id, row.result) == ("address", OFFICE, "refused")
    assert json.loads(row.detail) == {"address": OFFICE, "count": MOST, "minutes": 15}
