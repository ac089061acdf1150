"""Date and time: a moment of the office's own clock, to the second."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from wtforms import widgets

from app.kinds.base import ORDERED, Kind, Reader, Unreadable
from app.kinds.calendars import check_year, dated_cell, day, later, written
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw, month_count
from app.kinds.texts import brief

NOT_A_MOMENT = "{value} is not a date and time. Write it as 2024-06-30 08:30."
ZONED = "{value} names a time zone. Enter the local time without one."
NO_SUCH_TIME = "{value} is not a time of the day. Hours run from 0 to 23, minutes to 59."

_ISO = re.compile(
    r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9])?"
)
_ZONE = re.compile(r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$")
_TIME = re.compile(
    r"^(.*?[0-9日号])[T ]([0-9]{1,2})[:时点]([0-9]{1,2})分?(?::?([0-9]{1,2})秒?(?:\.[0-9]+)?)?$"
)


@dataclass(frozen=True, slots=True)
class DateTime(Kind):
    """A local moment without a zone; a date alone means its midnight."""

    name = "date-time"
    example = {"type": "string", "format": "date-time"}
    formula_type = "timestamp"
    filters = ORDERED
    samples = (
        ("2024-06-30T08:30:00", datetime.datetime(2024, 6, 30, 8, 30)),
        ("2024-06-30 08:30", datetime.datetime(2024, 6, 30, 8, 30)),
        ("2024/6/30 8:05:09", datetime.datetime(2024, 6, 30, 8, 5, 9)),
        ("2024年6月30日 8时5分", datetime.datetime(2024, 6, 30, 8, 5)),
        ("２０２４-０６-３０　０８：３０", datetime.datetime(2024, 6, 30, 8, 30)),
        ("2024-06-30", datetime.datetime(2024, 6, 30)),
        (datetime.datetime(2024, 6, 30, 8, 30, 1, 999), datetime.datetime(2024, 6, 30, 8, 30, 1)),
        ("", None),
    )
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("2024-06-30 24:00", "2024-06-30 23:59:60", "2024-06-30T08:30:00Z", "08:30"),
        *("2024-06-30T08:30:00+08:00", "2024-02-30 08:00", 1719734400, "1899-01-01 00:00", []),
    )

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "string" and prop.get("format") == "date-time"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[datetime.datetime]:
        return sa.DateTime(timezone=False)

    def reader(self) -> Reader:
        return Reader(read_moment)

    def to_json(self, value: datetime.datetime | None) -> str | None:
        return None if value is None else value.isoformat(timespec="seconds")

    def from_json(self, json: str | None) -> datetime.datetime | None:
        return None if json is None else datetime.datetime.fromisoformat(json)

    def to_form(self, value: datetime.datetime | None) -> str:
        return self.to_json(value) or ""

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> datetime.datetime:
        source = draw.source
        day = draw.today - datetime.timedelta(days=source.randrange(1, 730))
        return datetime.datetime(day.year, day.month, day.day, source.randrange(8, 18))

    def month_of(self, value: datetime.datetime | None) -> int | None:
        return None if value is None else month_count(value.year, value.month)

    def moved(
        self, value: datetime.datetime | None, months: int, years: int
    ) -> datetime.datetime | None:
        return None if value is None else later(value, months)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, widget=widgets.DateTimeLocalInput(), step="1")

    def from_cell(self, cell: Any) -> Any:
        return dated_cell(cell)

    def to_cell(self, value: datetime.datetime | None) -> datetime.datetime | None:
        return value

    @property
    def cell_format(self) -> str:
        return "yyyy-mm-dd hh:mm:ss"

    def show(self, value: datetime.datetime | None) -> str:
        if value is None:
            return ""
        return value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")


def read_moment(raw: Any) -> datetime.datetime | None:
    """Return the moment in ``raw``, or None for blank text. Parts of a second are left out."""
    if isinstance(raw, datetime.datetime):
        check_year(raw.year, raw)
        return raw.replace(microsecond=0, tzinfo=None)
    if isinstance(raw, datetime.date):
        return datetime.datetime(check_year(raw.year, raw), raw.month, raw.day)
    if isinstance(raw, str) and _ISO.fullmatch(raw):
        with contextlib.suppress(ValueError):
            return datetime.datetime.fromisoformat(raw)
    whole = written(raw, NOT_A_MOMENT)
    if not whole:
        return None
    spaced = _TIME.fullmatch(" ".join(_parts(raw)))
    if not spaced:
        zoned = ":" in whole and _ZONE.search(whole)
        return _midnight(day(whole, raw, ZONED if zoned else NOT_A_MOMENT))
    date = day(written(spaced[1], NOT_A_MOMENT), raw, NOT_A_MOMENT)
    try:
        time = datetime.time(int(spaced[2]), int(spaced[3]), int(spaced[4] or 0))
    except ValueError:
        raise Unreadable(NO_SUCH_TIME, value=brief(raw)) from None
    return datetime.datetime.combine(date, time)


def _parts(raw: str) -> list[str]:
    """Return the words of ``raw``, each without full-width characters."""
    return [written(word, NOT_A_MOMENT) for word in raw.split()]


def _midnight(date: datetime.date) -> datetime.datetime:
    return datetime.datetime(date.year, date.month, date.day)
