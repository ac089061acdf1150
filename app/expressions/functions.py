"""What the operators and functions compute, on plain values. Numbers are Decimal.

A function that needs work in proportion to a value says so in ``cost``: steps charged
before it runs.
"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import reduce
from typing import Any

from app.expressions import sentences
from app.expressions.problems import Failure, NoResult
from app.expressions.shapes import fits, join, moment

#: 34 digits, as decimal128; more than 10^99 fails
NUMBERS = Context(
    prec=34, Emax=99, Emin=-99, traps=[DivisionByZero, InvalidOperation, Overflow], clamp=0
)
LONGEST_TEXT = 100_000

#: what today() asks; a run that must be repeatable sets it
clock: ContextVar[Callable[[], datetime.date]] = ContextVar("clock", default=datetime.date.today)

_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature. ``own`` overloads are declared to the library, the others are its own."""

    takes: tuple[str, ...]
    gives: str
    run: Callable[..., Any]
    own: bool = False
    cost: Callable[..., int] | None = None


def whole(value: int) -> int:
    """Return ``value`` if it fits 64 bits."""
    if -(1 << 63) <= value < 1 << 63:
        return value
    raise Failure(sentences.OUT_OF_RANGE)


def divide(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise Failure(sentences.DIVISION)
    return NUMBERS.divide(left, right)


def divide_whole(left: int, right: int) -> int:
    """Divide towards zero."""
    if not right:
        raise Failure(sentences.DIVISION)
    quotient = abs(left) // abs(right)
    return whole(quotient if (left < 0) == (right < 0) else -quotient)


def remainder(left: int, right: int) -> int:
    """Return what ``divide_whole`` leaves; it has the sign of ``left``."""
    return left - right * divide_whole(left, right)


def concatenate(left: str, right: str) -> str:
    if len(left) + len(right) > LONGEST_TEXT:
        raise Failure(sentences.TEXT_TOO_LONG)
    return left + right


def item(values: Sequence[Any], index: int) -> Any:
    if 0 <= index < len(values):
        return values[index]
    raise Failure(sentences.NO_ELEMENT, index=index)


def total(values: Sequence[Decimal]) -> Decimal:
    return reduce(NUMBERS.add, values, Decimal(0))


def least(values: Sequence[Any]) -> Any:
    """Return the smallest; a list without values has no result."""
    if not values:
        raise NoResult
    return min(values)


def greatest(values: Sequence[Any]) -> Any:
    """Return the largest; a list without values has no result."""
    if not values:
        raise NoResult
    return max(values)


def earliest(values: Sequence[datetime.date]) -> datetime.date:
    if not values:
        raise NoResult
    return min(values, key=moment)


def latest(values: Sequence[datetime.date]) -> datetime.date:
    if not values:
        raise NoResult
    return max(values, key=moment)


def round_half_up(value: Decimal, digits: int) -> Decimal:
    """Round to ``digits`` places, a half away from zero."""
    if not -18 <= digits <= 18:
        raise Failure(sentences.NOT_DIGITS)
    if value.as_tuple().exponent >= -digits:  # type: ignore[operator]
        return value
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, NUMBERS)


def truncate(value: Decimal) -> int:
    return whole(int(value))


def plain(value: Decimal) -> str:
    """Return a number without exponent and without superfluous zeros."""
    return format(NUMBERS.normalize(value) + 0, "f")


def read_date(text: str) -> datetime.date:
    """Return "2024-06-30" as a date, "2024-06-30T08:00:00" as a date and time."""
    match = _DATE.fullmatch(text)
    try:
        if match and match[1]:
            return datetime.datetime.fromisoformat(text)
        if match:
            return datetime.date.fromisoformat(text)
    except ValueError:
        pass
    raise Failure(sentences.NOT_A_DATE, value=text)


def today() -> datetime.date:
    return clock.get()()


def month(value: datetime.date) -> str:
    return f"{value.year:04}-{value.month:02}"


def days(start: datetime.date, end: datetime.date) -> int:
    """Return the calendar days from ``start`` to ``end``, whatever the time of day."""
    return end.toordinal() - start.toordinal()


def add_days(day: datetime.date, count: int) -> datetime.date:
    """Return the day ``count`` calendar days after ``day``, or before it; a time stays as it is."""
    try:
        return day + datetime.timedelta(days=count)
    except OverflowError:
        raise Failure(sentences.OUT_OF_RANGE) from None


def no_value() -> Any:
    raise NoResult


