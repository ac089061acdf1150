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
    # works with the powers of an administrator: shorter sessions, and a second factor where asked
    sa.Column("administrator", sa.Boolean, nullable=False, server_default=sa.false()),
    # until when a password that somebody else made up may be used; it must be changed then
    sa.Column("one_time_until", sa.DateTime),
    sa.Column("ends_at", sa.DateTime),
    sa.Column("suspended_at", sa.DateTime),
    sa.Column("enabled_at", sa.DateTime),
    sa.Column("last_sign_in_at", sa.DateTime),
    # sealed with a key that is not in the database; the last step whose code was accepted
    sa.Column("totp_secret", sa.Text),
    sa.Column("totp_since", sa.DateTime),
    sa.Column("totp_step", sa.BigInteger),
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
    # by what: password, provider
    sa.Column("way", sa.String(10), nullable=False, server_default="password"),
    # what is still missing before the session counts: code; NULL is nothing
    sa.Column("stage", sa.String(10)),
    # when the person last proved to be the one who signed in
    sa.Column("confirmed_at", sa.DateTime),
    sa.Column("ended_why", sa.String(20)),
    sa.UniqueConstraint("token_hash"),
    sa.Index("ix_login_session_account_id", "account_id"),
)

#: What happened to accounts: created, locked, unlocked, password changed, disabled, ...
account_event = sa.Table(
    "account_event",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.ForeignKey("account.id"), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    # who did it, where it was not the person
    sa.Column("by", sa.Text),
    sa.Index("ix_account_event_account_id", "account_id"),
)

#: Every attempt to sign in, also with a name nobody has: one row, written before the password
#: is looked at and corrected after it.
sign_in_log = sa.Table(
    "sign_in_log",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.ForeignKey("account.id")),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("way", sa.String(10), nullable=False),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("agent", sa.String(200), nullable=False),
    sa.Index("ix_sign_in_log_account_id", "account_id"),
    sa.Index("ix_sign_in_log_at", "at"),
)

#: The hashes of passwords an account had before, so that they are not taken again.
former_password = sa.Table(
    "former_password",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.ForeignKey("account.id"), nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Index("ix_former_password_account_id", "account_id"),
)

#: Ten codes for the day the telephone is lost; each works once.
recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.ForeignKey("account.id"), nullable=False),
    sa.Column("code_hash", sa.String(64), nullable=False),
    sa.Column("used_at", sa.DateTime),
    sa.UniqueConstraint("account_id", "code_hash"),
)

#: Whom an identity provider vouches for: its (issuer, subject) is this account.
linked_identity = sa.Table(
    "linked_identity",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("issuer", sa.String(300), nullable=False),
    sa.Column("subject", sa.String(255), nullable=False),
    sa.Column("account_id", sa.ForeignKey("account.id"), nullable=False),
    sa.Column("linked_at", sa.DateTime, nullable=False),
    sa.Column("linked_by", sa.Text, nullable=False),
    sa.UniqueConstraint("issuer", "subject"),
    sa.Index("ix_linked_identity_account_id", "account_id"),
)
