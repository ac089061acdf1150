"""The administrators' side of accounts: the list, one account, and what is done to it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import access, attempts, handing, identity, linking, second_factor, sessions
from app.services.work import Work
from app.storage.models_identity import account, account_event, sign_in_log

PAGE = 50
#: entries of a log that a page shows
MOST = 100

OPEN, LOCKED, DISABLED, SUSPENDED, ENDED, ONE_TIME = (
    "open", "locked", "disabled", "suspended", "ended", "new password",
)  # fmt: skip
STATES = (OPEN, ONE_TIME, LOCKED, SUSPENDED, ENDED, DISABLED)


class NotYourOwn(AppError):
    code = "account.own"
    status = 409
    text = "This cannot be done to your own account. Ask another administrator."


class NoSuchAccount(AppError):
    code = "account.no_such"
    status = 404
    text = "There is no account with the number {id}."


class NameMissing(AppError):
    code = "account.name_missing"
    text = "The name of the person is missing."


@dataclass(frozen=True, slots=True)
class Person:
    """An account as administrators see it; ``state`` is one of ``STATES``."""

    id: int
    login: str
    name: str
    state: str
    administrator: bool
    created_at: datetime.datetime
    password_changed_at: datetime.datetime
    ends_at: datetime.datetime | None
    last_sign_in_at: datetime.datetime | None
    locked_until: datetime.datetime | None
    totp_since: datetime.datetime | None


def _state(moment: datetime.datetime) -> sa.ColumnElement[str]:
    return sa.case(
        (account.c.disabled_at.is_not(None), DISABLED),
        (account.c.ends_at <= moment, ENDED),
        (account.c.suspended_at.is_not(None), SUSPENDED),
        (account.c.locked_until > moment, LOCKED),
        (account.c.one_time_until.is_not(None), ONE_TIME),
        else_=OPEN,
    )


def _columns(moment: datetime.datetime) -> list[sa.ColumnElement[Any]]:
    c = account.c
    return [
        c.id, c.login, c.name, _state(moment).label("state"), c.administrator, c.created_at,
        c.password_changed_at, c.ends_at, c.last_sign_in_at, c.locked_until, c.totp_since,
    ]  # fmt: skip


def require(work: Work) -> None:
    """Raise ``NotAllowed`` unless the actor administers accounts."""
    access.require(work, "administer")


def listed(
    work: Work, search: str = "", state: str = "", page: int = 1
) -> tuple[list[Person], int]:
    """Return a page of ``PAGE`` accounts by login name, and how many match."""
    require(work)
    query = sa.select(*_columns(work.now))
    if search:
        found = [
            column.icontains(search, autoescape=True)
            for column in (account.c.login, account.c.name)
        ]
        query = query.where(sa.or_(*found))
    if state:
        query = query.where(_state(work.now) == state)
    total = work.tx.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    shown = query.order_by(account.c.login_key).limit(PAGE).offset((page - 1) * PAGE)
    return [Person(*row) for row in work.tx.execute(shown)], total


def one(work: Work, number: int) -> Person:
    """Return an account. Raises ``NoSuchAccount``."""
    require(work)
    return own(work.tx, number, work.now)


def own(tx: sa.Connection, number: int, moment: datetime.datetime) -> Person:
    """Return an account for the person whose it is."""
    query = sa.select(*_columns(moment)).where(account.c.id == number)
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NoSuchAccount(id=number)
    return Person(*row)


def create(
    work: Work, login: str, name: str, administrator: bool, ends_at: datetime.datetime | None
) -> tuple[int, str]:
    """Create an account; return its id and its one-time password, which nobody tells again."""
    require(work)
    if not name.strip():
        raise NameMissing()
    return identity.create_account(
        work.tx, login, name, administrator=administrator, ends_at=ends_at, by=work.actor.name
    )


def change(
    work: Work, number: int, name: str, administrator: bool, ends_at: datetime.datetime | None
) -> None:
    """Change the name, the powers and the end date. Nobody changes the own powers or end."""
    person = one(work, number)
    if not name.strip():
        raise NameMissing()
    if (person.administrator, person.ends_at) != (administrator, ends_at):
        _not_own(work, number)
    identity.set_administrator(work.tx, number, administrator, work.actor.name)
    values = {"name": name.strip(), "ends_at": ends_at}
    work.tx.execute(account.update().where(account.c.id == number).values(values))
    if (person.name, person.ends_at) != (name.strip(), ends_at):
        attempts.note(work.tx, number, "changed", work.actor.name)
    handing.release(work, [number])


def reset_password(work: Work, number: int) -> str:
    """Return a new one-time password of an account; its sessions end."""
    _not_own(work, number)
    return identity.set_password(work.tx, one(work, number).login, by=work.actor.name)


def act(work: Work, number: int, action: str) -> None:
    """Do one of ``ACTIONS`` to an account. Raises ``NotYourOwn``, ``NoSuchAccount``."""
    if action != "end_sessions":
        _not_own(work, number)
    ACTIONS[action](work, one(work, number))


def _reset_factor(work: Work, person: Person) -> None:
    second_factor.remove(work.tx, person.id, work.actor.name)


def _unlock(work: Work, person: Person) -> None:
    identity.unlock(work.tx, person.login, work.actor.name)


def _disable(work: Work, person: Person) -> None:
    identity.disable(work.tx, person.login, work.actor.name)
    handing.release(work, [person.id])


def _enable(work: Work, person: Person) -> None:
    identity.enable(work.tx, person.login, work.actor.name)


def _end_sessions(work: Work, person: Person) -> None:
    sessions.sign_out_everywhere(work.tx, person.id, "ended")
    attempts.note(work.tx, person.id, "sessions ended", work.actor.name)


ACTIONS: Mapping[str, Any] = {
    "reset_factor": _reset_factor,
    "unlock": _unlock,
    "disable": _disable,
    "enable": _enable,
    "end_sessions": _end_sessions,
}


def _not_own(work: Work, number: int) -> None:
    if work.actor.id == number:
        raise NotYourOwn()


def link(work: Work, number: int, issuer: str, subject: str) -> None:
    """Link an account with a person of an identity provider."""
    linking.link(work.tx, one(work, number).id, issuer, subject.strip(), work.actor.name)


def unlink(work: Work, number: int, which: int) -> None:
    linking.unlink(work.tx, one(work, number).id, which, work.actor.name)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what happened to an account: a sign-in (with from where), or an event."""

    at: datetime.datetime
    what: str
    way: str = ""
    address: str = ""
    agent: str = ""
    by: str = ""


def own_log(tx: sa.Connection, number: int) -> list[Line]:
    """Return what happened to an account, the newest first."""
    attempts_made = (
        sa.select(sign_in_log)
        .where(sign_in_log.c.account_id == number)
        .order_by(sign_in_log.c.id.desc())
        .limit(MOST)
    )
    events = (
        sa.select(account_event)
        .where(account_event.c.account_id == number)
        .order_by(account_event.c.id.desc())
        .limit(MOST)
    )
    lines = [
        Line(row.at, row.outcome, row.way, row.address, row.agent)
        for row in tx.execute(attempts_made)
    ]
    lines += [Line(row.at, row.action, by=row.by or "") for row in tx.execute(events)]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:MOST]
