"""Findings: the problems of one definition, gathered until all of them are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from app.definitions.names import nearest, pointer
from app.errors import AppError, Problem

#: longest value repeated in a sentence
SHOWN = 80


MEANT = "{problem} Did you mean {nearest}?"


class Said(AppError):
    """A sentence inside another one: it is translated and filled on its own."""

    def __init__(self, text: str, **values: Any) -> None:
        self.text = text  # type: ignore[misc]
        super().__init__((), **values)


class Findings:
    """All problems found in a definition, in order, none twice."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Problem] = {}

    def add(self, at: Iterable[object], code: str, text: str, **values: Any) -> None:
        """Note one problem at the path ``at``."""
        where = pointer(*at)
        shown = {name: shorten(value) for name, value in values.items()}
        problem = Problem(where, f"definition.{code}", text, shown)
        self._found.setdefault((where, problem.sentence()), problem)

    def unknown(
        self,
        at: Iterable[object],
        code: str,
        text: str,
        name: object,
        known: Iterable[str],
        **values: Any,
    ) -> None:
        """Note that ``name`` is not known; say which known name is meant, where one is near."""
        values = {"name": shorten(name), **values}
        meant = nearest(name, known)
        if meant:
            text, values = MEANT, {"problem": Said(text, **values), "nearest": meant}
        self.add(at, code, text, **values)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems found elsewhere."""
        for problem in problems:
            self._found.setdefault((problem.at, problem.sentence()), problem)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)


def shorten(value: Any) -> Any:
    """Return ``value`` as a sentence shows it: short, on one line, text without quotes."""
    if isinstance(value, (AppError, Problem)):
        return value
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return value if abs(value) < 10**30 else "a number of more than 30 digits"
    text = value if isinstance(value, str) else _dump(value)
    text = " ".join(text.split()).encode("utf-8", "replace").decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _dump(value: Any) -> str:
    if isinstance(value, frozenset | set | tuple):
        value = [*value]
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):
        return type(value).__name__
