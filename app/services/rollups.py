"""Roll-ups: what derived fields gather from many rows, for many records in one statement."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.definitions.gate import Values, round_half_up
from app.definitions.register import Condition, Field, Rollup
from app.errors import SumTooLong
from app.kinds.columns import DIGITS
from app.services.comparing import IN_SQL, PLAIN
from app.services.work import Work
from app.storage.catalog import Published
from app.storage.narrowing import same_unindexed, wide
from app.storage.points import points_table

#: a record that is not stored yet comes after all that are
NOT_STORED = 2**63

#: what a point compares: the reader's own values, in the order of its conditions
Point = tuple[Any, ...]
#: what each of some roll-ups measures at a point: a value and what else it takes, () for no rows
Measured = Sequence[tuple[Any, ...]]


def roll_up(
    work: Work,
    slug: str,
    fields: Sequence[Field],
    records: Sequence[tuple[int | None, Values]],
    results: list[Values],
) -> None:
    """Gather roll-ups that choose rows by the same own fields (``Stage.rollups``) for records of
    the register ``slug``: with one statement, in which each distinct point stands once."""
    rollups = [field.rollup for field in fields if field.rollup]
    own = rollups[0].own
    itself = rollups[0].register == slug
    asked = [point_of(own, record, values) for record, values in records]
    if itself:
        asked = [
            None if point is None else (*point, record or 0)
            for point, (record, _) in zip(asked, records, strict=True)
        ]
    points = [*dict.fromkeys(point for point in asked if point is not None)]
    found = dict(aggregate(work, rollups, own, points, itself))
    nothing: Measured = [()] * len(fields)
    itself = itself and not any(never_itself(condition) for condition in own)
    doubtful = [condition for condition in own if not always_itself(condition)]
    finishing = [(field.name, finisher(field)) for field in fields]
    constants = [rollup.constants for rollup in rollups]
    for point, (record, values), result in zip(asked, records, results, strict=True):
        measured = nothing if point is None else found.get(point, nothing)
        if itself and point is not None and meets(doubtful, record, values):
            measured = [
                combined(rollup, others, record, values)
                if not only or meets(only, record, values)
                else others
                for rollup, only, others in zip(rollups, constants, measured, strict=True)
            ]
        for (name, finish), value in zip(finishing, measured, strict=True):
            result[name] = finish(value)


def point_of(
    own: Sequence[Condition], record: int | None, values: Mapping[str, Any]
) -> Point | None:
    """Return what source rows are compared with; None when something of it is missing."""
    found = [
        (record if c.own == "_id" else values.get(c.own))
        if not c.plus
        else shift(values.get(c.own), c.plus)
        for c in own
    ]
    return None if None in found else tuple(found)


def value_of(name: str, record: int | None, values: Mapping[str, Any]) -> Any:
    """Return a field of a record, or its id."""
    return record if name == "_id" else values.get(name)


def shift(value: Any, plus: int) -> Any:
    """Return ``value`` moved by ``plus``: a number, a month by months, a date by days."""
    if not plus or value is None:
        return value
    if isinstance(value, str) and len(value) == 7 and value[4] == "-":
        months = int(value[:4]) * 12 + int(value[5:]) - 1 + plus
        return f"{months // 12:04d}-{months % 12 + 1:02d}"
    if isinstance(value, str) and len(value) == 6 and value[4] == "Q":
        quarters = int(value[:4]) * 4 + int(value[5]) - 1 + plus
        return f"{quarters // 4:04d}Q{quarters % 4 + 1}"
    if isinstance(value, datetime.date):
        return value + datetime.timedelta(days=plus)
    return value + plus


# ── in the database


def aggregate(
    work: Work,
    rollups: Sequence[Rollup],
    own: Sequence[Condition],
    points: Sequence[Point],
    itself: bool,
) -> Iterator[tuple[Point, Measured]]:
    """Give each point that has rows, and what each roll-up measures there. With ``itself`` a
    point ends with the id of the record that asks, which is not counted."""
    if not points:
        return
    published = work.published(rollups[0].register)
    source = published.tables.main
    types = [source.c[c.field].type for c in own]
    if itself:
        types.append(source.c["_id"].type)
    table = points_table(work.tx, types, points)
    compared = [(c.field, c.operator) for c in own]
    where = at_points(work.tx, published, compared, table)
    where.append(source.c["_deleted_at"].is_(None))
    if itself:
        where.append(source.c["_id"] != table.c[f"p{len(own)}"])
    constants = [rollup.constants for rollup in rollups]
    if all(each == constants[0] for each in constants):
        where += [constant(source, c) for c in constants[0]]
        constants = [()] * len(rollups)
    joined = table.join(source, sa.and_(*where))
    if rollups[0].operation == "latest":
        query = newest(rollups[0], source, table, joined, [r.field for r in rollups])
        for row in work.tx.execute(query):
            yield points[row[0]], [(value, row[1], row[2]) for value in row[3:]]
        return
    columns = [measures(source, r, c) for r, c in zip(rollups, constants, strict=True)]
    counted = sa.select(table.c.n, *[part for parts in columns for part in parts])
    for row in work.tx.execute(counted.select_from(joined).group_by(table.c.n)):
        cells = iter(row[1:])
        yield points[row[0]], [tuple(next(cells) for _ in parts) for parts in columns]


def at_points(
    tx: sa.Connection,
    published: Published,
    compared: Sequence[tuple[str, str]],
    table: sa.FromClause,
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that rows of a register compare, (field, operator) by (field,
    operator), with the points of ``table``."""
    main = published.tables.main
    equal = [name for name, sign in compared if sign == "=="]
    ranged = [name for name, sign in compared if sign in ("<", "<=", ">", ">=")]
    aside = wide(published.register, equal, ranged)
    return [
        same_unindexed(tx, main.c[name], table.c[f"p{at}"])
        if sign == "==" and name in aside
        else IN_SQL[sign](main.c[name], table.c[f"p{at}"])
        for at, (name, sign) in enumerate(compared)
    ]


