"""Refusing a file: sentences that stay apart from their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import FileRefused, Problem


@dataclass(frozen=True, slots=True)
class Reason(Problem):
    """A problem that is the reason given in another sentence."""

    def __str__(self) -> str:
        return self.sentence()


class Reasons(tuple[Reason, ...]):
    """Several reasons, one after the other."""

    __slots__ = ()

    def __str__(self) -> str:
        return " ".join(map(str, self))


def refused(code: str, text: str, **values: Any) -> FileRefused:
    """Return the refusal of a whole file for one reason."""
    return refused_for([Reason("", f"file.{code}", text, values)])


def refused_for(reasons: Sequence[Reason]) -> FileRefused:
    """Return the refusal of a whole file for several reasons."""
    return FileRefused(reasons, reason=Reasons(reasons))
