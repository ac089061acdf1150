"""Judging: the gate, and what only the database can answer about a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.gate import Judgement, Values
from app.definitions.register import Field
from app.errors import Problem
from app.services import access, serials
from app.services.returns.settling import note_closed
from app.services.surroundings import gather
from app.services.work import Work
from app.storage import models, rows
from app.storage.catalog import Published
from app.storage.points import among, points_table


def judge_many(
    work: Work,
    published: Published,
    read: Sequence[tuple[int | None, Values, list[Problem], Values | None]],
) -> list[Judgement]:
    """Judge read records together: (id, values, problems of reading, stored values or None).

    ``values`` hold every entered field; of a new record a number that the platform gives is put
    into them. References, keys and unique fields are asked for with
    a few queries for all of them, also against each other.
    """
    gate = published.gate
    serials.fill(work, published, [v for number, v, _, _ in read if number is None])
    if any(f.lookup or f.rollup for f in published.register.fields):
        entered = [(number, values) for number, values, _, _ in read]
        gathered = gather(work, published, entered, [old for _, _, _, old in read])
    else:
        gathered = [{} for _ in read]
    verdicts = []
    for (_, values, problems, old), surroundings in zip(read, gathered, strict=True):
        verdicts.append(gate.judge(values, problems, old, surroundings))
    numbers = [number for number, _, _, _ in read]
    stored = [old for _, _, _, old in read]
    check_references(work, published, verdicts, stored)
    check_unique(work, published, verdicts, numbers)
    check_attachments(work, published, verdicts, stored)
    note_closed(work, published, read, verdicts)
    return verdicts


def check_references(
    work: Work,
    published: Published,
    verdicts: Sequence[Judgement],
    stored: Sequence[Values | None],
) -> None:
    """Add a problem wherever a reference points at no record, unless it did so before."""
    for field in published.register.fields:
        if not field.reference or field.derived:
            continue
        name = field.name
        wanted = {
            v.values[name]
            for v, old in zip(verdicts, stored, strict=True)
            if v.values.get(name) is not None and not (old and old.get(name) == v.values[name])
        }
        known = living(work, work.published(field.reference), wanted)
        target = work.published(field.reference).register.title
        for verdict, old in zip(verdicts, stored, strict=True):
            value = verdict.values.get(name)
            if value in wanted and value not in known and not (old and old.get(name) == value):
                verdict.problems.append(missing(field, value, target))


def living(work: Work, target: Published, ids: set[int]) -> set[int]:
    """Return which of ``ids`` are records that are not deleted and that the person sees."""
    main = target.tables.main
    if not ids:
        return set()
    seen = access.seen(work, target)
    query = sa.select(main.c["_id"]).where(
        among(work.tx, main.c["_id"], sorted(ids)), main.c["_deleted_at"].is_(None)
    )
    return set(work.tx.scalars(query if seen is None else query.where(seen)))


def missing(field: Field, value: Any, target: str) -> Problem:
    text = "{field}: there is no record {value} in {register}. Choose one from the list."
    shown = {"field": field.title, "value": value, "register": target}
    at = f"/{field.name}"
    return Problem(at, "reference.missing", text, shown, frozenset((field.name,)))


def check_unique(
    work: Work,
    published: Published,
    verdicts: Sequence[Judgement],
    numbers: Sequence[int | None],
) -> None:
    """Add a problem wherever a key or unique field is already taken, in the register or
    earlier among ``verdicts``."""
    register = published.register
    sets: list[tuple[str, ...]] = [(f.name,) for f in register.fields if f.unique]
    if register.key and register.key not in sets:
        sets.append(register.key)
    for names in sets:
        points = [tuple(v.values.get(n) for n in names) for v in verdicts]
        taken = occupied(work, published, names, points)
        first: dict[tuple[Any, ...], int] = {}
        for position, (point, verdict) in enumerate(zip(points, verdicts, strict=True)):
            if any(p is None for p in point):
                continue
            holder = taken.get(point)
            if holder is not None and holder != numbers[position]:
                named = holder if sees(work, published, holder) else 0
                verdict.problems.append(duplicate(work, published, names, point, named))
            elif point in first:
                verdict.problems.append(duplicate(work, published, names, point, None))
            else:
                first[point] = position


def occupied(
    work: Work,
    published: Published,
    names: tuple[str, ...],
    points: Sequence[tuple[Any, ...]],
) -> dict[tuple[Any, ...], int]:
    """Return value tuple → id of the living record that holds it."""
    main = published.tables.main
    columns = [main.c[n] for n in names]
    wanted = list({p for p in points if all(v is not None for v in p)})
    if not wanted:
        return {}
    table = points_table(work.tx, [c.type for c in columns], wanted)
    match = [c == table.c[f"p{at}"] for at, c in enumerate(columns)]
    joined = table.join(main, sa.and_(*match, main.c["_deleted_at"].is_(None)))
    query = sa.select(table.c.n, main.c["_id"]).select_from(joined)
    return {wanted[row[0]]: row[1] for row in work.tx.execute(query)}


def sees(work: Work, published: Published, record: int) -> bool:
    """Return whether the person may see a stored record."""
    asked = access.of(work, published.slug)
    if asked.everything:
        return True
    row = rows.get(work.tx, published, record)
    return row is not None and asked.allows("see", row)


def duplicate(
    work: Work,
    published: Published,
    names: tuple[str, ...],
    point: tuple[Any, ...],
    holder: int | None,
) -> Problem:
    register = published.register
    shown = {
        "field": "、".join(register[n].title for n in names),
        "value": " ".join(told(work, register[n], v) for n, v in zip(names, point, strict=True)),
        "id": holder or "",
    }
    text = "{field}: {value} is already entered in record {id}. Open that one instead."
    if holder == 0:
        text = "{field}: {value} is already entered, in a record you do not see. Ask who keeps it."
    if holder is None:
        text = "{field}: {value} stands twice in the same file."
    return Problem(f"/{names[-1]}", "value.taken", text, shown, frozenset(names))


def told(work: Work, field: Field, value: Any) -> str:
    """Return a value as people read it: a reference by what its record is called."""
    if field.reference:
        return rows.labels(work.tx, work.published(field.reference), [value]).get(value, "")
    return field.kind.show(value)


def check_attachments(
    work: Work,
    published: Published,
    verdicts: Sequence[Judgement],
    stored: Sequence[Values | None],
) -> None:
    """Add a problem wherever an attachment was not uploaded for this register."""
    for field in published.register.fields:
        if field.kind.name != "attachment":
            continue
        for verdict, old in zip(verdicts, stored, strict=True):
            value = verdict.values.get(field.name) or ()
            fresh = set(value) - set((old or {}).get(field.name) or ())
            if not fresh:
                continue
            table = models.attachment
            query = sa.select(table.c.id).where(
                table.c.id.in_(sorted(fresh)), table.c.slug == published.slug
            )
            if not work.standing.everything:
                query = query.where(table.c.account_id == work.actor.id)
            known = set(work.tx.scalars(query))
            for number in sorted(fresh - known):
                text = "{field}: file {value} was not uploaded here. Upload it again."
                shown: Mapping[str, Any] = {"field": field.title, "value": number}
                verdict.problems.append(
                    Problem(
                        f"/{field.name}",
                        "attachment.missing",
                        text,
                        shown,
                        frozenset((field.name,)),
                    )  # fmt: skip
                )
