"""Cells of files: what spoils one, and the guard against formulas in text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Spreadsheet programs read a text that begins so as a formula, also after blanks and quotes.
_FORMULA = re.compile("[\\s'\"]*[=+\\-@\t\r\n＝＋－＠]|[\t\r\n]")

#: A long number as Excel shows it once it has taken a text for a number.
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+?(?:1[1-9]|2[0-9])")


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A cell whose content must not be taken as it stands, and why."""

    code: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.values.get("cell", ""))


FORMULA = Spoiled("cell.formula", "The cell holds a formula. Paste its value instead.")
MERGED = Spoiled("cell.merged", "The cell is merged with others. Split it and fill in each one.")


def rewritten(cell: Any) -> Spoiled:
    """Return the refusal of a long number of which Excel kept 15 digits."""
    return Spoiled(
        "cell.rewritten",
        "Excel has changed this number: it keeps 15 digits. Set the column to text and enter "
        "the value again.",
        {"cell": cell},
    )


def looks_rewritten(text: str) -> bool:
    """Return whether ``text`` is a long number in the form ``9.14E+17``."""
    return _SCIENTIFIC.fullmatch(text.strip()) is not None


def guard(text: str) -> str:
    """Return ``text`` so that no spreadsheet program runs it; ``unguard`` gives it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """Return the text that was given to ``guard``."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text
