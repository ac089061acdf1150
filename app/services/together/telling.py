"""Telling people: the one place from which this part of the platform sends notices."""

from __future__ import annotations

from collections.abc import Iterable

from app.services import notices
from app.services.work import Work

COMMENT, TASK = "comment", "task"


def tell(work: Work, accounts: Iterable[int], kind: str, title: str, link: str) -> tuple[int, ...]:
    """Tell people that something happened, and return who was told: each once, and not the one
    who did it. ``kind`` is ``comment`` or ``task``; ``link`` a path of this application.

    They find it where it is – in the inbox, on the record – and among their notices.
    """
    if kind not in (COMMENT, TASK):
        raise ValueError(kind)
    told = tuple(sorted(set(accounts) - {work.actor.id}))
    notices.notify(work, told, kind, title, "", link, slug=link.split("/")[2])
    return told


def link(slug: str, record: int) -> str:
    """Return the path of a record's page."""
    return f"/registers/{slug}/{record}"
