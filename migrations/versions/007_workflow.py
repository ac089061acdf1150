"""Time limits of states, joint reviews and their answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "007"
down_revision = "006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deadline",
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("slug", "record", name=op.f("pk_deadline")),
    )
    op.create_index("ix_deadline_due", "deadline", ["due"])
    op.create_table(
        "review_round",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("transition", sa.String(length=40), nullable=False),
        sa.Column("decide", sa.String(length=40), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("result", sa.String(length=10), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_round")),
    )
    op.create_index("ix_review_round_slug", "review_round", ["slug", "record", "id"])
    op.create_table(
        "review_answer",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("unit_id", KEY, nullable=False),
        sa.Column("answer", sa.String(length=10), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=True),
        sa.Column("urged_at", sa.DateTime(), nullable=True),
        sa.Column("urged", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"], ["review_round.id"], name=op.f("fk_review_answer_round_id")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_review_answer_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_answer")),
        sa.UniqueConstraint("round_id", "unit_id", name=op.f("uq_review_answer_round_id_unit_id")),
    )
    op.create_index("ix_review_answer_unit_id", "review_answer", ["unit_id", "round_id"])


def downgrade() -> None:
    op.drop_table("review_answer")
    op.drop_table("review_round")
    op.drop_table("deadline")
