"""Before or after, never between: what a database holds, and whether its parts agree."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from app.kinds import dump_json
from app.services.backup import every_layout, every_table
from app.services.work import Platform
from app.storage import models
from tests.support.register import ME


def digest(platform: Platform) -> dict[str, str]:
    """Return a digest of every table's rows, system columns and retired columns included."""
    with platform.reading(ME) as work:
        found = {}
        for table in every_table(work):
            if table.name == "audit":  # tells of what was tried, too
                continue
            query = sa.select(table).order_by(*table.primary_key.columns)
            rows = [[str(value) for value in row] for row in work.tx.execute(query)]
            found[table.name] = hashlib.sha256(dump_json(rows).encode()).hexdigest()[:16]
        return found


def assert_whole(platform: Platform) -> int:
    """Assert that stamp, registers, revisions, tables, columns and indexes agree; return the
    stamp. On SQLite the file's own check passes too."""
    with platform.reading(ME) as work:
        tx = work.tx
        registers = {r.slug: r for r in tx.execute(sa.select(models.register))}
        for slug, row in registers.items():
            newest = tx.scalar(
                sa.select(sa.func.max(models.revision.c.revision)).where(
                    models.revision.c.slug == slug
                )
            )
            assert newest == row.revision
        orphans = set(tx.scalars(sa.select(models.revision.c.slug))) - set(registers)
        assert orphans == set()
        inspector = sa.inspect(tx)
        physical = {t for t in inspector.get_table_names() if t.startswith("r_")}
        known: set[str] = set()
        for layout in every_layout(tx):
            known |= tables_of(inspector, layout)
        assert physical == known
        for slug in registers:
            work.published(slug)
        if tx.dialect.name == "sqlite":
            assert tx.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        return (
            tx.scalar(sa.select(models.catalog_stamp.c.value).where(models.catalog_stamp.c.id == 1))
            or 0
        )


def tables_of(inspector: Any, layout: Any) -> set[str]:
    """Assert that a layout's tables have its columns and indexes; return their names."""
    columns = {c["name"] for c in inspector.get_columns(layout.table)}
    wanted = {
        column
        for place in layout.places.values()
        for column in (place.column, *(past[0] for past in place.past))
        if column
    }
    assert {c for c in columns if not c.startswith("_")} == wanted
    indexes = {i["name"] for i in inspector.get_indexes(layout.table)}
    assert set(layout.indexes) <= indexes
    names = {layout.table}
    for place in layout.places.values():
        if place.rows is not None:
            names |= tables_of(inspector, place.rows)
    return names


def dumped(document: Any) -> str:
    """Return a definition as the text a child process reads."""
    return json.dumps(document, ensure_ascii=False)
