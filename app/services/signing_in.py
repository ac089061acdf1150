"""Signing in: by password or by a provider, and then by a code where the account asks for one."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import attempts, origins, passwords, second_factor, sessions
from app.services.attempts import note
from app.services.policy import DEFAULT, Policy
from app.services.sessions import PASSWORD, PROVIDER, Account, Device
from app.services.vault import Vault
from app.services.work import now
from app.storage.models_identity import account, former_password, login_session
from app.storage.models_people import unit
from app.storage.session import Database

#: so many passwords, the present one among them, are not taken again
REMEMBERED = 5
_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f]{2,64}")


class SignInRefused(AppError):
    """One sentence for every reason, so that it tells nobody which accounts there are."""

    code = "sign_in.refused"
    status = 401
    text = (
        "The sign-in did not succeed. Check the login name and the password; after {failures} "
        "failures an account is locked for {minutes} minutes, and a password that an "
        "administrator gave works for one day."
    )


class AddressBarred(SignInRefused):
    """For an address, whoever's password it was, so that it tells nobody who works there."""

    code = "sign_in.address_barred"
    status = 429
    text = (
        "Too many sign-ins from your network address failed in the last {minutes} minutes. Who "
        "has signed in from here before may go on, with the right password; everybody else waits "
        "and tries again later, or asks the administrator."
    )


class CodeRefused(AppError):
    code = "sign_in.code_refused"
    status = 401
    text = (
        "The code was not accepted: each works once and for a short time. After {failures} "
        "failures the account is locked for {minutes} minutes."
    )


class CodeTooLate(AppError):
    code = "sign_in.code_too_late"
    status = 401
    text = "The code came too late. Please sign in again."


class OldPasswordWrong(AppError):
    code = "password.old_wrong"
    text = (
        "The present password is not right. After {failures} failures the account is locked for "
        "{minutes} minutes."
    )


def login_key(login: str) -> str:
    """Return the login name as it is compared: no account has one that cannot be typed."""
    folded = unicodedata.normalize("NFKC", login[:128]).casefold().strip()
    return folded[:128] if _LOGIN.fullmatch(login) and folded.isprintable() else ""


