"""Working days: arithmetic over weekends, statutory holidays and make-up working days. Pure.

Days are counted as the law counts them (民法典 第二百条 to 第二百零三条): terms are those of the
common calendar; the day on which something happens does not count, counting begins with the
next one (第二百零一条); where the last day is a statutory holiday, the term ends with the day
after that holiday (第二百零三条) – ``next_working_day`` says which.
"""

from __future__ import annotations

import datetime
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

WORKDAY, HOLIDAY = "workday", "holiday"
KINDS = (WORKDAY, HOLIDAY)
#: Monday to Friday
_FIVE = 5
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A day that is not what its weekday says, or that has a name."""

    kind: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The days of the known years that differ from the plain week.

    In a year that is not known only weekends are free: ``is_known`` and ``known_until`` say so,
    and whoever shows a date counted beyond it says that it may still move.
    """

    days: Mapping[datetime.date, Exceptional]
    years: frozenset[int]
    #: weekdays that are free, and weekend days that are worked, in order
    _taken: tuple[datetime.date, ...] = field(default=(), repr=False)
    _given: tuple[datetime.date, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, days: Mapping[datetime.date, Exceptional], years: frozenset[int]) -> Self:
        """Return the calendar of these exceptions; ``years`` are those known as a whole."""
        taken = sorted(d for d, e in days.items() if e.kind == HOLIDAY and d.weekday() < _FIVE)
        given = sorted(d for d, e in days.items() if e.kind == WORKDAY and d.weekday() >= _FIVE)
        return cls(dict(days), years, tuple(taken), tuple(given))

    @property
    def known_until(self) -> datetime.date | None:
        """The last day of the last known year, None when none is known."""
        return datetime.date(max(self.years), 12, 31) if self.years else None

    def is_known(self, day: datetime.date) -> bool:
        """Return whether the holidays of the year of ``day`` are in the calendar."""
        return day.year in self.years

    def is_working_day(self, day: datetime.date) -> bool:
        found = self.days.get(day)
        return day.weekday() < _FIVE if found is None else found.kind == WORKDAY

    def next_working_day(self, day: datetime.date) -> datetime.date:
        """Return ``day`` when it is a working day, else the first one after it."""
        while not self.is_working_day(day):
            day += _DAY
        return day

    def add_working_days(self, day: datetime.date, n: int) -> datetime.date:
        """Return the ``n``-th working day after ``day``, before it when ``n`` is negative.

        ``day`` itself never counts, whether or not it is a working day: five working days from
        a Monday end on the next Monday, from the Saturday before on the Friday after. ``n`` = 0
        is ``day`` itself. Raises ``OverflowError`` beyond the years 1 to 9999.
        """
        if n == 0:
            return day
        step = _DAY if n > 0 else -_DAY
        # most of the way by whole weeks, of which each has about five; the rest day by day
        place = day + step * (abs(n) // _FIVE * 7)
        while (left := n - self.working_days_between(day, place)) != 0:
            place += _DAY if left > 0 else -_DAY
        # free days that follow the working day have the same count: the working day is meant
        while not self.is_working_day(place):
            place -= step
        return place

    def working_days_between(self, a: datetime.date, b: datetime.date) -> int:
        """Return how many working days come after ``a``, up to ``b`` and with it; negative when
        ``b`` is earlier: those from ``b`` on, before ``a``.

        So ``add_working_days(a, working_days_between(a, b))`` is ``b`` for a working day ``b``.
        """
        if b < a:
            return -(self._before(a) - self._before(b))
        return self._before(b + _DAY) - self._before(a + _DAY)

    def _before(self, day: datetime.date) -> int:
        """Return how many working days there are from 0001-01-01, a Monday, up to ``day``."""
        weeks, rest = divmod(day.toordinal() - 1, 7)
        plain = weeks * _FIVE + min(rest, _FIVE)
        return plain - bisect_left(self._taken, day) + bisect_left(self._given, day)
