"""History: what happened to every record, append-only."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.errors import RecordNotFound
from app.kinds import dump_json, load_json
from app.services import access
from app.services.concealing import conceal_json
from app.services.together import watchers
from app.services.work import Work
from app.storage import models, rows
from app.storage.catalog import Published
from app.storage.rows import insert_plain, next_ids
from app.storage.rows import write as write_rows

CREATE, CHANGE, DELETE, UNDELETE, RESTORE, DERIVE = (
    "create", "change", "delete", "undelete", "restore", "derive",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``before`` and ``after`` are JSON of the fields that changed."""

    id: int
    record: int
    version: int
    revision: int
    at: datetime.datetime
    who: str
    face: str
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    note: Mapping[str, Any]

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """Return (field, JSON before, JSON after) of every field that changed."""
        names = dict.fromkeys((*self.before, *self.after))
        return [(n, self.before.get(n), self.after.get(n)) for n in names]


def entry(
    work: Work,
    slug: str,
    record: int,
    version: int,
    revision: int,
    action: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a row of history, to be written with ``append``."""
    return {
        "slug": slug,
        "record": record,
        "version": version,
        "revision": revision,
        "at": work.now,
        "who": work.actor.name,
        "face": work.actor.face,
        "action": action,
        "before": dump_json(before) if before else None,
        "after": dump_json(after) if after else None,
        "note": dump_json(note) if note else None,
    }


def append(work: Work, entries: list[dict[str, Any]]) -> None:
    """Write rows of history in the caller's transaction; who watches the records is told."""
    if not entries:
        return
    watchers.changed(work, entries)
    if len(entries) < 20:
        work.tx.execute(models.history.insert(), entries)
        return
    if work.tx.dialect.name == "sqlite":
        insert_plain(work.tx, models.history, entries)
        return
    ids = next_ids(work.tx, models.history, len(entries))
    for row, number in zip(entries, ids, strict=True):
        row["id"] = number
    write_rows(work.tx, models.history, entries)


def of_record(work: Work, slug: str, record: int) -> list[Entry]:
    """Return what happened to one record, newest first, without what is concealed.

    Raises ``RecordNotFound`` for a record that may not be seen.
    """
    published = work.published(slug)
    row = rows.get(work.tx, published, record)
    if row is None:
        raise RecordNotFound(id=record, register=published.register.title)
    access.require_row(work, published, "see", row)
    table = models.history
    query = sa.select(table).where(table.c.slug == slug, table.c.record == record)
    found = [as_entry(one) for one in work.tx.execute(query.order_by(table.c.id.desc()))]
    return concealed(work, published, found, {record: row})


def of_register(work: Work, slug: str, limit: int = 200) -> list[Entry]:
    """Return the newest ``limit`` things that happened in a register."""
    access.require(work, "see", slug)
    published = work.published(slug)
    table, main = models.history, published.tables.main
    query = sa.select(table).where(table.c.slug == slug).order_by(table.c.id.desc())
    if (seen := access.seen(work, published)) is not None:
        query = query.where(sa.exists().where(main.c["_id"] == table.c.record, seen))
    found = [as_entry(row) for row in work.tx.execute(query.limit(limit))]
    if access.of(work, slug).everything:
        return found
    ids = sorted({one.record for one in found})
    stored = {row["_id"]: row for row in rows.get_many(work.tx, published, ids)}
    return concealed(work, published, found, stored)


def concealed(
    work: Work,
    published: Published,
    found: list[Entry],
    stored: Mapping[int, Mapping[str, Any]],
) -> list[Entry]:
    """Return entries without the fields that are hidden in the record as it is now, under
    whatever name they had, and with private values masked."""
    asked = access.of(work, published.slug)
    if asked.everything:
        return found
    register, today = published.register, published.layout.name_today
    shown = []
    for one in found:
        row = stored[one.record]
        hidden, private = asked.hidden(row), asked.masked(row)
        parts = []
        for json in (one.before, one.after):
            # a field that is retired today has no right of its own: it goes with the hidden
            named = {n: today(n, register) for n in json}
            known = {named[n]: v for n, v in json.items() if named[n] in register}
            kept = json if not hidden and not private else known
            parts.append(conceal_json(register, kept, hidden, private))
        shown.append(replace(one, before=parts[0], after=parts[1]))
    return shown


def as_entry(row: sa.Row[Any]) -> Entry:
    def read(text: str | None) -> Mapping[str, Any]:
        return load_json(text) if text else {}

    return Entry(
        row.id, row.record, row.version, row.revision, row.at, row.who, row.face, row.action,
        read(row.before), read(row.after), read(row.note),
    )  # fmt: skip
