"""Macros over lists and child rows."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from app.expressions import FormulaFailed, compile_formula

VARIABLES = {
    "limit": "double",
    "tags": "list(string)",
    "visits": "rows",
    "visits.amount": "list(double)",
    "visits.day": "list(timestamp)",
    "visits.done": "list(bool)",
    "visits.marks": "list(list(string))",
    "old.visits": "rows",
    "old.visits.amount": "list(double)",
}
VISITS = (
    {"amount": Decimal("0.1"), "day": datetime.date(2024, 1, 1), "done": True, "marks": ("a",)},
    {"amount": Decimal("0.2"), "done": False},
)
VALUES: dict[str, Any] = {"visits": VISITS, "limit": Decimal("0.15"), "tags": ("a", "b", "c")}


def result(text: str, **values: Any) -> Any:
    return compile_formula(text, VARIABLES)(VALUES | values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("visits.all(v, v.amount > 0.0)", True),
        ("visits.all(v, v.amount > limit)", False),
        ("visits.exists(v, v.amount > limit)", True),
        ("visits.exists(v, v.amount > 9.0)", False),
        ("visits.exists_one(v, v.done)", True),
        ("visits.exists_one(v, v.amount > 0.0)", False),
        ("visits.map(v, v.amount * 10.0)", (Decimal("1.0"), Decimal("2.0"))),
        ("visits.map(v, v.done, v.amount)", (Decimal("0.1"),)),
        ("visits.filter(v, v.done).size()", 1),
        ("visits.filter(v, v.done)[0].day", datetime.date(2024, 1, 1)),
        ("sum(visits.amount)", Decimal("0.3")),
        ("sum(visits.map(v, v.amount))", Decimal("0.3")),
        ("visits.amount.all(a, a < 1.0)", True),
        ("visits.all(a, visits.exists(b, b.amount >= a.amount))", True),
        ("visits.map(v, tags.filter(t, v.done).size())", (3, 0)),
        ("tags.map(t, tags.map(t, t + 'x')[0] + t)", ("axa", "axb", "axc")),
        ("size(visits)", 2),
        ("[].all(x, x)", True),
    ],
)
def test_macros_go_over_the_rows(text: str, expected: Any) -> None:
    assert result(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "visits.all(v, v.day > date('2000-01-01'))",
        "visits.exists(v, v.day > date('2030-01-01'))",
        "visits.exists_one(v, v.day > date('2000-01-01'))",
        "visits.map(v, v.day)",
        "visits.filter(v, v.day > date('2000-01-01'))",
    ],
)
def test_a_row_without_the_column_leaves_no_result(text: str) -> None:
    assert result(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("visits.all(v, v.day > date('2030-01-01'))", False),
        ("visits.exists(v, v.day > date('2000-01-01'))", True),
        ("visits.all(v, !has(v.day) || v.day > date('2000-01-01'))", True),
    ],
)
def test_another_row_may_decide_without_it(text: str, expected: bool) -> None:
    assert result(text) is expected


def test_has_says_whether_a_row_has_a_value() -> None:
    assert result("visits.map(v, has(v.day))") == (True, False)
    assert result("visits.map(v, has(v.marks))") == (True, False)
    assert result("visits.map(v, has(v.day))", visits=[{"day": None}]) == (False,)


def test_a_column_of_choices_is_a_list() -> None:
    assert result("visits.exists(v, 'a' in v.marks)") is True


def test_a_typed_column_that_is_given_is_taken_before_the_rows() -> None:
    given = {"visits.amount": [Decimal(5)]}

    assert result("sum(visits.amount)", **given) == 5


def test_rows_of_the_stored_record_know_their_columns_too() -> None:
    before = {"old.visits": [{"amount": Decimal(3)}]}

    assert result("old.visits.all(v, v.amount > 2.0)", **before) is True
    assert result("sum(old.visits.amount)", **before) == 3
    assert result("sum(old.visits.amount)") is None


def test_a_failure_in_a_row_fails_unless_another_row_decides() -> None:
    rows = [{"amount": Decimal(0)}, {"amount": Decimal(2)}]

    assert result("visits.exists(v, 1.0 / v.amount < 1.0)", visits=rows) is True
    with pytest.raises(FormulaFailed, match="division by zero"):
        result("visits.all(v, 1.0 / v.amount < 1.0)", visits=rows)


def test_a_failure_in_a_row_counts_before_a_missing_value() -> None:
    rows = [{}, {"amount": Decimal(0)}]

    for order in (rows, rows[::-1]):
        with pytest.raises(FormulaFailed, match="division by zero"):
            result("visits.all(v, 1.0 / v.amount < 1.0)", visits=order)


def test_work_is_bounded_and_nothing_absorbs_that() -> None:
    many = [{"amount": Decimal(1)}] * 400
    nested = "visits.all(a, visits.all(b, a.amount + b.amount > 0.0))"

    with pytest.raises(FormulaFailed, match="takes more than 100000 steps"):
        result(nested, visits=many)
    with pytest.raises(FormulaFailed, match="takes more than 100000 steps"):
        result(f"{nested} || true", visits=many)
    assert result(nested, visits=many[:50]) is True


@pytest.mark.parametrize(
    "text",
    [
        "tags.map(a, tags).map(l, l + l).map(l, l + l).size() > 0",
        "tags.all(t, 'x' in tags || true)",
        "tags.all(t, size(tags + tags) > 0)",
        "tags.all(t, max(tags) > '')",
        "tags.all(t, tags == tags)",
        "tags.all(t, size(tags) > 0)",
        "tags.all(t, t != 'a' && t != 'b')",
        "tags.exists(t, t == 'a' || t == 'b')",
        "tags.exists_one(t, t == 'a' || t == 'b')",
        "size(tags.map(t, t + 'a' + 'b')) > 0",
        "size(tags.filter(t, t != 'a' && t != 'b')) > 0",
    ],
)
def test_work_on_long_lists_is_counted(text: str) -> None:
    with pytest.raises(FormulaFailed, match="steps"):
        result(text, tags=["x"] * 20_000)


def test_doubling_a_text_again_and_again_is_stopped() -> None:
    doubling = "['x']" + ".map(t, t + t)" * 25

    with pytest.raises(FormulaFailed, match="a text becomes too long"):
        result(doubling)


def test_each_call_has_its_own_budget_and_rows() -> None:
    formula = compile_formula("visits.all(v, v.amount > 0.0)", VARIABLES)
    many = {"visits": [{"amount": Decimal(1)}] * 5000}

    assert [formula(many) for _ in range(20)] == [True] * 20
    assert formula({"visits": [{"amount": Decimal(-1)}]}) is False


def test_rows_that_are_no_rows_fail() -> None:
    with pytest.raises(FormulaFailed, match="is not of type rows"):
        result("visits.all(v, v.done)", visits=["a"])
