"""What a record's derived fields read from other rows: look-ups and roll-ups."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.definitions.gate import Values, round_half_up
from app.definitions.register import Condition, Field
from app.definitions.stages import Stage
from app.errors import SumTooLong
from app.kinds.columns import DIGITS
from app.services.work import Work
from app.storage.catalog import Published
from app.storage.rows import chunks

OPERATORS: dict[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "==": lambda c, v: c == v,
    "!=": lambda c, v: c != v,
    "<": lambda c, v: c < v,
    "<=": lambda c, v: c <= v,
    ">": lambda c, v: c > v,
    ">=": lambda c, v: c >= v,
    "in": lambda c, v: c.in_(v),
}


def gather(
    work: Work,
    published: Published,
    records: Sequence[tuple[int | None, Values]],
    stored: Sequence[Values | None] = (),
) -> list[Values]:
    """Return look-ups and roll-ups of many records at once, in the order of ``records``.

    A record is (its id, or None before it is stored; its entered values); ``stored`` are the
    values formulas see as ``old.…``. What compares with a derived field of the record is
    gathered after that field, as it is now, was gathered or computed.
    """
    results: list[Values] = [{} for _ in records]
    gate, stages = published.gate, published.gate.stages
    if len(stages) > 1 or any(stage.computed for stage in stages):
        records = [(record, {**values}) for record, values in records]
    for step, stage in enumerate(stages):
        if step or stage.computed:
            olds = stored or [None] * len(records)
            for (_, values), result, old in zip(records, results, olds, strict=True):
                values.update(result)
                gate.prepare(stage, values, old)
        gather_stage(work, stage, records, results)
    return results


def gather_stage(
    work: Work,
    stage: Stage,
    records: Sequence[tuple[int | None, Values]],
    results: list[Values],
) -> None:
    """Add to ``results`` what one stage gathers; ``records`` hold all that it compares with."""
    lookups = [f for f in stage.gathered if f.lookup]
    for reference in dict.fromkeys(f.lookup.reference for f in lookups if f.lookup):
        fields = [f for f in lookups if f.lookup and f.lookup.reference == reference]
        look_up(work, fields, reference, records, results)
    for field in stage.gathered:
        if field.rollup:
            roll_up(work, field, records, results)


def look_up(
    work: Work,
    fields: Sequence[Field],
    reference: str,
    records: Sequence[tuple[int | None, Values]],
    results: list[Values],
) -> None:
    """Read the look-ups that go through one reference, with one query for 500 targets."""
    lookups = [(f.name, f.lookup) for f in fields if f.lookup]
    target = work.published(lookups[0][1].register).tables.main
    columns = [target.c[lookup.field] for _, lookup in lookups]
    wanted = sorted({v[reference] for _, v in records if v.get(reference) is not None})
    found: dict[int, Sequence[Any]] = {}
    for part in chunks(wanted):
        for row in work.tx.execute(sa.select(target.c["_id"], *columns).where(
            target.c["_id"].in_(part)
        )):  # fmt: skip
            found[row[0]] = row[1:]
    for (_, values), result in zip(records, results, strict=True):
        seen = found.get(values.get(reference) or 0)
        for position, (name, _) in enumerate(lookups):
            result[name] = seen[position] if seen else None


def roll_up(
    work: Work,
    field: Field,
    records: Sequence[tuple[int | None, Values]],
    results: list[Values],
) -> None:
    """Gather one roll-up: grouped where rows only point at the record, else one by one."""
    rollup = field.rollup
    if rollup is None:
        return
    pointing = [c for c in rollup.conditions if c.own == "_id" and c.operator == "=="]
    others = [c for c in rollup.conditions if c.own and c.own != "_id"]
    if len(pointing) == 1 and not others and rollup.operation != "latest":
        grouped(work, field, pointing[0], records, results)
        return
    for (record, values), result in zip(records, results, strict=True):
        result[field.name] = single(work, field, {**values, "_id": record})


def grouped(
    work: Work,
    field: Field,
    pointing: Condition,
    records: Sequence[tuple[int | None, Values]],
    results: list[Values],
) -> None:
    rollup = field.rollup
    assert rollup is not None
    source = work.published(rollup.register).tables.main
    key = source.c[pointing.field]
    where: list[sa.ColumnElement[bool]] = [source.c["_deleted_at"].is_(None)]
    where += [compare(source, c, {}) for c in rollup.conditions if not c.own]
    ids = sorted({record for record, _ in records if record is not None})
    found: dict[int, Any] = {}
    for part in chunks(ids):
        query = sa.select(key, *measures(source, field)).where(key.in_(part), *where).group_by(key)
        found.update({row[0]: row[1:] for row in work.tx.execute(query)})
    for (record, _), result in zip(records, results, strict=True):
        result[field.name] = settle(field, found.get(record or 0))


def single(work: Work, field: Field, own: Mapping[str, Any]) -> Any:
    """Return one record's roll-up; None when something it compares with is missing."""
    rollup = field.rollup
    assert rollup is not None
    source = work.published(rollup.register).tables.main
    where: list[sa.ColumnElement[bool]] = [source.c["_deleted_at"].is_(None)]
    for condition in rollup.conditions:
        if condition.own and own.get(condition.own) is None:
            return settle(field, None)
        where.append(compare(source, condition, own))
    if rollup.operation == "latest":
        by = source.c[rollup.by] if rollup.by else source.c["_id"]
        query = sa.select(source.c[rollup.field]).where(*where, by.is_not(None))
        return work.tx.scalar(query.order_by(by.desc(), source.c["_id"].desc()).limit(1))
    found = work.tx.execute(sa.select(*measures(source, field)).where(*where)).one()
    return settle(field, found)


def compare(
    source: sa.Table, condition: Condition, own: Mapping[str, Any]
) -> sa.ColumnElement[bool]:
    """Return a roll-up's condition on its source."""
    value = condition.value
    if condition.own:
        value = shift(own[condition.own], condition.plus)
    return OPERATORS[condition.operator](source.c[condition.field], value)


def shift(value: Any, plus: int) -> Any:
    """Return ``value`` moved by ``plus``: a number, a month by months, a date by days."""
    if not plus:
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


def measures(source: sa.Table, field: Field) -> list[sa.ColumnElement[Any]]:
    """Return what a roll-up counts; a mean is exact as its sum and its count."""
    rollup = field.rollup
    assert rollup is not None
    if rollup.operation == "count":
        return [sa.func.count()]
    column = source.c[rollup.field]
    if rollup.operation == "avg":
        return [sa.func.sum(column, type_=column.type), sa.func.count(column)]
    aggregate = getattr(sa.func, rollup.operation)
    return [aggregate(column, type_=column.type)]


def settle(field: Field, found: Sequence[Any] | None) -> Any:
    """Return an aggregate as the field's value; nothing counted or summed is 0."""
    rollup = field.rollup
    assert rollup is not None
    value: Any = found[0] if found else None
    if rollup.operation in ("count", "sum") and value is None:
        value = 0
    if rollup.operation == "avg" and found and found[1]:
        value = Decimal(value) / found[1]
    if value is None:
        return None
    scale = getattr(field.kind, "scale", None)
    if scale is not None:
        value = round_half_up(Decimal(value), scale)
    elif field.kind.formula_type == "int":
        value = int(value)
    if isinstance(value, (int, Decimal)) and abs(value) >= 10 ** (DIGITS - (scale or 0)):
        raise SumTooLong(digits=DIGITS)
    return value
