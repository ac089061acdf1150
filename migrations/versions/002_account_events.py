"""What happened to accounts: created, locked, unlocked, password changed, disabled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "account_event",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("account_id", key, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_event_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_event")),
    )
    op.create_index("ix_account_event_account_id", "account_event", ["account_id"])


def downgrade() -> None:
    op.drop_table("account_event")
