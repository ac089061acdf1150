"""Choices: several of the options that the definition lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import CONTAINS, EMPTY, PRESENT, Kind, Reader
from app.kinds.choice import Menu, Option, choosable, options_of, without_options
from app.kinds.columns import JsonTuple, written
from app.kinds.forms import Unbound, checkboxes
from app.kinds.inventing import Draw
from app.kinds.texts import cell_text, clean_line, clean_text

_PARTS = re.compile(r"[、,，;；/|]")


@dataclass(frozen=True, slots=True)
class Choices(Kind):
    """Some of ``options``, each once, in the order of the definition."""

    name = "choices"
    example = {
        "type": "array",
        "items": {
            "type": "string",
            "oneOf": [
                {"const": "a", "title": "技改、扩能"},
                {"const": "b", "title": "研发"},
                {"const": 'q"%', "title": "其他"},
                {"const": "c", "title": "旧项", "deprecated": True},
            ],
        },
    }
    keywords = frozenset(["items", "minItems", "maxItems", "uniqueItems"])
    json_type = "array"
    formula_type = "list(string)"
    filters = (CONTAINS, EMPTY, PRESENT)
    sortable = False
    samples: ClassVar[tuple[tuple[Any, Any], ...]] = (
        *((["b", "a", "b"], ("a", "b")), ("研发；其他", ("b", 'q"%')), ("b/旧项", ("b", "c"))),
        *(("技改、扩能", ("a",)), ("技改、扩能\n研发", ("a", "b")), ("研发", ("b",))),
        *(([], None), ("", None), ([" "], None), (("b",), ("b",))),
    )
    unreadable = ("x", ["a", "x"], {"a": 1}, 1, True, [["a"]], [None, 3], "a、x", "\x00")

    options: tuple[Option, ...] = ()
    menu: Menu = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # options that were kept as JSON come back as plain tuples
        options = tuple(Option(*option) for option in self.options)
        object.__setattr__(self, "options", options)
        object.__setattr__(self, "menu", Menu(options))

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        items = prop.get("items")
        if prop.get("type") != "array" or not isinstance(items, Mapping):
            return None
        if items.get("type", "string") != "string" or "format" in items:
            return None
        options = options_of(items)
        return cls(options) if options else None

    def column_type(self) -> sa.types.TypeEngine[tuple[str, ...]]:
        return JsonTuple()

    def reader(self) -> Reader:
        return Reader(self._read)

    def _read(self, raw: Any) -> tuple[str, ...] | None:
        if not isinstance(raw, (list, tuple)):
            raw = self._split(clean_text(raw))
        read = self.menu.read
        chosen = {read(item) for item in raw if item is not None}
        return tuple(value for value in self.menu.labels if value in chosen) or None

    def _split(self, text: str | None) -> list[str]:
        """Return the parts of ``text``: a label may itself hold a separator, so lines come first,
        and a text that is one option as a whole is not split."""
        if text is None:
            return []
        if "\n" in text:
            return text.split("\n")
        return [text] if self.menu.find(text) else _PARTS.split(text)

    def judged_as(self, prop: Mapping[str, Any]) -> dict[str, Any]:
        items = {**without_options(prop.get("items", {})), "enum": choosable(self.options)}
        return {**Kind.judged_as(self, prop), "items": items}

    def to_json(self, value: tuple[str, ...] | None) -> list[str] | None:
        return None if value is None else list(value)

    def from_json(self, json: list[str] | None) -> tuple[str, ...] | None:
        return tuple(json) if json else None

    def to_form(self, value: tuple[str, ...] | None) -> list[str]:
        return list(value or ())

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> list[str]:
        offered = choosable(self.options)
        least = min(int(prop.get("minItems", 1)), len(offered))
        most = max(least, min(int(prop.get("maxItems", 2)), 2, len(offered)))
        return draw.source.sample(offered, draw.source.randint(least, most))

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return checkboxes(self.name, label, hint, self.options)

    def from_cell(self, cell: Any) -> Any:
        return cell_text(cell)

    def to_cell(self, value: tuple[str, ...] | None) -> str | None:
        """Return the labels; one per line where a label itself holds a separator."""
        if value is None:
            return None
        labels = [self.menu.labels.get(item, item) for item in value]
        apart = "\n" if any(_PARTS.search(label) for label in labels) else "、"
        return apart.join(labels)

    def show(self, value: tuple[str, ...] | None) -> str:
        return "、".join(self.menu.labels.get(item, item) for item in value or ())

    def to_other(self, value: tuple[str, ...]) -> str | None:
        return self.to_cell(value)

    def filter_reader(self) -> Reader:
        """Return the field that reads one option."""
        return Reader(self.menu.read)

    def condition(
        self, column: sa.ColumnElement[Any], operator: str, value: Any = None
    ) -> sa.ColumnElement[bool]:
        """Return the SQL; ``contains`` finds the rows in which the option ``value`` is chosen."""
        if operator == CONTAINS:
            text = sa.type_coerce(column, sa.Text())
            return text.contains(written(value), autoescape=True)
        return Kind.condition(self, column, operator, value)

    def holds(self, old: Kind) -> bool:
        return isinstance(old, Choices)

    def from_other(self, old: Kind, value: Any) -> Any:
        """Return the raw choices; a single choice is not split at its label's separators."""
        text = Kind.from_other(self, old, value)
        return [clean_line(text)] if old.name == "choice" and text else text
