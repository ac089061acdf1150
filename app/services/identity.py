"""Accounts, and signing in with lock-out. Who is signed in: ``sessions``."""

from __future__ import annotations

import datetime
import re
import unicodedata
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import audit, passwords, people
from app.services.sessions import (
    Account,
    open_session,
    sign_out,
    sign_out_everywhere,
    touch,
    who,
)
from app.services.standing import ADMINISTRATOR
from app.services.work import now
from app.storage.models_identity import account, account_event
from app.storage.session import Database

__all__ = [
    "Account",
    "AccountNotFound",
    "LoginRefused",
    "LoginTaken",
    "OldPasswordWrong",
    "SignInRefused",
    "change_password",
    "create_account",
    "disable",
    "ensure_administrator",
    "find",
    "set_password",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "touch",
    "unlock",
    "who",
]

#: so many attempts may be made after the last success, then the account is locked
FAILURES = 5
LOCKED = datetime.timedelta(minutes=15)

_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f]{2,64}")


class SignInRefused(AppError):
    """One sentence for every reason, so that it tells nobody which accounts there are."""

    code = "sign_in.refused"
    status = 401
    text = (
        "The sign-in did not succeed. Check the login name and the password; after {failures} "
        "failures an account is locked for {minutes} minutes."
    )


class LoginRefused(AppError):
    code = "account.login_refused"
    text = "{login} cannot be a login name: 2 to 64 characters without spaces are needed."


class LoginTaken(AppError):
    code = "account.login_taken"
    status = 409
    text = "There is already an account with the login name {login}."


class AccountNotFound(AppError):
    code = "account.not_found"
    status = 404
    text = "There is no account with the login name {login}."


class OldPasswordWrong(AppError):
    code = "password.old_wrong"
    text = (
        "The present password is not right. After {failures} failures the account is locked for "
        "{minutes} minutes."
    )


def create_account(
    tx: sa.Connection, login: str, name: str, password: str | None = None
) -> tuple[int, str]:
    """Create an account and return its id and its password, generated when ``None`` was given.

    Raises:
        LoginRefused, LoginTaken: the login name cannot be used.
        PasswordRefused: the password is too easily guessed.
    """
    if not _key(login):
        raise LoginRefused(login=login)
    if tx.scalar(sa.select(account.c.id).where(account.c.login_key == _key(login))):
        raise LoginTaken(login=login)
    chosen = _chosen(password, login)
    moment = now()
    number = tx.execute(
        account.insert()
        .values(
            login=login,
            login_key=_key(login),
            name=name.strip() or login,
            password_hash=passwords.hashed(chosen),
            password_changed_at=moment,
            created_at=moment,
            failed=0,
        )
        .returning(account.c.id)
    ).scalar_one()
    _note(tx, number, "created")
    return number, chosen


def ensure_administrator(tx: sa.Connection) -> tuple[str, str] | None:
    """Create the administrator where there is no account; return login and password."""
    if tx.scalar(sa.select(sa.func.count()).select_from(account)):
        return None
    number, password = create_account(tx, "admin", "管理员")
    people.ensure_roles(tx)
    people.appoint(tx, number, people.ensure_root(tx), ADMINISTRATOR, by="seed")
    return "admin", password


def sign_in(
    database: Database, login: str, password: str, address: str = "", agent: str = ""
) -> str:
    """Return the token of a new session. Raises ``SignInRefused`` for whatever reason.

    The attempt is counted and committed before the password is looked at: however many
    workers are asked at once, ``FAILURES`` guesses are evaluated and no more.
    """
    with database.writing() as tx:
        found = _count_attempt(tx, account.c.login_key == _key(login))
    if not passwords.matches(found and found.password_hash, password) or found is None:
        raise _refused(SignInRefused)
    with database.writing() as tx:
        if not _succeeded(tx, found, password):
            raise _refused(SignInRefused)
        return open_session(tx, found.id, address, agent)


