"""What a register holds agrees: derived fields with their sources, versions with the history.

``disagreements`` is empty for a sound database, whatever happened to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.services.labels import make_labels
from app.services.surroundings import gather
from app.services.work import Platform, Work
from app.storage import models, rows
from app.storage.catalog import Published
from tests.support.register import ME, platform_on
from tests.support.wholeness import assert_whole


def disagreements(platform: Platform) -> list[str]:
    """Return everything that does not agree with something else, as another process sees it."""
    fresh = platform_on(platform.database, platform.data_dir)
    assert_whole(fresh)
    with fresh.reading(ME) as work:
        found = []
        for slug in work.snapshot.entries:
            published = work.published(slug)
            found += [*of_records(work, published), *of_derived(work, published)]
    return found


def of_records(work: Work, published: Published) -> Iterator[str]:
    """Versions agree with the history, child rows have a parent, debts a record."""
    slug, main, table = published.slug, published.tables.main, models.history
    last = sa.select(table.c.record, sa.func.max(table.c.version)).where(table.c.slug == slug)
    versions = {row[0]: row[1] for row in work.tx.execute(last.group_by(table.c.record))}
    stored = {r[0]: r[1] for r in work.tx.execute(sa.select(main.c["_id"], main.c["_version"]))}
    if versions != stored:
        yield f"{slug}: versions {stored}, in the history {versions}"
    births = sa.select(table.c.record).where(table.c.slug == slug, table.c.action == "create")
    if sorted(work.tx.scalars(births)) != sorted(stored):
        yield f"{slug}: some record was not created once"
    for child in published.tables.children.values():
        if set(work.tx.scalars(sa.select(child.c["_parent"]))) - stored.keys():
            yield f"{child.name}: rows without a record"
    owed = set(work.tx.scalars(sa.select(models.debt.c.record).where(models.debt.c.slug == slug)))
    if owed - stored.keys():
        yield f"{slug}: debts of {sorted(owed - stored.keys())}, which are not there"


def of_derived(work: Work, published: Published) -> Iterator[str]:
    """Every derived field and label of a living record is what its sources say today."""
    names = [f.name for f in published.register.fields if f.derived]
    for batch in rows.stream(work.tx, published):
        gathered = gather(work, published, [(row["_id"], row) for row in batch])
        labels = make_labels(work, published, batch)
        for row, around, label in zip(batch, gathered, labels, strict=True):
            values: dict[str, Any] = {n: row[n] for n in published.register.names}
            fresh = published.gate.derive(values, around) | {"_label": label}
            for name in (*names, "_label"):
                if fresh[name] != row[name]:
                    yield f"{published.slug} #{row['_id']} {name}: {row[name]} is {fresh[name]}"
