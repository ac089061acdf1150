"""Narrowing: by which index the rows of a point are found, said to the engine that would guess.

Without statistics SQLite takes the index with the most matching columns, and PostgreSQL holds
every column for equally telling: "this year, up to this month" then reads a register's whole
year for each firm, where "this firm, up to this month" reads twelve rows. A register's own
definition knows better: a reference or a unique field narrows, a year or a choice does not.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import takewhile
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import UnaryExpression

from app.definitions.register import Register
from app.storage.tables import wanted_indexes

#: SQLite's way of saying that a column is compared without an index
PLUS: operators.custom_op[Any] = operators.custom_op("+")


def wide(
    register: Register, equal: Collection[str], ranged: Collection[str] = ()
) -> frozenset[str]:
    """Return which of the fields compared by ``==`` must not choose the index, because others
    choose a narrower one; none where nothing is known to narrow."""
    if "_id" in equal:
        return frozenset(equal) - {"_id"}
    best: tuple[int, int, tuple[str, ...]] = (0, 0, ())
    for spelled, unique in wanted_indexes(register):
        names = tuple(name.removeprefix("-") for name in spelled)
        path = tuple(takewhile(lambda name: name in equal, names))
        narrow = any(register[name].reference or register[name].unique for name in path)
        if path and (narrow or (unique and path == names)):
            follows = names[len(path) : len(path) + 1]
            best = max(best, (len(path), int(follows != () and follows[0] in ranged), path))
    return frozenset(equal) - set(best[2]) if best[2] else frozenset()


def same_unindexed(
    tx: sa.Connection, column: sa.ColumnElement[Any], value: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """Return that ``column`` equals ``value``, which is not NULL, in a form that no index of the
    engine answers."""
    if tx.dialect.name == "sqlite":
        return UnaryExpression(column, operator=PLUS, type_=column.type) == value
    return column.is_not_distinct_from(value)
