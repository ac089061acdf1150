"""The table of background jobs: what is due, what runs, what came of it."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import BigKey, metadata

#: One due time of one job. ``key`` is that time, or what a one-off job is known by: the unique
#: constraint is why nothing is run twice for the same due time, however many schedulers there are.
job_run = sa.Table(
    "job_run",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("job", sa.String(60), nullable=False),
    sa.Column("key", sa.String(120), nullable=False),
    sa.Column("due", sa.DateTime, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    # waiting, running, done, failed, skipped
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    # not before; while it runs: when it may be taken from whoever runs it
    sa.Column("next_at", sa.DateTime, nullable=False),
    sa.Column("taken_by", sa.String(80), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("started_at", sa.DateTime),
    sa.Column("finished_at", sa.DateTime),
    # a sentence and its values, as JSON; "" for none
    sa.Column("outcome", sa.Text, nullable=False),
    sa.UniqueConstraint("job", "key"),
    sa.Index("ix_job_run_job_due", "job", "due"),
    sa.Index(
        "ix_job_run_next_at",
        "next_at",
        sqlite_where=sa.text("state IN ('waiting', 'running')"),
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    ),
)
