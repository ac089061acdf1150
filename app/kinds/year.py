"""Year."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, ORDERED, Kind, Reader, Unreadable
from app.kinds.calendars import check_year
from app.kinds.columns import whole
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw, month_count
from app.kinds.numerals import exact
from app.kinds.texts import brief, compact

NOT_A_YEAR = "{value} is not a year. Write it with four digits, such as 2024."

_WRITTEN = re.compile(r"([0-9]{4})(?:\.0+)?(?:年度?)?")


@dataclass(frozen=True, slots=True)
class Year(Kind):
    """A year between 1900 and 2199."""

    name = "year"
    example = {"type": "integer", "format": "year"}
    keywords = frozenset(["minimum", "maximum"])
    json_type = "integer"
    formula_type = "int"
    filters = (*ORDERED, ANY_OF)
    samples = (
        *(("2024", 2024), ("2024年", 2024), ("2024年度", 2024), ("２０２４", 2024)),
        *((2024, 2024), (2024.0, 2024), (Decimal("2024"), 2024), (" ", None)),
    )
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("24", "2024.5", 2024.5, "20240", 0, 1899, 2200, True, "今年", [], float("nan")),
        *(Decimal("1E+999999"), Decimal("sNaN"), 10**5000),
    )

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "integer" and prop.get("format") == "year"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[int]:
        return whole()

    def reader(self) -> Reader:
        return Reader(read_year)

    def from_formula(self, result: Any) -> int | None:
        return None if result is None else read_year(result)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> int:
        last = min(int(prop.get("maximum", draw.today.year)), draw.today.year)
        return max(int(prop.get("minimum", 0)), last - draw.source.randrange(3))

    def month_of(self, value: int | None) -> int | None:
        return None if value is None else month_count(value, 12)

    def moved(self, value: int | None, months: int, years: int) -> int | None:
        return None if value is None else value + years

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, inputmode="numeric", placeholder="2024")

    def to_cell(self, value: int | None) -> int | None:
        return value

    @property
    def cell_format(self) -> str:
        return "0"


def read_year(raw: Any) -> int | None:
    """Return the year in ``raw``, or None for blank text."""
    if type(raw) is int:
        return check_year(raw, raw)
    if isinstance(raw, (float, Decimal)):
        number = exact(raw)
        if number.adjusted() < 4 and number == int(number):
            return check_year(int(number), raw)
    text = compact(raw) if isinstance(raw, str) else "?"
    if not text:
        return None
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise Unreadable(NOT_A_YEAR, value=brief(raw))
    return check_year(int(found[1]), raw)
