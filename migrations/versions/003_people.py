"""Units, roles, posts, pairings, referrals, settings; whose row a record is and its state."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ADDED = ("_unit BIGINT", "_owner BIGINT", "_state TEXT", "_state_since {moment}")


def upgrade() -> None:
    op.create_table(
        "unit",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("slug", sa.String(length=40), nullable=True),
        sa.Column("record", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_unit_code")),
    )
    op.create_index("ix_unit_parent_id", "unit", ["parent_id"])
    op.create_table(
        "unit_event",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("unit_id", KEY, nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("effective", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_event_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_event")),
    )
    op.create_index("ix_unit_event_unit_id", "unit_event", ["unit_id", "id"])
    op.create_table(
        "role",
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("power", sa.String(length=20), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_role")),
    )
    op.create_table(
        "post",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("unit_id", KEY, nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("deputy_of", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_post_account_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_post_unit_id")),
        sa.ForeignKeyConstraint(["role"], ["role.slug"], name=op.f("fk_post_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
    )
    op.create_index("ix_post_account_id", "post", ["account_id"])
    op.create_index("ix_post_role", "post", ["role", "unit_id"])
    op.create_table(
        "pairing",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("account_id", KEY, nullable=True),
        sa.Column("unit_id", KEY, nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_pairing_account_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_pairing_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing")),
    )
    op.create_index("ix_pairing_slug", "pairing", ["slug", "record"])
    op.create_index("ix_pairing_account_id", "pairing", ["account_id"])
    op.create_index("ix_pairing_unit_id", "pairing", ["unit_id"])
    op.create_table(
        "assignment",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", KEY, nullable=True),
        sa.Column("account_id", KEY, nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_assignment_unit_id")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_assignment_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index("ix_assignment_slug", "assignment", ["slug", "record"])
    op.create_index("ix_assignment_unit_id", "assignment", ["unit_id", "slug"])
    op.create_index("ix_assignment_account_id", "assignment", ["account_id", "slug"])
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    # grows with every change of units, posts, roles, pairings and settings
    op.execute("INSERT INTO catalog_stamp (id, value) VALUES (2, 0)")
    with op.batch_alter_table("attachment") as batch:
        batch.add_column(sa.Column("account_id", sa.BigInteger(), nullable=True))
    # JSON again without a default, as the table declares it
    with op.batch_alter_table("register") as batch:
        batch.add_column(
            sa.Column(
                "roles", sa.JSON(), server_default='{"any": [], "create": []}', nullable=False
            )
        )
    with op.batch_alter_table("register") as batch:
        batch.alter_column("roles", server_default=None)
    note_roles()
    add_columns()
    keep_the_administrators()


def note_roles() -> None:
    """Read from each current definition which roles its permissions name."""
    bind = op.get_bind()
    query = (
        "SELECT revision.slug, document FROM revision JOIN register "
        "ON register.slug = revision.slug AND register.revision = revision.revision"
    )
    for slug, document in bind.execute(sa.text(query)).all():
        said = json.loads(document).get("register", {}).get("permissions", {})
        roles = {
            "any": sorted({role for listed in said.values() for role in listed}),
            "create": sorted(said.get("fill", [])),
        }
        change = sa.text("UPDATE register SET roles = :roles WHERE slug = :slug")
        bind.execute(change, {"roles": json.dumps(roles), "slug": slug})


def add_columns() -> None:
    """Give every register that is there the columns new ones have."""
    bind = op.get_bind()
    moment = "DATETIME" if bind.dialect.name == "sqlite" else "TIMESTAMP"
    for found in bind.execute(sa.text("SELECT layout FROM register")).scalars():
        layout = json.loads(found) if isinstance(found, str) else found
        table = bind.dialect.identifier_preparer.quote(layout["table"])
        for column in ADDED:
            text = ' COLLATE "C"' if "TEXT" in column and bind.dialect.name != "sqlite" else ""
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column.format(moment=moment)}{text}")


def keep_the_administrators() -> None:
    """Until now everybody who could sign in could do everything: they still can."""
    bind = op.get_bind()
    if not bind.execute(sa.text("SELECT count(*) FROM account")).scalar():
        return
    op.execute(
        "INSERT INTO unit (code, title, kind, valid_from) VALUES ('root', '本单位', 'bureau', '2000-01-01')"
    )
    op.execute(
        "INSERT INTO role (slug, title, power) VALUES ('administrator', '系统管理员', 'administrator')"
    )
    op.execute(
        "INSERT INTO post (account_id, unit_id, role, valid_from, created_at, created_by) "
        "SELECT account.id, unit.id, 'administrator', '2000-01-01', CURRENT_TIMESTAMP, 'seed' "
        "FROM account, unit WHERE account.disabled_at IS NULL"
    )


def downgrade() -> None:
    raise NotImplementedError("Who may see what would be lost: restore a backup instead.")
