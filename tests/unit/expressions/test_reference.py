"""The reference page tells the truth."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from pathlib import Path

import pytest

from app.expressions import compile_formula
from app.expressions.names import CALLABLE

PAGE = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text("utf-8")
EXAMPLES = [
    tuple(part.strip() for part in line.rsplit("//", 1))
    for line in re.findall(r"(?s)```cel\n(.*?)```", PAGE)[0].splitlines()
]
VARIABLES = {
    "revenue": "double",
    "revenue_last": "double",
    "staff": "int",
    "start": "timestamp",
    "tags": "list(string)",
    "note": "string",
    "visits": "rows",
    "visits.amount": "list(double)",
}
VALUES = {
    "revenue": Decimal(110),
    "revenue_last": Decimal(100),
    "staff": 7,
    "start": datetime.date(2024, 1, 1),
    "tags": ("a", "b"),
    "visits": ({"amount": Decimal("0.1")}, {"amount": Decimal("0.2")}),
}


@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_an_example_gives_what_the_page_says(text: str, expected: str) -> None:
    result = compile_formula(text, VARIABLES)(VALUES)

    match result:
        case None:
            assert expected == "no result"
        case bool():
            assert expected == str(result).lower()
        case Decimal():
            assert result == Decimal(expected)
        case _:
            assert expected == str(result)


@pytest.mark.parametrize("name", CALLABLE)
def test_every_function_is_on_the_page(name: str) -> None:
    assert re.search(rf"`[^`\n]*\b{name}\(", PAGE)
