"""The platform's own tables. Registers' tables are built in ``tables``.

Columns and keys only; Alembic creates them (``migrations/``).
"""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import BigKey, metadata

#: One row. ``value`` grows by one with every publication, in commit order.
catalog_stamp = sa.Table(
    "catalog_stamp",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
)

#: One row for each register: what a menu needs without reading the definition.
register = sa.Table(
    "register",
    metadata,
    sa.Column("slug", sa.String(40), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    # slugs of the registers this one reads, as JSON
    sa.Column("neighbours", sa.JSON, nullable=False),
    # [derived field, register, field it reads, how] of every derived field, as JSON
    sa.Column("reads", sa.JSON, nullable=False),
    # roles that may do something in the register, and those that may enter records, as JSON
    sa.Column("roles", sa.JSON, nullable=False),
    # physical names ever given out: tables, columns, indexes (see storage.layout)
    sa.Column("layout", sa.JSON, nullable=False),
    # grows with every write to the register's rows: a count stays true while it stands still
    sa.Column("changes", sa.BigInteger, nullable=False, server_default="0"),
)

#: A published definition, kept for ever.
revision = sa.Table(
    "revision",
    metadata,
    sa.Column("slug", sa.String(40), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("published_at", sa.DateTime, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
)

#: What happened to records. Append-only: a trigger refuses UPDATE and DELETE.
history = sa.Table(
    "history",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("face", sa.String(20), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    # reason of a deletion, warnings that were confirmed, the cause of a cascade: JSON
    sa.Column("note", sa.Text),
    sa.Index("ix_history_slug_record", "slug", "record", "id"),
)

#: Forms already sent: a token is used once, a second sending gets the first answer.
submission = sa.Table(
    "submission",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)

#: Stored values that break the current revision.
debt = sa.Table(
    "debt",
    metadata,
    sa.Column("slug", sa.String(40), primary_key=True),
    sa.Column("record", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.String(120), primary_key=True),
    sa.Column("code", sa.String(80), primary_key=True),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("since", sa.DateTime, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
)

#: Values that did not fit a field's new kind, until somebody corrects them.
parked = sa.Table(
    "parked",
    metadata,
    sa.Column("slug", sa.String(40), primary_key=True),
    sa.Column("field", sa.String(90), primary_key=True),
    sa.Column("record", sa.BigInteger, primary_key=True),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("since", sa.DateTime, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
)

attachment = sa.Table(
    "attachment",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("type", sa.String(100), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    # who uploaded it: only that person may put it into a record
    sa.Column("account_id", sa.BigInteger),
    # where it was uploaded for; it may be read with that register's right
    sa.Column("slug", sa.String(40), nullable=False),
)
