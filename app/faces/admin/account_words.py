"""What happened to an account, and where it is signed in, as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.faces.admin import desk, devices
from app.services.accounts import Line
from app.words import gettext as _

#: what is stored → what is said
WHAT: Mapping[str, str] = {
    "signed in": "signed in",
    "refused": "sign-in refused",
    "barred": "sign-in barred for the address",
    "code wanted": "password right, code asked for",
    "code refused": "code refused",
    "created": "account created",
    "locked": "locked after too many failures",
    "unlocked": "unlocked",
    "password changed": "password changed",
    "password set": "password reset",
    "disabled": "account closed",
    "enabled": "account opened",
    "suspended": "suspended: not used for long",
    "changed": "name or end date changed",
    "made administrator": "became an administrator",
    "no longer administrator": "no longer an administrator",
    "sessions ended": "all sessions ended",
    "second factor set up": "second factor set up",
    "second factor removed": "second factor removed",
    "recovery codes renewed": "recovery codes renewed",
    "recovery code used": "recovery code used",
    "linked": "linked with the identity provider",
    "unlinked": "link with the identity provider removed",
}
#: what deserves a second look
STRIKING = frozenset({"refused", "barred", "code refused", "locked", "recovery code used"})
STATES: Mapping[str, str] = {
    "open": "in use",
    "new password": "password must be changed",
    "locked": "locked",
    "suspended": "suspended",
    "ended": "past its end date",
    "disabled": "closed",
}
WAYS: Mapping[str, str] = {"password": "password", "provider": "identity provider"}


def lines(found: Iterable[Line]) -> list[dict[str, Any]]:
    """Return lines of a log for a page."""
    return [
        {
            "when": desk.moment(line.at),
            "what": _(WHAT.get(line.what, line.what)),
            "striking": line.what in STRIKING,
            "way": _(WAYS[line.way]) if line.way in WAYS else "",
            "address": line.address,
            "device": devices.told(line.agent) if line.way else "",
            "by": desk.person(line.by),
        }
        for line in found
    ]


def sessions_shown(found: Sequence[Any], here: int | None = None) -> list[dict[str, Any]]:
    """Return sessions for a page; ``here`` is the one that asks."""
    return [
        {
            "id": row.id,
            "device": devices.told(row.agent),
            "address": row.address,
            "way": _(WAYS.get(row.way, row.way)),
            "since": desk.moment(row.created_at),
            "seen": desk.moment(row.seen_at),
            "here": row.id == here,
        }
        for row in found
    ]
