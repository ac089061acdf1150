"""Points: many tuples of values as one table that a query joins, on either engine.

A thousand records that each ask for the rows of their own firm and month ask in one statement.
The values travel as one parameter, a JSON array: an ``OR`` of a thousand conditions, or a list of
a thousand parameters, is written, sent and parsed anew for every thousand.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

Type = sa.types.TypeEngine[Any]


def points_table(
    tx: sa.Connection, types: Sequence[Type], points: Sequence[Sequence[Any]]
) -> sa.FromClause:
    """Return a table with the columns ``n`` (0, 1, …) and ``p0``, ``p1``, … of the given
    ``types``, a row for each point. No value may be None."""
    processors = [bound(tx.dialect, kind) for kind in types]
    given = document(
        [
            [value if process is None else process(value) for process, value in pairs]
            for pairs in (zip(processors, point, strict=True) for point in points)
        ]
    )
    if tx.dialect.name == "sqlite":
        each = sa.func.json_each(given).table_valued("key", "value", name="each_point")
        place: sa.ColumnElement[Any] = each.c["key"]
        cells: list[sa.ColumnElement[Any]] = [
            sa.func.json_extract(each.c["value"], sa.literal_column(f"'$[{at}]'"))
            for at in range(len(types))
        ]
    else:
        called = sa.func.json_array_elements(sa.cast(given, JSON))
        each = called.table_valued("value", with_ordinality="ord", name="each_point")
        each = each.render_derived()
        place = each.c["ord"] - sa.literal_column("1")
        cells = [
            read(each.c["value"].op("->>")(sa.literal_column(str(at))), kind)
            for at, kind in enumerate(types)
        ]
    columns = [
        sa.type_coerce(cell, kind).label(f"p{at}")
        for at, (cell, kind) in enumerate(zip(cells, types, strict=True))
    ]
    return sa.select(sa.type_coerce(place, sa.Integer()).label("n"), *columns).subquery("points")


def among(
    tx: sa.Connection, column: sa.ColumnElement[Any], values: Collection[Any]
) -> sa.ColumnElement[bool]:
    """Return that ``column`` holds one of ``values``, however many: they travel as one parameter,
    so the statement is the same for all, and no engine's bound on parameters is met."""
    process = bound(tx.dialect, column.type)
    given = document([*values] if process is None else [process(value) for value in values])
    if tx.dialect.name == "sqlite":
        each = sa.func.json_each(given).table_valued("value")
        return column.in_(sa.select(sa.type_coerce(each.c["value"], column.type)))
    each = sa.func.json_array_elements_text(sa.cast(given, JSON)).table_valued("value")
    listed = sa.select(read(each.c["value"], column.type)).scalar_subquery()
    return column == sa.any_(sa.func.array(listed, type_=sa.ARRAY(column.type)))


def document(cells: Sequence[Any]) -> sa.BindParameter[str]:
    text = json.dumps(cells, ensure_ascii=False, default=str)
    return sa.bindparam("given", text, sa.Text, unique=True)


def bound(dialect: sa.Dialect, kind: Type) -> Any:
    """Return what makes a value one that the database stores; None where it is one already."""
    return kind.dialect_impl(dialect).bind_processor(dialect)


def read(text: sa.ColumnElement[Any], kind: Type) -> sa.ColumnElement[Any]:
    """Return PostgreSQL's text as a value of ``kind``."""
    return text if isinstance(kind, sa.String) else sa.cast(text, kind)
