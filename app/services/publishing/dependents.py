"""Dependents: the registers that read one whose definition changes."""

from __future__ import annotations

from collections.abc import Iterator

from app.definitions.library import common_parts
from app.errors import DefinitionRefused
from app.kinds import dump_json
from app.services.publishing.steps import Plan, Step
from app.services.work import Work
from app.storage.catalog import CatalogNeighbours, read_document, read_layout
from app.storage.layout import Layout


def changed_outside(old: Layout, new: Layout) -> set[str]:
    """Return the fields that are gone, or of another kind: what another register may read. What
    is only added is read by nobody yet."""
    return {
        name
        for name, place in old.places.items()
        if place.active
        and not ((fresh := new.places.get(name)) and fresh.active and fresh.kind == place.kind)
    }


def plan_dependents(
    work: Work, plan: Plan, old: Layout, together: frozenset[str]
) -> Iterator[Step]:
    """Give a refusal for every register that would no longer compile beside the new revision,
    or whose look-ups would change their kind. What it reads, it names."""
    changed = changed_outside(old, plan.layout)
    if not changed:
        return
    shared = dump_json(common_parts())
    for entry in work.snapshot.entries.values():
        if plan.slug not in entry.neighbours or entry.slug in together | {plan.slug}:
            continue
        document = read_document(work.tx, entry.slug, entry.revision)
        told = dump_json(document)
        if not any(name in told or name in shared for name in changed):
            continue
        neighbours = CatalogNeighbours(work.tx, work.snapshot, {plan.slug: plan.layout})
        try:
            compiled = work.catalog.compiler(document, neighbours)
        except DefinitionRefused as refused:
            shown = {"register": entry.title, "reason": refused.problems[0].sentence()}
            text = "{register} reads what is taken away here: {reason}"
            yield Step("dependent", text, shown, needs="refused")
            continue
        places = read_layout(work.tx, entry.slug).places
        for field in compiled.fields:
            place = places.get(field.name)
            if field.derived and place and not field.kind.holds(place.kind):
                shown = {"register": entry.title, "field": field.title}
                text = (
                    "{field} of {register} takes its kind from a field that changes its kind "
                    "here. Retire it there first, and publish it again afterwards"
                )
                yield Step("dependent", text, shown, needs="refused")
