"""Mobile phone number of the mainland."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import CONTAINS, EMPTY, EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw
from app.kinds.texts import brief, cell_text, code_text, compact

NOT_A_MOBILE = (
    "{value} is not a mobile number. Enter the 11 digits that begin with 13 to 19; other telephone "
    "numbers do not go here."
)

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_DASHES = re.compile(r"[-\u2010-\u2015\u2212()]")
_COUNTRY = re.compile(r"^(?:\+86|0086|86)(?=1[3-9][0-9]{9}$)")


@dataclass(frozen=True, slots=True)
class Mobile(Kind):
    """11 digits; spaces, dashes and the country code are left out."""

    name = "cn-mobile"
    example = {"type": "string", "format": "cn-mobile"}
    filters = (EQUALS, CONTAINS, EMPTY, PRESENT)
    searchable = True
    stores_text = True
    samples = (
        *((text, "13800001234") for text in (
            *("13800001234", "138 0000 1234", "138-0000-1234", "+86 138 0000 1234"),
            *("8613800001234", "１３８００００１２３４", "\u202d13800001234\u202c", 13800001234),
        )),
        ("", None),
    )  # fmt: skip
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("1380000123", "12800001234", "0377-63123456", "138000012345", "电话", "1.38E+10"),
        *(1380000123, True, [], 1.38e17),
    )

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "string" and prop.get("format") == "cn-mobile"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(read_mobile)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str:
        """Return a number of the row 138 000…, which invented people have."""
        return f"138{draw.source.randrange(10**8):08}"

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, inputmode="tel")

    def from_cell(self, cell: Any) -> Any:
        return cell_text(cell)

    def filter_reader(self) -> Reader:
        """Return the field that reads a number or a part of one."""
        return Reader(lambda raw: _digits(compact(raw)) or None)


def read_mobile(raw: Any) -> str | None:
    """Return the mobile number in ``raw``, or None for blank text."""
    if type(raw) is str and _MOBILE.fullmatch(raw):
        return raw
    if type(raw) is int and 0 < raw < 10**15:
        raw = str(raw)
    text = code_text(raw)
    if not text:
        return None
    number = _digits(text)
    if not _MOBILE.fullmatch(number):
        raise Unreadable(NOT_A_MOBILE, value=brief(raw))
    return number


def _digits(text: str) -> str:
    return _COUNTRY.sub("", _DASHES.sub("", text))
