"""Who is signed in. A session is a row, not a signed cookie: the cookie holds a random token,
the database only its SHA-256, so a copied cookie is dead on every worker once the row has ended.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import audit
from app.services.policy import DEFAULT, Policy
from app.services.work import now
from app.storage.models_identity import account, login_session, sign_in_log
from app.storage.session import PATIENCE, Database

#: how often a session in use is noted as such
REFRESH = datetime.timedelta(minutes=1)
#: how long the rows of ended sessions and of attempts to sign in are kept
KEPT = datetime.timedelta(days=180)
#: how long the second factor may be waited for, and how long the password asked counts as asked
PATIENT = datetime.timedelta(minutes=5)
FRESH = datetime.timedelta(minutes=10)

#: ways of signing in, the stage of a session whose second factor is still missing
PASSWORD, PROVIDER = "password", "provider"
CODE = "code"

_IDLE = sa.case(
    (account.c.administrator, sa.bindparam("idle_admin", type_=sa.DateTime)),
    else_=sa.bindparam("idle", type_=sa.DateTime),
)
#: asked with every request: put together once
WHO = (
    sa.select(
        account.c.id,
        account.c.login,
        account.c.name,
        account.c.administrator,
        account.c.one_time_until,
        account.c.password_changed_at,
        account.c.totp_since,
        login_session.c.id.label("session"),
        login_session.c.way,
        login_session.c.seen_at,
        login_session.c.confirmed_at,
    )
    .join_from(login_session, account)
    .where(
        login_session.c.token_hash == sa.bindparam("digest"),
        login_session.c.ended_at.is_(None),
        login_session.c.stage.is_(None),
        login_session.c.seen_at > _IDLE,
        login_session.c.created_at > sa.bindparam("oldest"),
        account.c.disabled_at.is_(None),
        account.c.suspended_at.is_(None),
        sa.or_(account.c.ends_at.is_(None), account.c.ends_at > sa.bindparam("moment")),
    )
)


class ConfirmationNeeded(AppError):
    code = "sign_in.confirm"
    status = 403
    text = "For this the password is asked again. Nothing was changed yet."


@dataclass(frozen=True, slots=True)
class Account:
    """A person who is signed in, and the session that says so.

    ``must`` names what has to be done before anything else: ``password`` or ``totp``.
    """

    id: int
    login: str
    name: str
    administrator: bool
    session: int
    way: str
    seen_at: datetime.datetime
    confirmed_at: datetime.datetime | None
    must: str = ""

    def require_fresh(self) -> None:
        """Raise ``ConfirmationNeeded`` when the password was asked too long ago."""
        if self.confirmed_at is None or now() - self.confirmed_at > FRESH:
            raise ConfirmationNeeded()


@dataclass(frozen=True, slots=True)
class Device:
    """From where somebody signs in: the address, and what the browser calls itself."""

    address: str = ""
    agent: str = ""

    def columns(self) -> dict[str, str]:
        agent = self.agent.encode("ascii", "replace").decode()[:200]
        return {"address": self.address[:45], "agent": agent}


def open_session(
    tx: sa.Connection,
    number: int,
    device: Device,
    *,
    way: str = PASSWORD,
    stage: str | None = None,
    policy: Policy = DEFAULT,
) -> str:
    """Begin a session of the account and return its token, which is kept nowhere else.

    Where only so many sessions are allowed, the ones that were used longest ago end.
    """
    token = secrets.token_urlsafe(32)
    moment = now()
    tx.execute(login_session.delete().where(login_session.c.seen_at < moment - KEPT))
    tx.execute(sign_in_log.delete().where(sign_in_log.c.at < moment - KEPT))
    if stage is None and policy.sessions:
        _make_room(tx, number, policy.sessions - 1)
    session = tx.scalar(
        login_session.insert()
        .values(
            token_hash=_digest(token),
            account_id=number,
            created_at=moment,
            seen_at=moment,
            confirmed_at=moment,
            way=way,
            stage=stage,
            **device.columns(),
        )
        .returning(login_session.c.id)
    )
    if stage is None:
        audit.signed_in(tx, number, int(session or 0), device.address)
    return token


def _make_room(tx: sa.Connection, number: int, kept: int) -> None:
    newest = (
        sa.select(login_session.c.id)
        .where(
            login_session.c.account_id == number,
            login_session.c.ended_at.is_(None),
            login_session.c.stage.is_(None),
        )
        .order_by(login_session.c.seen_at.desc(), login_session.c.id.desc())
    )
    surplus = list(tx.scalars(newest))[kept:]
    if surplus:
        end_sessions(tx, login_session.c.id.in_(surplus), "elsewhere")


def who(tx: sa.Connection, token: str, policy: Policy = DEFAULT) -> Account | None:
    """Return who is signed in with ``token``: one look-up by a unique key, nothing written."""
    moment = now()
    asked = {"digest": _digest(token), "moment": moment}
    found = tx.execute(WHO, asked | _limits(policy)).one_or_none()
    if found is None:
        return None
    return Account(
        found.id, found.login, found.name, found.administrator, found.session, found.way,
        found.seen_at, found.confirmed_at, _must(found, policy, moment),
    )  # fmt: skip


def _limits(policy: Policy) -> dict[str, datetime.datetime]:
    moment = now()
    return {
        "idle": moment - policy.idle,
        "idle_admin": moment - policy.idle_administrators,
        "oldest": moment - policy.longest,
    }


def _must(found: Any, policy: Policy, moment: datetime.datetime) -> str:
    """Return what has to be done first. Who came through a provider needs no password here."""
    if found.way == PASSWORD and (
        found.one_time_until is not None or policy.is_outdated(found.password_changed_at, moment)
    ):
        return "password"
    if found.totp_since is None and policy.needs_totp(found.administrator):
        return "totp"
    return ""


def waiting(tx: sa.Connection, token: str) -> sa.Row[Any] | None:
    """Return the session whose second factor is still missing, with its account's columns."""
    query = (
        sa.select(login_session.c.id.label("session"), login_session.c.way, account)
        .join_from(login_session, account)
        .where(
            login_session.c.token_hash == _digest(token),
            login_session.c.stage == CODE,
            login_session.c.ended_at.is_(None),
            login_session.c.created_at > now() - PATIENT,
        )
    )
    return tx.execute(query).one_or_none()


