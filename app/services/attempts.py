"""Attempts to prove who one is: counted before anything is compared, and written down."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import audit, passwords
from app.services.sessions import Device
from app.services.work import now
from app.storage.models_identity import account, account_event, sign_in_log

#: so many attempts may be made after the last success, then the account is locked
FAILURES = 5
LOCKED = datetime.timedelta(minutes=15)

#: what became of an attempt to sign in
SIGNED_IN, REFUSED, CODE_WANTED, CODE_REFUSED = (
    "signed in",
    "refused",
    "code wanted",
    "code refused",
)


def refused(error: type[AppError]) -> AppError:
    """Return the refusal with the numbers it names."""
    return error(failures=FAILURES, minutes=int(LOCKED.total_seconds() // 60))


def is_closed(found: sa.Row[Any], moment: datetime.datetime) -> bool:
    """Return whether nobody may use the account, whatever he knows."""
    ended = found.ends_at is not None and found.ends_at <= moment
    return ended or found.disabled_at is not None or found.suspended_at is not None


def count(tx: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[sa.Row[Any] | None, bool]:
    """Count an attempt; return the account, and whether anything may be compared at all."""
    found = tx.execute(sa.select(account).where(which).with_for_update()).one_or_none()
    moment = now()
    if found is None or is_closed(found, moment):
        return found, False
    if found.locked_until is not None and found.locked_until > moment:
        return found, False
    # a lock that has run out gives the whole number of attempts again
    failed = (0 if found.locked_until is not None else found.failed) + 1
    locked = moment + LOCKED if failed >= FAILURES else None
    tx.execute(
        account.update().where(account.c.id == found.id).values(failed=failed, locked_until=locked)
    )
    if locked:
        note(tx, found.id, "locked")
    return found, True


def forgive(tx: sa.Connection, found: sa.Row[Any], password: str, *, half: bool = False) -> bool:
    """Forget the failures; ``False`` when the account changed while the password was compared.

    ``half``: the second factor is still missing, so that only this attempt is taken back; its
    wrong codes add up however often the password is right.
    """
    values: dict[str, Any] = {"failed": account.c.failed - 1 if half else 0, "locked_until": None}
    if passwords.is_weak(found.password_hash):
        values["password_hash"] = passwords.hashed(password)
    changed = tx.execute(
        account.update()
        .where(
            account.c.id == found.id,
            account.c.password_hash == found.password_hash,
            account.c.disabled_at.is_(None),
            account.c.suspended_at.is_(None),
        )
        .values(values)
    )
    return changed.rowcount == 1


def write_down(
    tx: sa.Connection, number: int | None, device: Device, way: str, outcome: str = REFUSED
) -> int:
    """Add an attempt to the sign-in log and return its number there."""
    values = {"account_id": number, "at": now(), "outcome": outcome, "way": way}
    made = sign_in_log.insert().values(values | device.columns()).returning(sign_in_log.c.id)
    return int(tx.execute(made).scalar_one())


def correct(tx: sa.Connection, entry: int, outcome: str) -> None:
    """Say what became of an attempt that was written down before."""
    tx.execute(sign_in_log.update().where(sign_in_log.c.id == entry).values(outcome=outcome))


def note(tx: sa.Connection, number: int, action: str, by: str | None = None) -> None:
    """Write down what happened to an account, and who did it where it was not the person."""
    tx.execute(account_event.insert().values(account_id=number, at=now(), action=action, by=by))
    audit.account_event(tx, number, action)
