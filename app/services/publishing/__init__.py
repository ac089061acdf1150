"""Publishing: check a definition, plan it, make it the current revision, look back.

``plan`` and ``publish`` share everything up to the first write, so what is announced and what
is done cannot disagree.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.compile import compile_all
from app.definitions.diff import Difference
from app.definitions.diff import compare as compare_registers
from app.definitions.library import common_parts, compile_with_examples, example_problems
from app.definitions.register import Register
from app.errors import (
    DefinitionRefused,
    PlanNeedsConfirmation,
    PlanOutdated,
    PlanRefused,
    Problem,
    RegisterNotFound,
    because,
)
from app.kinds import dump_json
from app.services import access, audit
from app.services.cascade import recompute, spread
from app.services.publishing.circles import edges, find_circle
from app.services.publishing.flows import settle_all
from app.services.publishing.holders import roles_of
from app.services.publishing.planning import circles, digest, make_plan, needs_review, private_copy
from app.services.publishing.review import list_debts
from app.services.publishing.steps import Plan, Step
from app.services.work import Work
from app.storage import models, rows
from app.storage.catalog import (
    REGISTERS,
    CatalogNeighbours,
    Published,
    move,
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
    access.require(work, "publish")
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
    access.require(work, "publish")
    document = private_copy(document)
    register = compile_document(work, document)
    made = make_plan(work, document, register, count=not confirmed)
    if base_hash is not None and base_hash != made.base_hash:
        raise PlanOutdated(slug=made.slug)
    require_passable(made, confirmed)
    return carry_out(work, [made])[0]


def plan_together(work: Work, documents: Sequence[Mapping[str, Any]], *, count: bool) -> list[Plan]:
    """Return the plans of definitions that may refer to each other.

    Raises ``DefinitionRefused`` with the problems of the first that has any.
    """
    access.require(work, "publish")
    neighbours = CatalogNeighbours(work.tx, work.snapshot)
    registers, problems = compile_all(documents, neighbours, common_parts())
    for slug, found in problems.items():
        if found:
            raise DefinitionRefused(found, count=len(found), slug=slug)
    for slug, register in registers.items():
        if found := example_problems(register):
            raise DefinitionRefused(found, count=len(found), slug=slug)
    together = frozenset(registers)
    if circle := find_circle(work, list(registers.values())):
        raise PlanRefused(**reasons(list(circles(circle))))
    return [
        make_plan(work, private_copy(d), registers[d["$id"]], count=count, together=together)
        for d in documents
    ]


def publish_together(
    work: Work, documents: Sequence[Mapping[str, Any]], *, confirmed: bool = False
) -> list[Published]:
    """Publish definitions that may refer to each other: all of them, or none."""
    made = plan_together(work, documents, count=not confirmed)
    for one in made:
        require_passable(one, confirmed)
    return carry_out(work, made)


def require_passable(made: Plan, confirmed: bool) -> None:
    """Raise unless a plan may be carried out."""
    if made.refusals:
        raise PlanRefused(**reasons(made.refusals))
    if made.confirmations and not confirmed:
        raise PlanNeedsConfirmation(**reasons(made.confirmations))


def reasons(steps: Sequence[Step]) -> dict[str, Any]:
    """Return steps as the reasons of a refusal, each a sentence of its own."""
    return {"count": len(steps), "reasons": [because(s.text, **s.values) for s in steps]}


def carry_out(work: Work, plans: Sequence[Plan]) -> list[Published]:
    """Do every step of the plans, keep the revisions, compute what is derived, list what breaks
    them, and move the stamp once."""
    moving = [made for made in plans if not made.unchanged]
    before = {m.slug: work.published(m.slug).register for m in moving if m.base}
    for made in moving:
        for step in made.steps:
            if step.run:
                step.run(work)
        work.fresh[made.slug] = publish_value(made.register, made.revision, made.layout)
        keep_revision(work, made)
    settle_all(work, before)
    for made in moving:
        if any(step.code == "recompute" for step in made.steps):
            compute_all(work, work.fresh[made.slug])
    for made in moving:
        old = before.get(made.slug)
        if old and needs_review(compare_registers(old, made.register), made):
            list_debts(work, work.fresh[made.slug])
    if moving:
        move_stamp(work)
    return [work.published(made.slug) for made in plans]


def compute_all(work: Work, published: Published) -> None:
    """Compute derived fields and labels of every row; what changed spreads to its readers."""
    for batch in rows.stream(work.tx, published, children=False):
        ids = [row["_id"] for row in batch]
        moved = recompute(work, published, ids, {}, keep_history=False)
        spread(work, published.slug, moved)


def keep_revision(work: Work, made: Plan) -> None:
    """Write the revision and the register's row, and note who published it."""
    register = made.register
    about = audit.About("register", made.slug, revision=made.revision)
    told = {"title": register.title, "revision": made.revision}
    audit.note(work, "register.published", about, told)
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
        "roles": {"any": roles_of(register), "create": roles_of(register, "create")},
        "layout": dump_layout(made.layout),
    }
    table = models.register
    if made.base:
        work.tx.execute(table.update().where(table.c.slug == made.slug).values(row))
    else:
        work.tx.execute(table.insert(), {"slug": made.slug, **row})


def move_stamp(work: Work) -> None:
    """Add one to the catalogue's stamp: every process sees it with its next request."""
    move(work.tx, REGISTERS)


def require_reading(work: Work, slug: str) -> None:
    """Let those read a definition who keep definitions, and those who work in the register."""
    if not access.may(work, "publish"):
        access.require(work, "see", slug)


def document(work: Work, slug: str, revision: int | None = None) -> dict[str, Any]:
    """Return a definition: the current one, or that of an earlier revision."""
    require_reading(work, slug)
    entry = work.snapshot.entries.get(slug)
    if entry is None:
        raise RegisterNotFound(slug=slug)
    return read_document(work.tx, slug, revision or entry.revision)


def revisions(work: Work, slug: str) -> list[Revision]:
    """Return every revision of a register, newest first."""
    require_reading(work, slug)
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