def _refused(error: type[AppError]) -> AppError:
    return error(failures=FAILURES, minutes=int(LOCKED.total_seconds() // 60))


def _count_attempt(tx: sa.Connection, which: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
    """Count an attempt and return the account, or ``None`` when no password may be tried."""
    found = tx.execute(sa.select(account).where(which).with_for_update()).one_or_none()
    moment = now()
    if found is None or found.disabled_at is not None:
        return None
    if found.locked_until is not None and found.locked_until > moment:
        return None
    # a lock that has run out gives the whole number of attempts again
    failed = (0 if found.locked_until is not None else found.failed) + 1
    locked = moment + LOCKED if failed >= FAILURES else None
    tx.execute(
        account.update().where(account.c.id == found.id).values(failed=failed, locked_until=locked)
    )
    if locked:
        _note(tx, found.id, "locked")
    return found


def _succeeded(tx: sa.Connection, found: sa.Row[Any], password: str) -> bool:
    """Forget the failures; ``False`` when the account changed while the password was compared."""
    values: dict[str, Any] = {"failed": 0, "locked_until": None}
    if passwords.is_weak(found.password_hash):
        values["password_hash"] = passwords.hashed(password)
    changed = tx.execute(
        account.update()
        .where(
            account.c.id == found.id,
            account.c.password_hash == found.password_hash,
            account.c.disabled_at.is_(None),
        )
        .values(values)
    )
    return changed.rowcount == 1


def change_password(database: Database, number: int, old: str, new: str) -> None:
    """Change a person's own password and end every session, also the one in use.

    Raises ``OldPasswordWrong`` (counted like a failed sign-in) or ``PasswordRefused``.
    """
    with database.reading() as tx:
        login = tx.scalar(sa.select(account.c.login).where(account.c.id == number))
    if login is None:
        raise AccountNotFound(login=number)
    passwords.check(new, login)
    with database.writing() as tx:
        found = _count_attempt(tx, account.c.id == number)
    if not passwords.matches(found and found.password_hash, old) or found is None:
        raise _refused(OldPasswordWrong)
    with database.writing() as tx:
        if not _succeeded(tx, found, old):
            raise _refused(OldPasswordWrong)
        _store_password(tx, number, new, "password changed")


def set_password(tx: sa.Connection, login: str, password: str | None = None) -> str:
    """Give an account a new password, unlock it, end its sessions; return the password."""
    number = find(tx, login)
    chosen = _chosen(password, login)
    _store_password(tx, number, chosen, "password set")
    return chosen


def _store_password(tx: sa.Connection, number: int, password: str, action: str) -> None:
    tx.execute(
        account.update()
        .where(account.c.id == number)
        .values(
            password_hash=passwords.hashed(password),
            password_changed_at=now(),
            failed=0,
            locked_until=None,
        )
    )
    sign_out_everywhere(tx, number)
    _note(tx, number, action)


def unlock(tx: sa.Connection, login: str) -> None:
    """Let an account sign in again before its lock runs out."""
    number = find(tx, login)
    tx.execute(account.update().where(account.c.id == number).values(failed=0, locked_until=None))
    _note(tx, number, "unlocked")


def disable(tx: sa.Connection, login: str) -> None:
    """Close an account: nobody signs in with it, and who is signed in is no longer."""
    number = find(tx, login)
    tx.execute(account.update().where(account.c.id == number).values(disabled_at=now()))
    sign_out_everywhere(tx, number)
    _note(tx, number, "disabled")


def find(tx: sa.Connection, login: str) -> int:
    """Return the id of the account. Raises ``AccountNotFound``."""
    number = tx.scalar(sa.select(account.c.id).where(account.c.login_key == _key(login)))
    if number is None:
        raise AccountNotFound(login=login)
    return int(number)


def _chosen(password: str | None, login: str) -> str:
    if password is None:
        return passwords.generate()
    passwords.check(password, login)
    return password


def _key(login: str) -> str:
    """Return the login name as it is compared: no account has one that cannot be typed."""
    folded = unicodedata.normalize("NFKC", login[:128]).casefold().strip()
    return folded[:128] if _LOGIN.fullmatch(login) and folded.isprintable() else ""


def _note(tx: sa.Connection, number: int, action: str) -> None:
    tx.execute(account_event.insert().values(account_id=number, at=now(), action=action))
    audit.account_event(tx, number, action)
