"""Attachment: files that belong to a record, by the numbers they are kept under."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import EMPTY, PRESENT, Kind, Reader, Unreadable
from app.kinds.columns import JsonTuple
from app.kinds.forms import Unbound, checkboxes
from app.kinds.texts import brief

NOT_FILES = "{value} does not name uploaded files. Upload the file in this field."

_IDS = re.compile(r"\s*[0-9]{1,15}(\s*[,，、]\s*[0-9]{1,15})*\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Attachment(Kind):
    """Ids of uploaded files: one, or up to ``max_items`` where ``multiple``."""

    name = "attachment"
    example = {
        "type": "array",
        "items": {"type": "string", "format": "attachment"},
        "accept": ["application/pdf", "image/*"],
        "maxItems": 5,
    }
    keywords = frozenset(["accept", "maxSize", "maxItems", "minItems", "items"])
    json_type = "array"
    formula_type = ""
    filters = (EMPTY, PRESENT)
    sortable = False
    samples: ClassVar[tuple[tuple[Any, Any], ...]] = (
        *(([3, 1, 3], (3, 1)), ("3, 1", (3, 1)), (4, (4,)), ([{"id": 5}, "6"], (5, 6))),
        *(((1, 2), (1, 2)), ([], None), ("", None)),
    )
    unreadable = ("a.pdf", ["x"], [1.5], True, 0, -1, [True], {"file": 1}, "1;2", [10**30], "[1]")

    multiple: bool = False
    accept: tuple[str, ...] = ()
    max_mb: int = 20
    max_items: int = 1

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        items = prop.get("items")
        multiple = prop.get("type") == "array" and isinstance(items, Mapping)
        one = items if multiple and isinstance(items, Mapping) else prop
        if one.get("type") != "string" or one.get("format") != "attachment":
            return None
        accept = prop.get("accept", one.get("accept", ()))
        size = prop.get("maxSize", one.get("maxSize", 20))
        most = prop.get("maxItems", 20) if multiple else 1
        return cls(multiple, tuple(str(item) for item in accept), int(size), int(most))

    def column_type(self) -> sa.types.TypeEngine[tuple[int, ...]]:
        return JsonTuple()

    def reader(self) -> Reader:
        return Reader(read_ids)

    def judged_as(self, prop: Mapping[str, Any]) -> dict[str, Any]:
        judged = {"type": "array", "items": {"type": "integer"}, "maxItems": self.max_items}
        return {**judged, "minItems": prop["minItems"]} if "minItems" in prop else judged

    def accepts(self, media_type: str) -> bool:
        """Return whether a file of ``media_type`` (such as ``image/png``) may be uploaded."""
        return not self.accept or any(fnmatchcase(media_type, wanted) for wanted in self.accept)

    def to_json(self, value: tuple[int, ...] | None) -> list[int] | None:
        return None if value is None else list(value)

    def from_json(self, json: list[int] | None) -> tuple[int, ...] | None:
        return tuple(json) if json else None

    def to_form(self, value: tuple[int, ...] | None) -> list[str]:
        return [str(number) for number in value or ()]

    def form_field(self, label: str, hint: str = "") -> Unbound:
        """Return a box to keep each stored file; the page puts a file picker beside it."""
        return checkboxes(
            self.name,
            label,
            hint,
            (),
            accept=",".join(self.accept),
            max_mb=self.max_mb,
            max_items=self.max_items,
        )

    def to_cell(self, value: tuple[int, ...] | None) -> str | None:
        return self.show(value) or None

    def from_cell(self, cell: Any) -> Any:
        return int(cell) if isinstance(cell, float) and cell.is_integer() else cell

    def show(self, value: tuple[int, ...] | None) -> str:
        return ",".join(self.to_form(value))

    def holds(self, old: Kind) -> bool:
        return isinstance(old, Attachment)

    def from_other(self, old: Kind, value: Any) -> Any:
        """Return the ids of another attachment field; what was never a file becomes none."""
        if isinstance(old, Attachment) or value is None:
            return value
        return {"was": old.show(value)}


def read_ids(raw: Any) -> tuple[int, ...] | None:
    """Return the ids in ``raw``: numbers, digits, ``{"id": number}``, or text ``"1,2"``."""
    items: Any = raw
    if isinstance(raw, str):
        if not raw.strip():
            return None
        if not _IDS.fullmatch(raw):
            raise Unreadable(NOT_FILES, value=brief(raw))
        items = re.findall("[0-9]+", raw)
    elif not isinstance(raw, (list, tuple)):
        items = [raw]
    return tuple(dict.fromkeys(_id(item, raw) for item in items)) or None


def _id(item: Any, raw: Any) -> int:
    number = item.get("id") if isinstance(item, dict) else item
    if isinstance(number, str) and _IDS.fullmatch(number) and number.strip().isdigit():
        number = int(number)
    if type(number) is not int or not 0 < number < 2**63:
        raise Unreadable(NOT_FILES, value=brief(raw))
    return number