def newest(
    rollup: Rollup,
    source: sa.Table,
    table: sa.FromClause,
    joined: sa.FromClause,
    names: Sequence[str],
) -> sa.Select[Any]:
    """Return a query for (place, what orders the newest row there, its id, its ``names``)."""
    number = source.c["_id"]
    by = source.c[rollup.by] if rollup.by else number
    place = sa.func.row_number().over(
        partition_by=table.c.n, order_by=(by.desc(), number.desc())
    )  # fmt: skip
    cells = [source.c[name].label(f"v{at}") for at, name in enumerate(names)]
    columns = (table.c.n, place.label("place"), by.label("sorted_by"), number.label("record"))
    ranked = sa.select(*columns, *cells).select_from(joined).where(by.is_not(None)).subquery()
    return sa.select(
        ranked.c.n, ranked.c.sorted_by, ranked.c.record, *[ranked.c[c.name] for c in cells]
    ).where(ranked.c.place == 1)


def constant(source: sa.Table, condition: Condition) -> sa.ColumnElement[bool]:
    return IN_SQL[condition.operator](source.c[condition.field], condition.value)


def measures(
    source: sa.Table, rollup: Rollup, constants: Sequence[Condition]
) -> list[sa.ColumnElement[Any]]:
    """Return what a roll-up counts; a mean is exact as its sum and its count."""
    only = [constant(source, c) for c in constants]

    def of(function: Any) -> sa.ColumnElement[Any]:
        return function.filter(*only) if only else function

    if rollup.operation == "count":
        return [of(sa.func.count())]
    column = source.c[rollup.field]
    if rollup.operation == "avg":
        return [of(sa.func.sum(column, type_=column.type)), of(sa.func.count(column))]
    return [of(getattr(sa.func, rollup.operation)(column, type_=column.type))]


# ── the record itself, as it is going to be stored


def meets(conditions: Sequence[Condition], record: int | None, values: Values) -> bool:
    """Return whether a record meets conditions on itself; what is missing meets none."""
    for condition in conditions:
        value, wanted = value_of(condition.field, record, values), condition.value
        if condition.own:
            wanted = shift(value_of(condition.own, record, values), condition.plus)
        if value is None or wanted is None or not PLAIN[condition.operator](value, wanted):
            return False
    return True


def always_itself(condition: Condition) -> bool:
    """Return whether every record with a value meets a condition on itself: its own month is not
    after its month."""
    same = condition.field == condition.own and not condition.plus
    return same and condition.operator in ("==", "<=", ">=")


def never_itself(condition: Condition) -> bool:
    """Return whether no record meets a condition on itself: its month is not the one before."""
    moved = condition.operator == "==" and condition.plus != 0
    return moved and condition.field == condition.own


def combined(
    rollup: Rollup, others: tuple[Any, ...], record: int | None, values: Values
) -> tuple[Any, ...]:
    """Return a measure of other rows with one row added."""
    if rollup.operation == "count":
        return ((others[0] if others else 0) + 1,)
    if rollup.operation == "latest":
        return later(rollup, others, record, values)
    value = values.get(rollup.field)
    if value is None:
        return others
    known = others[0] if others else None
    if rollup.operation == "avg":
        return ((known or 0) + value, (others[1] if others else 0) + 1)
    if known is None:
        return (value,)
    if rollup.operation == "sum":
        return (known + value,)
    return ((max if rollup.operation == "max" else min)(known, value),)


def later(
    rollup: Rollup, others: tuple[Any, ...], record: int | None, values: Values
) -> tuple[Any, ...]:
    number = record or NOT_STORED
    by = values.get(rollup.by) if rollup.by else number
    if by is None or (others and (others[1], others[2]) > (by, number)):
        return others
    return (values.get(rollup.field), by, number)


def finisher(field: Field) -> Callable[[Sequence[Any]], Any]:
    """Return what makes a measure the field's value; nothing counted or summed is 0."""
    rollup = field.rollup
    assert rollup is not None
    operation, scale = rollup.operation, getattr(field.kind, "scale", None)
    whole = scale is None and field.kind.formula_type == "int"
    bound, none = 10 ** (DIGITS - (scale or 0)), 0 if operation in ("count", "sum") else None

    def finish(found: Sequence[Any]) -> Any:
        value: Any = found[0] if found else None
        if operation == "latest":
            return value
        if value is None:
            value = none
            if value is None:
                return None
        if operation == "avg":
            value = Decimal(value) / found[1]
        if scale is not None:
            value = round_half_up(Decimal(value), scale)
        elif whole:
            value = int(value)
        if isinstance(value, (int, Decimal)) and abs(value) >= bound:
            raise SumTooLong(digits=DIGITS)
        return value

    return finish
