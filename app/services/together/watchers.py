"""Telling watchers: whoever watches a record hears of what happens to it.

Apart from ``watching``, which reads records: the history calls this, and reading calls the history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.errors import because
from app.services import audience
from app.services.together.telling import COMMENT, link, tell
from app.services.work import Work
from app.storage import rows
from app.storage.models_together import watch as table

#: what happens of itself is not told
SILENT = frozenset({"create", "derive"})
CHANGED = "A record you watch was changed: {label}"


def of_record(work: Work, slug: str, record: int) -> list[int]:
    """Return who watches a record and may still see it."""
    found = work.tx.scalars(
        sa.select(table.c.account_id).where(table.c.slug == slug, table.c.record == record)
    ).all()
    published = work.published(slug)
    row = rows.get(work.tx, published, record) if found else None
    return audience.seeing(work, published, row, found) if row is not None else []


def changed(work: Work, entries: Sequence[Mapping[str, Any]]) -> None:
    """Tell the watchers of what was just written to the history, each record once."""
    happened: dict[str, set[int]] = {}
    for one in entries:
        if one["action"] not in SILENT:
            happened.setdefault(one["slug"], set()).add(one["record"])
    for slug, records in happened.items():
        watched = set(
            work.tx.scalars(sa.select(table.c.record).where(table.c.slug == slug).distinct())
        )
        for record in sorted(records & watched):
            label = rows.labels(work.tx, work.published(slug), [record]).get(record) or f"#{record}"
            title = work.office.say(because(CHANGED, label=label))
            tell(work, of_record(work, slug, record), COMMENT, title, link(slug, record))
