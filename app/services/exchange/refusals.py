"""Refusing a file: one sentence, kept apart from its values."""

from __future__ import annotations

from typing import Any

from app.errors import FileRefused, Problem, fill


def refused(code: str, text: str, **values: Any) -> FileRefused:
    """Return the refusal of a whole file. Its one problem carries the sentence to translate."""
    problem = Problem("", f"file.{code}", text, values)
    return FileRefused([problem], reason=fill(text, values))
