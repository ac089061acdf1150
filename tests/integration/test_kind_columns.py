"""Every sample of every kind survives a column, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa

from app.kinds import KINDS, kind_of
from app.kinds.base import Kind
from app.kinds.columns import Exact
from app.storage.session import Database

KEPT = [kind for kind in (kind_of(each.example) for each in KINDS) if kind and not kind.own_table]


@pytest.fixture
def kept(database: Database) -> Iterator[sa.Table]:
    """A table with one column per kind."""
    columns = [sa.Column(f"c{place}", kind.column_type()) for place, kind in enumerate(KEPT)]
    table = sa.Table("kept", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), *columns)
    with database.writing() as connection:
        table.create(connection)
    yield table
    with database.writing() as connection:
        table.drop(connection)


def samples(kind: Kind) -> list[object]:
    """Return the values of the kind's samples, nothing included."""
    return [value for _, value in kind.samples]


def test_every_sample_survives_its_column(database: Database, kept: sa.Table) -> None:
    longest = max(len(kind.samples) for kind in KEPT)
    stored = {
        place: (samples(kind) + [None] * longest)[:longest] for place, kind in enumerate(KEPT)
    }
    rows = [{f"c{place}": stored[place][row] for place in stored} for row in range(longest)]
    with database.writing() as connection:
        connection.execute(kept.insert(), rows)

    with database.reading() as connection:
        found = connection.execute(sa.select(kept).order_by(kept.c.id)).mappings().all()

    for place, kind in enumerate(KEPT):
        values = [row[f"c{place}"] for row in found]
        assert values == stored[place], kind.name
        assert [str(value) for value in values] == [str(value) for value in stored[place]]


def test_every_filter_runs_and_finds_what_was_stored(database: Database, kept: sa.Table) -> None:
    with database.writing() as connection:
        for place, kind in enumerate(KEPT):
            value = next(value for value in samples(kind) if value is not None)
            connection.execute(kept.insert(), {f"c{place}": value})
            single = value[0] if isinstance(value, tuple) else value
            for operator in kind.filters:
                column = kept.c[f"c{place}"]
                wanted = [single] if operator == "in" else single
                where = kind.condition(column, operator, wanted)
                found = connection.scalars(sa.select(column).where(where)).all()
                assert (value in found) == (operator not in ("ne", "empty", "gt", "lt")), operator
            connection.execute(kept.delete())


def test_numbers_add_up_and_compare_exactly(database: Database) -> None:
    table = sa.Table("sums", sa.MetaData(), sa.Column("v", Exact(2)))
    largest = Decimal("9999999999999999.99")
    with database.writing() as connection:
        table.create(connection)
        values = [Decimal("0.01"), Decimal("-0.02"), largest - Decimal("0.01")]
        connection.execute(table.insert(), [{"v": value} for value in values])

        total = connection.scalar(sa.select(sa.func.sum(table.c.v)))
        order = connection.scalars(sa.select(table.c.v).order_by(table.c.v)).all()
        above = connection.scalars(sa.select(table.c.v).where(table.c.v > Decimal("0.00"))).all()
        table.drop(connection)

    assert total == largest - Decimal("0.02")
    assert order == sorted(values)
    assert sorted(above) == [values[0], values[2]]


def test_a_column_refuses_to_round(database: Database) -> None:
    table = sa.Table("round", sa.MetaData(), sa.Column("v", Exact(2)))
    with pytest.raises(sa.exc.StatementError), database.writing() as connection:
        table.create(connection)
        connection.execute(table.insert(), {"v": Decimal("0.005")})
