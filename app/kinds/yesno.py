"""Yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa

from app.kinds.base import EMPTY, EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.forms import Unbound, select
from app.kinds.inventing import Draw
from app.kinds.texts import brief, compact
from app.kinds.wording import word

NOT_YES_OR_NO = "{value} is neither yes nor no. Enter 是 or 否."

_MEANT = {
    **dict.fromkeys(["是", "true", "yes", "1", "√"], True),
    **dict.fromkeys(["否", "false", "no", "0", "×"], False),
}


@dataclass(frozen=True, slots=True)
class YesNo(Kind):
    """True or false; blank is neither."""

    name = "yes/no"
    example = {"type": "boolean"}
    json_type = "boolean"
    formula_type = "bool"
    filters = (EQUALS, EMPTY, PRESENT)
    samples = (
        *(("是", True), ("否", False), ("TRUE", True), (" no ", False), ("１", True)),
        *(("√", True), ("×", False), (True, True), (False, False), (1, True), (0.0, False)),
        ("", None),
    )
    unreadable = ("也许", "2", "t", "有", 2, 0.5, float("nan"), [], {}, "是否")

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        return cls() if prop.get("type") == "boolean" else None

    def column_type(self) -> sa.types.TypeEngine[bool]:
        return sa.Boolean(create_constraint=False)

    def reader(self) -> Reader:
        return Reader(read_yes_or_no)

    def to_form(self, value: bool | None) -> str:
        return "" if value is None else str(value).lower()

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> bool:
        return draw.source.random() < 0.5

    def form_field(self, label: str, hint: str = "") -> Unbound:
        options = [("true", word("yes"), False), ("false", word("no"), False)]
        return select(self.name, label, hint, options)

    def show(self, value: bool | None) -> str:
        return "" if value is None else word("yes" if value else "no")


def read_yes_or_no(raw: Any) -> bool | None:
    """Return what ``raw`` means, or None for blank text."""
    if raw is True or raw is False:
        return raw
    if isinstance(raw, str) and raw in _MEANT:
        return _MEANT[raw]
    if isinstance(raw, (int, float)) and raw in (0, 1):
        return bool(raw)
    text = compact(raw).lower() if isinstance(raw, str) else "?"
    if not text:
        return None
    if text not in _MEANT:
        raise Unreadable(NOT_YES_OR_NO, value=brief(raw))
    return _MEANT[text]
