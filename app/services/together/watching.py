"""Watching: who wants to hear of what happens to a record."""

from __future__ import annotations

import sqlalchemy as sa

from app.errors import AppError
from app.services.reading import visible_row
from app.services.work import Work
from app.storage.models_together import watch as table


class NobodyWatches(AppError):
    code = "watch.nobody"
    text = "Only somebody with an account can watch a record."


def watch(work: Work, slug: str, record: int, *, on: bool) -> None:
    """Begin or end watching a record. Raises ``RecordNotFound`` for one that is not seen."""
    published = work.published(slug)
    visible_row(work, published, record)
    account = work.actor.id
    if account is None:
        raise NobodyWatches
    mine = {"account_id": account, "slug": slug, "record": record}
    work.tx.execute(table.delete().where(*[table.c[k] == v for k, v in mine.items()]))
    if on:
        work.tx.execute(table.insert(), {**mine, "since": work.now})


def is_watching(work: Work, slug: str, record: int) -> bool:
    query = sa.select(table.c.since).where(
        table.c.account_id == work.actor.id, table.c.slug == slug, table.c.record == record
    )
    return work.tx.scalar(query) is not None