def _on_moments(compare: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda left, right: compare(moment(left), moment(right))


def _lengths(*values: Any) -> int:
    return 1 + sum(len(value) for value in values)


def _text_lengths(*values: str) -> int:
    return 1 + sum(len(value) for value in values) // 64


def _compared(name: str, compare: Callable[[Any, Any], Any]) -> dict[str, tuple[Overload, ...]]:
    plain_types = ("double", "int", "string", "bool")
    return {
        name: (
            *(Overload((each, each), "bool", compare) for each in plain_types),
            Overload(("timestamp", "timestamp"), "bool", _on_moments(compare)),
        )
    }


def _of_two(pick: Callable[..., Any]) -> Callable[..., Any]:
    return lambda left, right: pick((left, right))


def _chosen(pick: Callable[..., Any], by_moment: Callable[..., Any]) -> tuple[Overload, ...]:
    """Return the overloads of min or max: over a list, and of two values."""
    found = []
    for each in ("double", "int", "string", "timestamp"):
        run = by_moment if each == "timestamp" else pick
        found.append(Overload((f"list({each})",), each, run, own=True, cost=_lengths))
        found.append(Overload((each, each), each, _of_two(run), own=True))
    return tuple(found)


_D, _I, _S, _T = "double", "int", "string", "timestamp"

FUNCTIONS: dict[str, tuple[Overload, ...]] = {
    "_+_": (
        Overload((_D, _D), _D, NUMBERS.add),
        Overload((_I, _I), _I, lambda a, b: whole(a + b)),
        Overload((_S, _S), _S, concatenate, cost=_text_lengths),
    ),
    "_-_": (
        Overload((_D, _D), _D, NUMBERS.subtract),
        Overload((_I, _I), _I, lambda a, b: whole(a - b)),
    ),
    "_*_": (
        Overload((_D, _D), _D, NUMBERS.multiply),
        Overload((_I, _I), _I, lambda a, b: whole(a * b)),
    ),
    "_/_": (Overload((_D, _D), _D, divide), Overload((_I, _I), _I, divide_whole)),
    "_%_": (Overload((_I, _I), _I, remainder),),
    "-_": (Overload((_D,), _D, NUMBERS.minus), Overload((_I,), _I, lambda a: whole(-a))),
    "!_": (Overload(("bool",), "bool", operator.not_),),
    **_compared("_==_", operator.eq),
    **_compared("_!=_", operator.ne),
    **_compared("_<_", operator.lt),
    **_compared("_<=_", operator.le),
    **_compared("_>_", operator.gt),
    **_compared("_>=_", operator.ge),
    "size": (Overload((_S,), _I, len), Overload(("list(none)",), _I, len)),
    "startsWith": (Overload((_S, _S), "bool", str.startswith),),
    "endsWith": (Overload((_S, _S), "bool", str.endswith),),
    "contains": (Overload((_S, _S), "bool", operator.contains, cost=_text_lengths),),
    "double": (Overload((_I,), _D, Decimal), Overload((_D,), _D, lambda value: value)),
    "int": (Overload((_D,), _I, truncate), Overload((_I,), _I, lambda value: value)),
    "string": (
        Overload((_I,), _S, str),
        Overload((_D,), _S, plain),
        Overload((_S,), _S, lambda value: value),
    ),
    "date": (Overload((_S,), _T, read_date, own=True),),
    "today": (Overload((), _T, today, own=True),),
    "none": (Overload((), "none", no_value, own=True),),
    "year": (Overload((_T,), _I, lambda value: value.year, own=True),),
    "month": (Overload((_T,), _S, month, own=True),),
    "days": (Overload((_T, _T), _I, days, own=True),),
    "add_days": (Overload((_T, _I), _T, add_days, own=True),),
    "sum": (
        Overload((f"list({_D})",), _D, total, own=True, cost=_lengths),
        Overload((f"list({_I})",), _I, lambda values: whole(sum(values)), own=True, cost=_lengths),
    ),
    "min": _chosen(least, earliest),
    "max": _chosen(greatest, latest),
    "round": (Overload((_D, _I), _D, round_half_up, own=True),),
    "abs": (
        Overload((_D,), _D, NUMBERS.abs, own=True),
        Overload((_I,), _I, lambda value: whole(abs(value)), own=True),
    ),
}


def matching(overloads: tuple[Overload, ...], shapes: list[str]) -> tuple[Overload, str] | None:
    """Return the overload that takes ``shapes`` and what it gives.

    Where none() stands for an argument several may fit; what they give is then open.
    """
    found = [
        each
        for each in overloads
        if len(each.takes) == len(shapes) and all(map(fits, shapes, each.takes))
    ]
    if not found:
        return None
    return found[0], join(each.gives for each in found) or "none"
