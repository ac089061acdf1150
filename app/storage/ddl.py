"""DDL for registers' tables, in the dialect of the connection, inside its transaction."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

HARMLESS = re.compile(r"[\w .:/-]{0,200}")


def create_table(tx: sa.Connection, table: sa.Table) -> None:
    """Create a table. It must not exist: a name is given out once."""
    tx.execute(CreateTable(table))


def add_column(tx: sa.Connection, table: str, column: sa.Column[Any], fill: Any = None) -> None:
    """Add a column; rows that are already there get ``fill``. Takes no longer for many rows,
    unless ``fill`` is a text that does not stand in a statement: then every row is written."""
    dialect = tx.dialect
    quote = dialect.identifier_preparer.quote
    spelled = column.type.compile(dialect=dialect)
    statement = f"ALTER TABLE {quote(table)} ADD COLUMN {quote(column.name)} {spelled}"
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    stored = fill if process is None or fill is None else process(fill)
    if stored is None or not harmless(stored):
        tx.exec_driver_sql(escaped(tx, statement))
        if stored is not None:
            filled = sa.table(table, sa.column(column.name, column.type))
            tx.execute(filled.update().values({column.name: fill}))
        return
    tx.exec_driver_sql(escaped(tx, f"{statement} DEFAULT {literal(stored, dialect.name)}"))
    if dialect.name != "sqlite":
        # The rows have it now; a later insert that forgets the column must not get it.
        statement = f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column.name)} DROP DEFAULT"
        tx.exec_driver_sql(escaped(tx, statement))


def harmless(value: Any) -> bool:
    """Return whether a stored value may stand in a statement: a number, a moment, or letters,
    digits and what cannot end a quotation."""
    return not isinstance(value, str) or HARMLESS.fullmatch(value) is not None


def create_index(
    tx: sa.Connection, name: str, table: str, columns: Sequence[str], *, unique: bool
) -> None:
    """Create an index over the rows that are not deleted; ``-column`` descends. On PostgreSQL
    empty values count as smallest, as they do on SQLite and in every list."""
    quote = tx.dialect.identifier_preparer.quote
    up, down = (
        ("", " DESC") if tx.dialect.name == "sqlite" else (" NULLS FIRST", " DESC NULLS LAST")
    )
    spelled = ", ".join(
        quote(c[1:]) + down if c.startswith("-") else quote(c) + up for c in columns
    )
    kind = "UNIQUE INDEX" if unique else "INDEX"
    tx.exec_driver_sql(
        escaped(
            tx,
            f"CREATE {kind} {quote(name)} ON {quote(table)} ({spelled}) WHERE _deleted_at IS NULL",
        )
    )


def create_plain_index(tx: sa.Connection, name: str, table: str, columns: Sequence[str]) -> None:
    """Create an index over all rows."""
    quote = tx.dialect.identifier_preparer.quote
    spelled = ", ".join(quote(c) for c in columns)
    tx.exec_driver_sql(escaped(tx, f"CREATE INDEX {quote(name)} ON {quote(table)} ({spelled})"))


def drop_index(tx: sa.Connection, name: str) -> None:
    """Drop an index; no value is lost with it."""
    tx.exec_driver_sql(f"DROP INDEX {tx.dialect.identifier_preparer.quote(name)}")


def literal(value: Any, dialect: str) -> str:
    """Return a ``harmless`` stored value as SQL text."""
    if isinstance(value, bool):
        return ("1" if value else "0") if dialect == "sqlite" else str(value).upper()
    if isinstance(value, (int, Decimal)):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return f"'{value.isoformat(sep=' ') if isinstance(value, datetime.datetime) else value}'"
    return f"'{value}'"


def escaped(tx: sa.Connection, statement: str) -> str:
    """Return a statement for a driver that reads ``%`` as a place for a value."""
    return (
        statement.replace("%", "%%")
        if tx.dialect.paramstyle in ("pyformat", "format")
        else statement
    )
