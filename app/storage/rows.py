"""Rows of a register: insert, update, read, page, stream. SQL only; no rule and no history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS

from app.storage import models
from app.storage.catalog import Published
from app.storage.points import among

#: Rows that are read or written at a time.
BATCH = 1000
#: Values in one ``IN (…)``.
CHUNK = 500

Row = dict[str, Any]
T = TypeVar("T")


def chunks(items: Iterable[T], size: int = CHUNK) -> list[list[T]]:
    """Return ``items`` in lists short enough for one statement."""
    every = list(items)
    return [every[start : start + size] for start in range(0, len(every), size)]


def next_ids(tx: sa.Connection, table: sa.Table, count: int) -> list[int]:
    """Give out ``count`` ids. Rows are never removed, so an id is never given twice."""
    [key] = table.primary_key
    if tx.dialect.name == "sqlite":
        last = tx.scalar(sa.select(sa.func.max(key))) or 0
        return list(range(last + 1, last + 1 + count))
    # found once, and not for each number
    named = sa.cast(sa.func.pg_get_serial_sequence(table.name, key.name), REGCLASS)
    numbers = sa.func.generate_series(1, count).table_valued("n")
    given = sa.func.nextval(sa.select(named).scalar_subquery())
    return list(tx.scalars(sa.select(given).select_from(numbers)))


def note_change(tx: sa.Connection, published: Published) -> None:
    """Let the register's number of changes grow, in the transaction that changes its rows."""
    table = models.register
    step = table.update().where(table.c.slug == published.slug)
    tx.execute(step.values(changes=table.c.changes + 1))


def insert_many(tx: sa.Connection, published: Published, rows: Sequence[Row]) -> None:
    """Insert records; each row holds every system column and value, child rows included."""
    if not rows:
        return
    tables = published.tables
    note_change(tx, published)
    write(tx, tables.main, rows)
    for name, child in tables.children.items():
        cells = [
            child_row(row["_id"], position, cell)
            for row in rows
            for position, cell in enumerate(row.get(name) or ())
        ]
        if cells:
            for cell, number in zip(cells, next_ids(tx, child, len(cells)), strict=True):
                cell["_id"] = number
            write(tx, child, cells)


