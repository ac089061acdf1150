"""Amounts: values of one field as another one holds them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.definitions.register import Field

NUMBERS = ("number", "integer")


def same_sort(one: Field, other: Field) -> bool:
    """Return whether the value of a field makes sense in another."""
    if one.reference or other.reference:
        return one.reference == other.reference
    return one.kind.name == other.kind.name and one.unit == other.unit


def portion(entry: Field, value: Any, share: Decimal) -> Any:
    """Return a share of an amount, as the field holds one; a share of heads is whole."""
    if isinstance(value, Decimal):
        scale: int = getattr(entry.kind, "scale", 0)
        return (value * share).quantize(Decimal(1).scaleb(-scale), rounding="ROUND_DOWN")
    return int(value * share)
