"""Number of the resident identity card (公民身份号码), GB 11643-1999."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import CONTAINS, EMPTY, EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.calendars import FIRST_YEAR, LAST_YEAR
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw
from app.kinds.texts import REWRITTEN, brief, code_text, compact

OLD_ID = "{value} has 15 digits, an old card's number. Enter the 18 characters of the present card."
ID_LENGTH = "{value} has {count} characters, a resident id has 18. Check it."
ID_CHARACTERS = "{value} must be 17 digits followed by a digit or X. Check it."
BIRTHDAY = "{value} gives {birthday} as the date of birth, which is no date. Check it."
ID_CHECK = (
    "{value} is mistyped: its last character would have to be {expected}. Compare it with the card."
)

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"

_ID = re.compile(r"[1-9][0-9]{16}[0-9X]")


@dataclass(frozen=True, slots=True)
class ResidentId(Kind):
    """17 digits and a check character; places 7 to 14 are the date of birth."""

    name = "cn-resident-id"
    example = {"type": "string", "format": "cn-resident-id"}
    filters = (EQUALS, CONTAINS, EMPTY, PRESENT)
    searchable = True
    stores_text = True
    samples = (
        ("11010519491231002X", "11010519491231002X"),
        ("110101199003071233", "110101199003071233"),
        ("44030119800101123x", "44030119800101123X"),
        (" 110105 19491231 002X ", "11010519491231002X"),
        ("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),
        (" ", None),
    )
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("110101199003071200", "1.10101E+17", "110101900307123", "110101199013071233"),
        *("110101199003071234", "1101051949123100", "11010519491231002Y", "牧原"),
        *(1.101011990030712e17, 110101199003071233, True, [], "110105189912310025"),
    )

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "string" and prop.get("format") == "cn-resident-id"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(read_resident_id)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str:
        """Return a number of 900000, an area that no card is given in."""
        source = draw.source
        born = source.randrange(1960, 2000) * 10000 + source.randrange(1, 13) * 100
        first = f"900000{born + source.randrange(1, 29)}{source.randrange(1000):03}"
        return first + resident_check(first)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, spellcheck="false")

    def filter_reader(self) -> Reader:
        """Return the field that reads a number or a part of one."""
        return Reader(lambda raw: compact(raw).upper() or None)


def read_resident_id(raw: Any) -> str | None:
    """Return the resident id in ``raw``, or None for blank text."""
    number = code_text(raw).upper()
    if not number:
        return None
    if len(number) != 18:
        sentence = OLD_ID if len(number) == 15 and number.isdigit() else ID_LENGTH
        raise Unreadable(sentence, value=brief(number), count=len(number))
    if not _ID.fullmatch(number):
        raise Unreadable(ID_CHARACTERS, value=number)
    _check_birthday(number)
    expected = resident_check(number[:17])
    if number[17] != expected:
        if number.endswith("00"):
            raise Unreadable(REWRITTEN, value=number)
        raise Unreadable(ID_CHECK, value=number, expected=expected)
    return number


def resident_check(first: str) -> str:
    """Return the check character of the first 17 digits (ISO 7064, MOD 11-2)."""
    return CHECKS[sum(int(d) * weight for d, weight in zip(first, WEIGHTS, strict=True)) % 11]


def _check_birthday(number: str) -> None:
    year, month, of_month = int(number[6:10]), int(number[10:12]), int(number[12:14])
    try:
        datetime.date(year, month, of_month)
    except ValueError:
        year = 0
    if not FIRST_YEAR - 1 < year <= LAST_YEAR:
        raise Unreadable(BIRTHDAY, value=number, birthday=number[6:14])
