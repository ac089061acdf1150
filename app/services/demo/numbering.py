"""Numbering: texts that no two records share, made from one that is an example."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.kinds.inventing import MARK

_COUNTED = re.compile(f"^{MARK}[一二三四五六七八九十百0-9]*号?")
_LAST_DIGITS = re.compile(r"[0-9]+(?=[^0-9]*$)", re.ASCII)


def numbered(text: str, number: int, prop: Mapping[str, Any]) -> str:
    """Return ``text`` as the text of row ``number``: 示例二号食品厂 → 示例17号食品厂,
    JB2024-0001 → JB2024-0017, gxj → gxj-17."""
    most = prop.get("maxLength", 100_000)
    if not text.isascii():
        return f"{MARK}{number}号{_COUNTED.sub('', text)}"[:most]
    found = _LAST_DIGITS.search(text)
    if found and "pattern" in prop:
        width = len(found[0])
        digits = f"{number:0{width}}"[-width:] if width > 1 else str(number)
        return text[: found.start()] + digits + text[found.end() :]
    end = f"-{number}"
    return text[: most - len(end)] + end
