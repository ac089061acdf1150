"""Who is signed in.

A session is a row, not a signed cookie: the cookie holds a random token, the database only its
SHA-256, so a copied cookie is dead on every worker as soon as the row has ended.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa

from app.services import audit
from app.services.work import now
from app.storage.models_identity import account, login_session
from app.storage.session import PATIENCE, Database

#: a session ends so long after its last request, and at the latest so long after its first
IDLE = datetime.timedelta(minutes=30)
LONGEST = datetime.timedelta(hours=12)
#: how often a session in use is noted as such
REFRESH = datetime.timedelta(minutes=1)
#: how long the rows of ended sessions are kept
KEPT = datetime.timedelta(days=180)


#: asked with every request: put together once
WHO = (
    sa.select(
        account.c.id,
        account.c.login,
        account.c.name,
        login_session.c.id.label("session"),
        login_session.c.seen_at,
    )
    .join_from(login_session, account)
    .where(
        login_session.c.token_hash == sa.bindparam("digest"),
        login_session.c.ended_at.is_(None),
        login_session.c.seen_at > sa.bindparam("idle"),
        login_session.c.created_at > sa.bindparam("oldest"),
        account.c.disabled_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Account:
    """A person who is signed in, and the session that says so."""

    id: int
    login: str
    name: str
    session: int
    seen_at: datetime.datetime


def open_session(tx: sa.Connection, number: int, address: str, agent: str) -> str:
    """Begin a session of the account and return its token, which is kept nowhere else."""
    token = secrets.token_urlsafe(32)
    moment = now()
    tx.execute(login_session.delete().where(login_session.c.seen_at < moment - KEPT))
    session = tx.scalar(
        login_session.insert()
        .values(
            token_hash=_digest(token),
            account_id=number,
            created_at=moment,
            seen_at=moment,
            address=address[:45],
            agent=agent.encode("ascii", "replace").decode()[:200],
        )
        .returning(login_session.c.id)
    )
    audit.signed_in(tx, number, session, address)
    return token


def who(tx: sa.Connection, token: str) -> Account | None:
    """Return who is signed in with ``token``: one look-up by a unique key, nothing written."""
    moment = now()
    asked = {"digest": _digest(token), "idle": moment - IDLE, "oldest": moment - LONGEST}
    found = tx.execute(WHO, asked).one_or_none()
    return Account(*found) if found else None


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
    _end_sessions(tx, login_session.c.token_hash == _digest(token))


def sign_out_everywhere(tx: sa.Connection, number: int) -> None:
    """End every session of an account."""
    _end_sessions(tx, login_session.c.account_id == number)


def _end_sessions(tx: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    tx.execute(
        login_session.update()
        .where(which, login_session.c.ended_at.is_(None))
        .values(ended_at=now())
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
