"""Linking: the second pass, for references that had to wait until their registers had records."""

from __future__ import annotations

import random

import sqlalchemy as sa

from app.definitions.gate import Values
from app.definitions.register import Field
from app.errors import Problem
from app.services import records, states
from app.services.demo.pools import read_pool
from app.services.demo.recipes import recipes_of
from app.services.judging import judge_many
from app.services.work import Actor, Platform, Work
from app.storage import rows
from app.storage.catalog import Published

BATCH = 1000


def link(platform: Platform, actor: Actor, slug: str, name: str) -> int:
    """Fill in a reference in about as many records as have it among the examples; return in how
    many. What the gate refuses, or would not show, stays blank."""
    with platform.reading(actor) as work:
        published = work.published(slug)
        pool = read_pool(work, published.register[name].reference, ()).ids
        marked = read_pool(work, slug, ()).ids
    recipes = recipes_of(published.gate)
    share = sum(r.values.get(name) is not None for r in recipes) / len(recipes)
    chosen = [number for number in marked if _source(slug, name, number).random() < share]
    linked = 0
    for start in range(0, len(chosen) if pool else 0, BATCH):
        with platform.writing(actor) as work:
            work.hold(slug)
            published = work.published(slug)
            part = chosen[start : start + BATCH]
            linked += _take(work, published, published.register[name], part, pool)
    return linked


def _source(slug: str, name: str, number: int) -> random.Random:
    return random.Random(f"{slug}/{number}/{name}")


def _take(
    work: Work, published: Published, entry: Field, ids: list[int], pool: list[int]
) -> int:  # fmt: skip
    main, name = published.tables.main, entry.name
    query = sa.select(main.c["_id"]).where(main.c["_id"].in_(ids), main.c[name].is_(None))
    open_ = set(work.tx.scalars(query))
    stored = rows.get_many(work.tx, published, [number for number in ids if number in open_])
    read: list[tuple[int | None, Values, list[Problem], Values | None]] = []
    for row in stored:
        old = records.values_of(published, row)
        target = _source(published.slug, name, -row["_id"]).choice(pool)
        read.append((row["_id"], {**old, name: target}, [], old))
    verdicts = judge_many(work, published, read)
    good = []
    for row, verdict in zip(stored, verdicts, strict=True):
        states.hold(work, published, row, verdict)
        hidden = verdict.visible.get(name) is False
        if not (verdict.problems or verdict.warnings or hidden):
            good.append((row, verdict))
    return records.store_changes(work, published, good) if good else 0
