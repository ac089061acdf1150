"""The metadata all of the platform's own tables belong to, with one naming convention."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: identity keys: 64 bit everywhere, SQLite's own rowid where it is the engine
BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def insert_or_leave(tx: sa.Connection, table: sa.Table) -> Any:
    """Return an insertion that can be told what to do ``on_conflict``: both engines write it
    alike, but each in a dialect of its own."""
    return (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(table)
