"""Industry code: the national classification of economic activities, GB/T 4754-2017."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, ClassVar, NamedTuple, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, CONTAINS, EMPTY, EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw
from app.kinds.texts import brief, clean_line, compact

NOT_AN_INDUSTRY = (
    "{value} is not in the national list of industries (GB/T 4754-2017). Look the code up in the "
    "list."
)
OTHER_LEVEL = (
    "{value} has {count} digits, but this field takes codes of {wanted}. Look the code up in the "
    "list."
)
OTHER_SECTION = "{value}: industry {code} belongs to section {section}. Check the code."
OTHER_NAME = "{value}: industry {code} is called {name}. Check the code or the name."
NOT_WITHIN = "{value} is outside the industries this field takes: {within}. Check the code."

#: level -> length of its codes (a section is one letter)
LEVELS = {"section": 1, "division": 2, "group": 3, "class": 4}
_WRITTEN = re.compile(r"([A-T]?)([0-9]{2,4})(.*)")
_RANGE = re.compile(r"([0-9]{2})(?:-([0-9]{2}))?")


class Industry(NamedTuple):
    """One entry of the list: its name and the letter of its section."""

    name: str
    section: str


@cache
def industries() -> Mapping[str, Industry]:
    """Return the whole list by code: a letter for a section, else 2 to 4 digits.

    1,971 entries, about 0.4 MB, read at first use.
    """
    listed = {}
    path = resources.files("app.kinds").joinpath("data/gbt4754_2017.csv")
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        code = row["code"]
        listed[code[1:] or code] = Industry(row["name"], code[0])
    return listed


@dataclass(frozen=True, slots=True)
class IndustryCode(Kind):
    """The digits of a code of one ``level``, in one of the divisions ``within``."""

    name = "industry-code"
    example = {
        "type": "string",
        "format": "industry-code",
        "level": "class",
        "within": ["06-46"],
    }
    keywords = frozenset(["level", "within"])
    filters = (EQUALS, CONTAINS, ANY_OF, EMPTY, PRESENT)
    searchable = True
    stores_text = True
    samples = (
        *((text, "1351") for text in (
            *("1351", "C1351", "c1351", " １３５１ ", "1351 牲畜屠宰", "C1351牲畜屠宰", 1351),
        )),
        ("0610 烟煤和无烟煤开采洗选", "0610"),
        (610, "0610"),
        ("", None),
    )  # fmt: skip
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("9999", "135", "C", "B1351", "1351 电动机制造", "0111", "牲畜屠宰", "13510", "13.51"),
        *(13.51, True, [], 99999, -1, "7", 10**5000),
    )

    level: str = "class"
    within: tuple[str, ...] = ()

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        if prop.get("type") != "string" or prop.get("format") != "industry-code":
            return None
        level, within = prop.get("level", "class"), prop.get("within", ())
        if level not in LEVELS or not all(_RANGE.fullmatch(str(part)) for part in within):
            return None
        return cls(level, tuple(str(part) for part in within))

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(self._read)

    def _read(self, raw: Any) -> str | None:
        code = _parse(self._padded(raw))
        if code is None:
            return None
        if len(code) != LEVELS[self.level]:
            wanted = LEVELS[self.level]
            raise Unreadable(OTHER_LEVEL, value=brief(raw), count=len(code), wanted=wanted)
        if self.within and not self._takes(code):
            raise Unreadable(NOT_WITHIN, value=brief(raw), within="、".join(self.within))
        return code

    def _padded(self, raw: Any) -> Any:
        """Return a worksheet's number as digits, with the 0 in front that the number lost."""
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        if type(raw) is not int:
            return raw
        return str(raw).zfill(LEVELS[self.level]) if 0 < raw < 10**4 else "?"

    def _takes(self, code: str) -> bool:
        """Return whether the division of ``code`` is in one of the ranges ``within``."""
        for part in self.within:
            first, _, last = part.partition("-")
            if first <= code[:2] <= (last or first):
                return True
        return False

    def find(self, text: str, limit: int = 20) -> Iterator[tuple[str, str]]:
        """Yield at most ``limit`` ``(code, shown)`` that may be entered and contain ``text``."""
        wanted = compact(text).upper()
        for code, industry in industries().items():
            if limit <= 0:
                return
            if len(code) != LEVELS[self.level] or (self.within and not self._takes(code)):
                continue
            if (industry.section + code).find(wanted) in (0, 1) or wanted in industry.name:
                limit -= 1
                yield code, self.show(code)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str:
        return draw.source.choice(list(self.find("", len(industries()))))[0]

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, level=self.level, within=",".join(self.within))

    def to_cell(self, value: str | None) -> str | None:
        return self.show(value) or None

    def show(self, value: str | None) -> str:
        if value is None:
            return ""
        known = industries().get(value)
        return f"{value} {known.name}" if known else value

    def filter_reader(self) -> Reader:
        """Return the field that reads a code of any level, or its first digits."""
        return Reader(lambda raw: compact(raw).upper() or None)

    def condition(
        self, column: sa.ColumnElement[Any], operator: str, value: Any = None
    ) -> sa.ColumnElement[bool]:
        """Return the SQL; ``contains`` finds what begins with ``value``, a letter its section."""
        if operator != CONTAINS:
            return Kind.condition(self, column, operator, value)
        if len(value) == 1 and value.isalpha():
            codes = [code for code, each in industries().items() if each.section == value]
            divisions = sorted(code for code in codes if len(code) == 2)
            return sa.or_(column == value, sa.func.substr(column, 1, 2).in_(divisions))
        return column.startswith(value.lstrip("ABCDEFGHIJKLMNOPQRST"), autoescape=True)

    def holds(self, old: Kind) -> bool:
        return isinstance(old, IndustryCode)


def _parse(raw: Any) -> str | None:
    """Return the code in ``raw`` without its letter, or None for blank text.

    A letter or a name beside the code must agree with the list.
    """
    line = clean_line(raw)
    if line is None:
        return None
    text = compact(line).upper()
    if len(text) == 1 and text in industries():
        return text
    found = _WRITTEN.fullmatch(text)
    known = industries().get(found[2]) if found else None
    if not found or not known:
        raise Unreadable(NOT_AN_INDUSTRY, value=brief(raw))
    letter, code, name = found.groups()
    if letter and letter != known.section:
        raise Unreadable(OTHER_SECTION, value=brief(raw), code=code, section=known.section)
    if name and name != compact(known.name).upper():
        raise Unreadable(OTHER_NAME, value=brief(raw), code=code, name=known.name)
    return code
