"""Labelling: every invented record says that it is, where it has room for a remark."""

from __future__ import annotations

from typing import Any

from app.definitions.register import Register
from app.kinds.inventing import MARK

#: names and the title of a field in which anything may be noted
NAMES, TITLE = ("remark", "remarks", "note", "notes"), "备注"
SAID = f"{MARK}数据，并非真实情况"


def note_of(register: Register) -> str:
    """Return the entered field for remarks, ``""`` where there is none."""
    texts = [f for f in register.fields if not f.derived and f.kind.searchable and not f.columns]
    for entry in texts:
        if entry.name in NAMES or entry.title == TITLE:
            return entry.name
    return ""


def labelled(said: Any, most: int) -> str:
    """Return a remark that begins with what the record is."""
    text = str(said or "").strip()
    if text.startswith(SAID):
        return text[:most]
    return f"{SAID}。{text}"[:most] if text else SAID[:most]
