"""Longitude and latitude in degrees, six decimals (about 0.1 m)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import AT_LEAST, AT_MOST, EMPTY, EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.columns import Exact
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw, between
from app.kinds.number import rounded
from app.kinds.numerals import NOT_A_NUMBER, is_number, numeral, too_long
from app.kinds.texts import brief

NOT_A_LONGITUDE = "{value} is no longitude: it lies between -180 and 180. Enter decimal degrees."
NOT_A_LATITUDE = (
    "{value} is no latitude: it lies between -90 and 90. Enter decimal degrees, and see that "
    "longitude and latitude are not exchanged."
)
PLACES = 6


@dataclass(frozen=True, slots=True)
class _Degrees(Kind):
    """Decimal degrees within ``limit``; maps give 14 decimals, of which six are kept."""

    limit: ClassVar[int]
    #: degrees around which invented places lie
    middle: ClassVar[int]
    refusal: ClassVar[str]

    keywords = frozenset(["minimum", "maximum"])
    json_type = "number"
    formula_type = "double"
    filters = (EQUALS, AT_LEAST, AT_MOST, EMPTY, PRESENT)
    align = "end"

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "number" and prop.get("format") == cls.name
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[Decimal]:
        return Exact(PLACES)

    def reader(self) -> Reader:
        return Reader(self._read)

    def _read(self, raw: Any) -> Decimal | None:
        number = raw
        if isinstance(raw, str):
            digits = numeral(raw, "°")
            if digits is None:
                return None
            number = Decimal(digits) if not too_long(digits, 40) else Decimal("Infinity")
        elif not is_number(raw):
            raise Unreadable(NOT_A_NUMBER, value=brief(raw))
        if isinstance(number, Decimal) and number.is_nan():
            raise Unreadable(NOT_A_NUMBER, value=brief(raw))
        if not -self.limit <= number <= self.limit:
            raise Unreadable(self.refusal, value=brief(raw))
        return rounded(number, PLACES)

    def from_json(self, json: Any) -> Decimal | None:
        return None if json is None else rounded(json, PLACES)

    def to_form(self, value: Decimal | None) -> str:
        return "" if value is None else format(value, "f")

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> Decimal:
        """Return a place near the middle of the country the platform is made for."""
        low = prop.get("minimum", self.middle - 1)
        high = prop.get("maximum", self.middle + 1)
        return between(draw, {"minimum": low, "maximum": high}, PLACES)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, inputmode="decimal")

    def to_cell(self, value: Decimal | None) -> float | None:
        return None if value is None else float(value)

    @property
    def cell_format(self) -> str:
        return "0.000000"

    def show(self, value: Decimal | None) -> str:
        return "" if value is None else format(value, "f")


@dataclass(frozen=True, slots=True)
class Longitude(_Degrees):
    """Degrees east of Greenwich, negative to the west."""

    name = "longitude"
    example = {"type": "number", "format": "longitude"}
    limit = 180
    middle = 112
    refusal = NOT_A_LONGITUDE
    samples = (
        ("112.528321", Decimal("112.528321")),
        ("112.52832149999999", Decimal("112.528321")),
        (" １１２．５° ", Decimal("112.500000")),
        (-180, Decimal("-180.000000")),
        (112.5, Decimal("112.500000")),
        ("", None),
    )
    unreadable = ("180.1", -181, "东经", True, [], float("nan"), float("inf"), "1e2", "1" * 5000)


@dataclass(frozen=True, slots=True)
class Latitude(_Degrees):
    """Degrees north of the equator, negative to the south."""

    name = "latitude"
    example = {"type": "number", "format": "latitude"}
    limit = 90
    middle = 33
    refusal = NOT_A_LATITUDE
    samples = (
        ("32.999125", Decimal("32.999125")),
        (-90, Decimal("-90.000000")),
        (32.9991251, Decimal("32.999125")),
        (" ", None),
    )
    unreadable = ("112.528321", 90.0000001, "北纬", False, {}, Decimal("sNaN"), 10**5000)
