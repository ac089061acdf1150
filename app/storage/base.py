"""The metadata all of the platform's own tables belong to, with one naming convention."""

from __future__ import annotations

import sqlalchemy as sa

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
