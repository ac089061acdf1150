"""Cascade: derived fields of other records, kept in step with what they read.

When records change, whatever looks them up or rolls them up is computed again, in batches,
and what changes there spreads on in the same way. A chain of registers that read each other
ends because a value that comes out the same spreads no further; a circle of fields is refused
when it is published, and ``DEEPEST`` bounds what a mistake could do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Condition, Field
from app.services import history
from app.services.labels import label_fields, make_labels
from app.services.surroundings import gather, shift
from app.services.work import Work
from app.storage import rows
from app.storage.catalog import Published

DEEPEST = 20
#: a source row's value is compared with the reader's own field the other way round
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Change:
    """A record before and after; None where it did not exist or is deleted."""

    record: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def spread(work: Work, slug: str, changes: Sequence[Change], depth: int = 0) -> None:
    """Bring every derived field that reads ``slug`` into step with ``changes``."""
    readers = work.snapshot.readers.get(slug, ())
    if not readers or not changes:
        return
    if depth > DEEPEST:
        raise RuntimeError(f"derived fields go round in a circle at {slug}")
    for reader in readers:
        published = work.published(reader)
        for ids in affected(work, published, slug, changes):
            moved = recompute(work, published, ids, {"cause": slug})
            spread(work, reader, moved, depth + 1)


def affected(
    work: Work, published: Published, slug: str, changes: Sequence[Change]
) -> Iterator[list[int]]:
    """Give ids, in batches, of records whose derived fields may read one of ``changes``."""
    main = published.tables.main
    seen: set[int] = set()
    for where in conditions(work, published, slug, changes):
        query = sa.select(main.c["_id"]).where(where, main.c["_deleted_at"].is_(None))
        fresh = [i for i in work.tx.scalars(query.order_by(main.c["_id"])) if i not in seen]
        seen.update(fresh)
        yield from rows.chunks(fresh, rows.BATCH)


def conditions(
    work: Work, published: Published, slug: str, changes: Sequence[Change]
) -> Iterator[sa.ColumnElement[bool]]:
    """Give conditions that find every reader of ``changes``."""
    register, main = published.register, published.tables.main
    names = set(label_fields(register))
    for field in register.fields:
        if field.reference != slug:
            continue
        read = {
            f.lookup.field for f in register.fields if f.lookup and f.lookup.reference == field.name
        }
        if field.name in names:
            read.add("_label")
        ids = [c.record for c in changes if differs(c, read)]
        for part in rows.chunks(ids):
            yield main.c[field.name].in_(part)
    for field in register.fields:
        if field.rollup and field.rollup.register == slug:
            yield from rolled(field, main, changes)


def differs(change: Change, names: Iterable[str]) -> bool:
    """Return whether one of ``names`` has another value after the change."""
    before, after = change.before or {}, change.after or {}
    return any(before.get(n) != after.get(n) for n in names)


def rolled(
    field: Field, main: sa.Table, changes: Sequence[Change]
) -> Iterator[sa.ColumnElement[bool]]:
    """Give conditions that find the records which roll up a changed row, before or after."""
    rollup = field.rollup
    assert rollup is not None
    read = {c.field for c in rollup.conditions} | {rollup.field, rollup.by} - {""}
    own = [c for c in rollup.conditions if c.own]
    points: set[tuple[Any, ...]] = set()
    for change in changes:
        born = change.before is None or change.after is None
        if not born and not differs(change, read):
            continue
        for row in (change.before, change.after):
            if row is not None and all(row.get(c.field) is not None for c in own):
                points.add(tuple(row[c.field] for c in own))
    if len(own) == 1 and own[0].operator == "==" and not own[0].plus:
        for part in rows.chunks(sorted(p[0] for p in points)):
            yield main.c[own[0].own].in_(part)
        return
    for point in points:
        pairs = zip(own, point, strict=True)
        yield sa.and_(sa.true(), *[mirror(main, c, value) for c, value in pairs])


def mirror(main: sa.Table, condition: Condition, value: Any) -> sa.ColumnElement[bool]:
    """Return a condition on the reader from one on its source: source ≤ own is own ≥ source."""
    column, point = main.c[condition.own], shift(value, -condition.plus)
    operator = MIRRORED[condition.operator]
    answers = {
        "==": column == point,
        "!=": column != point,
        "<": column < point,
        "<=": column <= point,
        ">": column > point,
        ">=": column >= point,
    }
    return answers[operator]


def recompute(
    work: Work,
    published: Published,
    ids: Sequence[int],
    note: Mapping[str, Any],
    *,
    keep_history: bool = True,
) -> list[Change]:
    """Compute the derived fields of records again; store, note and return what changed.

    A record keeps its version: nobody's open form becomes outdated by a computation.
    """
    register, gate = published.register, published.gate
    names = [f.name for f in register.fields if f.derived]
    stored = rows.get_many(work.tx, published, ids)
    if not stored:
        return []
    gathered = gather(work, published, [(row["_id"], row) for row in stored])
    fresh: list[dict[str, Any]] = []
    for row, surroundings in zip(stored, gathered, strict=True):
        values = {f.name: row[f.name] for f in register.fields}
        fresh.append(gate.derive(values, surroundings) | {"_id": row["_id"]})
    for row, label in zip(fresh, make_labels(work, published, fresh), strict=True):
        row["_label"] = label
    compared = [*names, "_label"]
    moved = [
        (old, new)
        for old, new in zip(stored, fresh, strict=True)
        if any(old[n] != new[n] for n in compared)
    ]
    rows.update_many(work.tx, published, [new for _, new in moved], compared)
    if keep_history:
        history.append(work, [derived_entry(work, published, o, n, names, note) for o, n in moved])
    return [Change(new["_id"], old, {**old, **new}) for old, new in moved]


def derived_entry(
    work: Work,
    published: Published,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    names: Sequence[str],
    note: Mapping[str, Any],
) -> dict[str, Any]:
    changed = [n for n in names if old[n] != new[n]]
    to_json = published.gate.to_json
    before, after = to_json({n: old[n] for n in changed}), to_json({n: new[n] for n in changed})
    return history.entry(
        work, published.slug, old["_id"], old["_version"], old["_revision"],
        history.DERIVE, before, after, note,
    )  # fmt: skip
