"""Month of a year, kept as ``2024-06``."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from wtforms import widgets

from app.kinds.base import ANY_OF, ORDERED, Kind, Reader, Unreadable
from app.kinds.calendars import check_year, dated_cell, written
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw, counted, month_count
from app.kinds.texts import brief
from app.kinds.wording import word

NOT_A_MONTH = "{value} is not a month. Write it as 2024-06."

_KEPT = re.compile(r"(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])")
_WRITTEN = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})|/([0-9]{1,2})|\.([0-9]{1,2})|年([0-9]{1,2})月份?|([0-9]{2}))"
)


@dataclass(frozen=True, slots=True)
class Month(Kind):
    """A month between 1900 and 2199; its text sorts in time."""

    name = "month"
    example = {"type": "string", "format": "month"}
    filters = (*ORDERED, ANY_OF)
    stores_text = True
    samples = (
        *((text, "2024-06") for text in (
            *("2024-06", "2024年6月", "2024年06月份", "202406", "2024/6", "2024.6", "2024-6"),
            *("２０２４年６月", " 2024 年 6 月 ", datetime.date(2024, 6, 30)),
        )),
        ("2024-12", "2024-12"),
        ("  ", None),
    )  # fmt: skip
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("2024-13", "2024-00", "6月", "2024", "1899-12", "2024-06-30", "20246", "202413"),
        *(202406, 45473.0, True, [], "2024年一月"),
    )

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "string" and prop.get("format") == "month"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(read_month)

    def to_form(self, value: str | None) -> str:
        return value or ""

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str:
        last = month_count(draw.today.year, draw.today.month) - 1
        return _month(last - draw.source.randrange(24))

    def month_of(self, value: str | None) -> int | None:
        return None if value is None else month_count(int(value[:4]), int(value[5:]))

    def moved(self, value: str | None, months: int, years: int) -> str | None:
        place = self.month_of(value)
        return None if place is None else _month(place + months)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, widget=widgets.MonthInput(), placeholder="2024-06")

    def from_cell(self, cell: Any) -> Any:
        cell = dated_cell(cell)
        return cell.date() if isinstance(cell, datetime.datetime) else cell

    def show(self, value: str | None) -> str:
        if not value:
            return ""
        return word("month").format(year=value[:4], part=int(value[5:]))

    def from_other(self, old: Kind, value: Any) -> Any:
        """Return a date as it is: its month is what is kept."""
        return value if old.name in ("date", "date-time") else Kind.from_other(self, old, value)


def _month(months: int) -> str:
    year, month = counted(months)
    return f"{year:04}-{month:02}"


def read_month(raw: Any) -> str | None:
    """Return the month in ``raw`` as ``YYYY-MM``, or None for blank text."""
    if type(raw) is str and _KEPT.fullmatch(raw):
        return raw
    if isinstance(raw, datetime.date):
        return f"{check_year(raw.year, raw)}-{raw.month:02d}"
    text = written(raw, NOT_A_MONTH)
    if not text:
        return None
    found = _WRITTEN.fullmatch(text)
    month = int(next(part for part in found.groups()[1:] if part)) if found else 0
    if not found or not 1 <= month <= 12:
        raise Unreadable(NOT_A_MONTH, value=brief(raw))
    return f"{check_year(int(found[1]), raw)}-{month:02d}"
