"""Recipes: valid examples of a definition, read as the patterns of invented records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.definitions.gate import Gate, Values, reads_of
from app.definitions.library import read_given, stand_ins
from app.definitions.register import Example, Field, Register

#: the length of a period in months, and how many of them are filled
LENGTHS = {"month": (1, 24), "quarter": (3, 8), "half-year": (6, 4), "year": (12, 3)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a record is made from. ``wanted``: reference → column → value a rule may need;
    ``given``: the looked-up values that the example takes for granted, by field."""

    values: Values
    wanted: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    given: Values = field(default_factory=dict)
    #: the latest month the record speaks of
    anchor: int | None = None
    #: whether the example shows what is warned of
    warned: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A register with a record for each subject and period: which field says the period, which
    references say the subject, how long a period is and how many are filled."""

    field: str
    subjects: tuple[str, ...]
    length: int
    count: int
    #: whether returns are owed for the periods, so that they follow each other
    owed: bool = False


def recipes_of(gate: Gate) -> list[Recipe]:
    """Return a recipe for each valid example; those that begin where a workflow begins, and were
    not changed from something else, before all others. One of nothing where there is none."""
    register = gate.register
    valid = [example for example in register.examples if example.valid]
    fresh = [example for example in valid if example.old is None and _begins(register, example)]
    chosen = fresh or valid
    return [_recipe(gate, example) for example in chosen] or [Recipe({})]


def _begins(register: Register, example: Example) -> bool:
    flow = register.workflow
    if flow is None or not flow.field:
        return True
    return example.record.get(flow.field) in (None, "", flow.initial)


def _recipe(gate: Gate, example: Example) -> Recipe:
    register = gate.register
    values, _ = gate.read(stand_ins(register, example.record))
    wanted: dict[str, dict[str, Any]] = {}
    given = {
        name: value
        for name, value in read_given(register, example.given).items()
        if register[name].lookup and value is not None
    }
    for name, value in given.items():
        entry = register[name]
        if entry.lookup and _tells_apart(entry):
            wanted.setdefault(entry.lookup.reference, {})[entry.lookup.field] = value
    warned = is_warned(gate, values, read_given(register, example.given))
    return Recipe(values, wanted, given, anchor_of(register, values), warned)


def is_warned(gate: Gate, values: Values, given: Values) -> bool:
    """Return whether a rule warns of an example, whatever day it is."""
    timed = {
        rule.code
        for rule in gate.register.rules
        if "today()" in f"{rule.check.text} {rule.when.text if rule.when else ''}"
    }
    blank = dict.fromkeys(gate.register.names)
    verdict = gate.judge({**blank, **values}, [], None, given)
    return any(warning.code not in timed for warning in verdict.warnings)


def _tells_apart(entry: Field) -> bool:
    """Return whether a looked-up value is one of few: a choice, or yes and no."""
    return bool(getattr(entry.kind, "options", ())) or entry.kind.json_type == "boolean"


def anchor_of(register: Register, values: Values) -> int | None:
    """Return the latest month a record speaks of."""
    months = [
        place
        for name, value in values.items()
        if value is not None and (place := register[name].kind.month_of(value)) is not None
    ]
    return max(months, default=None)


def grid_of(register: Register, each: int) -> Grid | None:
    """Return how a register is filled period by period, at most ``each`` of them for a subject;
    None for one that is not."""
    said = register.period
    for name in register.key:
        entry = register[name]
        every = said.every if said and said.field == name else entry.kind.name
        if every not in LENGTHS or entry.derived:
            continue
        owed = said is not None and said.field == name
        if not owed and register.workflow and register.workflow.field:
            return None  # a case that goes through stages of its own
        rest = [register[other] for other in register.key if other != name]
        entered = [other for other in rest if not other.derived]
        if not rest or not all(other.reference for other in entered):
            return None
        subjects = entered or [
            f for f in register.fields if f.name in set(behind(register, [o.name for o in rest]))
        ]
        length, count = LENGTHS[every]
        names = tuple(field.name for field in subjects)
        return Grid(name, names, length, max(1, min(count, each)), owed)
    return None


def behind(register: Register, names: Iterable[str]) -> Iterator[str]:
    """Give the entered references that some fields come from."""
    for name in names:
        if name not in register:
            continue
        entry = register[name]
        if entry.lookup:
            yield entry.lookup.reference
        elif entry.computed:
            yield from behind(register, reads_of(entry.computed))
        elif entry.reference and not entry.derived:
            yield name
