"""Origins: failed sign-ins counted by the address they come from, beside those of each account.

Whoever tries one password on many accounts never locks one of them. So an address from which too
many sign-ins failed is barred for a while – but not for those who work there: an office of
hundreds often has a single address to the outside, and nobody in it, nor anybody who shares it,
may keep the others out. Who signed in from the address before still does, with the right
password; an account that never did is not compared at all.
"""

from __future__ import annotations

import datetime

import sqlalchemy as sa

from app.services import audit
from app.services.work import now
from app.storage.models_audit import audit as entries
from app.storage.models_identity import account, sign_in_log

#: failures count for so long, and an address is known for an account for so long
SPAN = datetime.timedelta(minutes=15)
KNOWN = datetime.timedelta(days=90)
#: what is stored of an attempt that was barred; it does not count as a failure of the address
BARRED, SIGNED_IN = "barred", "signed in"
FAILED = ("refused", "code refused")
EVENT = "address.blocked"


def failures(tx: sa.Connection, address: str, most: int) -> int:
    """Return how many sign-ins from an address failed in the last minutes, counted up to
    ``most``. Attempts from one address count one after another."""
    if tx.dialect.name != "sqlite":
        lock = sa.text("SELECT pg_advisory_xact_lock(hashtext('origin'), hashtext(:address))")
        tx.execute(lock, {"address": address})
    log = sign_in_log
    found = (
        sa.select(log.c.id)
        .where(log.c.at > now() - SPAN, log.c.address == address, log.c.outcome.in_(FAILED))
        .limit(most)
    )
    return tx.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0


def is_barred(tx: sa.Connection, address: str, most: int) -> bool:
    """Return whether too many sign-ins from an address failed; ``most`` 0 is no limit."""
    return bool(most and address) and failures(tx, address, most) >= most


def is_known(tx: sa.Connection, address: str, key: str) -> bool:
    """Return whether the account with a login name signed in from an address before."""
    log = sign_in_log
    query = (
        sa.select(log.c.id)
        .join(account, account.c.id == log.c.account_id)
        .where(
            account.c.login_key == key, log.c.address == address, log.c.outcome == SIGNED_IN,
            log.c.at > now() - KNOWN,
        )
        .limit(1)
    )  # fmt: skip
    return tx.scalar(query) is not None


def note_barred(tx: sa.Connection, address: str, most: int) -> None:
    """Put into the audit log that an address is barred from now on, once in a while."""
    if failures(tx, address, most) < most:
        return
    told = sa.select(sa.func.max(entries.c.at)).where(
        entries.c.object_type == "address", entries.c.object_id == address
    )
    last = tx.scalar(told)
    if last is None or not datetime.timedelta() <= now() - last < SPAN:
        about = audit.About("address", "", address)
        detail = {"address": address, "count": most, "minutes": int(SPAN.total_seconds() // 60)}
        audit.note(tx, EVENT, about, detail, result=audit.REFUSED)
