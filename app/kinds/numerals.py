"""Numbers as people write them, turned into plain digits without guessing."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

from app.kinds.base import Unreadable
from app.kinds.texts import brief

NOT_A_NUMBER = "{value} is not a number. Enter digits, such as 1234.50."
OTHER_UNIT = (
    "{value} is written in {found}, but this field is in {unit}. Convert it and enter the number."
)
NO_UNIT = "{value} carries the unit {found}, but this field has no unit. Enter the number alone."
THOUSANDS = (
    "{value} is not clear: a comma or space may only part groups of three digits. Enter the number "
    "without commas, with a point before the decimals."
)
EXPONENT = "{value} is a shortened number. Write all its digits out."

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]+)?")
_WITH_UNIT = re.compile(r"([+-]?[0-9.][0-9., ]*?) ?([^\s0-9.,+_-][^0-9]{0,19})")
_SHORTENED = re.compile(r"[+-]?[0-9.]+[eE][+-]?[0-9]+")


def numeral(raw: str, unit: str = "") -> str | None:
    """Return the digits in ``raw`` as ``[+-]digits[.digits]``, or None for blank text.

    Understood: full-width characters, groups of three parted by commas or spaces, and the
    field's own ``unit`` behind the number. Another unit is refused, never converted.
    """
    if _PLAIN.fullmatch(raw):
        return raw
    text = " ".join(unicodedata.normalize("NFKC", raw).replace("\u2212", "-").split())
    own = unicodedata.normalize("NFKC", unit)
    if own and text.endswith(own):
        text = text[: -len(own)].rstrip()
    if _PLAIN.fullmatch(text):
        return text
    if _GROUPED.fullmatch(text):
        return text.replace(",", "").replace(" ", "")
    if not text and not raw.strip():
        return None
    raise _refusal(raw, text, unit)


def _refusal(raw: str, text: str, unit: str) -> Unreadable:
    """Return the sentence that says why ``text`` is not read as a number."""
    if _SHORTENED.fullmatch(text):
        return Unreadable(EXPONENT, value=brief(raw))
    if re.fullmatch(r"[+-]?[0-9][0-9, ]*(\.[0-9]+)?", text):
        return Unreadable(THOUSANDS, value=brief(raw))
    found = _WITH_UNIT.fullmatch(text)
    if not found:
        return Unreadable(NOT_A_NUMBER, value=brief(raw))
    if unit:
        return Unreadable(OTHER_UNIT, value=brief(raw), found=found[2].strip(), unit=unit)
    return Unreadable(NO_UNIT, value=brief(raw), found=found[2].strip())


def exact(raw: float | Decimal) -> Decimal:
    """Return the decimal that ``raw`` means: a float counts with the 15 digits Excel shows."""
    number = Decimal(f"{raw:.15g}") if isinstance(raw, float) else raw
    if not number.is_finite():
        raise Unreadable(NOT_A_NUMBER, value=brief(raw))
    return number


def fixed(digits: str, scale: int) -> tuple[str, str]:
    """Return ``digits`` (as ``numeral`` gives them) with exactly ``scale`` decimals, and what
    had to be cut off behind them."""
    number, _, decimals = digits.partition(".")
    kept = decimals[:scale]
    padded = kept + "0" * (scale - len(kept))
    return (f"{number or '0'}.{padded}" if scale else number or "0"), decimals[scale:]


def too_long(digits: str, most: int) -> bool:
    """Return whether a written number has more than ``most`` digits, leading zeros aside."""
    return len(digits.replace(".", "").lstrip("+-0")) > most


def is_number(raw: Any) -> bool:
    """Return whether ``raw`` is a number and not a truth value."""
    return isinstance(raw, (int, float, Decimal)) and not isinstance(raw, bool)
