"""The audit log: who did what to the platform, beside the history of the records.

``note`` belongs into the transaction of the act itself: where the entry cannot be written, the
act is not done. ``note_refusal`` tells of what was refused, in a transaction of its own. The
events are declared in ``events``; how entries are bound to each other stands in ``chain``.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services.audit.chain import append
from app.services.audit.events import EVENTS
from app.services.audit.flood import Flood
from app.services.work import Actor, Work
from app.storage.models_identity import account
from app.storage.session import Database, at_the_end

__all__ = [
    "About",
    "account_event",
    "asking",
    "note",
    "note_refusal",
    "sign_in_refused",
    "signed_in",
]

OK, REFUSED = "ok", "refused"
LONGEST_VALUE = 300
log = logging.getLogger(__name__)

#: names under which nothing may stand in a detail
_SECRET = re.compile(r"password|passwd|token|secret|cookie|totp|otp$", re.IGNORECASE)
#: a telephone or an identity number standing alone, wherever somebody wrote it
_PERSONAL = re.compile(r"(?<![0-9A-Za-z])[0-9]{11,18}[Xx]?(?![0-9A-Za-z])")
#: who acts where a service is given a transaction only; faces set it for each request
asking: ContextVar[Callable[[], Actor]] = ContextVar(
    "asking", default=lambda: Actor(None, "command line", "cli")
)
#: what happens to accounts, as ``identity`` calls it
_ACCOUNT = {
    "created": "account.created",
    "locked": "account.locked",
    "unlocked": "account.unlocked",
    "disabled": "account.disabled",
    "password changed": "password.changed",
    "password set": "password.set",
}
_flood = Flood()


@dataclass(frozen=True, slots=True)
class About:
    """What an entry is about: a register, a record, an account, the log itself."""

    kind: str
    slug: str = ""
    id: int | str = ""
    revision: int | None = None


def note(
    where: Work | sa.Connection,
    event: str,
    about: About | None = None,
    detail: Mapping[str, Any] | None = None,
    *,
    result: str = OK,
    actor: Actor | None = None,
) -> None:
    """Put an entry at the end of the log when this unit of work is committed.

    ``where`` comes from ``writing()``; of a ``Work`` the actor is known, else it is asked for.
    The entry is written last, so that the end of the log is held for a moment only. ``detail``
    fills the event's sentence; a value is cut to ``LONGEST_VALUE`` characters.
    """
    if isinstance(where, Work):
        tx, who = where.tx, actor or where.actor
        if who.unit is None:
            who = replace(who, unit=where.standing.home)
    else:
        tx, who = where, actor or asking.get()()
    at_the_end(tx, append, entry(who, event, about, detail, result))


def note_refusal(
    database: Database,
    event: str,
    about: About | None = None,
    detail: Mapping[str, Any] | None = None,
    *,
    actor: Actor | None = None,
) -> None:
    """Tell of what was refused or rolled back, in a transaction of its own.

    It was refused whether this can be written or not: what cannot is told to the server's log.
    Somebody who is not signed in may be refused without end; of very many such entries in a
    minute the surplus is counted only (``Flood``).
    """
    who = actor or asking.get()()
    omitted = _flood.pass_by(event) if who.id is None and who.face == "web" else 0
    if omitted is None:
        return
    told = {**(detail or {}), "omitted": omitted} if omitted else detail
    row = entry(who, event, about, told, REFUSED)
    try:
        with database.writing() as tx:
            at_the_end(tx, append, row)
    except AppError:
        log.exception("a refusal could not be noted: %s by %s", event, who.id)


def entry(
    actor: Actor,
    event: str,
    about: About | None,
    detail: Mapping[str, Any] | None,
    result: str,
) -> dict[str, Any]:
    """Return an entry but for its number, its time and its hashes."""
    if event not in EVENTS or result not in (OK, REFUSED):
        raise ValueError(event, result)
    thing = about or About("")
    return {
        "actor": actor.id,
        "actor_name": actor.name,
        "unit": actor.unit,
        "face": actor.face,
        "address": actor.address[:45],
        "session": actor.session,
        "request": actor.request[:36],
        "event": event,
        "result": result,
        "object_type": thing.kind,
        "slug": thing.slug,
        "object_id": str(thing.id)[:64],
        "revision": thing.revision,
        "detail": told(detail or {}),
    }


def told(detail: Mapping[str, Any]) -> str:
    """Return a detail as JSON. Raises ``ValueError`` for a name that speaks of a secret."""
    for name in detail:
        if _SECRET.search(name):
            raise ValueError(name)
    text = json.dumps(
        {name: _short(value) for name, value in detail.items()},
        ensure_ascii=False, sort_keys=True, default=str,
    )  # fmt: skip
    return text.encode("utf-8", "replace").decode()


def _short(value: Any) -> Any:
    """Return a value without what could be a document, a telephone or an identity number."""
    if isinstance(value, str):
        value = _PERSONAL.sub(lambda found: f"{found[0][:3]}****{found[0][-4:]}", value)
        return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
    if isinstance(value, Mapping):
        return {str(name): _short(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_short(one) for one in list(value)[:100]]
    return value


def account_event(tx: sa.Connection, number: int, action: str) -> None:
    """Note what happened to an account, in the transaction it happens in."""
    event = _ACCOUNT.get(action, "account.changed")
    login = tx.scalar(sa.select(account.c.login).where(account.c.id == number))
    note(tx, event, About("account", "", number), {"login": login, "action": action})


def signed_in(tx: sa.Connection, number: int, session: int, address: str) -> None:
    """Note that somebody signed in, with the session that begins."""
    name = tx.scalar(sa.select(account.c.name).where(account.c.id == number)) or ""
    request = asking.get()().request
    who = Actor(number, name, "web", address, request, session)
    note(tx, "sign_in.ok", About("account", "", number), {}, actor=who)


def sign_in_refused(database: Database, login: str) -> None:
    """Note a sign-in that was refused. What was typed as the login name is kept only where it
    is somebody's: it may have been the password."""
    key = unicodedata.normalize("NFKC", login[:128]).casefold().strip()
    with database.reading() as tx:
        query = sa.select(account.c.id, account.c.login).where(account.c.login_key == key[:128])
        found = tx.execute(query).one_or_none()
    about = About("account", "", found.id if found else "")
    detail = {"login": found.login} if found else {"login": "?"}
    note_refusal(database, "sign_in.refused", about, detail)
