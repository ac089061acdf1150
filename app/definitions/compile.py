"""Compile: from the text of a definition to a register, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.definitions.circles import Node, in_order, needs_of, note_circles
from app.definitions.conditions import check_conditions, record_schema
from app.definitions.draft import Draft
from app.definitions.examples import make_examples
from app.definitions.fields import make_fields
from app.definitions.layout import make_layout
from app.definitions.permissions import check_private, make_permissions
from app.definitions.register import Register
from app.definitions.returns import make_periods
from app.definitions.rules import make_rules
from app.definitions.workflow import make_workflow
from app.definitions.world import Neighbours, World
from app.errors import DefinitionRefused, Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one definition: a register, or problems."""

    slug: str
    register: Register | None
    problems: tuple[Problem, ...]


def compile_register(
    document: Mapping[str, Any], neighbours: Neighbours, common: Mapping[str, Any]
) -> Register:
    """Return the register that ``document`` defines.

    Raises:
        DefinitionRefused: with all problems, each pointing into the document.
    """
    checked = check_together([document], neighbours, common)[0]
    if checked.register is None:
        raise DefinitionRefused(checked.problems, count=len(checked.problems))
    return checked.register


def check_definition(
    document: object,
    neighbours: Neighbours,
    common: Mapping[str, Any],
    source_bytes: bytes | None = None,
) -> list[Problem]:
    """Return everything that is wrong with ``document``. Never raises, whatever it is given."""
    return [*check_together([document], neighbours, common, [source_bytes])[0].problems]


def compile_all(
    documents: Iterable[object], neighbours: Neighbours, common: Mapping[str, Any]
) -> tuple[dict[str, Register], dict[str, list[Problem]]]:
    """Compile definitions that may refer to each other.

    Returns the registers and the problems, both by slug; a definition without a usable slug
    stands under its place, ``#2``.
    """
    registers: dict[str, Register] = {}
    problems: dict[str, list[Problem]] = {}
    checked = check_together([*documents], neighbours, common)
    for place, one in enumerate(checked, start=1):
        slug = one.slug or f"#{place}"
        if one.register is not None:
            registers[slug] = one.register
        else:
            problems.setdefault(slug, []).extend(one.problems)
    return {slug: one for slug, one in registers.items() if slug not in problems}, problems


def check_together(
    documents: Sequence[object],
    neighbours: Neighbours,
    common: Mapping[str, Any],
    sources: Sequence[bytes | None] = (),
) -> list[Checked]:
    """Compile definitions that may refer to each other; return what came of each, in order."""
    world = World(neighbours)
    drafts = []
    for place, document in enumerate(documents):
        source = sources[place] if place < len(sources) else None
        draft = Draft(document, common, world, source)
        drafts.append(draft)
        if draft.slug in world.drafts:
            text = "The register {name} is defined twice."
            draft.findings.add(("$id",), "duplicate_register", text, name=draft.slug)
        elif draft.slug:
            world.drafts[draft.slug] = draft
    for draft in drafts:
        draft.declare_kinds()
    _infer(world, drafts)
    for draft in drafts:
        make_fields(draft)
    return [_finish(world, draft) for draft in drafts]


def _infer(world: World, drafts: Iterable[Draft]) -> None:
    """Find the kinds that follow from other fields, in the order in which they follow."""

    def needs(node: Node) -> list[Node]:
        draft = world.drafts.get(node[0])
        return [*draft.needs(node[1])] if draft else []

    starts = [(slug, name) for slug, draft in world.drafts.items() for name in draft.props]
    order, circles = in_order(starts, needs)
    for slug, draft in world.drafts.items():
        draft.circular |= note_circles(slug, circles, draft.findings)
    for slug, name in order:
        if slug in world.drafts:
            world.drafts[slug].infer(name)
    for draft in drafts:
        for name in draft.props:
            draft.infer(name)


def _finish(world: World, draft: Draft) -> Checked:
    """Check what concerns the register as a whole and put it together."""
    if not draft.readable:
        return Checked(draft.slug, None, tuple(draft.findings))
    starts = [(draft.slug, name) for name, field in draft.fields.items() if field.derived]
    order, circles = in_order(starts, lambda node: needs_of(node[0], world.field(*node)))
    note_circles(draft.slug, circles, draft.findings)
    own = set(starts)
    computing = tuple(name for slug, name in order if (slug, name) in own)
    layout = make_layout(draft)
    rules = tuple(make_rules(draft))
    check_conditions(draft)
    permissions = make_permissions(draft, layout["label"], layout["key"])
    check_private(draft, layout["label"])
    workflow = make_workflow(draft, permissions)
    periods = make_periods(draft)
    examples = tuple(make_examples(draft))
    _note_left_out(draft)
    register = None
    if not len(draft.findings) and draft.slug:
        register = _put_together(
            draft, layout, rules=rules, examples=examples, computing=computing,
            permissions=permissions, workflow=workflow, period=periods,
        )  # fmt: skip
    return Checked(draft.slug, register, tuple(draft.findings))


def _note_left_out(draft: Draft) -> None:
    """Note fields that could not be made, where nothing says why: none is lost in silence."""
    if len(draft.findings):
        return
    for name in draft.props:
        if name not in draft.fields:
            text = "The field {name} cannot be made: something it reads is not well."
            draft.findings.add(("properties", name), "not_well", text, name=name)


def _put_together(draft: Draft, layout: Mapping[str, Any], **parts: Any) -> Register:
    fields = tuple(draft.fields[name] for name in draft.kinds_in_order())
    neighbours = set()
    for field in fields:
        neighbours.add(field.reference)
        neighbours.update(column.reference for column in field.columns)
        source = field.lookup or field.rollup
        neighbours.add(source.register if source else "")
    return Register(
        slug=draft.slug,
        title=draft.body["title"],
        document=draft.document,
        fields=fields,
        description=draft.body.get("description", ""),
        schema=record_schema(draft.body, fields),
        neighbours=frozenset(neighbours - {""}),
        _by_name={field.name: field for field in fields},
        **layout,
        **parts,
    )
