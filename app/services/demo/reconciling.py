"""Reconciling: the last pass, when all registers are filled. What was entered before the records
it is compared with is brought into agreement with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.definitions.gate import Judgement, Values, depends, reads_of
from app.errors import Problem
from app.services import records, states
from app.services.demo.amounts import NUMBERS
from app.services.demo.filling import Filled, Filler
from app.services.demo.totals import agreed
from app.services.judging import judge_many
from app.services.work import Actor, Platform, Work
from app.storage import rows
from app.storage.catalog import Published

BATCH = 1000
#: how often all registers are looked at
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Fresh:
    """What records may not know yet: the registers that got records since, and those in which
    records were changed."""

    filled: set[str]
    changed: set[str]


def reconcile(platform: Platform, actor: Actor, filled: Sequence[Filled]) -> None:
    """Mend the records that rules complain of since other records came, in all registers; what
    is changed in one may concern another, which is then looked at again."""
    order = [done.slug for done in filled]
    touched, moved = set(order), set[str]()
    for _ in range(ROUNDS):
        changed: set[str] = set()
        for place, done in enumerate(filled):
            fresh = Fresh(set(order[place:]) & touched, moved | changed)
            count = reconcile_one(platform, actor, done, fresh, set(order))
            if count:
                done.mended += count
                changed.add(done.slug)
        touched = moved = changed


def reconcile_one(
    platform: Platform, actor: Actor, done: Filled, fresh: Fresh, known: set[str]
) -> int:
    """Mend the new records of a register where its rules read what is gathered from others
    and is ``fresh``; return how many were changed. Nothing is done that the gate likes less."""
    slug = done.slug
    with platform.reading(actor) as work:
        said = gathering_rules(work, slug, fresh)
        main = work.published(slug).tables.main
        query = sa.select(main.c["_id"]).where(main.c["_id"] > done.after)
        ids = list(work.tx.scalars(query.order_by(main.c["_id"]))) if said else []
        kept = looked_up(work, slug) if ids else frozenset[str]()
    if not ids:
        return 0
    filler = Filler(platform, actor, slug, known, 0)
    filler.mender = replace(filler.mender, kept=kept)
    changed = 0
    for start in range(0, len(ids), BATCH):
        with platform.writing(actor) as work:
            work.hold(slug)
            published = work.published(slug)
            changed += _take(work, published, filler, ids[start : start + BATCH], said)
    return changed


def gathering_rules(work: Work, slug: str, fresh: Fresh) -> frozenset[str]:
    """Return the rules of a register that read what is gathered from others."""
    register = work.register(slug)
    gathered = {name for name in register.names if _is_gathered(work, slug, name, fresh, ())}
    return frozenset(rule.code for rule in register.rules if depends(rule) & gathered)


def looked_up(work: Work, slug: str) -> frozenset[str]:
    """Return the fields by which records of other registers were made as they are: what these
    look up, but amounts."""
    register = work.register(slug)
    names = {
        entry.lookup.field
        for other in work.snapshot.entries
        for entry in work.register(other).fields
        if entry.lookup and entry.lookup.register == slug
    }
    return frozenset(
        n for n in names if n in register and register[n].kind.json_type not in NUMBERS
    )


def _is_gathered(
    work: Work, slug: str, name: str, fresh: Fresh, seen: tuple[tuple[str, str], ...]
) -> bool:
    register = work.register(slug)
    if name not in register or (slug, name) in seen:
        return False
    entry, seen = register[name], (*seen, (slug, name))
    if entry.computed:
        return any(_is_gathered(work, slug, o, fresh, seen) for o in reads_of(entry.computed))
    if entry.lookup:
        source, column = entry.lookup.register, entry.lookup.field
        return source in fresh.changed or _is_gathered(work, source, column, fresh, seen)
    return entry.rollup is not None and entry.rollup.register in fresh.filled | fresh.changed


def _take(
    work: Work, published: Published, filler: Filler, ids: Sequence[int], said: frozenset[str]
) -> int:
    stored = {row["_id"]: row for row in rows.get_many(work.tx, published, ids)}
    old = {number: records.values_of(published, row) for number, row in stored.items()}
    before = _judged(work, published, old, None)
    better: dict[int, Values] = {}
    for number, verdict in before.items():
        found = [p for p in complaints(verdict) if p.code in said]
        told = agreed(published.register, filler.totals, verdict.values)
        told = {name: value for name, value in told.items() if value != old[number].get(name)}
        now = {**verdict.values, **told}
        mended = filler.mender.mend(now, found, number, old[number]) if found else {}
        if told or mended:
            better[number] = {**old[number], **told, **mended}
    after = _judged(work, published, better, None)
    wanted = {
        number: better[number]
        for number, verdict in after.items()
        if score(verdict) < score(before[number])
        or (score(verdict) == score(before[number]) and filler.totals)
    }
    final = _judged(work, published, wanted, old)
    good = []
    for number, verdict in final.items():
        states.hold(work, published, stored[number], verdict)
        if verdict.changed and not verdict.problems:
            good.append((stored[number], verdict))
    return records.store_changes(work, published, good) if good else 0


def complaints(verdict: Judgement) -> list[Problem]:
    return verdict.problems + verdict.warnings


def score(verdict: Judgement) -> tuple[int, int]:
    return len(verdict.problems), len(verdict.warnings)


def _judged(
    work: Work, published: Published, values: dict[int, Values], old: dict[int, Values] | None
) -> dict[int, Judgement]:
    """Judge stored records with some values: as wholes, or as changes of ``old``."""
    read: list[tuple[int | None, Values, list[Problem], Values | None]] = [
        (number, dict(one), [], old[number] if old else None) for number, one in values.items()
    ]
    return dict(zip(values, judge_many(work, published, read) if read else [], strict=True))