def write(tx: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Write many rows of one table the fastest way the engine has."""
    if len(rows) < 20:
        names = table.c.keys()
        tx.execute(table.insert(), [{n: row.get(n) for n in names} for row in rows])
    elif tx.dialect.name == "sqlite":
        insert_plain(tx, table, rows)
    else:
        copy(tx, table, rows)


def insert_plain(tx: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Send rows to the driver as tuples: SQLAlchemy's own way takes as long as SQLite's work."""
    dialect = tx.dialect
    columns = [c for c in table.c if c.key in rows[0]]
    statement = table.insert().compile(dialect=dialect, column_keys=[c.key for c in columns])
    tx.exec_driver_sql(str(statement), list(map(tuple, cells_of(dialect, columns, rows))))


def cells_of(
    dialect: sa.Dialect, columns: Sequence[sa.Column[Any]], rows: Iterable[Row]
) -> Iterator[list[Any]]:
    """Give the cells of each row as the driver takes them."""
    keys = [c.key for c in columns]
    processors = [c.type.dialect_impl(dialect).bind_processor(dialect) for c in columns]
    busy = [(at, process) for at, process in enumerate(processors) if process is not None]
    for row in rows:
        cells = list(map(row.get, keys))
        for at, process in busy:
            if cells[at] is not None:
                cells[at] = process(cells[at])
        yield cells


def copy(tx: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Send rows to PostgreSQL with COPY."""
    dialect = tx.dialect
    columns = list(table.c)
    preparer = dialect.identifier_preparer
    names = ", ".join(preparer.quote(c.name) for c in columns)
    statement = f"COPY {preparer.format_table(table)} ({names}) FROM STDIN"
    cursor = tx.connection.cursor()
    with cursor.copy(statement) as sink:
        for cells in cells_of(dialect, columns, rows):
            sink.write_row(cells)
    cursor.close()


def child_row(parent: int, position: int, cell: Mapping[str, Any]) -> Row:
    return {**cell, "_parent": parent, "_position": position}


def update(
    tx: sa.Connection, published: Published, record: int, values: Row, *, version: int | None
) -> bool:
    """Change columns of one record, if it still has ``version``. Return whether it had."""
    main = published.tables.main
    columns = {k: v for k, v in values.items() if k in main.c}
    where = main.c["_id"] == record
    if version is not None:
        where &= main.c["_version"] == version
    done = tx.execute(main.update().where(where).values(columns)).rowcount
    if not done:
        return False
    note_change(tx, published)
    for name, child in published.tables.children.items():
        if name in values:
            replace_children(tx, child, record, values[name] or ())
    return True


def update_many(
    tx: sa.Connection, published: Published, rows: Sequence[Row], names: Sequence[str]
) -> None:
    """Set columns ``names`` of many records; each row holds ``_id`` and the names."""
    if not rows:
        return
    note_change(tx, published)
    main = published.tables.main
    parameters = [
        {"b_id": row["_id"], **{f"b_{i}": row[n] for i, n in enumerate(names)}} for row in rows
    ]
    statement = main.update().where(main.c["_id"] == sa.bindparam("b_id"))
    binds = {n: sa.bindparam(f"b_{i}", type_=main.c[n].type) for i, n in enumerate(names)}
    tx.execute(statement.values(binds), parameters)


def replace_children(
    tx: sa.Connection, child: sa.Table, parent: int, cells: Sequence[Mapping[str, Any]]
) -> None:
    """Make a child list what ``cells`` says, row by row in their order: a row keeps its place
    in the table, and with it the values of columns that are retired today."""
    query = sa.select(child.c["_id"]).where(child.c["_parent"] == parent)
    ids = list(tx.scalars(query.order_by(child.c["_position"])))
    for number, cell in zip(ids, cells, strict=False):
        tx.execute(child.update().where(child.c["_id"] == number).values(dict(cell)))
    surplus = ids[len(cells) :]
    if surplus:
        tx.execute(child.delete().where(child.c["_id"].in_(surplus)))
    rows = [child_row(parent, p, cell) for p, cell in enumerate(cells) if p >= len(ids)]
    if rows:
        for row, number in zip(rows, next_ids(tx, child, len(rows)), strict=True):
            row["_id"] = number
        write(tx, child, rows)


def get(tx: sa.Connection, published: Published, record: int) -> Row | None:
    """Return one record with its child rows, deleted or not; None when there is none, whatever
    number is asked for."""
    found = get_many(tx, published, [record]) if 0 < record < 2**63 else []
    return found[0] if found else None


def get_many(tx: sa.Connection, published: Published, ids: Sequence[int]) -> list[Row]:
    """Return records by id, in the order of ``ids``."""
    main = published.tables.main
    found: dict[int, Row] = {}
    for row in tx.execute(sa.select(main).where(among(tx, main.c["_id"], ids))):
        found[row[0]] = as_row(main, row)
    rows = [found[i] for i in ids if i in found]
    add_children(tx, published, rows)
    return rows


def as_row(table: sa.Table, row: sa.Row[Any]) -> Row:
    """Return a result row under the keys of its columns."""
    return dict(zip(table.c.keys(), row, strict=True))


def add_children(tx: sa.Connection, published: Published, rows: Sequence[Row]) -> None:
    """Read the child lists of ``rows`` into them: a tuple of rows, or None for an empty list."""
    for name, child in published.tables.children.items():
        by_id = {row["_id"]: row for row in rows}
        lists: dict[int, list[Row]] = {}
        query = sa.select(child).where(among(tx, child.c["_parent"], by_id))
        for found in tx.execute(query.order_by(child.c["_parent"], child.c["_position"])):
            cell = as_row(child, found)
            parent = cell.pop("_parent")
            del cell["_id"], cell["_position"]
            lists.setdefault(parent, []).append(cell)
        for number, row in by_id.items():
            row[name] = tuple(lists[number]) if number in lists else None


def stream(
    tx: sa.Connection,
    published: Published,
    where: sa.ColumnElement[bool] | None = None,
    *,
    children: bool = True,
    deleted: bool = False,
) -> Iterator[list[Row]]:
    """Give records in batches by ascending id, by key-set paging: constant memory, and the
    caller may write to the table between batches."""
    main = published.tables.main
    last = 0
    while True:
        query = sa.select(main).where(main.c["_id"] > last).order_by(main.c["_id"]).limit(BATCH)
        if not deleted:
            query = query.where(main.c["_deleted_at"].is_(None))
        if where is not None:
            query = query.where(where)
        rows = [as_row(main, row) for row in tx.execute(query)]
        if not rows:
            return
        if children:
            add_children(tx, published, rows)
        yield rows
        last = rows[-1]["_id"]


def labels(tx: sa.Connection, published: Published, ids: Iterable[int]) -> dict[int, str]:
    """Return the labels of records by id."""
    main = published.tables.main
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = sa.select(main.c["_id"], main.c["_label"]).where(among(tx, main.c["_id"], wanted))
    return {row[0]: row[1] for row in tx.execute(query)}


def count(
    tx: sa.Connection, published: Published, where: sa.ColumnElement[bool] | None = None
) -> int:
    """Return the exact number of records that are not deleted."""
    main = published.tables.main
    query = sa.select(sa.func.count()).select_from(main).where(main.c["_deleted_at"].is_(None))
    return tx.scalar(query if where is None else query.where(where)) or 0
