"""Order: which register is filled before which, so that references find records."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from app.definitions.register import Field, Register

SIZES = Path(__file__).parents[3] / "schemas" / "demo" / "sizes.json"
#: rows at scale 1 of a register that ``SIZES`` does not name, and the fewest of any
USUAL, FEWEST = 40, 5


def sizes(slugs: list[str], scale: float) -> dict[str, int]:
    """Return how many rows each register is to have."""
    said = _said()
    return {
        slug: max(FEWEST, math.ceil(said.get(slug, {}).get("rows", USUAL) * scale))
        for slug in slugs
    }


def turns(slug: str) -> Mapping[str, Sequence[Any]]:
    """Return the fields of a register whose values take turns, so that there are as many of each
    as is said: field → its values, in order."""
    found: Mapping[str, Sequence[Any]] = _said().get(slug, {}).get("turns", {})
    return found


@cache
def _said() -> Mapping[str, Mapping[str, Any]]:
    """Return what ``SIZES`` says of each register: a number of rows, or that and more."""
    said = json.loads(SIZES.read_text("utf-8"))
    return {slug: one if isinstance(one, dict) else {"rows": one} for slug, one in said.items()}


def entered_references(register: Register) -> Iterator[Field]:
    """Give the references a person enters, those in child rows included."""
    for field in register.fields:
        if field.derived:
            continue
        for one in (field, *field.columns):
            if one.reference and not one.derived:
                yield one


def dependants(register: Register, name: str) -> list[str]:
    """Return the fields that may be filled in only where ``name`` is."""
    said = register.schema.get("dependentRequired", {})
    return [other for other, needed in said.items() if name in needed]


def arrange(registers: Mapping[str, Register]) -> list[str]:
    """Return the slugs in the order in which they are filled.

    What a required reference points at comes first; where the rest goes round in a circle, the
    register with the fewest references that find nothing yet is next; one that other fields
    cannot do without counts for more.
    """
    needs: dict[str, set[str]] = {}
    likes: dict[str, Counter[str]] = {}
    for slug, register in registers.items():
        others = [f for f in entered_references(register) if f.reference not in ("", slug)]
        needs[slug] = {f.reference for f in others if f.required}
        likes[slug] = Counter()
        for field in others:
            likes[slug][field.reference] += 1 + len(dependants(register, field.name))
    done: list[str] = []
    waiting = set(registers)
    while waiting:
        slug = min(
            waiting,
            key=lambda s: (
                len(needs[s] & waiting),
                sum(likes[s][other] for other in waiting),
                s,
            ),
        )
        waiting.remove(slug)
        done.append(slug)
    return done


def postponed(register: Register, before: set[str]) -> list[Field]:
    """Return the references of a record that can only be filled in a second pass, when what they
    point at is there: ``before`` are the registers that are filled already."""
    return [
        field
        for field in register.fields
        if field.reference and not field.derived and field.reference not in before
    ]
