"""Number of an official document (文号), such as 宛政办〔2024〕5号."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, CONTAINS, EMPTY, EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.forms import Unbound, control
from app.kinds.inventing import MARK, Draw
from app.kinds.texts import brief, clean_line

NOT_A_DOCUMENT = "{value} is not a document number. Write it as 宛政办〔2024〕5号."

_YEAR = re.compile(r"[〔﹝\[［(（【〖{]([0-9]{4})年?[〕﹞\]］)）】〗}]")
_NUMBER = re.compile(r"[^\s〔〕]+〔(?:19|20|21)[0-9]{2}〕[0-9]{1,6}号")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class DocumentNumber(Kind):
    """Issuer, year in 〔〕 whatever brackets were typed, and number, without spaces."""

    name = "document-number"
    example = {"type": "string", "format": "document-number"}
    filters = (CONTAINS, EQUALS, ANY_OF, EMPTY, PRESENT)
    searchable = True
    stores_text = True
    samples = (
        *((text, "宛政办〔2024〕5号") for text in (
            *("宛政办〔2024〕5号", "宛政办﹝2024﹞5号", "宛政办[2024]5号", "宛政办(2024)5号"),
            *("宛政办（２０２４）５号", "宛政办【2024】5号", " 宛政办 〔 2024 〕 5 号 "),
        )),
        ("豫工信（规）[2023]12号", "豫工信（规）〔2023〕12号"),
        ("", None),
    )  # fmt: skip
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("宛政办2024年5号", "〔2024〕5号", "宛政办〔24〕5号", "宛政办〔2024〕五号", "文件"),
        *("宛政办〔2024〕5", 2024, True, [], "宛" * 80 + "〔2024〕5号"),
    )

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        declared = prop.get("type") == "string" and prop.get("format") == "document-number"
        return cls() if declared else None

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(read_document_number)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str:
        year = draw.today.year - draw.source.randrange(3)
        return f"{MARK}政〔{year}〕{draw.source.randrange(1, 100000)}号"

    def moved(self, value: str | None, months: int, years: int) -> str | None:
        if value is None:
            return None
        return _YEAR.sub(lambda found: f"〔{int(found[1]) + years}〕", value)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint)

    def filter_reader(self) -> Reader:
        """Return the field that reads a number or a part of one."""
        return Reader(lambda raw: _spelt(raw) or None)


def read_document_number(raw: Any) -> str | None:
    """Return the document number in ``raw``, or None for blank text."""
    text = _spelt(raw)
    if text and (len(text) > _LONGEST or not _NUMBER.fullmatch(text)):
        raise Unreadable(NOT_A_DOCUMENT, value=brief(raw))
    return text or None


def _spelt(raw: Any) -> str:
    """Return ``raw`` without spaces and with 〔〕 around the year."""
    return _YEAR.sub(r"〔\1〕", "".join((clean_line(raw) or "").split()))
