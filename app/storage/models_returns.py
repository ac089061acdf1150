"""The tables of returns: who owes one for which period, and what was done about it."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import BigKey, metadata

#: compared with fields of registers, which sort by code point on every engine
_PERIOD = sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql")

#: One return: of a unit, or about a row of another register, for one period. Never removed.
return_due = sa.Table(
    "return_due",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("period", _PERIOD, nullable=False),
    # the register whose row owes it, "" where a unit does
    sa.Column("about", sa.String(40), nullable=False),
    # that row, or the unit as it was in the period
    sa.Column("subject", sa.BigInteger, nullable=False),
    # the unit that answers today
    sa.Column("unit_id", sa.BigInteger),
    sa.Column("opens_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    # the last day before it closes
    sa.Column("locks_on", sa.Date),
    sa.Column("state", sa.String(20), nullable=False),
    # handed in after the due day
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("record", sa.BigInteger),
    sa.Column("submitted_at", sa.DateTime),
    sa.Column("submitted_by", sa.Text),
    # why it was excused, reopened or handed in later
    sa.Column("reason", sa.Text, nullable=False),
    # closed, and open for a supplementary return all the same
    sa.Column("supplementing", sa.Boolean, nullable=False),
    sa.Column("closed_at", sa.DateTime),
    # the last reminder: how many working days before the due day
    sa.Column("reminded", sa.Integer),
    sa.Column("made_at", sa.DateTime, nullable=False),
    sa.UniqueConstraint("slug", "period", "about", "subject"),
    sa.Index("ix_return_due_subject", "slug", "about", "subject", "period"),
    sa.Index("ix_return_due_state", "slug", "state", "due_on"),
    sa.Index("ix_return_due_unit_id", "unit_id", "state"),
)

#: What was done about returns: declared nil, excused, reopened, reminded, urged. Append-only.
return_event = sa.Table(
    "return_event",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("period", _PERIOD, nullable=False),
    sa.Column("return_id", sa.BigInteger),
    # for what was said to a unit about all it owes: the unit, and how many
    sa.Column("unit_id", sa.BigInteger),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("ix_return_event_return_id", "return_id"),
    sa.Index("ix_return_event_slug", "slug", "unit_id", "action"),
)
