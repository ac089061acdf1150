"""Publishing: check a definition, plan it, make it the current revision, look back.

``plan`` and ``publish`` share everything up to the first write, so what is announced and what
is done cannot disagree.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.diff import Difference
from app.definitions.diff import compare as compare_registers
from app.definitions.library import compile_with_examples
from app.definitions.register import Register
from app.errors import (
    DefinitionRefused,
    PlanNeedsConfirmation,
    PlanOutdated,
    PlanRefused,
    Problem,
    RegisterNotFound,
    fill,
)
from app.kinds import dump_json
from app.services import access
from app.services.cascade import recompute, spread
from app.services.publishing.planning import digest, make_plan, needs_review, private_copy
from app.services.publishing.review import list_debts
from app.services.publishing.steps import Plan, Step
from app.services.work import Work
from app.storage import models, rows
from app.storage.catalog import (
    CatalogNeighbours,
    Published,
    publish_value,
    read_document,
)
from app.storage.layout import dump_layout


@dataclass(frozen=True, slots=True)
class Revision:
    """A published revision, as a list of them shows it."""

    slug: str
    revision: int
    at: datetime.datetime
    who: str
    steps: list[dict[str, Any]]


def compile_document(work: Work, document: Mapping[str, Any]) -> Register:
    """Compile a definition beside what is published. Raises ``DefinitionRefused`` with all
    problems, its own examples that disagree included."""
    return compile_with_examples(document, CatalogNeighbours(work.tx, work.snapshot))


def check(work: Work, document: Mapping[str, Any]) -> list[Problem]:
    """Return every problem of a definition, beside what is published."""
    try:
        compile_document(work, document)
    except DefinitionRefused as refused:
        return list(refused.problems)
    return []


def plan(work: Work, document: Mapping[str, Any]) -> Plan:
    """Return what publishing ``document`` would do, and how many rows each step touches."""
    access.require(work.actor, "publish")
    return make_plan(work, document, compile_document(work, document), count=True)


def publish(
    work: Work,
    document: Mapping[str, Any],
    *,
    base_hash: str | None = None,
    confirmed: bool = False,
) -> Published:
    """Make ``document`` the current revision of its register, in the caller's transaction,
    which must have the catalogue alone (``Platform.writing(publishing=True)``).

    ``base_hash`` is that of the plan the person has read.

    Raises:
        DefinitionRefused: the definition has mistakes.
        PlanOutdated: the register was published again since the plan was made.
        PlanRefused: stored rows or other registers stand in the way.
        PlanNeedsConfirmation: a step wants a yes, and ``confirmed`` is false.
    """
    access.require(work.actor, "publish")
    document = private_copy(document)
    register = compile_document(work, document)
    made = make_plan(work, document, register, count=not confirmed)
    if base_hash is not None and base_hash != made.base_hash:
        raise PlanOutdated(slug=made.slug)
    if made.refusals:
        raise PlanRefused(reasons=reasons(made.refusals))
    if made.confirmations and not confirmed:
        raise PlanNeedsConfirmation(reasons=reasons(made.confirmations))
    if made.unchanged:
        return work.published(made.slug)
    return carry_out(work, made)


def reasons(steps: list[Step]) -> str:
    """Return steps as one English sentence, for a log or a script."""
    return "; ".join(fill(s.text, s.values) for s in steps)


def carry_out(work: Work, made: Plan) -> Published:
    """Do every step of a plan, then keep the revision and move the stamp."""
    for step in made.steps:
        if step.run:
            step.run(work)
    published = publish_value(made.register, made.revision, made.layout)
    work.fresh[made.slug] = published
    keep_revision(work, made)
    codes = {step.code for step in made.steps}
    if "recompute" in codes:
        compute_all(work, published)
    if any(step.code not in ("create", "same", "field.words") for step in made.steps):
        if made.base and needs_listing(work, made):
            list_debts(work, published)
    move_stamp(work)
    return published


def needs_listing(work: Work, made: Plan) -> bool:
    """Return whether the rows that break the revision must be listed anew."""
    old = work.catalog.published(work.tx, work.snapshot, made.slug).register
    return needs_review(compare_registers(old, made.register), made)


def compute_all(work: Work, published: Published) -> None:
    """Compute derived fields and labels of every row; what changed spreads to its readers."""
    for batch in rows.stream(work.tx, published, children=False):
        ids = [row["_id"] for row in batch]
        moved = recompute(work, published, ids, {}, keep_history=False)
        spread(work, published.slug, moved)


def keep_revision(work: Work, made: Plan) -> None:
    """Write the revision and the register's row."""
    register = made.register
    work.tx.execute(
        models.revision.insert(),
        {
            "slug": made.slug,
            "revision": made.revision,
            "document": dump_json(made.document),
            "digest": digest(made.document),
            "steps": [step.as_json() for step in made.steps],
            "published_at": work.now,
            "published_by": work.actor.name,
        },
    )
    row = {
        "revision": made.revision,
        "title": register.title,
        "category": register.category,
        "position": register.order,
        "neighbours": sorted(register.neighbours),
        "reads": [list(edge) for edge in edges(register)],
        "layout": dump_layout(made.layout),
    }
    table = models.register
    if made.base:
        work.tx.execute(table.update().where(table.c.slug == made.slug).values(row))
    else:
        work.tx.execute(table.insert(), {"slug": made.slug, **row})


def edges(register: Register) -> Iterator[tuple[str, str, str]]:
    """Give (derived field or label, register, field it reads) of everything read elsewhere."""
    for field in register.fields:
        if field.lookup:
            yield field.name, field.lookup.register, field.lookup.field
        if field.rollup:
            yield field.name, field.rollup.register, field.rollup.field or "_id"
        if field.reference and "{" + field.name + "}" in register.label:
            yield "_label", field.reference, "_label"


def move_stamp(work: Work) -> None:
    """Add one to the catalogue's stamp: every process sees it with its next request."""
    table = models.catalog_stamp
    if not work.tx.execute(table.update().values(value=table.c.value + 1)).rowcount:
        work.tx.execute(table.insert(), {"id": 1, "value": 1})


def document(work: Work, slug: str, revision: int | None = None) -> dict[str, Any]:
    """Return a definition: the current one, or that of an earlier revision."""
    access.require(work.actor, "see", slug)
    entry = work.snapshot.entries.get(slug)
    if entry is None:
        raise RegisterNotFound(slug=slug)
    return read_document(work.tx, slug, revision or entry.revision)


def revisions(work: Work, slug: str) -> list[Revision]:
    """Return every revision of a register, newest first."""
    access.require(work.actor, "see", slug)
    if slug not in work.snapshot.entries:
        raise RegisterNotFound(slug=slug)
    table = models.revision
    columns = (table.c.revision, table.c.published_at, table.c.published_by, table.c.steps)
    query = sa.select(*columns).where(table.c.slug == slug).order_by(table.c.revision.desc())
    return [
        Revision(slug, r[0], r[1], r[2], json.loads(r[3]) if isinstance(r[3], str) else r[3])
        for r in work.tx.execute(query)
    ]


def compare(work: Work, slug: str, before: int, after: int) -> list[Difference]:
    """Return what changed from one revision to another, in words."""
    old = compile_kept(work, document(work, slug, before))
    new = compile_kept(work, document(work, slug, after))
    return compare_registers(old, new)


def compile_kept(work: Work, kept: Mapping[str, Any]) -> Register:
    """Compile an earlier revision as far as today's registers allow."""
    return work.catalog.compiler(kept, CatalogNeighbours(work.tx, work.snapshot))
