"""Points: many tuples of values as one table that a query joins, on either engine.

A thousand records that each ask for the rows of their own firm and month ask in one statement.
The values travel as one parameter: a JSON array on SQLite, an array for each column on
PostgreSQL. (An ``OR`` of a thousand conditions is parsed anew for every thousand.)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

#: the column that holds a point's place among those given
PLACE = "n"


def points_table(
    tx: sa.Connection,
    types: Sequence[sa.types.TypeEngine[Any]],
    points: Sequence[Sequence[Any]],
) -> sa.FromClause:
    """Return a table with the columns ``n`` (0, 1, …) and ``p0``, ``p1``, … of the given
    ``types``, a row for each point. No value may be None."""
    if tx.dialect.name == "sqlite":
        return _from_json(tx.dialect, types, points)
    return _from_arrays(types, points)


def _from_json(
    dialect: sa.Dialect,
    types: Sequence[sa.types.TypeEngine[Any]],
    points: Sequence[Sequence[Any]],
) -> sa.FromClause:
    processors = [t.dialect_impl(dialect).bind_processor(dialect) for t in types]
    busy = [(at, process) for at, process in enumerate(processors) if process is not None]
    cells = [[*point] for point in points]
    for row in cells:
        for at, process in busy:
            row[at] = process(row[at])
    given = sa.bindparam("points", json.dumps(cells, ensure_ascii=False), sa.Text, unique=True)
    each = sa.func.json_each(given).table_valued("key", "value", name="each_point")
    columns = [each.c["key"].label(PLACE)]
    for at, kind in enumerate(types):
        cell = sa.func.json_extract(each.c["value"], sa.literal_column(f"'$[{at}]'"))
        columns.append(sa.type_coerce(cell, kind).label(f"p{at}"))
    return sa.select(*columns).subquery("points")


def _from_arrays(
    types: Sequence[sa.types.TypeEngine[Any]], points: Sequence[Sequence[Any]]
) -> sa.FromClause:
    by_column: list[list[Any]] = [list(range(len(points)))]
    by_column += [list(column) for column in zip(*points, strict=True)]
    kinds: list[sa.types.TypeEngine[Any]] = [sa.Integer(), *types]
    names = [PLACE, *(f"p{at}" for at in range(len(types)))]
    arrays = [
        sa.bindparam(f"points_{name}", values, ARRAY(kind), unique=True)
        for name, kind, values in zip(names, kinds, by_column, strict=True)
    ]
    columns = [sa.column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    return sa.func.unnest(*arrays).table_valued(*columns, name="points").render_derived()
