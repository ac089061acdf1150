"""Composing: one invented record, from an example with everything that may vary varied."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.definitions.gate import Values, reads_of
from app.definitions.register import Field, Register
from app.errors import Problem
from app.kinds.inventing import Draw, month_count
from app.services.demo.amounts import portion
from app.services.demo.labelling import labelled, note_of
from app.services.demo.numbering import numbered
from app.services.demo.order import dependants
from app.services.demo.pools import Pool
from app.services.demo.recipes import Grid, Recipe
from app.services.demo.referring import CAREFUL, EXACT, Referrer, source_of
from app.storage.catalog import Published

#: months in which records lie that have no period of their own
SPAN = 24

TWICE = Decimal(2)
#: the share of rows whose choices are drawn first, and the example's only where refused
VARIED = 0.3

TAKEN, MISSING = "value.taken", "schema.required"
#: the longest remark where the definition sets no limit
LONGEST = 1000


@dataclass(slots=True)
class Composer:
    """Makes the records of one register. ``attach`` gives the id of a file for a field."""

    published: Published
    referrer: Referrer
    today: datetime.date
    attach: Callable[[str], int | None]
    #: amounts that do not fall from one record of a subject to the next
    climbing: frozenset[str] = frozenset()
    #: subject → how much larger than its example the totals say it is
    scales: dict[int, Decimal] = field(default_factory=dict)
    _note: str = field(default="", init=False)
    _entered_fields: Sequence[Field] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self._note = note_of(self.register)
        blank = self.referrer.blank
        idle = {other for name in blank for other in dependants(self.register, name)}
        kept = blank | idle
        self._entered_fields = [
            entry for entry in self.register.fields if not entry.derived and entry.name not in kept
        ]

    @property
    def register(self) -> Register:
        return self.published.register

    @property
    def recipes(self) -> Sequence[Recipe]:
        return self.referrer.recipes

    @property
    def pools(self) -> Mapping[str, Pool]:
        return self.referrer.pools

    @property
    def grid(self) -> Grid | None:
        return self.referrer.grid

    def compose(self, row: int, attempt: int) -> Values:
        """Return the entered values of row ``row``, the same for the same arguments."""
        which = self.referrer.which(row, attempt)
        recipe = self.recipes[which]
        references = self.referrer.choose(which, row, attempt)
        months, years = self._shift(recipe, row, attempt)
        factor = self._factor(row, attempt, references)
        if attempt % 2:
            months, years, factor = self._beside(
                recipe, references, (months, years), factor, attempt
            )
        values: Values = {}
        for entry in self._entered_fields:
            value = recipe.values.get(entry.name)
            if entry.name in references:
                value = references[entry.name]
            elif not recipe.values:
                value = self._free(entry, row, attempt)
            elif value is not None:
                value = self._varied(entry, value, row, attempt, (months, years), factor)
            if entry.name in self.climbing and value is not None and self.grid:
                place = Decimal(self.grid.count - row % self.grid.count)
                value = portion(entry, value or self._most(entry), place / self.grid.count)
            values[entry.name] = value
        if self._note in values and recipe.values:
            values[self._note] = self._remark(values[self._note])
        flow = self.register.workflow
        if flow and flow.field:
            values[flow.field] = flow.initial
        return values

    def _remark(self, said: Any) -> str:
        return labelled(said, self.register[self._note].schema.get("maxLength", LONGEST))

    def _most(self, entry: Field) -> Any:
        """Return the largest amount in the examples."""
        return max((r.values.get(entry.name) or 0 for r in self.recipes), default=0)

    # ── which example, when, and how large

    def _source(self, row: int, entry: Field | str, attempt: int) -> random.Random:
        name = entry if isinstance(entry, str) else entry.name
        return source_of(self.published.slug, row, name, attempt)

    def _shift(self, recipe: Recipe, row: int, attempt: int) -> tuple[int, int]:
        """Return by how many months and years everything in the example is moved."""
        now, anchor = month_count(self.today.year, self.today.month), recipe.anchor
        if self.grid:
            held = self.register[self.grid.field].kind.month_of(recipe.values.get(self.grid.field))
            ended = now // self.grid.length * self.grid.length - 1
            last = ended if self.grid.owed else ended + self.grid.length
            wanted = last - row % self.grid.count * self.grid.length
            if held is None:
                return 0, 0
            return wanted - held, wanted // 12 - held // 12
        if anchor is None or attempt >= EXACT:
            return 0, 0
        months = now - 1 - self._source(row, "months", attempt).randrange(SPAN) - anchor
        if attempt:
            months = months // 12 * 12
        return months, (anchor + months) // 12 - anchor // 12

    def _factor(self, row: int, attempt: int, references: Mapping[str, int]) -> Decimal:
        """Return how large the record's amounts are beside the example's: a subject has a size
        of its own wherever it is spoken of, grows slowly, and has good and bad months. The first
        of each example is as large as the example: others may refer to what only such a one
        allows."""
        if attempt >= CAREFUL:
            return Decimal(1)
        subject = self.referrer.subject(row)
        size = 0.0 if subject < len(self.recipes) else self._size(subject, references)
        if self.grid and self.grid.owed:
            back = row % self.grid.count * self.grid.length
            season = 0.05 * math.sin(back * math.pi / 6)
            size += season - 0.006 * back + self._source(row, "season", attempt).gauss(0, 0.02)
        scale = self.scales.get(subject, Decimal(1))
        return Decimal(f"{math.exp(max(-1.2, min(1.2, size))):.4f}") * scale

    def _size(self, subject: int, references: Mapping[str, int]) -> float:
        """Return how large whoever a series is about is, as a logarithm."""
        if self.grid and len(self.grid.subjects) == 1 and self.grid.subjects[0] in references:
            slug = self.register[self.grid.subjects[0]].reference
            source = source_of(slug, references[self.grid.subjects[0]], "size", 0)
        else:
            source = self._source(subject, "size", 0)
        return source.gauss(0, 0.5)

    def _beside(
        self, recipe: Recipe, references: Mapping[str, int], move: tuple[int, int],
        factor: Decimal, attempt: int,
    ) -> tuple[int, int, Decimal]:  # fmt: skip
        """Return the shift and the factor that leave times and amounts as far from what is
        looked up as they are in the example: a visit within the time of its pairing."""
        months, years = move
        for name, given in recipe.given.items():
            entry = self.register[name]
            if entry.lookup is None or entry.lookup.reference not in references:
                continue
            pool = self.pools[self.register[entry.lookup.reference].reference]
            found = pool.facts[references[entry.lookup.reference]].get(entry.lookup.field)
            then = entry.kind.month_of(given)
            if found is None:
                continue
            if then is not None and (not (self.grid and self.grid.owed) or attempt >= CAREFUL):
                months = (entry.kind.month_of(found) or then) - then
                years = (then + months) // 12 - then // 12
            elif (
                isinstance(given, Decimal) and given > 0 and entry.kind.times(given, TWICE) != given
            ):
                factor = min(factor, found / given)
        return months, years, Decimal(1) if attempt == EXACT else factor

    # ── values

    def _free(self, entry: Field, row: int, attempt: int) -> Any:
        """Return a value that no example gives: always where it is needed, else at times."""
        needed = entry.required or entry.name in self.register.key
        if needed or self._source(row, f"{entry.name}?", attempt).random() < 0.5:
            return self.invent(entry, row, attempt)
        return None

    def _varied(
        self, entry: Field, value: Any, row: int, attempt: int, move: tuple[int, int],
        factor: Decimal,
    ) -> Any:  # fmt: skip
        register, kind = self.register, entry.kind
        if entry.columns:
            return self._rows(entry, value, row, attempt, move, factor)
        if kind.name == "attachment":
            file = self.attach(entry.name)
            return None if file is None else (file,)
        alone = entry.unique or entry.name in register.key
        fixed = self.grid is not None and entry.name == self.grid.field
        if kind.searchable and not kind.sortable:
            return numbered(value, row, entry.schema) if alone else value
        if getattr(kind, "options", ()):
            return self._choice(entry, value, row, attempt, alone)
        if kind.stores_text and not fixed:
            return self._text(entry, kind.moved(value, *move), row, attempt, alone)
        value = kind.times(kind.moved(value, *move), factor)
        if alone and kind.formula_type == "timestamp":
            day = 1 + (value.day + self._source(row, entry, attempt).randrange(28)) % 28
            return value.replace(day=day)
        return value

    def _choice(self, entry: Field, value: Any, row: int, attempt: int, alone: bool) -> Any:
        """Return a choice: at times another one, which the gate may refuse."""
        if entry.name in self.referrer.turns:
            return value
        if attempt:
            return self.invent(entry, row, attempt) if alone else value
        subject = self.referrer.subject(row)
        if subject >= len(self.recipes) and self._source(row, "other", 0).random() < VARIED:
            return self.invent(entry, row, attempt)
        return value

    def _text(self, entry: Field, value: str, row: int, attempt: int, alone: bool) -> Any:
        """Return a text or a code: another one where no two records share it."""
        kind = entry.kind
        if kind.month_of(value) is not None:
            return value
        if entry.private == "phone" or kind.name in ("credit-code", "cn-resident-id"):
            return self.invent(entry, row, attempt)
        if alone and (entry.unique or attempt or not self._has_reference()):
            return numbered(value, row, entry.schema)
        return value

    def _has_reference(self) -> bool:
        return any(self.register[name].reference for name in self.register.key)

    def _rows(
        self, entry: Field, value: Any, row: int, attempt: int, move: tuple[int, int],
        factor: Decimal,
    ) -> Any:  # fmt: skip
        made = []
        for place, cells in enumerate(value or ()):
            changed = {}
            for column in entry.columns:
                cell = cells.get(column.name)
                if cell is not None and column.reference:
                    ids = self.pools[column.reference].ids
                    cell = self._source(row + place, column, attempt).choice(ids) if ids else None
                elif cell is not None:
                    cell = column.kind.times(column.kind.moved(cell, *move), factor)
                if cell is not None and not column.derived:
                    changed[column.name] = cell
            made.append(changed)
        return tuple(made) or None

    def invent(self, entry: Field, row: int, attempt: int) -> Any:
        """Return a value drawn freely within the limits of the field."""
        source = self._source(row, entry, attempt)
        if entry.reference:
            ids = self.pools[entry.reference].ids
            return source.choice(ids) if ids else None
        if entry.kind.name == "attachment":
            file = self.attach(entry.name)
            return None if file is None else (file,)
        if entry.columns:
            count = max(1, entry.schema.get("minItems", 1))
            return tuple(
                {
                    column.name: self.invent(column, row * 10 + place, attempt)
                    for column in entry.columns
                    if not column.derived
                }
                for place in range(count)
            )
        return entry.kind.invent(Draw(source, row, self.today, entry.title), entry.schema)

    # ── what was refused

    def repair(self, values: Values, problems: Sequence[Problem], row: int, attempt: int) -> Values:
        """Return the values with what the gate complained of filled in, drawn again or left
        out."""
        fixed = dict(values)
        for place, problem in enumerate(problems):
            source = self._source(row, f"repair{place}", attempt)
            name = problem.name
            if problem.code == MISSING and name in self.register:
                fixed[name] = self.invent(self.register[name], row, attempt)
                continue
            touched = sorted(set(self._entered({*problem.fields, name})))
            if not touched:
                continue
            name = name if name in touched and source.random() < 0.6 else source.choice(touched)
            entry = self.register[name]
            if not entry.required and problem.code != TAKEN and source.random() < 0.6:
                fixed[name] = None
            else:
                fixed[name] = self.invent(entry, row, attempt)
        return fixed

    def _entered(self, names: Collection[str]) -> Iterator[str]:
        """Give the entered fields behind ``names``: for a look-up its reference."""
        flow = self.register.workflow
        for name in names:
            if name not in self.register or (flow and name == flow.field):
                continue
            entry = self.register[name]
            if entry.lookup:
                yield entry.lookup.reference
            elif entry.computed:
                yield from self._entered(reads_of(entry.computed))
            elif not entry.derived and name not in self.referrer.blank:
                yield name
