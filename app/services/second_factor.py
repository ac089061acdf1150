"""The second factor: codes of an authenticator (TOTP, RFC 6238), and codes for an emergency."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import pyotp
import sqlalchemy as sa

from app.errors import AppError
from app.services import sessions
from app.services.attempts import note
from app.services.policy import Policy
from app.services.sessions import Account
from app.services.vault import SealBroken, Vault
from app.services.work import now
from app.storage.models_identity import account, recovery_code

ISSUER = "Taizhang"
#: seconds a code stands, and how many codes before and after the present one are taken
STEP, WINDOW = 30, 1
#: how many recovery codes there are, and the letters of one: 16 of 31, 79 bits
CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class CodeWrong(AppError):
    code = "totp.code_wrong"
    text = (
        "The code is not right. Enter the six digits the authenticator shows now, and check that "
        "the clock of the telephone is set automatically."
    )


class SetupOutdated(AppError):
    code = "totp.setup_outdated"
    status = 409
    text = "This picture is no longer valid. Open the page again and scan the new one."


class FactorRequired(AppError):
    code = "totp.required"
    status = 409
    text = "Your account needs a second factor; it cannot be switched off. Set it up anew instead."


class FactorMissing(AppError):
    code = "totp.missing"
    status = 409
    text = "This account has no second factor."


@dataclass(frozen=True, slots=True)
class Setup:
    """A secret that is not stored yet: sealed for the form, readable for the person."""

    sealed: str
    secret: str
    address: str


def begin(vault: Vault, person: Account) -> Setup:
    """Make up a secret for a person to scan. Nothing is stored before a code proves it."""
    secret = pyotp.random_base32()
    address = pyotp.TOTP(secret).provisioning_uri(name=person.login, issuer_name=ISSUER)
    return Setup(vault.seal(f"{person.id}:{secret}"), secret, address)


def again(vault: Vault, person: Account, sealed: str) -> Setup:
    """Return the setup that is in a form. Raises ``SetupOutdated`` when it is not the person's."""
    try:
        whose, _, secret = vault.open(sealed).partition(":")
    except SealBroken as error:
        raise SetupOutdated() from error
    if whose != str(person.id):
        raise SetupOutdated()
    return Setup(
        sealed, secret, pyotp.TOTP(secret).provisioning_uri(name=person.login, issuer_name=ISSUER)
    )


def turn_on(tx: sa.Connection, vault: Vault, person: Account, setup: Setup, code: str) -> list[str]:
    """Store the secret a code has proved; return the recovery codes, which nobody tells again.

    Every other session of the person ends. Raises ``CodeWrong``.
    """
    person.require_fresh()
    step = _step(setup.secret, code, None)
    if step is None:
        raise CodeWrong()
    tx.execute(
        account.update()
        .where(account.c.id == person.id)
        .values(totp_secret=vault.seal(setup.secret), totp_since=now(), totp_step=step)
    )
    sessions.sign_out_others(tx, person.id, person.session)
    note(tx, person.id, "second factor set up")
    return _new_codes(tx, person.id)


def renew_codes(tx: sa.Connection, person: Account) -> list[str]:
    """Replace the recovery codes. Raises ``FactorMissing``."""
    person.require_fresh()
    if state(tx, person.id).since is None:
        raise FactorMissing()
    note(tx, person.id, "recovery codes renewed")
    return _new_codes(tx, person.id)


def turn_off(tx: sa.Connection, person: Account, policy: Policy) -> None:
    """Take the own second factor away. Raises ``FactorRequired`` where it must stay."""
    person.require_fresh()
    if policy.needs_totp(person.administrator):
        raise FactorRequired()
    remove(tx, person.id)


def remove(tx: sa.Connection, number: int, by: str | None = None) -> None:
    """Take a second factor away and end every session. Raises ``FactorMissing``."""
    cleared = tx.execute(
        account.update()
        .where(account.c.id == number, account.c.totp_since.is_not(None))
        .values(totp_secret=None, totp_since=None, totp_step=None)
    )
    if cleared.rowcount != 1:
        raise FactorMissing()
    tx.execute(recovery_code.delete().where(recovery_code.c.account_id == number))
    sessions.sign_out_everywhere(tx, number)
    note(tx, number, "second factor removed", by)


@dataclass(frozen=True, slots=True)
class State:
    """Since when an account has a second factor, and how many recovery codes are left."""

    since: datetime.datetime | None
    codes: int


def state(tx: sa.Connection, number: int) -> State:
    since = tx.scalar(sa.select(account.c.totp_since).where(account.c.id == number))
    unused = sa.and_(recovery_code.c.account_id == number, recovery_code.c.used_at.is_(None))
    left = tx.scalar(sa.select(sa.func.count()).select_from(recovery_code).where(unused))
    return State(since, left or 0)


def accept(tx: sa.Connection, vault: Vault, found: sa.Row[Any], code: str) -> bool:
    """Return whether ``code`` opens the account now; whatever opens it never does again."""
    typed = "".join(code.split())
    if len(typed) == 6:
        step = _step(vault.open(found.totp_secret), typed, found.totp_step)
        if step is None:
            return False
        fresh = sa.or_(account.c.totp_step.is_(None), account.c.totp_step < step)
        taken = tx.execute(
            account.update().where(account.c.id == found.id, fresh).values(totp_step=step)
        )
        return taken.rowcount == 1
    used = tx.execute(
        recovery_code.update()
        .where(
            recovery_code.c.account_id == found.id,
            recovery_code.c.code_hash == _digest(typed),
            recovery_code.c.used_at.is_(None),
        )
        .values(used_at=now())
    )
    if used.rowcount == 1:
        note(tx, found.id, "recovery code used")
    return used.rowcount == 1


def _step(secret: str, code: str, last: int | None) -> int | None:
    """Return the step whose code this is, later than the last one that was accepted."""
    typed = "".join(code.split())
    if not typed.isdigit():
        return None
    present = int(now().replace(tzinfo=datetime.UTC).timestamp()) // STEP
    totp = pyotp.TOTP(secret)
    for step in range(present - WINDOW, present + WINDOW + 1):
        right = pyotp.utils.strings_equal(totp.at(step * STEP), typed)
        if right and (last is None or step > last):
            return step
    return None


def _new_codes(tx: sa.Connection, number: int) -> list[str]:
    tx.execute(recovery_code.delete().where(recovery_code.c.account_id == number))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(CODES)]
    rows = [{"account_id": number, "code_hash": _digest(code)} for code in codes]
    tx.execute(recovery_code.insert(), rows)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def _digest(code: str) -> str:
    """Return what is stored of a code: it is random and long enough for a plain digest."""
    plain = code.replace("-", "").casefold()
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
