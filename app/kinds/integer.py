"""Integer: a whole number within what JavaScript and JSON keep exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, ORDERED, Kind, Reader, Unreadable
from app.kinds.columns import whole
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw, between
from app.kinds.numerals import NOT_A_NUMBER, exact, numeral
from app.kinds.texts import brief

#: 2**53 - 1
LARGEST = 9007199254740991
#: the unit of what grows and shrinks with the size of a firm
HEADS = "人"

NOT_WHOLE = "{value} is not a whole number. Enter a number without decimals."
TOO_LARGE = "{value} is too large: a whole number may have at most 15 digits."

_DIGITS = re.compile(r"[+-]?[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Integer(Kind):
    """A whole number from -(2**53 - 1) to 2**53 - 1."""

    name = "integer"
    example = {"type": "integer", "unit": "人"}
    keywords = frozenset(
        ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "factor"]
    )
    json_type = "integer"
    formula_type = "int"
    filters = (*ORDERED, ANY_OF)
    align = "end"
    samples = (
        ("12", 12),
        (" 1,234,567 ", 1234567),
        ("１２３", 123),
        ("+5", 5),
        ("-0", 0),
        ("007", 7),
        ("12.00", 12),
        (3.0, 3),
        (Decimal("4.0"), 4),
        ("12 人", 12),
        (LARGEST, LARGEST),
        (-LARGEST, -LARGEST),
        ("  ", None),
    )
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("1.5", "1_0", "twelve", "1e3", "NaN", "12 万", "1,2", "--1", "9" * 5000, "0x10"),
        *(1.5, float("nan"), float("inf"), 1e300, True, LARGEST + 1, str(LARGEST + 1), [1], {}),
        *(Decimal("1E+999999"), Decimal("sNaN"), 10**5000),
    )

    unit: str = ""

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        if prop.get("type") != "integer" or "format" in prop:
            return None
        return cls(str(prop.get("unit", "")))

    def column_type(self) -> sa.types.TypeEngine[int]:
        return whole()

    def reader(self) -> Reader:
        unit = self.unit

        def read(raw: Any) -> int | None:
            if type(raw) is str and _DIGITS.fullmatch(raw):
                return int(raw)
            return read_whole(raw, unit)

        return Reader(read)

    def from_formula(self, result: Any) -> int | None:
        """Return a formula's result; a float that is whole but for its last bits is whole."""
        if isinstance(result, float) and abs(result) < LARGEST and result == result:
            result = exact(result)
        return None if result is None else read_whole(result)

    def to_form(self, value: int | None) -> str:
        return "" if value is None else str(value)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> int:
        return int(between(draw, prop, 0, 50))

    def times(self, value: int | None, factor: Decimal) -> int | None:
        """Return heads multiplied; a plain count, of rows or of months, is what it is."""
        if value is None or self.unit != HEADS:
            return value
        return int((value * factor).to_integral_value(ROUND_HALF_UP))

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, inputmode="numeric")

    def to_cell(self, value: int | None) -> int | str | None:
        """Return the number, or text where a worksheet would lose its last digits."""
        return value if value is None or abs(value) < 10**15 else str(value)

    @property
    def cell_format(self) -> str:
        return "#,##0"

    def show(self, value: int | None) -> str:
        return "" if value is None else f"{value:,}"

    def to_other(self, value: int) -> str:
        return str(value)

    def holds(self, old: Kind) -> bool:
        return isinstance(old, Integer) or old.name == "year"


def read_whole(raw: Any, unit: str = "") -> int | None:
    """Return the whole number in ``raw``, or None for blank text."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return _within(raw)
    if isinstance(raw, str):
        digits = numeral(raw, unit)
        if digits is None:
            return None
        number, _, decimals = digits.partition(".")
        if decimals.strip("0"):
            raise Unreadable(NOT_WHOLE, value=brief(raw))
        return _within(Decimal(number or "0"), raw)
    if isinstance(raw, (float, Decimal)):
        number_read = exact(raw)
        if number_read.adjusted() < 18 and number_read != number_read.to_integral_value():
            raise Unreadable(NOT_WHOLE, value=brief(raw))
        return _within(number_read, raw)
    raise Unreadable(NOT_A_NUMBER, value=brief(raw))


def _within(number: int | Decimal, raw: Any = None) -> int:
    if not -LARGEST <= number <= LARGEST:
        raise Unreadable(TOO_LARGE, value=brief(number if raw is None else raw))
    return int(number)
