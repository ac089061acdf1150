"""Text: one line, and long text of several lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, CONTAINS, EMPTY, EQUALS, NOT_EQUALS, PRESENT, Kind, Reader
from app.kinds.forms import Unbound, area, control
from app.kinds.inventing import MARK, Draw, fitting, last_month, later_text, of_pattern
from app.kinds.texts import cell_text, clean_line, clean_text


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """One line of text. Its length is the schema's ``maxLength``, not the column's."""

    name = "text"
    example = {"type": "string", "maxLength": 40}
    keywords = frozenset(["maxLength", "minLength", "pattern"])
    filters = (CONTAINS, EQUALS, NOT_EQUALS, ANY_OF, EMPTY, PRESENT)
    searchable = True
    stores_text = True
    samples = (
        ("南阳防爆电机厂", "南阳防爆电机厂"),
        ("  牧原（集团） ", "牧原（集团）"),
        ("Ａ栋１２号", "A栋12号"),
        ("第一行\r\n第二行", "第一行 第二行"),
        ("\u202d卧龙\u202c区\u3000", "卧龙区"),
        ("𠮷䶮㛃", "𠮷䶮㛃"),
        ("e\u0301", "é"),
        ("=1+1", "=1+1"),
        (" \u3000\t", None),
        (7, "7"),
    )
    unreadable = ("a\x00b", "\ud800", "\x1b[0m", 1.5e17, True, ["a"], {"a": 1}, 10**5000)

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        plain = prop.get("type") == "string" and "format" not in prop
        return cls() if plain and "enum" not in prop and "oneOf" not in prop else None

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(clean_line)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str | None:
        """Return a text of the pattern, or one that says what it is and that it is invented."""
        if "pattern" in prop:
            return of_pattern(draw.source, prop["pattern"])
        return fitting(prop, f"{MARK}{draw.number}号{draw.title}")

    def month_of(self, value: str | None) -> int | None:
        """Return the last month of a text that is a year, a half-year or a quarter."""
        return None if value is None else last_month(value)

    def moved(self, value: str | None, months: int, years: int) -> str | None:
        """Return the period later, or the text with the year of its number later."""
        return None if value is None else later_text(value, months, years)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint)

    def from_cell(self, cell: Any) -> Any:
        return cell_text(cell)

    def holds(self, old: Kind) -> bool:
        return old.stores_text


@dataclass(frozen=True, slots=True)
class LongText(Kind):
    """Text of several lines; the lines' ends are ``\\n`` everywhere."""

    name = "longtext"
    example = {"type": "string", "format": "multiline"}
    keywords = frozenset(["maxLength", "minLength", "pattern"])
    filters = (CONTAINS, EMPTY, PRESENT)
    sortable = False
    searchable = True
    stores_text = True
    samples = (
        ("第一行\r\n\r\n第二行 ", "第一行\n\n第二行"),
        ("一\u2028二", "一\n二"),
        ("\ta\tb\n", "a\tb"),
        ("\n \r\n", None),
    )
    unreadable = ("a\x00b", "\udfff", False, [1])

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "string" and prop.get("format") == "multiline"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(clean_text)

    def filter_reader(self) -> Reader:
        return Reader(clean_line)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str | None:
        """Return a text of the pattern, or one that says what it is and that it is invented."""
        if "pattern" in prop:
            return of_pattern(draw.source, prop["pattern"])
        return fitting(prop, f"{MARK}{draw.number}号{draw.title}")

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return area(self.name, label, hint)

    def from_cell(self, cell: Any) -> Any:
        return cell_text(cell)

    def holds(self, old: Kind) -> bool:
        return old.stores_text
