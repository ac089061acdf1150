"""Reconciling: the last pass, when all registers are filled. What was entered before the records
it is compared with is brought into agreement with them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.definitions.gate import Judgement, Values, depends, reads_of
from app.definitions.register import Register
from app.errors import Problem
from app.services import records, states
from app.services.demo.filling import Filler
from app.services.demo.totals import agreed
from app.services.judging import judge_many
from app.services.work import Actor, Platform, Work
from app.storage import rows
from app.storage.catalog import Published

BATCH = 1000


def reconcile(platform: Platform, actor: Actor, slug: str, after: int, known: set[str]) -> int:
    """Mend the records after ``after`` that rules complain of since other records came; return
    how many were changed. Nothing is done that the gate likes less."""
    with platform.reading(actor) as work:
        said = gathering_rules(work.register(slug))
        main = work.published(slug).tables.main
        query = sa.select(main.c["_id"]).where(
            main.c["_id"] > after, main.c["_deleted_at"].is_(None)
        )
        ids = list(work.tx.scalars(query.order_by(main.c["_id"]))) if said else []
    if not ids:
        return 0
    filler = Filler(platform, actor, slug, known, 0)
    changed = 0
    for start in range(0, len(ids), BATCH):
        with platform.writing(actor) as work:
            work.hold(slug)
            published = work.published(slug)
            changed += _take(work, published, filler, ids[start : start + BATCH], said)
    return changed


def gathering_rules(register: Register) -> frozenset[str]:
    """Return the rules that read what is gathered from other records."""
    gathered = {name for name in register.names if _is_gathered(register, name)}
    return frozenset(rule.code for rule in register.rules if depends(rule) & gathered)


def _is_gathered(register: Register, name: str) -> bool:
    entry = register[name]
    if entry.computed:
        read = [other for other in reads_of(entry.computed) if other in register]
        return any(_is_gathered(register, other) for other in read)
    return entry.rollup is not None or entry.lookup is not None


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
        mended = filler.mender.mend({**verdict.values, **told}, found, number) if found else {}
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
