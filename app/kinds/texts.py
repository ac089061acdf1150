"""Clean what people type and paste, before anything else looks at it."""

from __future__ import annotations

import datetime
import re
import unicodedata
from typing import Any

from app.kinds.base import Unreadable

CONTROL = (
    "The text contains an invisible control character ({code}). Delete it, or type the text again."
)
BROKEN = "The text contains a broken character ({code}). Type the text again."
NOT_TEXT = "{value} is not text. Enter it as text."
REWRITTEN = (
    "Excel has rewritten this number (it reads {value}); format the column as text and enter it "
    "again."
)

#: full-width digits and letters; Chinese punctuation is left as it is written
_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ]")
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF10, 0xFF5B) if chr(wide).isalnum()}
#: marks that are not seen and come along when text is pasted from a chat or a web page
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_BREAKS = re.compile("\r\n|[\r\u2028\u2029\x85\x0b\x0c]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_BLANK = re.compile(r"\s+")
_BAD = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
#: what Excel shows instead of a long number
_EXPONENT = re.compile(r"\d(\.\d+)?[Ee]\+?\d+")

#: from here on a worksheet's number has lost digits
LOST = 10**15


def brief(raw: Any) -> str:
    """Return ``raw`` short enough for a sentence."""
    try:
        text = _BAD.sub("\ufffd", str(raw)).strip()
    except ValueError:  # Python does not write integers of more than 4,300 digits
        return "…"
    return text if len(text) <= 60 else text[:57] + "…"


def clean_line(raw: Any) -> str | None:
    """Return one line of text, or None for a blank one.

    Outer spaces are cut, line breaks and tabs become a space, full-width digits and letters
    half-width, the rest is brought to Unicode's form NFC. Control characters are refused.
    """
    text = _as_text(raw)
    if not text.isprintable():
        text = _BLANK.sub(" ", _untangle(text))
    if not text.isascii():
        text = _plain(text)
    return text.strip() or None


def clean_text(raw: Any) -> str | None:
    """Return text of several lines, or None for blank text: ends of lines are ``\\n``."""
    text = _as_text(raw)
    if not text.isprintable():
        text = _untangle(text)
    if not text.isascii():
        text = _plain(text)
    return text.strip() or None


def compact(raw: Any) -> str:
    """Return a code as text without any space, full-width characters made half-width."""
    text = _as_text(raw)
    if not text.isascii() or not text.isprintable():
        text = unicodedata.normalize("NFKC", _untangle(text))
    return "".join(text.split())


def code_text(raw: Any) -> str:
    """Return a long code as ``compact`` does, or refuse one that Excel has made a number of."""
    if not isinstance(raw, str):
        raise Unreadable(REWRITTEN, value=brief(raw))
    text = compact(raw)
    if ("+" in text or "." in text) and _EXPONENT.fullmatch(text):
        raise Unreadable(REWRITTEN, value=brief(raw))
    return text


def cell_text(cell: Any) -> Any:
    """Return a worksheet cell as the text it shows. A number that has lost digits stays one."""
    if isinstance(cell, str) or cell is None:
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        if abs(cell) < LOST:
            return str(int(cell)) if cell.is_integer() else repr(cell)
        return cell
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        cell = cell.date()
    return str(cell)


def _as_text(raw: Any) -> str:
    """Return ``raw`` when it is text, or a whole number as text."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw) if abs(raw) < 10**18 else _refuse(raw)
    if isinstance(raw, float) and abs(raw) >= LOST:
        raise Unreadable(REWRITTEN, value=brief(raw))
    return _refuse(raw)


def _refuse(raw: Any) -> str:
    raise Unreadable(NOT_TEXT, value=brief(raw))


def _untangle(text: str) -> str:
    """Return ``text`` without unseen marks, odd spaces and odd line breaks."""
    text = _SPACES.sub(" ", _BREAKS.sub("\n", _UNSEEN.sub("", text)))
    bad = _BAD.search(text)
    if bad:
        found = ord(bad.group())
        sentence = BROKEN if found >= 0xD800 else CONTROL
        raise Unreadable(sentence, code=f"U+{found:04X}")
    return text


def _plain(text: str) -> str:
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.translate(_NARROW) if _WIDE.search(text) else text
