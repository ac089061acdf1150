"""Names an expression may use, and names it may not."""

from __future__ import annotations

from app.expressions.functions import FUNCTIONS

_RESERVED = (
    "as bool break bytes const continue double dyn else for function if import int let list loop "
    "map namespace null_type package return string type uint var void while"
)
#: names that mean something to the library: a field so named is read as ``this.name``
RESERVED = frozenset(_RESERVED.split())
MACROS = ("all", "exists", "exists_one", "filter", "has", "map")
#: functions that are built in a way of their own
SPECIAL = ("present", "matches")
#: everything that can be called
CALLABLE = tuple(sorted(name for name in (*FUNCTIONS, *MACROS, *SPECIAL) if name[0].isalpha()))


def declared(name: str) -> str:
    """Return how a variable is called in expressions."""
    return f"this.{name}" if name in RESERVED else name
