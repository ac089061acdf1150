"""Stages: in which order values are gathered where look-ups and roll-ups read derived fields."""

from __future__ import annotations

from dataclasses import dataclass

from app.definitions.register import Field, Register


@dataclass(frozen=True, slots=True)
class Stage:
    """What is gathered at once, and the computed fields that must be known before."""

    computed: tuple[Field, ...]
    gathered: tuple[Field, ...]


def make_stages(register: Register) -> tuple[Stage, ...]:
    """Return the stages of ``register``: one, with nothing computed before, where look-ups and
    roll-ups read only what is entered; none where there are none."""
    derived = [register[name] for name in register.computing]
    level: dict[str, int] = {}
    for field in derived:
        below = max((level.get(name, 0) for name in reads(field)), default=0)
        level[field.name] = below if field.computed else below + 1
    needed: set[str] = set()
    for field in reversed(derived):
        if not field.computed or field.name in needed:
            needed |= reads(field)
    early = [f for f in derived if f.computed and f.name in needed]
    gathered = [f for f in register.fields if f.lookup or f.rollup]
    last = max((level[f.name] for f in gathered), default=0)
    return tuple(
        Stage(
            tuple(f for f in early if level[f.name] == step - 1),
            tuple(f for f in gathered if level[f.name] == step),
        )
        for step in range(1, last + 1)
    )


def reads(field: Field) -> frozenset[str]:
    """Return the fields of the record itself that a derived field is made from."""
    if field.computed:
        names = (name for name in field.computed.reads if not name.startswith("old."))
        return frozenset(name.split(".")[0] for name in names)
    if field.lookup:
        return frozenset((field.lookup.reference,))
    where = field.rollup.where if field.rollup else ()
    return frozenset(condition.own for condition in where if condition.own)
