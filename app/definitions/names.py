"""Names: which ones a register and a field may have, and which one was probably meant."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

#: longest name of a register or a field
LONGEST = 40
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")

#: words that mean something else in every expression
TAKEN_NAMES = frozenset({"old", "this", "true", "false", "null", "in"})

EMPTY = "A name cannot be empty."
LONG = "The name {name} has {length} characters, at most {most} are allowed."
SYSTEM = "The name {name} begins with _: such names belong to the platform."
WRITING = (
    "The name {name} has other than Latin letters. Put it in the title and choose a short name."
)
CAPITAL = "The name {name} has capital letters; only small ones are allowed."
LETTERS = "The name {name} must begin with a letter and have small letters, digits and _ only."
DOUBLE = "The name {name} has two underscores in a row: such names belong to the platform."
TAKEN = "The name {name} has a meaning of its own in expressions. Choose another."


def why_not(name: str, *, field: bool = True) -> str:
    """Return the sentence that says why ``name`` cannot name a field (or a register), or ``""``."""
    reasons = (
        (not name, EMPTY),
        (len(name) > LONGEST, LONG),
        (name.startswith("_"), SYSTEM),
        (not name.isascii(), WRITING),
        (name != name.lower(), CAPITAL),
        (not _NAME.match(name), LETTERS),
        ("__" in name, DOUBLE),
        (field and name in TAKEN_NAMES, TAKEN),
    )
    return next((sentence for holds, sentence in reasons if holds), "")


def name_facts(name: str) -> dict[str, object]:
    """Return what fills the sentences of ``why_not``."""
    return {"name": name, "length": len(name), "most": LONGEST}


def propose(name: str, taken: Iterable[str] = ()) -> str:
    """Return a name that is allowed and resembles ``name``; ``""`` when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
    plain = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", plain)).strip("_")
    plain = plain.lstrip("0123456789_")[:LONGEST].rstrip("_")
    if plain in TAKEN_NAMES:
        plain = f"{plain}_value"
    return "" if not plain or plain in set(taken) or why_not(plain) else plain


def nearest(name: object, known: Iterable[str]) -> str:
    """Return the known name most like ``name``, or ``""`` when none is."""
    if not isinstance(name, str):
        return ""
    known = [*known]
    if name.lower() in known:
        return name.lower()
    found = difflib.get_close_matches(name[:80], known, n=1, cutoff=0.6)
    return found[0] if found else ""


def pointer(*parts: object) -> str:
    """Return the JSON Pointer of ``parts``; without parts the whole document, ``""``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
