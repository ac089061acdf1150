"""Stages: in which order values are gathered where look-ups and roll-ups read derived fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.definitions.register import Field, Register


@dataclass(frozen=True, slots=True)
class Stage:
    """What is gathered at once, and the computed fields that must be known before."""

    computed: tuple[Field, ...]
    gathered: tuple[Field, ...]
    #: the roll-ups among them; those that compare the same rows with the same own fields together
    rollups: tuple[tuple[Field, ...], ...]


def make_stages(register: Register) -> tuple[Stage, ...]:
    """Return the stages of ``register``: one, with nothing computed before, where look-ups and
    roll-ups read only what is entered; none where there are none."""
    derived = [register[name] for name in register.computing]
    level: dict[str, int] = {}
    for field in derived:
        below = max((level.get(name, 0) for name in reads(field, register.slug)), default=0)
        level[field.name] = below if field.computed else below + 1
    needed: set[str] = set()
    for field in reversed(derived):
        if not field.computed or field.name in needed:
            needed |= reads(field, register.slug)
    early = [f for f in derived if f.computed and f.name in needed]
    gathered = [f for f in register.fields if f.lookup or f.rollup]
    last = max((level[f.name] for f in gathered), default=0)
    stages = []
    for step in range(1, last + 1):
        now = tuple(f for f in gathered if level[f.name] == step)
        before = tuple(f for f in early if level[f.name] == step - 1)
        stages.append(Stage(before, now, together(now)))
    return tuple(stages)


def together(fields: Iterable[Field]) -> tuple[tuple[Field, ...], ...]:
    """Return the roll-ups among ``fields``, those that one statement can gather together."""
    groups: dict[object, list[Field]] = {}
    for field in fields:
        rollup = field.rollup
        if rollup:
            # of the latest rows each has its own; anything else is measured over the same rows
            latest = rollup.operation == "latest"
            kind = (rollup.by, repr(rollup.constants)) if latest else None
            groups.setdefault((rollup.register, rollup.own, kind), []).append(field)
    return tuple(tuple(group) for group in groups.values())


def reads(field: Field, slug: str) -> frozenset[str]:
    """Return the fields of the record itself that a derived field of the register ``slug`` is
    made from. A roll-up over the same register counts the record itself, as it will be."""
    if field.computed:
        names = (name for name in field.computed.reads if not name.startswith("old."))
        return frozenset(name.split(".")[0] for name in names)
    if field.lookup:
        return frozenset((field.lookup.reference,))
    rollup = field.rollup
    if rollup is None:
        return frozenset()
    own = {condition.own for condition in rollup.where if condition.own}
    if rollup.register == slug:
        own |= {rollup.field, rollup.by, *(condition.field for condition in rollup.where)}
    return frozenset(own - {""})
