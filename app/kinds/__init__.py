"""What a field can be: one module per kind, and the list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.kinds.attachment import Attachment
from app.kinds.base import Kind, Unreadable
from app.kinds.choice import Choice
from app.kinds.choices import Choices
from app.kinds.coordinates import Latitude, Longitude
from app.kinds.credit_code import CreditCode
from app.kinds.date import Date
from app.kinds.datetime_ import DateTime
from app.kinds.document_number import DocumentNumber
from app.kinds.exchange import dump_json, load_json
from app.kinds.industry_code import IndustryCode
from app.kinds.integer import Integer
from app.kinds.masks import mask
from app.kinds.mobile import Mobile
from app.kinds.month import Month
from app.kinds.number import Number
from app.kinds.quarter import Quarter
from app.kinds.reference import Reference
from app.kinds.resident_id import ResidentId
from app.kinds.rows import Rows
from app.kinds.text import LongText, Text
from app.kinds.wording import language
from app.kinds.year import Year
from app.kinds.yesno import YesNo

__all__ = [
    "KINDS",
    "Kind",
    "Unreadable",
    "blank",
    "dump_json",
    "kind_of",
    "language",
    "load_json",
    "mask",
]

#: every kind; a property belongs to the first that recognises it
KINDS: tuple[type[Kind], ...] = (
    Reference,
    Text,
    LongText,
    Integer,
    Number,
    YesNo,
    Date,
    Month,
    Quarter,
    Year,
    DateTime,
    Choice,
    Choices,
    Rows,
    Attachment,
    CreditCode,
    Mobile,
    ResidentId,
    IndustryCode,
    DocumentNumber,
    Longitude,
    Latitude,
)


def kind_of(prop: Mapping[str, Any]) -> Kind | None:
    """Return the kind that the property ``prop`` declares, or None when no kind knows it."""
    for kind in KINDS:
        found = kind.from_schema(prop)
        if found is not None:
            return found
    return None


def blank(raw: Any) -> bool:
    """Return whether ``raw`` stands for no value: nothing, spaces, or an empty list."""
    if isinstance(raw, str):
        return not raw or raw.isspace()
    return raw is None or (isinstance(raw, (list, tuple)) and not raw)
