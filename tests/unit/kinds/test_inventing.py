"""Invented values: every kind reads what it invents, and moves and multiplies what it holds."""

from __future__ import annotations

import datetime
import random
import re
from decimal import Decimal
from typing import Any

import pytest

from app.kinds import KINDS, kind_of
from app.kinds.base import Kind
from app.kinds.inventing import Draw, between, last_month, later_text, of_pattern

DECLARED = tuple(found for found in (kind_of(kind.example) for kind in KINDS) if found)
TODAY = datetime.date(2026, 6, 1)
#: what only the service can give: which record, which rows, which file
LEFT = {"reference", "rows", "attachment"}


def a_draw(seed: int) -> Draw:
    return Draw(random.Random(seed), seed, TODAY, "题目")


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.name)
def test_a_kind_reads_what_it_invents(kind: Kind) -> None:
    for seed in range(100):
        raw = kind.invent(a_draw(seed), kind.example)

        assert (raw is None) == (kind.name in LEFT)
        assert raw is None or kind.reader().deserialize(raw) is not None


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.name)
def test_the_same_draw_invents_the_same_value(kind: Kind) -> None:
    assert kind.invent(a_draw(7), kind.example) == kind.invent(a_draw(7), kind.example)


@pytest.mark.parametrize(
    "prop",
    [
        {"minimum": 5, "maximum": 6},
        {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"maximum": -10},
        {"minimum": 3, "multipleOf": 2.5},
    ],
    ids=str,
)
def test_a_number_keeps_its_limits(prop: dict[str, Any]) -> None:
    for seed in range(100):
        value = between(a_draw(seed), prop, 2)

        assert value >= Decimal(prop.get("minimum", -(10**9)))
        assert value > prop.get("exclusiveMinimum", -(10**9))
        assert value <= prop.get("maximum", 10**9)
        assert value < prop.get("exclusiveMaximum", 10**9)
        assert value % Decimal(str(prop.get("multipleOf", "0.01"))) == 0


@pytest.mark.parametrize(
    "pattern",
    [
        "^JB[0-9]{4}-[0-9]{4}$", "^20[0-9]{2}(Q[1-4])?$", "^(0[0-9]{2,3}-?)?[0-9]{7,8}$",
        "^[a-z0-9-]+$", r"^\d+\.(?:甲|乙)*$", "^[1-9][0-9]{8}$",
    ],
)  # fmt: skip
def test_a_text_matches_its_pattern(pattern: str) -> None:
    for seed in range(100):
        text = of_pattern(random.Random(seed), pattern)

        assert text is not None and re.search(pattern, text)


@pytest.mark.parametrize("pattern", ["^[^a]$", r"^\bx$", "^(a$", "a{x}"])
def test_a_pattern_that_says_more_gives_no_text(pattern: str) -> None:
    assert of_pattern(random.Random(1), pattern) is None


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("2024", "2025"), ("2024H2", "2025H1"), ("2024Q3", "2025Q1"),
        ("JB2024-0001", "JB2025-0001"), ("2024 年", "2024 年"), ("示例", "示例"),
    ],
)  # fmt: skip
def test_a_period_kept_as_text_moves(text: str, later: str) -> None:
    assert later_text(text, 6, 1) == later


def test_a_period_kept_as_text_ends_in_a_month() -> None:
    assert [last_month(text) for text in ("2024", "2024H1", "2024Q3", "x")] == [
        2024 * 12 + 11, 2024 * 12 + 5, 2024 * 12 + 8, None,
    ]  # fmt: skip


MOVED: list[tuple[str, Any, Any]] = [
    ("date", datetime.date(2024, 8, 31), datetime.date(2025, 2, 28)),
    ("date-time", datetime.datetime(2024, 8, 31, 9), datetime.datetime(2025, 2, 28, 9)),
    ("month", "2024-08", "2025-02"),
    ("quarter", "2024Q3", "2025Q1"),
    ("year", 2024, 2025),
    ("document-number", "示例政〔2024〕5号", "示例政〔2025〕5号"),
    ("number", Decimal(5), Decimal(5)),
]


@pytest.mark.parametrize(("name", "value", "later"), MOVED)
def test_a_time_is_moved(name: str, value: Any, later: Any) -> None:
    [kind] = [one for one in DECLARED if one.name == name]

    assert kind.moved(value, 6, 1) == later
    assert kind.moved(None, 6, 1) is None


def test_amounts_are_multiplied_and_shares_are_not() -> None:
    money = kind_of({"type": "number", "scale": 2, "unit": "万元"})
    share = kind_of({"type": "number", "scale": 2, "unit": "%"})
    heads = kind_of({"type": "integer", "unit": "人"})
    months = kind_of({"type": "integer", "unit": "个月"})
    assert money and share and heads and months

    half = Decimal("0.5")
    assert money.times(Decimal("1.01"), half) == Decimal("0.51")
    assert share.times(Decimal(30), half) == 30
    assert (heads.times(5, half), months.times(5, half)) == (3, 5)
