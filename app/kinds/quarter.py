"""Quarter of a year, kept as ``2024Q1``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, ORDERED, Kind, Reader, Unreadable
from app.kinds.calendars import check_year, written
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw, counted, month_count
from app.kinds.texts import brief
from app.kinds.wording import word

NOT_A_QUARTER = "{value} is not a quarter. Write it as 2024Q1 or 2024年第1季度."

_WRITTEN = re.compile(r"([0-9]{4})(?:[-/]?[Qq]([1-4])|年?第?([1-4一二三四])季度?)")
_CHINESE = {"一": 1, "二": 2, "三": 3, "四": 4}


@dataclass(frozen=True, slots=True)
class Quarter(Kind):
    """A quarter between 1900 and 2199; its text sorts in time."""

    name = "quarter"
    example = {"type": "string", "format": "quarter"}
    filters = (*ORDERED, ANY_OF)
    stores_text = True
    samples = (
        *((text, "2024Q1") for text in (
            *("2024Q1", "2024q1", "2024-Q1", "2024年第1季度", "2024年一季度", "2024年第一季度"),
            *("2024 年 1 季度", "２０２４Ｑ１"),
        )),
        ("2024Q4", "2024Q4"),
        ("", None),
    )  # fmt: skip
    unreadable = ("2024Q5", "2024Q0", "Q1", "2024", "一季度", "1899Q4", 20241, True, [])

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "string" and prop.get("format") == "quarter"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(read_quarter)

    def to_form(self, value: str | None) -> str:
        return value or ""

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str:
        last = month_count(draw.today.year, draw.today.month) - 3
        return _quarter(last - 3 * draw.source.randrange(8))

    def month_of(self, value: str | None) -> int | None:
        return None if value is None else month_count(int(value[:4]), int(value[5:]) * 3)

    def moved(self, value: str | None, months: int, years: int) -> str | None:
        place = self.month_of(value)
        return None if place is None else _quarter(place + months)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, placeholder="2024Q1")

    def show(self, value: str | None) -> str:
        if not value:
            return ""
        return word("quarter").format(year=value[:4], part=value[5:])


def _quarter(months: int) -> str:
    year, month = counted(months)
    return f"{year:04}Q{(month + 2) // 3}"


def read_quarter(raw: Any) -> str | None:
    """Return the quarter in ``raw`` as ``YYYYQn``, or None for blank text."""
    text = written(raw, NOT_A_QUARTER)
    if not text:
        return None
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise Unreadable(NOT_A_QUARTER, value=brief(raw))
    part = found[2] or found[3]
    return f"{check_year(int(found[1]), raw)}Q{_CHINESE.get(part, part)}"