def sign_in(
    database: Database,
    login: str,
    password: str,
    address: str = "",
    agent: str = "",
    policy: Policy = DEFAULT,
) -> str:
    """Return the token of a new session. Raises ``SignInRefused`` for whatever reason.

    The attempt is counted and committed before the password is looked at: however many
    workers are asked at once, ``FAILURES`` guesses are evaluated and no more. Where the account
    has a second factor the token is good for ``second_step`` and for nothing else. From an
    address that is barred (``origins``), ``AddressBarred``.
    """
    device, key = Device(address, agent), login_key(login)
    with database.writing() as tx:
        barred = origins.is_barred(tx, address, policy.address_failures)
        if barred and not origins.is_known(tx, address, key):
            compared, entry = None, _barred(tx, key, device)
        else:
            found, allowed = attempts.count(tx, account.c.login_key == key)
            # what cannot be a login name is no attempt on anybody's account
            entry = attempts.write_down(tx, found and found.id, device, PASSWORD) if key else 0
            compared = found if allowed and not _has_run_out(found) else None
            if policy.address_failures and address and not barred:
                origins.note_barred(tx, address, policy.address_failures)
    right = passwords.matches(compared and compared.password_hash, password)
    if compared is None or not right:
        if barred:
            raise AddressBarred(minutes=int(origins.SPAN.total_seconds() // 60))
        raise attempts.refused(SignInRefused)
    with database.writing() as tx:
        half = compared.totp_since is not None
        if not attempts.forgive(tx, compared, password, half=half):
            raise attempts.refused(SignInRefused)
        return _enter(tx, compared, entry, device, PASSWORD, policy)


def _barred(tx: sa.Connection, key: str, device: Device) -> int:
    """Write an attempt down that is not looked at: it counts for no account and no address."""
    if not key:
        return 0
    number = tx.scalar(sa.select(account.c.id).where(account.c.login_key == key))
    return attempts.write_down(tx, number, device, PASSWORD, origins.BARRED)


def _has_run_out(found: sa.Row[Any] | None) -> bool:
    return bool(found and found.one_time_until is not None and found.one_time_until <= now())


def sign_in_as(
    tx: sa.Connection, found: sa.Row[Any], device: Device, policy: Policy = DEFAULT
) -> str:
    """Return the token of a session of somebody a provider vouches for. Raises
    ``SignInRefused`` when the account is closed; a lock is about passwords."""
    if attempts.is_closed(found, now()):
        raise attempts.refused(SignInRefused)
    entry = attempts.write_down(tx, found.id, device, PROVIDER)
    return _enter(tx, found, entry, device, PROVIDER, policy)


def _enter(
    tx: sa.Connection, found: sa.Row[Any], entry: int, device: Device, way: str, policy: Policy
) -> str:
    if found.totp_since is not None:
        attempts.correct(tx, entry, attempts.CODE_WANTED)
        return sessions.open_session(tx, found.id, device, way=way, stage=sessions.CODE)
    attempts.correct(tx, entry, attempts.SIGNED_IN)
    return _opened(tx, found.id, device, way, policy)


def _opened(tx: sa.Connection, number: int, device: Device, way: str, policy: Policy) -> str:
    tx.execute(account.update().where(account.c.id == number).values(last_sign_in_at=now()))
    return sessions.open_session(tx, number, device, way=way, policy=policy)


def second_step(
    database: Database, vault: Vault, token: str, code: str, device: Device,
    policy: Policy = DEFAULT,
) -> str:  # fmt: skip
    """Return the token of the session that a code of the second factor, or a recovery code,
    completes. A wrong code counts like a wrong password.

    Raises:
        CodeTooLate: nobody is waiting for a code with ``token`` any more.
        CodeRefused: the code is wrong or was used, or the account is locked.
        SealBroken: the secret was stored with another key.
    """
    with database.writing() as tx:
        half = sessions.waiting(tx, token)
        if half is None:
            raise CodeTooLate()
        found, allowed = attempts.count(tx, account.c.id == half.id)
        entry = attempts.write_down(tx, half.id, device, half.way, attempts.CODE_REFUSED)
    if found is None or not allowed or found.totp_since is None:
        raise attempts.refused(CodeRefused)
    with database.writing() as tx:
        if not second_factor.accept(tx, vault, found, code):
            raise attempts.refused(CodeRefused)
        if not sessions.end_one(tx, found.id, half.session):
            raise CodeTooLate()
        forgotten = {"failed": 0, "locked_until": None}
        tx.execute(account.update().where(account.c.id == found.id).values(forgotten))
        attempts.correct(tx, entry, attempts.SIGNED_IN)
        return _opened(tx, found.id, device, half.way, policy)


def confirm(database: Database, person: Account, password: str) -> None:
    """Ask for the password again, so that what is sensitive may be done for some minutes.

    Raises ``OldPasswordWrong``, counted like a failed sign-in.
    """
    found = _compared(database, person.id, password)
    with database.writing() as tx:
        if not attempts.forgive(tx, found, password):
            raise attempts.refused(OldPasswordWrong)
        tx.execute(
            login_session.update()
            .where(login_session.c.id == person.session)
            .values(confirmed_at=now())
        )


def change_password(database: Database, number: int, old: str, new: str) -> None:
    """Change a person's own password and end every session, also the one in use.

    Raises ``OldPasswordWrong`` (counted like a failed sign-in) or ``PasswordRefused``.
    """
    with database.reading() as tx:
        row = tx.execute(sa.select(account).where(account.c.id == number)).one()
        former, places = former_hashes(tx, number), unit_names(tx)
    passwords.check(new, row.login, row.name, places)
    found = _compared(database, number, old)
    used = any(passwords.matches(kept, new) for kept in former)
    with database.writing() as tx:
        if not attempts.forgive(tx, found, old):
            raise attempts.refused(OldPasswordWrong)
        if not used:
            store_password(tx, number, new)
            note(tx, number, "password changed")
    if used:
        raise passwords.PasswordUsedBefore(count=REMEMBERED)


def unit_names(tx: sa.Connection) -> list[str]:
    """Return what the units of the office are called: no password is made of that."""
    return list(tx.scalars(sa.select(unit.c.title)))


def _compared(database: Database, number: int, password: str) -> sa.Row[Any]:
    """Return the account when ``password`` is its own; counted before it is compared."""
    with database.writing() as tx:
        found, allowed = attempts.count(tx, account.c.id == number)
    compared = found if allowed else None
    right = passwords.matches(compared and compared.password_hash, password)
    if compared is None or not right:
        raise attempts.refused(OldPasswordWrong)
    return compared


def former_hashes(tx: sa.Connection, number: int) -> list[str]:
    """Return the hashes of the passwords that are not taken again, the present one first."""
    present = tx.scalar(sa.select(account.c.password_hash).where(account.c.id == number))
    older = (
        sa.select(former_password.c.password_hash)
        .where(former_password.c.account_id == number)
        .order_by(former_password.c.id.desc())
        .limit(REMEMBERED - 1)
    )
    return [*filter(None, [present]), *tx.scalars(older)]


def store_password(
    tx: sa.Connection, number: int, password: str, one_time_until: Any = None
) -> None:
    """Replace a password, keep the old one's hash, unlock the account, end its sessions."""
    old = tx.scalar(sa.select(account.c.password_hash).where(account.c.id == number))
    tx.execute(former_password.insert().values(account_id=number, password_hash=old))
    kept = (
        sa.select(former_password.c.id)
        .where(former_password.c.account_id == number)
        .order_by(former_password.c.id.desc())
        .limit(REMEMBERED - 1)
    )
    surplus = former_password.c.id.not_in(list(tx.scalars(kept)))
    tx.execute(former_password.delete().where(former_password.c.account_id == number, surplus))
    tx.execute(
        account.update()
        .where(account.c.id == number)
        .values(
            password_hash=passwords.hashed(password),
            password_changed_at=now(),
            one_time_until=one_time_until,
            failed=0,
            locked_until=None,
        )
    )
    sessions.sign_out_everywhere(tx, number, "password")
