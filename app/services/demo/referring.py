"""Referring: which records an invented one refers to."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.definitions.register import Field, Register
from app.services.demo.pools import Pool, meets, owing
from app.services.demo.recipes import Grid, Recipe

#: from these attempts on amounts and dates stay closer to the example's
CAREFUL, EXACT = 3, 5
#: the most records that refer to the same one where there are others
MOST = 24
#: how many years, and what share of the possible keys, are filled
YEARS, SHARE = 3, 0.85


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
    #: choices that take turns: field → its values
    turns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    refused: set[tuple[tuple[str, int], ...]] = field(default_factory=set, init=False)
    _chosen: dict[tuple[int, str, int], list[int]] = field(default_factory=dict, init=False)
    _allotment: list[tuple[int, dict[str, int]]] | None = field(default=None, init=False)

    def subject(self, row: int) -> int:
        """Return whose row it is: those of one subject follow each other."""
        return row // self.grid.count if self.grid else row

    @property
    def room(self) -> int:
        """Return how many rows there can be: a period has one for each subject."""
        if self.grid is None:
            return min(self.rows, self._possible())
        return min(self.rows, len(self._allotted()) * self.grid.count) or self.rows

    def _possible(self) -> int:
        """Return how many different keys of choices, years and references there can be."""
        counts = [self._values(self.register[name]) for name in self.register.key]
        if not counts or None in counts:
            return self.rows
        return max(1, int(math.prod(count or 1 for count in counts) * SHARE))

    def _values(self, entry: Field) -> int | None:
        """Return how many values a field has; None where there is no telling."""
        if entry.derived:
            return None
        if entry.reference:
            return len(self.pools[entry.reference].ids) if entry.reference in self.pools else None
        if getattr(entry.kind, "options", ()):
            return len(entry.kind.options)  # type: ignore[attr-defined]
        return YEARS if entry.kind.name == "year" else None

    def which(self, row: int, attempt: int) -> int:
        """Return the place of a row's example: they take turns, so that all are used once, and
        those that nothing is warned of again and again; after two attempts it is another
        row's."""
        subject, later = self.subject(row), max(0, attempt - 1)
        if self.grid and not later and subject < len(self._allotted()):
            return self._allotted()[subject][0]
        return self._turn(subject + later, subject)

    def _turn(self, place: int, subject: int) -> int:
        if subject < len(self.recipes) or not self._plain:
            return place % len(self.recipes)
        due = {name: values[subject % len(values)] for name, values in self.turns.items()}
        meant = [
            at
            for at in self._plain
            if all(self.recipes[at].values.get(name) == value for name, value in due.items())
        ]
        fitting = meant or self._plain
        return fitting[place // (len(next(iter(self.turns.values()), ())) or 1) % len(fitting)]

    @property
    def _plain(self) -> list[int]:
        return [at for at, recipe in enumerate(self.recipes) if not recipe.warned]

    def _allotted(self) -> list[tuple[int, dict[str, int]]]:
        """Return the example and the records that each subject of a grid is about: none twice,
        and no more subjects than there are records."""
        if self._allotment is None:
            self._allotment = list(self._allot())
        return self._allotment

    def _allot(self) -> Iterator[tuple[int, dict[str, int]]]:
        assert self.grid is not None
        used = set(self.refused)
        given: Counter[int] = Counter()
        for subject in range(-(-self.rows // self.grid.count)):
            for turn in range(len(self.recipes)):
                which = self._turn(subject + turn, subject)
                found = self._next(which, given, used)
                if found:
                    yield which, found
                    break
            else:
                return

    def _next(
        self, which: int, given: Counter[int], used: set[tuple[tuple[str, int], ...]]
    ) -> dict[str, int]:
        """Return the next records for an example that no other subject has; none if all have."""
        assert self.grid is not None
        recipe = self.recipes[which]
        if not all(self._owes(recipe, name) for name in self.grid.subjects):
            return {}
        names = [n for n in self.grid.subjects if recipe.values.get(n) is not None]
        lists = [self.candidates(which, self.register[name], 0) for name in names]
        while lists and given[which] < math.prod(len(ids) for ids in lists):
            rest, chosen = given[which], {}
            for name, ids in zip(names, lists, strict=True):
                rest, at = divmod(rest, len(ids))
                chosen[name] = ids[(at + rest) % len(ids)]
            given[which] += 1
            place = tuple(chosen.items())
            if place not in used:
                used.add(place)
                return chosen
        return {}

    def _owes(self, recipe: Recipe, name: str) -> bool:
        """Return whether an example can be about a record that owes returns."""
        wanted = recipe.wanted.get(name, {})
        return all(
            condition.field not in wanted or meets(wanted[condition.field], condition.value)
            for condition in owing(self.register, name)
        )

    def refuse(self, subjects: Iterable[int]) -> None:
        """Let other records be the subjects: about these the gate wants nothing to be said."""
        for subject in subjects:
            self.refused.add(tuple(self._allotted()[subject][1].items()))
        self._allotment = None

    @property
    def subjects(self) -> int:
        """Return how many subjects a grid has."""
        return len(self._allotted()) if self.grid else 0

    def choose(self, which: int, row: int, attempt: int) -> dict[str, int]:
        """Return an id for every reference that the example has."""
        recipe = self.recipes[which]
        found: dict[str, int] = {}
        owners = self._owners(row) if attempt < 2 else {}
        for entry in self.register.fields:
            if not entry.reference or entry.derived or entry.name in self.blank:
                continue
            if recipe.values.get(entry.name) is None:
                continue
            ids = self.candidates(which, entry, attempt)
            if not ids:
                continue
            if entry.name in owners:
                found[entry.name] = owners[entry.name]
            elif self.grid and entry.name in self.grid.subjects:
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

    def _owners(self, row: int) -> dict[str, int]:
        """Return the records that the row of a series is about."""
        if self.grid is None or self.subject(row) >= len(self._allotted()):
            return {}
        return self._allotted()[self.subject(row)][1]

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
        if len(found) * MOST < self.rows:
            found = free
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
