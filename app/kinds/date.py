"""Date: a day of the calendar."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from wtforms import widgets

from app.kinds.base import ORDERED, Kind, Reader, Unreadable
from app.kinds.calendars import check_year, dated_cell, day, later, written
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw, month_count
from app.kinds.texts import brief

NOT_A_DATE = "{value} is not a date. Write it as 2024-06-30."

_ISO = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_MIDNIGHT = re.compile(r"(?<=[0-9日])[T ]?0?0:00(:00(\.0+)?)?$")


@dataclass(frozen=True, slots=True)
class Date(Kind):
    """A day between 1900 and 2199."""

    name = "date"
    example = {"type": "string", "format": "date"}
    formula_type = "timestamp"
    filters = ORDERED
    samples = (
        *((text, datetime.date(2024, 6, 30)) for text in (
            *("2024-06-30", "2024/6/30", "2024.6.30", "2024年6月30日", "20240630", " 2024-6-30 "),
            *("２０２４-０６-３０", "2024-06-30 00:00:00", "2024 年 6 月 30 日"),
        )),
        (datetime.date(2024, 2, 29), datetime.date(2024, 2, 29)),
        (" ", None),
    )  # fmt: skip
    unreadable = (
        *("2026-02-30", "0001-01-01", "9999-12-31", "26/3/1", "1899-12-31", "2026.13.1", "today"),
        *("2024-06-30 08:00", "2024-6/30", "45473", 45473, 45473.0, True, [2024], "2024-06"),
        datetime.datetime(2024, 6, 30, 8, 30),
    )

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "string" and prop.get("format") == "date"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[datetime.date]:
        return sa.Date()

    def reader(self) -> Reader:
        return Reader(read_date)

    def to_json(self, value: datetime.date | None) -> str | None:
        return None if value is None else value.isoformat()

    def from_json(self, json: str | None) -> datetime.date | None:
        return None if json is None else datetime.date.fromisoformat(json)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> datetime.date:
        return draw.today - datetime.timedelta(days=draw.source.randrange(1, 730))

    def month_of(self, value: datetime.date | None) -> int | None:
        return None if value is None else month_count(value.year, value.month)

    def moved(self, value: datetime.date | None, months: int, years: int) -> datetime.date | None:
        return None if value is None else later(value, months)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, widget=widgets.DateInput())

    def from_cell(self, cell: Any) -> Any:
        """Return a worksheet's date; the time of day that a cell may carry is left out."""
        cell = dated_cell(cell)
        return cell.date() if isinstance(cell, datetime.datetime) else cell

    def to_cell(self, value: datetime.date | None) -> datetime.date | None:
        return value

    @property
    def cell_format(self) -> str:
        return "yyyy-mm-dd"

    def show(self, value: datetime.date | None) -> str:
        return "" if value is None else value.isoformat()


def read_date(raw: Any) -> datetime.date | None:
    """Return the day in ``raw``, or None for blank text."""
    if type(raw) is str and _ISO.fullmatch(raw):
        try:
            return datetime.date.fromisoformat(raw)
        except ValueError:
            return day(raw, raw, NOT_A_DATE)
    if isinstance(raw, datetime.datetime):
        if raw.replace(tzinfo=None) != datetime.datetime(raw.year, raw.month, raw.day):
            raise Unreadable(NOT_A_DATE, value=brief(raw))
        raw = raw.date()
    if isinstance(raw, datetime.date):
        check_year(raw.year, raw)
        return raw
    text = written(raw, NOT_A_DATE)
    if len(text) > 8:
        text = _MIDNIGHT.sub("", text)
    return day(text, raw, NOT_A_DATE) if text else None