def why_ended(tx: sa.Connection, token: str) -> str:
    """Return why a session is no more: ``elsewhere``, ``closed``, … or nothing."""
    query = sa.select(login_session.c.ended_why).where(login_session.c.token_hash == _digest(token))
    return tx.scalar(query) or ""


def touch(database: Database, seen: Account) -> None:
    """Note that a session is in use, at most once a minute and without waiting for anybody.

    While another writes for long (an import on SQLite) nothing is noted; a later request does.
    """
    if now() - seen.seen_at < REFRESH:
        return
    noted = (
        login_session.update()
        .where(login_session.c.id == seen.session, login_session.c.ended_at.is_(None))
        .values(seen_at=now())
    )
    with suppress(sa.exc.OperationalError), _impatient(database) as tx:
        tx.execute(noted)


@contextmanager
def _impatient(database: Database) -> Iterator[sa.Connection]:
    """Give a unit of work that fails at once where it would have to wait for another."""
    with database.engine.connect() as raw:
        driver = raw.connection.dbapi_connection
        assert driver is not None
        if database.sqlite:
            driver.execute("PRAGMA busy_timeout = 0")
        try:
            tx = raw.execution_options(taizhang_write=True)
            with tx.begin():
                if not database.sqlite:
                    tx.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
                yield tx
        finally:
            if database.sqlite:
                driver.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")


def sign_out(tx: sa.Connection, token: str) -> None:
    """End one session. A token nobody knows ends nothing."""
    end_sessions(tx, login_session.c.token_hash == _digest(token), "signed out")


def sign_out_everywhere(tx: sa.Connection, number: int, why: str = "everywhere") -> None:
    """End every session of an account."""
    end_sessions(tx, login_session.c.account_id == number, why)


def sign_out_others(tx: sa.Connection, number: int, kept: int) -> None:
    """End every session of an account but one."""
    table = login_session.c
    end_sessions(tx, sa.and_(table.account_id == number, table.id != kept), "everywhere")


def end_one(tx: sa.Connection, number: int, session: int) -> bool:
    """End one session of an account; ``False`` when it has no such session in use."""
    table = login_session.c
    return end_sessions(tx, sa.and_(table.account_id == number, table.id == session), "ended") == 1


def end_sessions(tx: sa.Connection, which: sa.ColumnElement[bool], why: str) -> int:
    """End the sessions that are still in use; return how many those were."""
    ended = tx.execute(
        login_session.update()
        .where(which, login_session.c.ended_at.is_(None))
        .values(ended_at=now(), ended_why=why)
    )
    return ended.rowcount


def open_sessions(
    tx: sa.Connection, number: int, policy: Policy = DEFAULT
) -> Sequence[sa.Row[Any]]:
    """Return the sessions of an account that are in use, the last used first."""
    query = (
        sa.select(login_session)
        .join_from(login_session, account)
        .where(
            login_session.c.account_id == number,
            login_session.c.ended_at.is_(None),
            login_session.c.stage.is_(None),
            login_session.c.seen_at > _IDLE,
            login_session.c.created_at > sa.bindparam("oldest"),
        )
        .order_by(login_session.c.seen_at.desc(), login_session.c.id.desc())
    )
    return tx.execute(query, _limits(policy)).all()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
