"""The tables of accounts and of who is signed in."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import BigKey, metadata

account = sa.Table(
    "account",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    # as typed at first, and folded for comparison: Admin and admin are one account
    sa.Column("login", sa.String(64), nullable=False),
    sa.Column("login_key", sa.String(128), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("password_changed_at", sa.DateTime, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    # attempts since the last success, counted before a password is looked at
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("locked_until", sa.DateTime),
    sa.Column("disabled_at", sa.DateTime),
    sa.UniqueConstraint("login_key"),
)

#: A person signed in on one device. The database never sees the token itself.
login_session = sa.Table(
    "login_session",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("token_hash", sa.String(64), nullable=False),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("seen_at", sa.DateTime, nullable=False),
    sa.Column("ended_at", sa.DateTime),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("agent", sa.String(200), nullable=False),
    sa.UniqueConstraint("token_hash"),
    sa.Index("ix_login_session_account_id", "account_id"),
)

#: What happened to accounts: created, locked, unlocked, password changed, disabled.
account_event = sa.Table(
    "account_event",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.ForeignKey("account.id"), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Index("ix_account_event_account_id", "account_id"),
)
