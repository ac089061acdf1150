"""The calendar of working days: only what differs from the plain week."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import metadata

#: A statutory holiday, or a day on the weekend that is worked instead.
calendar_day = sa.Table(
    "calendar_day",
    metadata,
    sa.Column("on", sa.Date, primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
)

#: A year whose holidays are known as a whole, and by which notice.
calendar_year = sa.Table(
    "calendar_year",
    metadata,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("loaded_at", sa.DateTime, nullable=False),
)
