"""Purging: taking out what is older than it must be kept, and leaving proof behind."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import sqlalchemy as sa

from app.errors import AppError
from app.services import access, audit
from app.services.audit import chain
from app.services.audit.chain import Head
from app.services.audit.checking import verify
from app.services.work import Actor, Platform
from app.storage import audit_guard
from app.storage.models_audit import audit as entries
from app.storage.session import told


class AuditTooYoung(AppError):
    code = "audit.too_young"
    text = (
        "Entries of the audit log are kept for at least {least} days; {days} days are too few. "
        "Nothing was taken out."
    )


class AuditBroken(AppError):
    code = "audit.broken"
    status = 409
    text = "The audit log is not whole: {reason} Nothing was taken out."


@dataclass(frozen=True, slots=True)
class Purged:
    """How many entries were taken out, and the last of them."""

    rows: int = 0
    last: int = 0


def purge(platform: Platform, actor: Actor, days: int) -> Purged:
    """Take out what is older than ``days``, and record it with the number and the hash of the
    last entry taken out, so that the rest can be proved to follow it.

    Raises:
        AuditTooYoung: fewer days than the law asks for, by our clock or the database's.
        AuditBroken: the log is not whole; a trace of that must not be taken out.
    """
    if days < audit_guard.FLOOR:
        raise AuditTooYoung(least=audit_guard.FLOOR, days=days)
    verdict = verify(platform)
    if not verdict.whole:
        raise AuditBroken(reason=verdict.breaks[0])
    with platform.writing(actor) as work:
        access.require(work, "audit")
        oldest = work.now - datetime.timedelta(days=days)
        last = _last_before(work.tx, oldest)
        if last is None:
            return Purged()
        rows = last.number - verdict.first + 1
        told_ = {"rows": rows, "last": last.number, "hash": last.hash, "until": f"{last.at}Z"}
        about = audit.About("audit", "", last.number)
        chain.append(work.tx, [audit.entry(actor, "purge.done", about, told_, audit.OK)])
        _delete(work.tx, last.number, days)
    return Purged(rows, last.number)


def _last_before(tx: sa.Connection, oldest: datetime.datetime) -> Head | None:
    """Return the last entry before the first that must stay."""
    numbers = entries.c.number
    stays = tx.scalar(sa.select(numbers).where(entries.c.at > oldest).order_by(numbers).limit(1))
    query = sa.select(numbers, entries.c.hash, entries.c.at).order_by(numbers.desc()).limit(1)
    if stays is not None:
        query = query.where(numbers < stays)
    found = tx.execute(query).one_or_none()
    return Head(*found) if found else None


def _delete(tx: sa.Connection, last: int, days: int) -> None:
    try:
        tx.execute(entries.delete().where(entries.c.number <= last))
    except sa.exc.DBAPIError as error:
        if not isinstance(error, sa.exc.IntegrityError) and told(error) is not None:
            raise
        # the trigger goes by the database's clock
        raise AuditTooYoung(least=audit_guard.FLOOR, days=days) from error


def make_room(tx: sa.Connection) -> Head:
    """Empty the log for one that is being restored; return the head of what goes.

    The only other way past the triggers: a restored log must begin with its own first entry. It
    is called for a database without registers, and ``restore.done`` tells of it.
    """
    gone = chain.head(tx)
    if gone.number:
        audit_guard.remove(tx)
        tx.execute(entries.delete())
        audit_guard.install(tx)
    return gone
