"""Dates as people and worksheets write them."""

from __future__ import annotations

import datetime
import re
from calendar import monthrange
from typing import Any, TypeVar

from app.kinds.base import Unreadable
from app.kinds.inventing import counted, month_count
from app.kinds.texts import brief, compact

#: years a register may speak of; outside them a date is a slip of the hand
FIRST_YEAR, LAST_YEAR = 1900, 2199

Day = TypeVar("Day", bound=datetime.date)

NO_SUCH_DAY = "{value} is not a day of the calendar. Check the month and the day."
OUT_OF_RANGE = "{value} is outside the years {first} to {last}. Check the year."

_DAY = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})"
    r"|\.([0-9]{1,2})\.([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})[日号]?|([0-9]{2})([0-9]{2}))"
)
_FIRST_SERIAL = 1
_LEAP_BUG = 60
_LAST_SERIAL = 109574


def day(text: str, raw: Any, sentence: str) -> datetime.date:
    """Return the day written in ``text`` (no spaces); ``sentence`` refuses what is none."""
    found = _DAY.fullmatch(text)
    if not found:
        raise Unreadable(sentence, value=brief(raw))
    year, month, of_month = (int(part) for part in found.groups() if part is not None)
    check_year(year, raw)
    try:
        return datetime.date(year, month, of_month)
    except ValueError:
        raise Unreadable(NO_SUCH_DAY, value=brief(raw)) from None


def check_year(year: int, raw: Any) -> int:
    """Return ``year``, or refuse one that no register speaks of."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Unreadable(OUT_OF_RANGE, value=brief(raw), first=FIRST_YEAR, last=LAST_YEAR)
    return year


def later(value: Day, months: int) -> Day:
    """Return a day so many months later; the last of a month stays within its month."""
    year, month = counted(month_count(value.year, value.month) + months)
    return value.replace(year=year, month=month, day=min(value.day, monthrange(year, month)[1]))


def from_serial(cell: float) -> datetime.datetime | None:
    """Return the moment of an Excel serial number (1900 system), or None for another number.

    A whole number that looks like a year is none: somebody typed 2024 into a date column. Nor
    is 60, the 29 February 1900 that Excel believes in.
    """
    if not _FIRST_SERIAL <= cell < _LAST_SERIAL + 1 or int(cell) == _LEAP_BUG:
        return None
    if cell == int(cell) and FIRST_YEAR <= cell <= LAST_YEAR:
        return None
    start = datetime.datetime(1899, 12, 30 if cell > _LEAP_BUG else 31)
    return start + datetime.timedelta(seconds=round(cell * 86400))


def dated_cell(cell: Any) -> Any:
    """Return a cell of a date column as a datetime where it is one, else as raw text."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        moment = from_serial(cell)
        if moment is not None:
            return moment
        return str(int(cell)) if cell == cell and abs(cell) < 1e15 and cell == int(cell) else cell
    return cell


def written(raw: Any, sentence: str) -> str:
    """Return ``raw`` as text without spaces; refuse what is not text."""
    if not isinstance(raw, str):
        raise Unreadable(sentence, value=brief(raw))
    return compact(raw)
