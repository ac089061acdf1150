"""Register and layout → SQLAlchemy tables. Plain ``Table`` objects, let go with the revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

import sqlalchemy as sa

from app.definitions.register import Field, Register
from app.kinds.base import Kind
from app.storage.base import BigKey
from app.storage.layout import Layout, Place

#: Kinds whose columns are too long, or hold lists: never indexed.
UNINDEXED = frozenset({"longtext", "rows", "attachment", "choices"})
#: A PostgreSQL index entry holds some 2700 bytes.
INDEXED_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one register: its own, and one for each child list."""

    main: sa.Table
    children: Mapping[str, sa.Table]


def build_tables(register: Register, layout: Layout) -> Tables:
    """Return the tables of ``register`` as ``layout`` names them; column keys are field names."""
    metadata = sa.MetaData()
    columns = [
        column(layout.places[f.name], f.name) for f in register.fields if not f.kind.own_table
    ]
    children = {}
    for field in register.fields:
        rows = layout.places[field.name].rows
        if rows is not None and field.kind.own_table:
            children[field.name] = child_table(field, rows, metadata)
    main = sa.Table(layout.table, metadata, *system_columns(), *columns)
    return Tables(main, children)


def child_table(field: Field, layout: Layout, metadata: sa.MetaData) -> sa.Table:
    """Return the table of a child list: ``_parent`` and ``_position`` tell where a row stands."""
    return sa.Table(
        layout.table,
        metadata,
        *child_system_columns(),
        *[column(layout.places[c.name], c.name) for c in field.columns],
    )


def column(place: Place, key: str) -> sa.Column:
    """Return the column at ``place``, known to Python as ``key``."""
    return sa.Column(place.column, stored_type(place.kind), key=key)


def stored_type(kind: Kind) -> sa.types.TypeEngine:
    """Return the kind's SQL type; text sorts by code point on every engine."""
    kind_type = kind.column_type()
    if type(kind_type) in (sa.Text, sa.String):
        return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return kind_type


def system_columns() -> list[sa.Column]:
    """Return the columns every register has. A field's name cannot begin with ``_``."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return [
        sa.Column("_id", BigKey, primary_key=True, autoincrement=True),
        sa.Column("_version", sa.Integer, nullable=False),
        sa.Column("_revision", sa.Integer, nullable=False),
        sa.Column("_label", text, nullable=False),
        sa.Column("_created_at", sa.DateTime, nullable=False),
        sa.Column("_created_by", sa.Text, nullable=False),
        sa.Column("_updated_at", sa.DateTime, nullable=False),
        sa.Column("_updated_by", sa.Text, nullable=False),
        sa.Column("_deleted_at", sa.DateTime),
        sa.Column("_deleted_by", sa.Text),
        # whose row it is: a unit, and the account that made it
        sa.Column("_unit", sa.BigInteger),
        sa.Column("_owner", sa.BigInteger),
        # where it stands in its workflow, and since when
        sa.Column("_state", text),
        sa.Column("_state_since", sa.DateTime),
    ]


def child_system_columns() -> list[sa.Column]:
    """Return the columns every child list has."""
    return [
        sa.Column("_id", BigKey, primary_key=True, autoincrement=True),
        sa.Column("_parent", sa.BigInteger, nullable=False, index=False),
        sa.Column("_position", sa.Integer, nullable=False),
    ]


def wanted_indexes(register: Register) -> list[tuple[tuple[str, ...], bool]]:
    """Return (field names, unique) of every index the register should have, without being told.

    What a list sorts by is indexed as a whole (``-name`` descends where the rest ascends), so
    that its first page reads fifty rows however many share a month. What it filters by is indexed
    together with what it sorts by first, so that a page and its count read one index; keys and
    unique fields are unique among rows not deleted.
    """
    wanted: dict[tuple[str, ...], bool] = {}
    if register.key:
        wanted[register.key] = True
    for field in register.fields:
        if field.unique:
            wanted[(field.name,)] = True
    for names in of_lists(register):
        wanted.setdefault(names, False)
    for field in register.fields:
        covered = any(names[0].removeprefix("-") == field.name for names in wanted)
        if (field.reference or field.index) and not covered and indexable(field):
            wanted[(field.name,)] = False
    return [(names, unique) for names, unique in wanted.items()]


def of_lists(register: Register) -> Iterator[tuple[str, ...]]:
    """Give what the lists of people read: in order, by a filter, by whose a row is."""
    ordered = in_order(register)
    if ordered:
        yield ordered
    first = register.sort[0].removeprefix("-") if register.sort else ""
    first = first if first in register and indexable(register[first]) else ""
    sorts = [name.removeprefix("-") for name in register.sort]
    for name in dict.fromkeys((*sorts, *register.filters)):
        if name not in register or not indexable(register[name]):
            continue
        if first and name != first and name in register.filters:
            yield (name, first)
        elif not ordered or name != first:
            yield (name,)
    parted = ("_state",) if register.workflow is not None else ()
    for name in dict.fromkeys((*whose(register), *parted)):
        yield (name, first) if first and name != first else (name,)


def in_order(register: Register) -> tuple[str, ...]:
    """Return the index that gives rows in the order of the list, as far as columns tell it: a
    reference is sorted by what it is called, which stands elsewhere."""

    def told(name: str) -> bool:
        field = register[name]
        return field.kind.sortable and indexable(field) and not field.reference

    known = [name for name in register.sort if name.removeprefix("-") in register]
    names = list(takewhile(lambda name: told(name.removeprefix("-")), known))
    # the id, which settles ties, goes the way of the last one: that one must ascend
    turned = bool(names) and names[-1].startswith("-")
    return tuple(
        ("-" if name.startswith("-") != turned else "") + name.removeprefix("-") for name in names
    )


def whose(register: Register) -> Iterator[str]:
    """Give the columns by which a grant tells whose a row is: most people see only those."""
    for grant in register.permissions:
        if set(grant.rows) & {"own-unit", "unit-and-below"} and "all" not in grant.rows:
            name = grant.by or "_unit"
            if name == "_unit" or (name in register and indexable(register[name])):
                yield name


def indexable(field: Field) -> bool:
    """Return whether the field's values are short enough for an index on every engine."""
    if field.kind.name in UNINDEXED:
        return False
    if field.kind.name == "text" and not field.unique:
        return field.schema.get("maxLength", INDEXED_LENGTH + 1) <= INDEXED_LENGTH
    return True
