"""Accounts: made, closed, opened, given a password. Signing in: ``signing_in``; who is signed
in: ``sessions``; both are offered here under one name."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import passwords, people
from app.services.attempts import FAILURES, LOCKED, note
from app.services.sessions import (
    Account,
    ConfirmationNeeded,
    Device,
    open_session,
    sign_out,
    sign_out_everywhere,
    touch,
    who,
)
from app.services.signing_in import (
    AddressBarred,
    CodeRefused,
    CodeTooLate,
    OldPasswordWrong,
    SignInRefused,
    change_password,
    confirm,
    login_key,
    second_step,
    sign_in,
    store_password,
    unit_names,
)
from app.services.standing import ADMINISTRATOR
from app.services.work import now
from app.storage.models_identity import account

__all__ = [
    "FAILURES",
    "LOCKED",
    "Account",
    "AddressBarred",
    "AccountNotFound",
    "CodeRefused",
    "CodeTooLate",
    "ConfirmationNeeded",
    "Device",
    "LoginRefused",
    "LoginTaken",
    "OldPasswordWrong",
    "SignInRefused",
    "change_password",
    "confirm",
    "create_account",
    "disable",
    "enable",
    "ensure_administrator",
    "find",
    "open_session",
    "second_step",
    "set_administrator",
    "set_password",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "suspend_stale",
    "touch",
    "unlock",
    "who",
]

#: how long a password that somebody else made up may be used
ONE_TIME = datetime.timedelta(hours=24)


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


def create_account(
    tx: sa.Connection, login: str, name: str, password: str | None = None, **more: Any
) -> tuple[int, str]:
    """Create an account and return its id and its password, generated when ``None`` was given.

    ``more``: ``administrator``, ``ends_at``, ``by`` (who does it), and ``one_time``: whether the
    password must be changed at the first sign-in, as one that was generated always must.

    Raises:
        LoginRefused, LoginTaken: the login name cannot be used.
        PasswordRefused: the password is too easily guessed.
    """
    key = login_key(login)
    if not key:
        raise LoginRefused(login=login)
    if tx.scalar(sa.select(account.c.id).where(account.c.login_key == key)):
        raise LoginTaken(login=login)
    person = name.strip() or login
    chosen = _chosen(tx, password, login, person)
    moment = now()
    one_time = more.get("one_time", password is None)
    number = tx.execute(
        account.insert()
        .values(
            login=login,
            login_key=key,
            name=person,
            password_hash=passwords.hashed(chosen),
            password_changed_at=moment,
            created_at=moment,
            failed=0,
            administrator=bool(more.get("administrator", False)),
            ends_at=more.get("ends_at"),
            one_time_until=moment + ONE_TIME if one_time else None,
        )
        .returning(account.c.id)
    ).scalar_one()
    note(tx, number, "created", more.get("by"))
    return number, chosen


def ensure_administrator(tx: sa.Connection) -> tuple[str, str] | None:
    """Create the administrator where there is no account; return login and password."""
    if tx.scalar(sa.select(sa.func.count()).select_from(account)):
        return None
    number, password = create_account(tx, "admin", "管理员", administrator=True)
    people.ensure_roles(tx)
    people.appoint(tx, number, people.ensure_root(tx), ADMINISTRATOR, by="seed")
    return "admin", password


def set_password(
    tx: sa.Connection,
    login: str,
    password: str | None = None,
    *,
    one_time: bool | None = None,
    by: str | None = None,
) -> str:
    """Give an account a new password, unlock it, end its sessions; return the password.

    A password that is made up here works for a day and must be changed at the next sign-in; so
    must a given one with ``one_time``.
    """
    number = find(tx, login)
    name = tx.scalar(sa.select(account.c.name).where(account.c.id == number))
    chosen = _chosen(tx, password, login, name or "")
    must_change = password is None if one_time is None else one_time
    store_password(tx, number, chosen, now() + ONE_TIME if must_change else None)
    note(tx, number, "password set", by)
    return chosen


def unlock(tx: sa.Connection, login: str, by: str | None = None) -> None:
    """Let an account sign in again before its lock runs out."""
    number = find(tx, login)
    _change(tx, number, failed=0, locked_until=None)
    note(tx, number, "unlocked", by)


def disable(tx: sa.Connection, login: str, by: str | None = None) -> None:
    """Close an account: nobody signs in with it, and who is signed in is no longer."""
    number = find(tx, login)
    _change(tx, number, disabled_at=now())
    sign_out_everywhere(tx, number, "closed")
    note(tx, number, "disabled", by)


def enable(tx: sa.Connection, login: str, by: str | None = None) -> None:
    """Open an account that was closed, or suspended because nobody used it."""
    number = find(tx, login)
    _change(tx, number, disabled_at=None, suspended_at=None, enabled_at=now())
    note(tx, number, "enabled", by)


def set_administrator(
    tx: sa.Connection, number: int, administrator: bool, by: str | None = None
) -> None:
    """Let an account work with an administrator's powers, or no longer: its sessions end sooner,
    and it needs a second factor where administrators do. Its sessions end with the change."""
    which = sa.and_(account.c.id == number, account.c.administrator != administrator)
    changed = tx.execute(account.update().where(which).values(administrator=administrator))
    if changed.rowcount:
        sign_out_everywhere(tx, number, "powers")
        note(tx, number, "made administrator" if administrator else "no longer administrator", by)


def suspend_stale(tx: sa.Connection, moment: datetime.datetime, days: int = 90) -> tuple[str, ...]:
    """Suspend every account that nobody used for ``days``; return the login names.

    A daily job calls it; 0 days suspends none. An administrator opens such an account again.
    """
    if not days:
        return ()
    limit = moment - datetime.timedelta(days=days)
    used = sa.or_(
        account.c.created_at >= limit,
        account.c.last_sign_in_at >= limit,
        account.c.enabled_at >= limit,
    )
    stale = sa.select(account.c.id, account.c.login).where(
        account.c.disabled_at.is_(None), account.c.suspended_at.is_(None), sa.func.coalesce(
            sa.case((used, 1)), 0
        ) == 0,
    )  # fmt: skip
    found = tx.execute(stale.order_by(account.c.login_key)).all()
    for row in found:
        _change(tx, row.id, suspended_at=moment)
        sign_out_everywhere(tx, row.id, "closed")
        note(tx, row.id, "suspended")
    return tuple(row.login for row in found)


def find(tx: sa.Connection, login: str) -> int:
    """Return the id of the account. Raises ``AccountNotFound``."""
    number = tx.scalar(sa.select(account.c.id).where(account.c.login_key == login_key(login)))
    if number is None:
        raise AccountNotFound(login=login)
    return int(number)


def _change(tx: sa.Connection, number: int, **values: Any) -> None:
    tx.execute(account.update().where(account.c.id == number).values(values))


def _chosen(tx: sa.Connection, password: str | None, login: str, name: str) -> str:
    if password is None:
        return passwords.generate()
    passwords.check(password, login, name, unit_names(tx))
    return password
