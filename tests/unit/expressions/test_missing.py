"""A missing input has no result, unless the rest decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.expressions import FormulaFailed, compile_formula

VARIABLES = {
    "a": "double",
    "b": "double",
    "yes": "bool",
    "gone": "bool",
    "missing": "double",
    "name": "string",
    "tags": "list(string)",
    "visits": "rows",
    "visits.amount": "list(double)",
}
VALUES: dict[str, Any] = {"a": Decimal(6), "b": Decimal(0), "yes": True, "gone": None}


def result(text: str, **values: Any) -> Any:
    return compile_formula(text, VARIABLES)(VALUES | values)


@pytest.mark.parametrize(
    "text",
    [
        "missing",
        "a + missing",
        "missing > 1.0",
        "-missing",
        "!gone",
        "gone ? 1 : 2",
        "[a, missing]",
        "sum([a, missing])",
        "size(tags)",
        "'x' in tags",
        "tags.all(t, true)",
        "visits.amount",
        "string(missing)",
        "round(missing, 2)",
        "yes ? missing : a",
        "yes ? none() : a",
        "none()",
        "min([])",
        "yes && gone",
        "gone && yes",
        "gone || !yes",
        "gone && missing > 1.0",
    ],
)
def test_without_an_input_there_is_no_result(text: str) -> None:
    assert result(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gone && false", False),
        ("false && gone", False),
        ("gone || true", True),
        ("true || gone", True),
        ("yes ? 1 : size(tags)", 1),
        ("missing > 1.0 && a > 7.0", False),
        ("missing > 1.0 || a > 1.0", True),
        ("none() && false", False),
    ],
)
def test_the_other_side_may_decide_without_it(text: str, expected: Any) -> None:
    assert result(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a / b > 1.0 && false", False),
        ("false && a / b > 1.0", False),
        ("a / b > 1.0 || true", True),
        ("b != 0.0 && a / b > 1.0", False),
        ("b == 0.0 ? none() : a / b", None),
    ],
)
def test_a_failure_is_absorbed_where_the_other_side_decides(text: str, expected: Any) -> None:
    assert result(text) == expected


@pytest.mark.parametrize(
    "text",
    ["a / b > 1.0 && yes", "gone && a / b > 1.0", "a / b > 1.0 && gone", "gone || a / b > 1.0"],
)
def test_a_failure_counts_before_a_missing_value(text: str) -> None:
    with pytest.raises(FormulaFailed, match="division by zero"):
        result(text)


def test_the_branch_not_taken_is_not_computed() -> None:
    assert result("yes ? a : a / b") == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("present(a)", True),
        ("present(missing)", False),
        ("present(a + missing)", False),
        ("present(none())", False),
        ("present(name)", False),
        ("present(tags)", False),
        ("!present(gone)", True),
        ("present(b)", True),
    ],
)
def test_present_says_whether_there_is_a_value(text: str, expected: bool) -> None:
    assert result(text) is expected


def test_an_empty_text_or_list_is_not_present() -> None:
    assert result("present(name)", name="") is False
    assert result("present(tags)", tags=()) is False


def test_present_does_not_hide_a_failure() -> None:
    with pytest.raises(FormulaFailed):
        result("present(a / b)")


def test_none_and_an_absent_key_are_the_same() -> None:
    assert result("present(missing)", missing=None) is False
    assert result("missing", missing=None) is None


def test_an_empty_list_is_a_value() -> None:
    assert result("size(tags)", tags=()) == 0
    assert result("'x' in tags", tags=()) is False
    assert result("sum(visits.amount)", visits=()) == 0


def test_none_inside_a_given_list_is_left_out() -> None:
    assert result("sum(visits.amount)", **{"visits.amount": [Decimal(1), None]}) == 1
