"""Accounts: one-time passwords, end dates, second factor, sign-in log, identity providers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "005"
down_revision = "004"
branch_labels = None
depends_on = None

ACCOUNT = (
    ("one_time_until", sa.DateTime),
    ("ends_at", sa.DateTime),
    ("suspended_at", sa.DateTime),
    ("enabled_at", sa.DateTime),
    ("last_sign_in_at", sa.DateTime),
    ("totp_secret", sa.Text),
    ("totp_since", sa.DateTime),
    ("totp_step", sa.BigInteger),
)
MADE = ("linked_identity", "recovery_code", "former_password", "sign_in_log")


KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def number() -> sa.Column[int]:
    return sa.Column("id", KEY, primary_key=True, autoincrement=True)


def whose(*, perhaps: bool = False) -> sa.Column[int]:
    return sa.Column("account_id", KEY, sa.ForeignKey("account.id"), nullable=perhaps)


def upgrade() -> None:
    widen()
    op.create_table(
        "sign_in_log",
        number(),
        whose(perhaps=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
    )
    op.create_index("ix_sign_in_log_account_id", "sign_in_log", ["account_id"])
    op.create_index("ix_sign_in_log_at", "sign_in_log", ["at"])
    op.create_table(
        "former_password",
        number(),
        whose(),
        sa.Column("password_hash", sa.Text(), nullable=False),
    )
    op.create_index("ix_former_password_account_id", "former_password", ["account_id"])
    op.create_table(
        "recovery_code",
        number(),
        whose(),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("used_at", sa.DateTime()),
        sa.UniqueConstraint("account_id", "code_hash"),
    )
    op.create_table(
        "linked_identity",
        number(),
        sa.Column("issuer", sa.String(300), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        whose(),
        sa.Column("linked_at", sa.DateTime(), nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_index("ix_linked_identity_account_id", "linked_identity", ["account_id"])


def widen() -> None:
    """Add the columns. Whoever has an account today may do everything: an administrator."""
    for name, kind in ACCOUNT:
        op.add_column("account", sa.Column(name, kind()))
    op.add_column(
        "account",
        sa.Column("administrator", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        sa.update(sa.table("account", sa.column("administrator"))).values(administrator=sa.true())
    )
    op.add_column("account_event", sa.Column("by", sa.Text()))
    op.add_column(
        "login_session",
        sa.Column("way", sa.String(10), nullable=False, server_default="password"),
    )
    op.add_column("login_session", sa.Column("stage", sa.String(10)))
    op.add_column("login_session", sa.Column("confirmed_at", sa.DateTime()))
    op.add_column("login_session", sa.Column("ended_why", sa.String(20)))


def downgrade() -> None:
    for name in MADE:
        op.drop_table(name)
    for name in ("ended_why", "confirmed_at", "stage", "way"):
        op.drop_column("login_session", name)
    op.drop_column("account_event", "by")
    for name in ("administrator", *(name for name, _kind in ACCOUNT)):
        op.drop_column("account", name)
