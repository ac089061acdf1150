"""Number: an exact decimal, never a float."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import ORDERED, Kind, Reader, Unreadable
from app.kinds.columns import DIGITS, Exact
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw, between
from app.kinds.numerals import NOT_A_NUMBER, exact, fixed, is_number, numeral, too_long
from app.kinds.texts import brief

DECIMALS = (
    "{value} has too many decimals: this field keeps {scale}. Round it yourself, nothing is "
    "rounded silently."
)
TOO_LONG = "{value} is too large: at most {digits} digits may stand before the point."


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """At most 18 digits, ``scale`` of them after the point. Nothing is rounded while reading."""

    name = "number"
    example = {"type": "number", "scale": 2, "unit": "万元"}
    keywords = frozenset(
        [
            *("scale", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
            *("multipleOf", "factor"),
        ]
    )
    json_type = "number"
    formula_type = "double"
    filters = ORDERED
    align = "end"
    samples = (
        ("1 234.50", Decimal("1234.50")),
        ("1,234.50", Decimal("1234.50")),
        ("１２．５", Decimal("12.50")),
        ("12 万元", Decimal("12.00")),
        ("12.3400", Decimal("12.34")),
        (" .5", Decimal("0.50")),
        ("-0", Decimal("0.00")),
        ("0.35", Decimal("0.35")),
        (12, Decimal("12.00")),
        (0.1, Decimal("0.10")),
        (0.1 + 0.2, Decimal("0.30")),
        (Decimal("1E+3"), Decimal("1000.00")),
        ("9999999999999999.99", Decimal("9999999999999999.99")),
        ("-9999999999999999.99", Decimal("-9999999999999999.99")),
        (9999999999999999, Decimal("9999999999999999.00")),
        ("\u3000", None),
    )
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("twelve", "1.2.3", "NaN", "Infinity", "1e400", "1_000", "12,34", "1,23,456", "0.355"),
        *("12元", "12亿元", "35%", "(100)", "1.2万", "-", "5.", "10000000000000000", "7" * 5000),
        *(True, float("nan"), float("inf"), 0.125, 1e300, 10**16, 10**5000, [], {}),
        *(Decimal("sNaN"), Decimal("1E+999999"), Decimal("1E-999999"), Decimal("0.001")),
    )

    scale: int = 2
    unit: str = ""

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        untyped = "type" not in prop and "scale" in prop
        if (prop.get("type") != "number" and not untyped) or "format" in prop:
            return None
        scale = prop.get("scale", 2)
        if type(scale) is not int or not 0 <= scale < DIGITS:
            return None
        return cls(scale, str(prop.get("unit", "")))

    def column_type(self) -> sa.types.TypeEngine[Decimal]:
        return Exact(self.scale)

    def reader(self) -> Reader:
        scale, unit = self.scale, self.unit
        step, factor, most = Decimal(1).scaleb(-scale), 10**scale, 10 ** (DIGITS - scale)
        decimals = rf"(?:\.[0-9]{{1,{scale}}})?" if scale else ""
        plain = re.compile(rf"-?[1-9][0-9]{{0,{DIGITS - scale - 1}}}{decimals}|0{decimals}")

        def read(raw: Any) -> Decimal | None:
            if type(raw) is str and plain.fullmatch(raw):
                return Decimal(raw).quantize(step)
            if type(raw) is int and -most < raw < most:
                return Decimal(raw * factor).scaleb(-scale)
            return read_exact(raw, scale, unit)

        return Reader(read)

    def from_json(self, json: Any) -> Decimal | None:
        return None if json is None else read_exact(json, self.scale)

    def from_formula(self, result: Any) -> Decimal | None:
        """Return a formula's result, rounded half up to the scale."""
        return None if result is None else rounded(result, self.scale)

    def to_form(self, value: Decimal | None) -> str:
        return "" if value is None else format(value, "f")

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> Decimal:
        return between(draw, prop, self.scale, 100 if self.unit == "%" else 1000)

    def times(self, value: Decimal | None, factor: Decimal) -> Decimal | None:
        """Return an amount multiplied; a share in per cent is none."""
        if value is None or self.unit == "%" or not self.unit:
            return value
        return rounded(value * factor, self.scale)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, inputmode="decimal", scale=self.scale)

    def to_cell(self, value: Decimal | None) -> float | str | None:
        """Return a float, or text where a worksheet would lose digits: it keeps 15 of them."""
        if value is None:
            return None
        return float(value) if len(value.as_tuple().digits) <= 15 else format(value, "f")

    @property
    def cell_format(self) -> str:
        return "#,##0." + "0" * self.scale if self.scale else "#,##0"

    def show(self, value: Decimal | None) -> str:
        return "" if value is None else f"{value:,f}"

    def to_other(self, value: Decimal) -> str:
        return format(value, "f")

    def holds(self, old: Kind) -> bool:
        return isinstance(old, Number) and old.scale == self.scale


def read_exact(raw: Any, scale: int, unit: str = "") -> Decimal | None:
    """Return ``raw`` as a decimal with ``scale`` places, or None for blank text."""
    if isinstance(raw, str):
        digits = numeral(raw, unit)
        if digits is None:
            return None
    elif is_number(raw):
        number = raw if isinstance(raw, int) else exact(raw)
        digits = _digits(number, raw, scale)
    else:
        raise Unreadable(NOT_A_NUMBER, value=brief(raw))
    text, rest = fixed(digits, scale)
    if rest.strip("0"):
        raise Unreadable(DECIMALS, value=brief(raw), scale=scale)
    if too_long(text, DIGITS):
        raise Unreadable(TOO_LONG, value=brief(raw), digits=DIGITS - scale)
    value = Decimal(text)
    return value if value else abs(value)


def _digits(number: int | Decimal, raw: Any, scale: int) -> str:
    """Return a number's digits written out, refusing those that would fill the memory."""
    if isinstance(number, int):
        if number.bit_length() > 200:
            raise Unreadable(TOO_LONG, value=brief(raw), digits=DIGITS - scale)
        return str(number)
    if number and number.adjusted() > 2 * DIGITS:
        raise Unreadable(TOO_LONG, value=brief(raw), digits=DIGITS - scale)
    if number and number.adjusted() < -2 * DIGITS:
        raise Unreadable(DECIMALS, value=brief(raw), scale=scale)
    return format(number, "f") if number else "0"


def rounded(result: Any, scale: int) -> Decimal:
    """Return ``result`` (int, float or Decimal) rounded half up to ``scale`` places."""
    if not is_number(result):
        raise Unreadable(NOT_A_NUMBER, value=brief(result))
    number = Decimal(result) if isinstance(result, int) else exact(result)
    if number and number.adjusted() >= DIGITS - scale:
        raise Unreadable(TOO_LONG, value=brief(result), digits=DIGITS - scale)
    with localcontext() as context:
        context.prec = 60
        value = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    if too_long(format(value, "f"), DIGITS):
        raise Unreadable(TOO_LONG, value=brief(result), digits=DIGITS - scale)
    return value if value else abs(value)
