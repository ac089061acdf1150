"""The few words a value is shown with, in the language of the moment."""

from __future__ import annotations

from contextvars import ContextVar

#: the language values are shown in; a face sets it per request, ``zh_Hans`` where none did
language: ContextVar[str] = ContextVar("taizhang_language", default="zh_Hans")

_WORDS = {
    "zh": {"yes": "是", "no": "否", "month": "{year}年{part}月", "quarter": "{year}年第{part}季度"},
    "en": {"yes": "Yes", "no": "No", "month": "{year}-{part:02d}", "quarter": "{year}Q{part}"},
}


def word(key: str) -> str:
    """Return the word for ``key`` (yes, no, or the pattern of a month or quarter)."""
    return _WORDS["en" if language.get().startswith("en") else "zh"][key]
