"""The tables of what waits for whom, of what is said about records, and of half-filled forms."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import BigKey, metadata

#: Something that waits for somebody. Kept when it is done.
task = sa.Table(
    "task",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    # names what it is for: opened twice under one key, it is there once
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    # a sentence, and the values of its places as JSON
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    # for whom it was opened: a person, a unit, whoever holds a role, in a unit or above it
    sa.Column("account_id", sa.ForeignKey("account.id")),
    sa.Column("unit_id", sa.ForeignKey("unit.id")),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("above", sa.Boolean, nullable=False),
    # for whom it waits now, as one word: whoever took it, else for whom it was opened
    sa.Column("addressee", sa.String(80), nullable=False),
    sa.Column("due_on", sa.Date),
    # the due date, or the last of all days: what it is sorted by
    sa.Column("ranked", sa.Date, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("done_at", sa.DateTime),
    sa.Column("done_by", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.UniqueConstraint("key"),
    # only what waits is in it, so what was done long ago costs nothing
    sa.Index(
        "ix_task_waiting", "addressee", "slug", "ranked", "id",
        sqlite_where=sa.text("done_at IS NULL"), postgresql_where=sa.text("done_at IS NULL"),
    ),
    sa.Index("ix_task_slug_record", "slug", "record"),
)  # fmt: skip

#: What somebody said about a record. A deleted one leaves its place, without its text.
comment = sa.Table(
    "comment",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False),
    sa.Column("account_id", sa.BigInteger),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # [account, name] of everybody mentioned: JSON
    sa.Column("mentions", sa.Text, nullable=False),
    sa.Column("edited_at", sa.DateTime),
    sa.Column("deleted_at", sa.DateTime),
    sa.Index("ix_comment_slug_record", "slug", "record", "id"),
)

#: Somebody wants to hear of what happens to a record.
watch = sa.Table(
    "watch",
    metadata,
    sa.Column("account_id", sa.ForeignKey("account.id"), primary_key=True),
    sa.Column("slug", sa.String(40), primary_key=True),
    sa.Column("record", sa.BigInteger, primary_key=True),
    sa.Column("since", sa.DateTime, nullable=False),
    sa.Index("ix_watch_slug_record", "slug", "record"),
)

#: An order (批示) about a record.
instruction = sa.Table(
    "instruction",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False),
    sa.Column("account_id", sa.BigInteger),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Column("closed_at", sa.DateTime),
    sa.Column("closed_by", sa.Text),
    sa.Index("ix_instruction_slug_record", "slug", "record", "id"),
)

#: Whom an order is for – a person or a unit – and what was answered.
recipient = sa.Table(
    "recipient",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("instruction_id", sa.ForeignKey("instruction.id"), nullable=False),
    sa.Column("account_id", sa.ForeignKey("account.id")),
    sa.Column("unit_id", sa.ForeignKey("unit.id")),
    sa.Column("answered_at", sa.DateTime),
    sa.Column("answered_by", sa.Text),
    sa.Column("answer", sa.Text),
    sa.Index("ix_recipient_instruction_id", "instruction_id"),
)

#: Who has read an order, and when.
receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("instruction_id", sa.ForeignKey("instruction.id"), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("account.id"), primary_key=True),
    sa.Column("read_at", sa.DateTime, nullable=False),
)

#: A half-filled form, as its owner last left it. One that was sent stays without its body for a
#: while, so that a late saving of the same form finds that it is over.
draft = sa.Table(
    "draft",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.ForeignKey("account.id"), nullable=False),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("slug", sa.String(40), nullable=False),
    # None: a record that is not there yet
    sa.Column("record", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    # [control, text] of the form: JSON
    sa.Column("body", sa.Text, nullable=False),
    # grows with every saving; the page that saved last, and its own count
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("writer", sa.String(40), nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("saved_at", sa.DateTime, nullable=False),
    sa.Column("ended_at", sa.DateTime),
    sa.UniqueConstraint("account_id", "token"),
    sa.Index("ix_draft_account_id_slug", "account_id", "slug", "record"),
    sa.Index("ix_draft_saved_at", "saved_at"),
)
