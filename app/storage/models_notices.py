"""The tables of notices: what people are told, how they want it, where it goes besides."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import BigKey, metadata

#: What one person is told in the application.
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.ForeignKey("account.id"), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    # the same thing is told a person once
    sa.Column("key", sa.String(120)),
    sa.Column("read_at", sa.DateTime),
    sa.UniqueConstraint("account_id", "key"),
    sa.Index("ix_notice_account_id", "account_id", "id"),
    sa.Index(
        "ix_notice_unread",
        "account_id",
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    ),
)

#: How a person wants to hear of notices outside the application.
notice_setting = sa.Table(
    "notice_setting",
    metadata,
    sa.Column("account_id", sa.ForeignKey("account.id"), primary_key=True, autoincrement=False),
    sa.Column("email", sa.String(254), nullable=False),
    # off, once (at once), digest
    sa.Column("mode", sa.String(10), nullable=False),
    # times of day in the office, HH:MM; no quiet hours where both are ""
    sa.Column("digest_at", sa.String(5), nullable=False),
    sa.Column("quiet_from", sa.String(5), nullable=False),
    sa.Column("quiet_to", sa.String(5), nullable=False),
    # kinds that are not sent, as JSON
    sa.Column("muted", sa.Text, nullable=False),
)

#: An address outside that is told of notices: a robot in a group, another system.
webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("recipe", sa.String(40), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    # registers and kinds it is told of, as JSON; [] for all
    sa.Column("slugs", sa.Text, nullable=False),
    sa.Column("kinds", sa.Text, nullable=False),
    sa.Column("mode", sa.String(10), nullable=False),
    sa.Column("digest_at", sa.String(5), nullable=False),
    sa.Column("quiet_from", sa.String(5), nullable=False),
    sa.Column("quiet_to", sa.String(5), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
)

#: One message on its way out: to a person by mail, or to a webhook.
delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(10), nullable=False),
    sa.Column("account_id", sa.ForeignKey("account.id")),
    sa.Column("webhook_id", sa.ForeignKey("webhook.id", ondelete="CASCADE")),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("digest", sa.Boolean, nullable=False),
    # waiting, done, failed
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.DateTime, nullable=False),
    sa.Column("done_at", sa.DateTime),
    # why the last try failed: a sentence and its values, as JSON
    sa.Column("error", sa.Text, nullable=False),
    sa.Index("ix_delivery_account_id", "account_id"),
    sa.Index("ix_delivery_webhook_id", "webhook_id"),
)
