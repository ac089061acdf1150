"""Reference: another register's record, by its number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, EMPTY, EQUALS, NOT_EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.columns import whole
from app.kinds.forms import Unbound, control
from app.kinds.texts import brief

NOT_A_RECORD = "{value} does not name a record. Choose one from the list."

_ID = re.compile(r"\s*([0-9]{1,15})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference(Kind):
    """The id of a record of ``register``. Its label is the record service's: this shows the id."""

    name = "reference"
    example = {"reference": "other"}
    keywords = frozenset(["reference", "onDelete"])
    json_type = "integer"
    filters = (EQUALS, NOT_EQUALS, ANY_OF, EMPTY, PRESENT)
    samples = ((7, 7), (" 12 ", 12), ({"_id": 3}, 3), (7.0, 7), ("", None))
    unreadable = (
        *("牧原", "1.5", "-1", "1_0", "0", 0, -4, 1.5, True, [1], {"id": 1}, {"_id": "x"}),
        *({"_id": None}, 10**30, float("nan")),
    )

    register: str = ""

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        register = prop.get("reference")
        return cls(register) if isinstance(register, str) and register else None

    def column_type(self) -> sa.types.TypeEngine[int]:
        return whole()

    def reader(self) -> Reader:
        return Reader(read_id)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, register=self.register, inputmode="search")


def read_id(raw: Any) -> int | None:
    """Return the record id in ``raw``: a number, digits, or ``{"_id": number}``."""
    number = raw["_id"] if isinstance(raw, dict) and "_id" in raw else raw
    if isinstance(number, str):
        found = _ID.fullmatch(number)
        if not found and not number.strip() and number is raw:
            return None
        number = int(found[1]) if found else 0
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if type(number) is not int or not 0 < number < 2**63:
        raise Unreadable(NOT_A_RECORD, value=brief(raw))
    return number
