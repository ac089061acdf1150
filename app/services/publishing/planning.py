"""Planning: from a definition to the steps that make it the current revision."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from app.definitions.diff import Difference, compare
from app.definitions.register import Register
from app.errors import because
from app.kinds import dump_json
from app.services import access
from app.services.publishing.circles import find_circle
from app.services.publishing.columns import Ground, plan_columns
from app.services.publishing.dependents import plan_dependents
from app.services.publishing.flows import plan_states
from app.services.publishing.holders import unknown_roles
from app.services.publishing.indexes import index_steps, plan_indexes
from app.services.publishing.review import Projection, preview
from app.services.publishing.steps import EXAMPLES, Plan, Step
from app.services.returns import changing
from app.services.work import Work
from app.storage import ddl, models, rows
from app.storage.catalog import Published
from app.storage.layout import Layout, Place, index_name
from app.storage.tables import build_tables

#: differences that are said by the steps of columns
SAID = frozenset(
    {
        "field.added",
        "field.renamed",
        "field.retired",
        "field.kind",
        "field.unique",
        "choice.retired",
    }
)
#: differences after which stored rows may break the definition, or no longer do
JUDGED = frozenset(
    {
        "field.required", "field.optional", "field.tightened", "field.widened", "field.kind",
        "field.computed", "field.lookup", "field.rollup", "field.visible", "choice.retired",
        "choice.added", "rule.added", "rule.words", "rule.removed", "register.conditions",
        "column.added", "column.changed", "column.retired",
    }
)  # fmt: skip
#: the column of whose a row is, in words
WHOSE = because("unit it belongs to")
#: differences of derived fields after which every row is computed again
COMPUTED = frozenset({"field.computed", "field.lookup", "field.rollup"})


def digest(document: Mapping[str, Any]) -> str:
    """Return what tells two definitions apart."""
    return hashlib.sha256(dump_json(document).encode()).hexdigest()


def make_plan(
    work: Work,
    document: Mapping[str, Any],
    register: Register,
    *,
    count: bool,
    together: frozenset[str] = frozenset(),
) -> Plan:
    """Return what publishing ``register`` would do. With ``count`` every stored row that would
    break the new revision is found and counted. ``together`` are registers published with it,
    which were compiled beside it."""
    slug = register.slug
    circle = find_circle(work, [register]) if not together else []
    if slug not in work.snapshot.entries:
        plan = first_plan(document, register)
        plan.steps += circles(circle)
        plan.steps += unknown_roles(work, register)
        return plan
    old = work.published(slug)
    base_hash = stored_digest(work, slug, old.revision)
    plan = Plan(slug, register, document, old.revision, base_hash, old.layout.copy())
    if digest(document) == base_hash:
        return plan
    total = count_all(work, old)
    titles = {f.name: f.title for f in old.register.fields}
    ground = Ground(work, slug, plan.layout, total, plan.revision, titles)
    differences = compare(old.register, register)
    plan.steps += plan_columns(ground, register.fields)
    plan.steps += words(work, old, differences)
    plan.steps += returns_left(work, old, register)
    plan.steps += plan_indexes(work, old, plan)
    plan.steps += circles(circle)
    plan.steps += plan_states(work, old, register)
    plan.steps += unknown_roles(work, register, old.register)
    plan.steps += plan_dependents(work, plan, old.layout, together)
    plan.steps += plan_computing(old, register, plan, differences, total)
    if total and needs_review(differences, plan):
        plan.steps += preview(work, Projection(old, register, plan), count=count)
    conceal(work, plan)
    if not plan.steps:
        plan.steps.append(Step("same", "Nothing that concerns stored records changes"))
    return plan


def conceal(work: Work, plan: Plan) -> None:
    """Leave out which records a step touches, for a publisher who may not see them: to keep
    definitions is no right to the rows."""
    if access.of(work, plan.slug).rows("see") is not None:
        for step in plan.steps:
            step.examples = []


def first_plan(document: Mapping[str, Any], register: Register) -> Plan:
    """Return the plan of a register that is not there yet."""
    layout = Layout.for_register(register.slug)
    for field in register.fields:
        if field.kind.own_table:
            inner = layout.child(field.name)
            layout.places[field.name] = Place("", field.kind, rows=inner)
            for column in field.columns:
                inner.places[column.name] = Place(inner.give_column(column.name), column.kind)
        else:
            layout.places[field.name] = Place(layout.give_column(field.name), field.kind)
    plan = Plan(register.slug, register, document, 0, "", layout)
    shown = {"register": register.title, "fields": len(register.fields)}
    text = "New register {register} with {fields} fields"

    def run(work: Work) -> None:
        tables = build_tables(register, layout)
        ddl.create_table(work.tx, tables.main)
        for child in tables.children.values():
            ddl.create_table(work.tx, child)
            columns = ("_parent", "_position")
            name = index_name(child.name, columns, unique=False)
            ddl.create_plain_index(work.tx, name, child.name, columns)
        for step in index_steps(layout, register, {}):
            if step.run:
                step.run(work)

    plan.steps.append(Step("create", text, shown, run=run))
    return plan


def count_all(work: Work, published: Published) -> int:
    """Return how many rows the table has, deleted ones included."""
    main = published.tables.main
    return work.tx.scalar(sa.select(sa.func.count()).select_from(main)) or 0


def stored_digest(work: Work, slug: str, revision: int) -> str:
    table = models.revision
    query = sa.select(table.c.digest).where(table.c.slug == slug, table.c.revision == revision)
    return work.tx.scalar(query) or ""


def words(work: Work, old: Published, differences: list[Difference]) -> Iterator[Step]:
    """Give the differences that change no table; a retired choice counts its holders."""
    for found in differences:
        if found.code == "choice.retired":
            yield retired_choice(work, old, found)
        elif found.code not in SAID:
            yield Step(found.code, found.text, found.values, found.name)


def returns_left(work: Work, old: Published, register: Register) -> Iterator[Step]:
    """Give what becomes of returns that are waited for, where their calendar changes."""
    count = changing.left_open(work, old, register)
    if count:
        text = (
            "{count} returns that are waited for follow a calendar that goes away: they are kept "
            "as they are, with what was handed in, and are not asked for any more"
        )
        yield Step("returns", text, {"count": count}, rows=count, needs="confirm")


def retired_choice(work: Work, old: Published, found: Difference) -> Step:
    """A choice that can no longer be chosen stays where it is stored."""
    holders, examples = 0, []
    if found.name in old.register and not old.register[found.name].columns:
        main = old.tables.main
        kind = old.register[found.name].kind
        operator = "contains" if kind.name == "choices" else "eq"
        where = kind.condition(main.c[found.name], operator, found.values["const"])
        holders = rows.count(work.tx, old, where)
        query = sa.select(main.c["_id"], main.c["_label"]).where(where).limit(EXAMPLES)
        examples = [f"#{row[0]} {row[1]}" for row in work.tx.execute(query)]
    text = "{field}: choice {choice} can no longer be chosen; {count} records keep it"
    shown = {**found.values, "count": holders}
    needs = "confirm" if holders else ""
    return Step(found.code, text, shown, found.name, holders, examples, needs)


def plan_computing(
    old: Published, register: Register, plan: Plan, differences: list[Difference], total: int
) -> Iterator[Step]:
    """Give the step that computes every row again, where a derived field or label asks for it."""
    codes = {(d.code, d.name) for d in differences}
    touched = {s.name for s in plan.steps if s.code in ("add", "change_kind", "bring_back")}
    stale = [
        f.title
        for f in register.fields
        if f.derived
        and (
            f.name not in old.register
            or any((code, f.name) in codes for code in COMPUTED | {"field.kind"})
            or (f.computed and any(n.split(".")[0] in touched for n in f.computed.reads))
        )
    ]
    label = old.register.label != register.label or any(
        "{" + n + "}" in register.label for n in touched
    )
    if not total or not (stale or label):
        return
    text = "{fields}: computed anew in {count} records"
    yield Step("recompute", text, {"fields": "、".join(stale) or "–", "count": total}, rows=total)


def needs_review(differences: list[Difference], plan: Plan) -> bool:
    """Return whether stored rows must be judged again."""
    if any(d.code in JUDGED for d in differences):
        return True
    added = [plan.register[d.name] for d in differences if d.code == "field.added"]
    return any(f.required or f.derived for f in added)


def circles(circle: list[tuple[str, str]]) -> Iterator[Step]:
    """Give a refusal for derived fields that would wait for each other."""
    if circle:
        text = "These fields would be computed from each other: {fields}. Break the circle first"
        shown = {"fields": " → ".join(f"{slug}.{name}" for slug, name in circle)}
        yield Step("circle", text, shown, needs="refused")


def private_copy(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy nobody else holds."""
    return copy.deepcopy(dict(document))
