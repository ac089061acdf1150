"""Numbers stay exact, whatever they were written as."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from app.kinds import Unreadable, dump_json, load_json
from app.kinds.columns import Exact
from app.kinds.integer import LARGEST, Integer
from app.kinds.number import Number

UNITS = st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1)
SCALES = st.integers(min_value=0, max_value=17)


def sentence(kind: Number | Integer, raw: object) -> str:
    """Return the sentence with which ``kind`` refuses ``raw``."""
    with pytest.raises(Unreadable) as refused:
        kind.reader().deserialize(raw)
    return refused.value.text.format(**refused.value.values)


@given(UNITS, SCALES)
def test_any_number_survives_form_json_and_worksheet(units: int, scale: int) -> None:
    kind = Number(scale)
    read = kind.reader().deserialize
    value = Decimal(units).scaleb(-scale)

    assert read(str(kind.to_form(value))) == value
    assert read(kind.show(value)) == value
    assert read(kind.from_cell(kind.to_cell(value))) == value
    assert kind.from_json(load_json(dump_json(kind.to_json(value)))) == value
    assert read(value).as_tuple().exponent == -scale


@given(st.integers(min_value=-LARGEST, max_value=LARGEST))
def test_any_integer_survives_form_json_and_worksheet(value: int) -> None:
    kind = Integer("人")
    read = kind.reader().deserialize

    assert read(kind.to_form(value)) == value
    assert read(kind.show(value) + " 人") == value
    assert read(kind.from_cell(kind.to_cell(value))) == value


def test_every_amount_of_two_decimals_is_read_from_a_worksheets_float() -> None:
    read = Number(2).reader().deserialize

    wrong = [cents for cents in range(1, 100_000) if read(cents / 100) != Decimal(cents) / 100]

    assert wrong == []


def test_a_percentage_is_never_guessed() -> None:
    percent = Number(2, "%").reader().deserialize

    assert percent("35%") == Decimal("35.00")
    assert percent("３５％") == Decimal("35.00")
    assert percent("0.35") == Decimal("0.35")
    assert percent(0.35) == Decimal("0.35")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("12元", "12元 is written in 元, but this field is in 万元."),
        ("1.2万", "1.2万 is written in 万"),
        ("0.125", "0.125 has too many decimals: this field keeps 2."),
        ("12,34", "12,34 is not clear"),
        ("1e5", "1e5 is a shortened number."),
        ("about 5", "about 5 is not a number."),
        (10**16, "at most 16 digits may stand before the point."),
    ],
)
def test_a_refusal_says_what_is_wrong(raw: object, says: str) -> None:
    assert says in sentence(Number(2, "万元"), raw)


def test_a_unit_where_none_is_declared_is_named() -> None:
    assert "carries the unit 亩" in sentence(Number(2), "12亩")


def test_a_unit_may_be_written_with_its_full_width_twin() -> None:
    assert Number(2, "m²").reader().deserialize("12.5㎡") == Decimal("12.50")


@pytest.mark.parametrize(
    ("result", "value"),
    [(2.675, "2.68"), (-2.675, "-2.68"), (0.1 + 0.2, "0.30"), (7, "7.00"), (-0.001, "0.00")],
)
def test_a_formulas_result_is_rounded_half_up(result: float, value: str) -> None:
    assert str(Number(2).from_formula(result)) == value


@pytest.mark.parametrize("result", [float("inf"), float("nan"), 1e300, True, "1"])
def test_a_formulas_result_that_is_no_number_is_refused(result: object) -> None:
    with pytest.raises(Unreadable):
        Number(2).from_formula(result)


def test_a_number_beyond_what_javascript_keeps_is_text_in_a_worksheet() -> None:
    assert Number(2).to_cell(Decimal("1234.50")) == 1234.5
    assert Number(2).to_cell(Decimal("9999999999999999.99")) == "9999999999999999.99"
    assert Integer().to_cell(LARGEST) == str(LARGEST)


def test_a_number_of_another_scale_needs_a_new_column() -> None:
    assert Number(2, "元").holds(Number(2, "万元"))
    assert not Number(2).holds(Number(4))
    assert not Number(0).holds(Integer())


def test_a_changed_scale_keeps_what_fits_and_refuses_what_would_be_rounded() -> None:
    old, new = Number(4), Number(2)

    assert new.reader().deserialize(new.from_other(old, Decimal("1.5000"))) == Decimal("1.50")
    with pytest.raises(Unreadable):
        new.reader().deserialize(new.from_other(old, Decimal("1.2345")))


def test_sqlite_sums_compares_and_sorts_exactly() -> None:
    engine = sa.create_engine("sqlite://")
    table = sa.Table("kept", sa.MetaData(), sa.Column("v", Exact(2)))
    largest = Decimal("9999999999999999.99")
    values = [Decimal("0.10")] * 100_000 + [largest - 10_000]
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"v": value} for value in values])

        total = connection.scalar(sa.select(sa.func.sum(table.c.v)))
        greater = connection.scalar(
            sa.select(sa.func.count()).where(table.c.v > largest - Decimal("10000.01"))
        )
        literal = sa.select(table.c.v).where(table.c.v == Decimal("0.10")).limit(1)
        text = str(literal.compile(engine, compile_kwargs={"literal_binds": True}))
    engine.dispose()

    assert total == largest
    assert greater == 1
    assert "= 10" in text


@pytest.mark.parametrize("value", [Decimal("0.001"), Decimal(10) ** 16, Decimal("1e-30")])
def test_a_column_never_rounds(value: Decimal) -> None:
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        with pytest.raises(ValueError, match="does not fit"):
            Exact(2).bind_processor(dialect)(value)
