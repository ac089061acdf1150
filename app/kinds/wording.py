"""The few words a value is shown with, in the language of the moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STORED = "zh_Hans"
#: the language values are shown in; a face sets it per request, ``zh_Hans`` where none did
language: ContextVar[str] = ContextVar("taizhang_language", default=STORED)

_WORDS = {
    "zh": {
        "yes": "是", "no": "否", "month": "{year}年{part}月", "quarter": "{year}年第{part}季度",
        "half-year-1": "{year}年上半年",
        "half-year-2": "{year}年下半年", "year": "{year}年",
    },
    "en": {
        "yes": "Yes", "no": "No", "month": "{year}-{part:02d}", "quarter": "{year}Q{part}",
        "half-year-1": "{year}H1",
        "half-year-2": "{year}H2", "year": "{year}",
    },
}  # fmt: skip


@contextmanager
def as_stored() -> Iterator[None]:
    """Show values as they are written into the database – in labels, in another kind's text –
    whatever the language of whoever causes it."""
    token = language.set(STORED)
    try:
        yield
    finally:
        language.reset(token)


def word(key: str) -> str:
    """Return the word for ``key`` (yes, no, or the pattern of a period)."""
    return _WORDS["en" if language.get().startswith("en") else "zh"][key]
