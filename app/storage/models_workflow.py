"""The tables of workflows: time limits of states, joint reviews and their answers."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import BigKey, metadata

#: How long a record may stay in the state it is in. ``due`` is the last day.
deadline = sa.Table(
    "deadline",
    metadata,
    sa.Column("slug", sa.String(40), primary_key=True),
    sa.Column("record", sa.BigInteger, primary_key=True),
    sa.Column("state", sa.String(40), nullable=False),
    sa.Column("due", sa.Date, nullable=False),
    sa.Index("ix_deadline_due", "due"),
)

#: Several units answer in parallel. Open while ``closed_at`` is empty.
review_round = sa.Table(
    "review_round",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False),
    # the transition that opened it, and who decides: all, majority or the code of a unit
    sa.Column("transition", sa.String(40), nullable=False),
    sa.Column("decide", sa.String(40), nullable=False),
    sa.Column("due", sa.Date),
    sa.Column("opened_at", sa.DateTime, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("closed_at", sa.DateTime),
    # agreed, refused, or dropped: the record left the state before everybody had answered
    sa.Column("result", sa.String(10), nullable=False, server_default=""),
    sa.Index("ix_review_round_slug", "slug", "record", "id"),
)

#: What one unit says in a round; ``answer`` is empty until it has.
review_answer = sa.Table(
    "review_answer",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("round_id", sa.ForeignKey("review_round.id"), nullable=False),
    sa.Column("unit_id", sa.ForeignKey("unit.id"), nullable=False),
    # agree, object or ask
    sa.Column("answer", sa.String(10), nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("who", sa.Text, nullable=False, server_default=""),
    sa.Column("account_id", sa.BigInteger),
    sa.Column("at", sa.DateTime),
    sa.Column("urged_at", sa.DateTime),
    sa.Column("urged", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("round_id", "unit_id"),
    sa.Index("ix_review_answer_unit_id", "unit_id", "round_id"),
)
