"""Conversion: a field's values in another kind. Nothing is lost: the old column stays, and what
does not fit is parked beside the field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.kinds.base import Kind, Unreadable
from app.kinds.wording import as_stored
from app.services.work import Work
from app.storage import models, rows
from app.storage.tables import stored_type


@dataclass(frozen=True, slots=True)
class Move:
    """Where values come from and go to: a table, its key, two columns and their kinds."""

    table: str
    source: str
    old: Kind
    target: str
    new: Kind
    #: the target is a column the field had before: what was not touched since comes back
    reverting: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """One value moved: what it was as people read it, and what it became."""

    record: int
    shown: str
    value: Any
    fits: bool


def convert(tx: sa.Connection, move: Move, *, planned: bool) -> Iterator[list[Converted]]:
    """Give every value of the old column, converted, in batches. With ``planned`` the target
    column may not exist yet and nothing of it is read, unless it is a former one."""
    table = sa.table(
        move.table,
        sa.column("_id", sa.BigInteger()),
        sa.column(move.source, stored_type(move.old)),
    )
    columns: list[sa.ColumnElement[Any]] = [table.c["_id"], table.c[move.source]]
    if move.reverting:
        former: sa.ColumnClause[Any] = sa.column(move.target, stored_type(move.new))
        columns.append(former.label("former"))
    last = 0
    while True:
        query = sa.select(*columns).select_from(table).where(table.c["_id"] > last)
        found = tx.execute(query.order_by(table.c["_id"]).limit(rows.BATCH)).all()
        if not found:
            return
        with as_stored():
            batch = [one for row in found if (one := convert_one(move, row)) is not None]
        yield batch
        last = found[-1][0]


def convert_one(move: Move, row: Any) -> Converted | None:
    """Return a row's value converted; None where there is nothing to move."""
    value = row[1]
    if move.reverting and row[2] is not None and became(move.new, move.old, row[2]) == value:
        return None  # untouched since: the former column still holds it, to the letter
    if value is None:
        return Converted(row[0], "", None, True) if move.reverting and row[2] is not None else None
    try:
        result = move.new.reader().deserialize(move.new.from_other(move.old, value))
    except Unreadable:
        result = None
    return Converted(row[0], move.old.show(value), result, result is not None)


def became(old: Kind, new: Kind, value: Any) -> Any:
    """Return what ``value`` of ``old`` became when the field changed to ``new``."""
    try:
        return new.reader().deserialize(new.from_other(old, value))
    except Unreadable:
        return None


def carry_out(work: Work, move: Move, slug: str, field: str, revision: int) -> None:
    """Write the converted values into the target column and park those that do not fit."""
    target: sa.ColumnClause[Any] = sa.column(move.target, stored_type(move.new))
    table = sa.table(move.table, sa.column("_id", sa.BigInteger()), target)
    statement = (
        sa.update(table)
        .where(table.c["_id"] == sa.bindparam("b_id"))
        .values({move.target: sa.bindparam("b_value", type_=target.type)})
    )
    parked = models.parked
    work.tx.execute(parked.delete().where(parked.c.slug == slug, parked.c.field == field))
    for batch in convert(work.tx, move, planned=False):
        if batch:
            work.tx.execute(statement, [{"b_id": c.record, "b_value": c.value} for c in batch])
        unfit = [c for c in batch if not c.fits]
        if unfit:
            work.tx.execute(
                parked.insert(),
                [
                    {
                        "slug": slug,
                        "field": field,
                        "record": c.record,
                        "shown": c.shown,
                        "since": work.now,
                        "revision": revision,
                    }
                    for c in unfit
                ],
            )
