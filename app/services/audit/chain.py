"""The chain: numbers without gaps, each entry bound to the one before by SHA-256.

The hash is taken over a canonical JSON of the whole entry (RFC 8785: keys sorted, no blanks,
UTF-8), so that an exported log can be checked without the database.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import work
from app.storage.models_audit import audit
from app.storage.session import told

#: PostgreSQL's advisory lock on the end of the log, the last that a unit of work takes
CHAIN_LOCK = 0x7A1C
#: what the very first entry names as the hash before it
GENESIS = "0" * 64
#: a clock that stands further back than this is told in the log itself
SKEW = datetime.timedelta(seconds=60)


class AuditFailed(AppError):
    """The entry could not be written, so the act it tells of is not done either."""

    code = "audit.failed"
    status = 503
    text = "The audit log could not be written, so nothing was done. Please tell the administrator."


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of the log, or the place before the first."""

    number: int = 0
    hash: str = GENESIS
    at: datetime.datetime | None = None


def canonical(entry: Mapping[str, Any]) -> bytes:
    """Return an entry without its own hash as the bytes the hash is taken over."""
    said = {name: value for name, value in entry.items() if name != "hash"}
    said["at"] = said["at"].isoformat(timespec="seconds") + "Z"
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def hash_of(entry: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry, in hexadecimal."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def head(tx: sa.Connection) -> Head:
    """Return the newest entry's number, hash and time."""
    query = sa.select(audit.c.number, audit.c.hash, audit.c.at)
    found = tx.execute(query.order_by(audit.c.number.desc()).limit(1)).one_or_none()
    return Head(*found) if found else Head()


def append(tx: sa.Connection, waiting: list[dict[str, Any]]) -> None:
    """Write entries at the end of the log.

    One transaction at a time stands at the end: on PostgreSQL a lock is held from here to the
    commit, so what is committed later has the higher number. (SQLite has one writer anyway.)
    Raises ``AuditFailed``, and what ``Database.writing`` raises.
    """
    try:
        if tx.dialect.name != "sqlite":
            tx.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})
        last = head(tx)
        moment = work.now()
        if last.at is not None and last.at - moment > SKEW:
            seconds = int((last.at - moment).total_seconds())
            waiting = [skewed(waiting[0], seconds), *waiting]
        rows = []
        for row in waiting:
            made = {**row, "number": last.number + 1, "at": moment, "before": last.hash}
            made["hash"] = hash_of(made)
            last = Head(made["number"], made["hash"], moment)
            rows.append(made)
        tx.execute(audit.insert(), rows)
    except sa.exc.DBAPIError as error:
        if not isinstance(error, sa.exc.IntegrityError) and told(error) is not None:
            raise
        raise AuditFailed from error


def skewed(row: Mapping[str, Any], seconds: int) -> dict[str, Any]:
    """Return the entry that says how far the clock moved back."""
    blank = {"object_type": "", "slug": "", "object_id": "", "revision": None}
    detail = json.dumps({"seconds": seconds})
    return {**row, **blank, "event": "clock.skew", "result": "refused", "detail": detail}
