"""Referring: which records an invented one refers to."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.definitions.register import Field, Register
from app.services.demo.pools import Pool, owing
from app.services.demo.recipes import Grid, Recipe

#: from these attempts on amounts and dates stay closer to the example's
CAREFUL, EXACT = 3, 5


def source_of(slug: str, row: int, name: str, attempt: int) -> random.Random:
    """Return the source of one value: the same for the same register, row, field and attempt."""
    return random.Random(f"{slug}/{row}/{name}/{attempt}")


@dataclass(slots=True)
class Referrer:
    """Chooses among the pools for the rows of one register."""

    register: Register
    recipes: Sequence[Recipe]
    pools: Mapping[str, Pool]
    grid: Grid | None
    #: references that are filled in a second pass
    blank: frozenset[str]
    #: how many rows the register is to have
    rows: int
    _chosen: dict[tuple[int, str, int], list[int]] = field(default_factory=dict, init=False)

    def subject(self, row: int) -> int:
        """Return whose row it is: those of one subject follow each other."""
        return row // self.grid.count if self.grid else row

    @property
    def room(self) -> int:
        """Return how many rows there can be: a period has one for each subject."""
        if self.grid is None or len(self.grid.subjects) != 1:
            return self.rows
        entry = self.register[self.grid.subjects[0]]
        owners = [len(self.candidates(n, entry, 0)) for n in range(len(self.recipes))]
        return min(self.rows, max(owners) * self.grid.count) if any(owners) else self.rows

    def choose(self, which: int, row: int, attempt: int) -> dict[str, int]:
        """Return an id for every reference that the example has."""
        recipe = self.recipes[which]
        found: dict[str, int] = {}
        for entry in self.register.fields:
            if not entry.reference or entry.derived or entry.name in self.blank:
                continue
            if recipe.values.get(entry.name) is None:
                continue
            ids = self.candidates(which, entry, attempt)
            if not ids:
                continue
            if self.grid and entry.name in self.grid.subjects:
                found[entry.name] = self._owner(ids, self.subject(row), attempt)
            elif entry.name in self.register.key or self._apart:
                found[entry.name] = ids[(row + attempt * 7) % len(ids)]
            else:
                found[entry.name] = source_of(self.register.slug, row, entry.name, attempt).choice(
                    ids
                )
        if attempt != CAREFUL:
            found.update(self._agreeing(found))
        return found

    @property
    def _apart(self) -> bool:
        """Return whether the key is made of what is computed, and so of any reference."""
        return any(self.register[name].derived for name in self.register.key)

    def _owner(self, ids: list[int], subject: int, attempt: int) -> int:
        """Return the record that stands for a subject; in later attempts one that stands for
        none."""
        used = -(-self.rows // self.grid.count) if self.grid else 0
        spare = ids[used:]
        if attempt < 2 or not spare:
            return ids[subject % len(ids)]
        return spare[(subject * 7 + attempt) % len(spare)]

    def candidates(self, which: int, entry: Field, attempt: int) -> list[int]:
        """Return the records a reference may choose among: in turn such as the example is
        about, those most like it, and all that owe a return."""
        place = (which, entry.name, attempt % 3)
        if place not in self._chosen:
            self._chosen[place] = self._find(self.recipes[which], entry, attempt % 3)
        return self._chosen[place]

    def _find(self, recipe: Recipe, entry: Field, way: int) -> list[int]:
        pool = self.pools[entry.reference]
        owed = {c.field: c.value for c in owing(self.register, entry.name)}
        free = pool.matching(owed)
        found = pool.matching({**recipe.wanted.get(entry.name, {}), **owed})
        if self.grid and entry.name in self.grid.subjects:
            return found if len(found) * self.grid.count >= self.rows else free
        if way == 2:
            return free
        read = [
            (one.lookup.field, one.kind, value)
            for one, value in ((self.register[name], value) for name, value in recipe.given.items())
            if one.lookup and one.lookup.reference == entry.name
        ]
        return pool.nearest(found, read) if way == 1 and read else found

    def _agreeing(self, chosen: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        """Give references that say the same as what is looked up through another: the firm of
        a parcel's row is the firm the parcel belongs to."""
        subjects = self.grid.subjects if self.grid else ()
        for entry in self.register.fields:
            if not entry.lookup or not entry.reference or entry.lookup.reference not in chosen:
                continue
            pool = self.pools[self.register[entry.lookup.reference].reference]
            said = pool.facts[chosen[entry.lookup.reference]].get(entry.lookup.field)
            for name in chosen:
                same = self.register[name].reference == entry.reference and name not in subjects
                if said is not None and same and name != entry.lookup.reference:
                    yield name, said
