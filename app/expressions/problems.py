"""What can go wrong with an expression, before it is accepted and while it is computed."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import DecimalException
from typing import Any

from app.errors import AppError


class FormulaProblem(AppError):
    """An expression that cannot be accepted.

    ``column`` counts characters from 1, over the whole text. ``all`` holds every problem
    found, this one first.
    """

    code = "expression.refused"

    def __init__(self, text: str, values: dict[str, Any], column: int) -> None:
        self.text = text  # type: ignore[misc]
        super().__init__((), **values)
        self.column = column
        self.others: tuple[FormulaProblem, ...] = ()

    @property
    def all(self) -> tuple[FormulaProblem, ...]:
        """Return this problem and those found beside it."""
        return (self, *self.others)

    @classmethod
    def of(cls, problems: Iterable[FormulaProblem]) -> FormulaProblem:
        """Return the first of ``problems``, which carries the others."""
        first, *others = problems
        first.others = tuple(others)
        return first


class FormulaFailed(AppError):
    """An accepted expression that cannot be computed for these values."""

    code = "expression.failed"

    def __init__(self, text: str, **values: Any) -> None:
        self.text = text  # type: ignore[misc]
        super().__init__((), **values)


class NoResult(Exception):
    """A missing input was needed (inside this room only)."""


class Failure(Exception):
    """An operation has no value, such as a division by zero (inside this room only)."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


class Exhausted(Exception):
    """The step budget is used up; no operator absorbs this (inside this room only)."""


#: what ``&&`` and ``||`` absorb when the other side decides
ABSORBED = (NoResult, Failure, DecimalException)
