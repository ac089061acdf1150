"""History: what happened to every record, append-only."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.kinds import dump_json, load_json
from app.services import access
from app.services.work import Work
from app.storage import models
from app.storage.rows import CHUNK, insert_plain
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
    """Write rows of history in the caller's transaction."""
    if not entries:
        return
    if len(entries) < 20:
        work.tx.execute(models.history.insert(), entries)
        return
    if work.tx.dialect.name == "sqlite":
        insert_plain(work.tx, models.history, entries)
        return
    sequence = sa.func.pg_get_serial_sequence(models.history.name, "id")
    numbers = sa.func.generate_series(1, len(entries)).table_valued("n")
    ids = work.tx.scalars(sa.select(sa.func.nextval(sequence)).select_from(numbers))
    for row, number in zip(entries, ids, strict=True):
        row["id"] = number
    write_rows(work.tx, models.history, entries)


def of_record(work: Work, slug: str, record: int) -> list[Entry]:
    """Return what happened to one record, newest first."""
    access.require(work, "see", slug)
    table = models.history
    query = sa.select(table).where(table.c.slug == slug, table.c.record == record)
    return [as_entry(row) for row in work.tx.execute(query.order_by(table.c.id.desc()))]


def of_register(work: Work, slug: str, limit: int = 200) -> list[Entry]:
    """Return the newest ``limit`` things that happened in a register."""
    access.require(work, "see", slug)
    table = models.history
    query = sa.select(table).where(table.c.slug == slug).order_by(table.c.id.desc())
    return [as_entry(row) for row in work.tx.execute(query.limit(limit))]


def as_entry(row: sa.Row[Any]) -> Entry:
    def read(text: str | None) -> Mapping[str, Any]:
        return load_json(text) if text else {}

    return Entry(
        row.id, row.record, row.version, row.revision, row.at, row.who, row.face, row.action,
        read(row.before), read(row.after), read(row.note),
    )  # fmt: skip


def chunks(ids: Iterable[int]) -> list[list[int]]:
    """Return ids in lists short enough for one ``IN (…)``."""
    every = list(ids)
    return [every[i : i + CHUNK] for i in range(0, len(every), CHUNK)]
