"""The audit log, append-only by triggers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.storage import audit_guard

revision = "004"
down_revision = "003"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_audit_at": ["at", "number"],
    "ix_audit_event": ["event", "at", "number"],
    "ix_audit_actor": ["actor", "at", "number"],
    "ix_audit_slug": ["slug", "at", "number"],
    "ix_audit_object": ["object_type", "object_id", "at", "number"],
    "ix_audit_address": ["address", "at", "number"],
}


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=True),
        sa.Column("face", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("session", sa.BigInteger(), nullable=True),
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("result", sa.String(length=8), nullable=False),
        sa.Column("object_type", sa.String(length=20), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("before", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "audit", columns)
    audit_guard.install(op.get_bind())


def downgrade() -> None:
    raise NotImplementedError("The audit log is not taken back: drop the database instead.")
