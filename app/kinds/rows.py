"""Rows: a list of child rows, kept in a table of their own."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from wtforms import widgets

from app.kinds.base import EMPTY, PRESENT, Kind, Reader, Unreadable
from app.kinds.exchange import dump_json, load_json
from app.kinds.forms import Unbound, control
from app.kinds.texts import brief

NOT_ROWS = "{value} is not a list of rows. Enter the rows in the table of this field."


@dataclass(frozen=True, slots=True)
class Rows(Kind):
    """Child rows as a tuple of dicts.

    Their cells are read, judged and stored by the columns' own kinds: ``reader`` leaves them
    raw, ``to_json`` only writes dates and tuples as JSON has them, ``from_json`` leaves the
    cells as JSON. ``judged_as`` repeats ``items``; the compiler puts the columns' schemas in.
    """

    name = "rows"
    example = {
        "type": "array",
        "items": {"type": "object", "properties": {"note": {"type": "string"}}},
    }
    keywords = frozenset(["items", "minItems", "maxItems"])
    json_type = "array"
    formula_type = "rows"
    filters = (EMPTY, PRESENT)
    sortable = False
    align = "end"
    own_table = True
    samples: ClassVar[tuple[tuple[Any, Any], ...]] = (
        ([{"note": "a"}], ({"note": "a"},)),
        ('[{"note": "a"}, {"note": 1.50}]', ({"note": "a"}, {"note": load_json("1.50")})),
        *(([], None), ("[]", None), (" ", None)),
    )
    unreadable = ("a", '{"note": "a"}', "[1]", [1], {"note": "a"}, 3, True, [None], "[" * 100000)

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        items = prop.get("items")
        rows = isinstance(items, Mapping) and (
            items.get("type") == "object" or isinstance(items.get("properties"), Mapping)
        )
        return cls() if rows and prop.get("type") == "array" else None

    def column_type(self) -> sa.types.TypeEngine[Any]:
        """Rows have a table of their own (``own_table``); asking for a column is a mistake."""
        raise TypeError("child rows have no column")

    def reader(self) -> Reader:
        return Reader(read_rows)

    def to_json(self, value: Any) -> list[dict[str, Any]] | None:
        if value is None:
            return None
        return [{key: plain(cell) for key, cell in row.items()} for row in value]

    def from_json(self, json: Any) -> tuple[dict[str, Any], ...] | None:
        return tuple(dict(row) for row in json) if json else None

    def to_form(self, value: Any) -> str:
        return dump_json(self.to_json(value) or [])

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, widget=widgets.HiddenInput())

    def to_cell(self, value: Any) -> str | None:
        return None if value is None else dump_json(self.to_json(value))

    def show(self, value: Any) -> str:
        return str(len(value)) if value else ""

    def condition(
        self, column: sa.ColumnElement[Any], operator: str, value: Any = None
    ) -> sa.ColumnElement[bool]:
        """Return the SQL for ``column``: a child row's id or their number, NULL for none."""
        return Kind.condition(self, column, operator, value)

    def to_other(self, value: Any) -> str | None:
        return self.to_cell(value)


def read_rows(raw: Any) -> tuple[dict[str, Any], ...] | None:
    """Return the rows in ``raw``, a list of dicts or its JSON text; no row at all gives None."""
    rows = raw
    if isinstance(raw, str):
        if not raw.strip():
            return None
        try:
            rows = load_json(raw)
        except ValueError:
            raise Unreadable(NOT_ROWS, value=brief(raw[:100])) from None
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable(NOT_ROWS, value=brief(raw))
    return tuple(rows) or None


def plain(cell: Any) -> Any:
    """Return a column's value as JSON has it."""
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return list(cell) if isinstance(cell, tuple) else cell
