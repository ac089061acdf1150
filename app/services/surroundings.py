"""What a record's derived fields read from other rows: look-ups and roll-ups."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.definitions.gate import Values
from app.definitions.register import Field
from app.services.rollups import roll_up
from app.services.work import Work
from app.storage.catalog import Published
from app.storage.points import among


def gather(
    work: Work,
    published: Published,
    records: Sequence[tuple[int | None, Values]],
    stored: Sequence[Values | None] = (),
) -> list[Values]:
    """Return look-ups and roll-ups of many records at once, in the order of ``records``, and
    the computed fields they compare with.

    A record is (its id, or None before it is stored; its entered values); ``stored`` are the
    values formulas see as ``old.…``. What compares with a derived field of the record is
    gathered after that field, as it is now, was gathered or computed. A roll-up over the
    record's own register counts the record itself as it is given here, not as it is stored.
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
                result.update({f.name: values[f.name] for f in stage.computed})
        lookups = [field for field in stage.gathered if field.lookup]
        for reference in dict.fromkeys(f.lookup.reference for f in lookups if f.lookup):
            fields = [f for f in lookups if f.lookup and f.lookup.reference == reference]
            look_up(work, fields, reference, records, results)
        for group in stage.rollups:
            roll_up(work, published.slug, group, records, results)
    return results


def look_up(
    work: Work,
    fields: Sequence[Field],
    reference: str,
    records: Sequence[tuple[int | None, Values]],
    results: list[Values],
) -> None:
    """Read the look-ups that go through one reference, with one query."""
    lookups = [(f.name, f.lookup) for f in fields if f.lookup]
    target = work.published(lookups[0][1].register).tables.main
    columns = [target.c[lookup.field] for _, lookup in lookups]
    wanted = sorted({v[reference] for _, v in records if v.get(reference) is not None})
    query = sa.select(target.c["_id"], *columns).where(among(work.tx, target.c["_id"], wanted))
    found = {row[0]: row[1:] for row in work.tx.execute(query)} if wanted else {}
    for (_, values), result in zip(records, results, strict=True):
        seen = found.get(values.get(reference) or 0)
        for position, (name, _) in enumerate(lookups):
            result[name] = seen[position] if seen else None
