"""The tables of units, roles and who holds them; of pairings, referrals and settings."""

from __future__ import annotations

import sqlalchemy as sa

from app.storage.base import BigKey, metadata

#: A unit of the office: a bureau, a township, a department, a task force, an enterprise. Never
#: removed: a unit that ends keeps its rows "as then", ``merged_into`` says who reads them now.
unit = sa.Table(
    "unit",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("code", sa.String(40), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("parent_id", sa.BigInteger),
    sa.Column("position", sa.Integer, nullable=False, server_default="0"),
    sa.Column("valid_from", sa.Date, nullable=False),
    # the first day on which it is no more
    sa.Column("valid_until", sa.Date),
    sa.Column("merged_into", sa.BigInteger),
    # the record that stands for the unit in a register: a township's, an enterprise's
    sa.Column("slug", sa.String(40)),
    sa.Column("record", sa.BigInteger),
    sa.UniqueConstraint("code"),
    sa.Index("ix_unit_parent_id", "parent_id"),
)

#: What happened to the tree: founded, renamed, moved, merged, split, ended.
unit_event = sa.Table(
    "unit_event",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("unit_id", sa.ForeignKey("unit.id"), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("effective", sa.Date, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    # names before and after, the other units, the reason: JSON
    sa.Column("note", sa.Text, nullable=False),
    sa.Index("ix_unit_event_unit_id", "unit_id", "id"),
)

#: A role. What it may do in a register is said by the register's definition.
role = sa.Table(
    "role",
    metadata,
    sa.Column("slug", sa.String(40), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("position", sa.Integer, nullable=False, server_default="0"),
    # a power over the platform itself: administrator, system, security, audit; "" for none
    sa.Column("power", sa.String(20), nullable=False, server_default=""),
)

#: Somebody holds a role in a unit, for a time. A deputy holds another's post meanwhile.
post = sa.Table(
    "post",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.ForeignKey("account.id"), nullable=False),
    sa.Column("unit_id", sa.ForeignKey("unit.id"), nullable=False),
    sa.Column("role", sa.ForeignKey("role.slug"), nullable=False),
    sa.Column("title", sa.Text, nullable=False, server_default=""),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date),
    # the post this one stands in for; it gives what that one gives while both are valid
    sa.Column("deputy_of", sa.BigInteger),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Index("ix_post_account_id", "account_id"),
    sa.Index("ix_post_role", "role", "unit_id"),
)

#: A record a person or a unit is paired with (包联).
pairing = sa.Table(
    "pairing",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False),
    sa.Column("account_id", sa.ForeignKey("account.id")),
    sa.Column("unit_id", sa.ForeignKey("unit.id")),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Index("ix_pairing_slug", "slug", "record"),
    sa.Index("ix_pairing_account_id", "account_id"),
    sa.Index("ix_pairing_unit_id", "unit_id"),
)

#: A record was referred to a unit or a person: they may see it from then on.
assignment = sa.Table(
    "assignment",
    metadata,
    sa.Column("id", BigKey, primary_key=True, autoincrement=True),
    sa.Column("slug", sa.String(40), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False),
    sa.Column("unit_id", sa.ForeignKey("unit.id")),
    sa.Column("account_id", sa.ForeignKey("account.id")),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Index("ix_assignment_slug", "slug", "record"),
    sa.Index("ix_assignment_unit_id", "unit_id", "slug"),
    sa.Index("ix_assignment_account_id", "account_id", "slug"),
)

#: What administrators decide while the application runs. The value is JSON.
setting = sa.Table(
    "setting",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)
