"""Cascade: derived fields of other records, kept in step with what they read.

When records change, whatever looks them up or rolls them up is computed again, in batches,
and what changes there spreads on in the same way. A chain of registers that read each other
ends because a value that comes out the same spreads no further; a circle of fields is refused
when it is published, and ``DEEPEST`` bounds what a mistake could do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Condition, Register, Rollup
from app.services import history
from app.services.labels import label_fields, make_labels
from app.services.rollups import Point, at_points, point_of, shift
from app.services.surroundings import gather
from app.services.work import Work
from app.storage import rows
from app.storage.catalog import Published
from app.storage.points import among, points_table

DEEPEST = 20
#: no record's id
SEVERAL = -1
#: a source row's value is compared with the reader's own field the other way round
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


#: the conditions by which roll-ups choose rows for a record
Shape = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A record before and after; None where it did not exist or is deleted."""

    record: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def spread(
    work: Work,
    slug: str,
    changes: Sequence[Change],
    depth: int = 0,
    settled: bool = False,
) -> None:
    """Bring every derived field that reads ``slug`` into step with ``changes``. ``settled`` says
    that the changed records themselves were judged a moment ago, each with itself counted."""
    readers = work.snapshot.readers.get(slug, ())
    if not readers or not changes:
        return
    if depth > DEEPEST:
        raise RuntimeError(f"derived fields go round in a circle at {slug}")
    for reader in readers:
        published = work.published(reader)
        done = alone(published, changes) if settled and reader == slug else frozenset()
        for ids in affected(work, published, slug, changes, done):
            moved = recompute(work, published, ids, {"cause": slug})
            spread(work, reader, moved, depth + 1)


def refresh(work: Work, published: Published, ids: Sequence[int]) -> None:
    """Compute derived fields of records again where the register reads itself."""
    slug = published.slug
    if slug in work.snapshot.readers.get(slug, ()):
        spread(work, slug, recompute(work, published, ids, {"cause": slug}))


def affected(
    work: Work,
    published: Published,
    slug: str,
    changes: Sequence[Change],
    done: Collection[int] = (),
) -> Iterator[list[int]]:
    """Give ids, in batches, of records whose derived fields may read one of ``changes``, those
    in ``done`` left out."""
    main = published.tables.main
    seen: set[int] = set(done)
    for query in queries(work, published, slug, changes):
        living = query.where(main.c["_deleted_at"].is_(None)).order_by(main.c["_id"])
        fresh = [i for i in work.tx.scalars(living) if i not in seen]
        seen.update(fresh)
        yield from rows.chunks(fresh, rows.BATCH)


def alone(published: Published, changes: Sequence[Change]) -> frozenset[int]:
    """Return which of ``changes`` no other of them can be read by: their own derived fields
    hold already. Looks at equalities only, so it may miss some, and never names one too many."""
    register = published.register
    if any(f.reference == register.slug for f in register.fields):
        return frozenset()
    found = {change.record for change in changes}
    for own in by_shape(register, register.slug):
        equal = [c for c in own if c.operator == "=="]
        # point → the one record it belongs to, or SEVERAL
        sources: dict[Point | None, int] = {}
        for change in changes:
            for row in (change.before, change.after):
                if row is not None:
                    point = tuple([row.get(c.field) for c in equal])
                    if sources.setdefault(point, change.record) != change.record:
                        sources[point] = SEVERAL
        for change in changes:
            asked = point_of(equal, change.record, change.after or {})
            if sources.get(asked, change.record) != change.record:
                found.discard(change.record)
    return frozenset(found)


def by_shape(register: Register, slug: str) -> dict[Shape, list[Rollup]]:
    """Return the roll-ups over ``slug``, those together that compare with the same own fields."""
    shapes: dict[Shape, list[Rollup]] = {}
    for field in register.fields:
        if field.rollup and field.rollup.register == slug:
            shapes.setdefault(field.rollup.own, []).append(field.rollup)
    return shapes


def queries(
    work: Work, published: Published, slug: str, changes: Sequence[Change]
) -> Iterator[sa.Select[Any]]:
    """Give queries that find every reader of ``changes``."""
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
        if ids:
            yield sa.select(main.c["_id"]).where(among(work.tx, main.c[field.name], ids))
    for own, rollups in by_shape(register, slug).items():
        points = rolled(own, rollups, changes)
        if points:
            yield mirrored(work, published, own, [*points])


def differs(change: Change, names: Iterable[str]) -> bool:
    """Return whether one of ``names`` has another value after the change."""
    before, after = change.before or {}, change.after or {}
    return any(before.get(n) != after.get(n) for n in names)


def rolled(own: Shape, rollups: Sequence[Rollup], changes: Sequence[Change]) -> set[Point]:
    """Return what a record's own fields are compared with to roll up a changed row, as it was
    before or as it is after."""
    read = {name for r in rollups for name in (r.field, r.by, *(c.field for c in r.conditions))}
    read.discard("")
    points: set[Point] = set()
    for change in changes:
        born = change.before is None or change.after is None
        if born or differs(change, read):
            for row in (change.before, change.after):
                if row is not None:
                    points.add(tuple([shift(row.get(c.field), -c.plus) for c in own]))
    return {point for point in points if None not in point}


def mirrored(
    work: Work, published: Published, own: Shape, points: Sequence[Point]
) -> sa.Select[Any]:
    """Return a query for the readers of source rows: source ≤ own is own ≥ source."""
    main = published.tables.main
    table = points_table(work.tx, [main.c[c.own].type for c in own], points)
    compared = [(c.own, MIRRORED[c.operator]) for c in own]
    where = at_points(work.tx, published, compared, table)
    return sa.select(main.c["_id"]).distinct().select_from(table.join(main, sa.and_(*where)))


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
