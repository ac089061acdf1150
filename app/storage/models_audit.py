"""The audit log: who did what to the platform, one row for each act, each bound to the last."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import metadata

#: Append-only: triggers refuse the rest (``audit_guard``). ``hash`` is made in ``audit_chain``.
audit = sa.Table(
    "audit",
    metadata,
    # given out one by one, without gaps, in the order of the commits
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime, nullable=False),
    # no foreign keys: an entry stays as it was, whatever becomes of what it names
    sa.Column("actor", sa.BigInteger),
    sa.Column("actor_name", sa.Text, nullable=False),
    sa.Column("unit", sa.BigInteger),
    sa.Column("face", sa.String(20), nullable=False),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("session", sa.BigInteger),
    sa.Column("request", sa.String(36), nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    # ok, refused
    sa.Column("result", sa.String(8), nullable=False),
    sa.Column("object_type", sa.String(20), nullable=False),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("object_id", sa.String(64), nullable=False),
    # of the definition in force
    sa.Column("revision", sa.Integer),
    # JSON: values of the event's sentence, never a secret
    sa.Column("detail", sa.Text, nullable=False),
    # hashes of the entry before and of this one
    sa.Column("before", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    # each search reads its answer from one of these, newest first
    sa.Index("ix_audit_at", "at", "number"),
    sa.Index("ix_audit_event", "event", "at", "number"),
    sa.Index("ix_audit_actor", "actor", "at", "number"),
    sa.Index("ix_audit_slug", "slug", "at", "number"),
    sa.Index("ix_audit_object", "object_type", "object_id", "at", "number"),
    sa.Index("ix_audit_address", "address", "at", "number"),
)
