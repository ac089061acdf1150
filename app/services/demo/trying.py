"""Trying: what might be entered instead, where a rule complains of a record.

It stands in the record itself (the total of its months, the date that comes first), in the
examples, and in the records it may refer to.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.definitions.gate import Values, depends, reads_of
from app.definitions.register import Field, Register, Rule
from app.errors import Problem
from app.kinds.inventing import Draw
from app.services.demo.amounts import NUMBERS, portion, same_sort
from app.services.demo.labelling import note_of
from app.services.demo.referring import Referrer, source_of

#: how many of each sort are tried
FEW = 4
FACTORS = (Decimal("0.5"), Decimal("0.1"), Decimal(2), Decimal(10), Decimal(0))
#: within how many days after another date
SPANS = (27, 61, 181)
#: a little less than what is just allowed
NEARLY = Decimal("0.95")
NUMERALS = str.maketrans("0123456789", "零一二三四五六七八九")


@dataclass(frozen=True, slots=True)
class Candidates:
    """Gives values to try for the records of one register."""

    register: Register
    referrer: Referrer
    today: datetime.date
    #: fields that stay as they are
    kept: frozenset[str] = frozenset()

    def _open(self, names: Iterable[str]) -> Iterator[Field]:
        """Give the entered fields of ``names`` that may be changed."""
        flow, grid = self.register.workflow, self.referrer.grid
        kept = (
            {flow.field if flow else "", note_of(self.register)} | self.referrer.blank | self.kept
        )
        if grid:
            kept |= {grid.field, *grid.subjects}
        for name in dict.fromkeys(names):
            if name not in self.register or name in kept:
                continue
            entry = self.register[name]
            if entry.lookup:
                yield from self._open([entry.lookup.reference])
            elif entry.computed:
                yield from self._open(sorted(reads_of(entry.computed)))
            elif not entry.derived and not entry.columns and entry.kind.name != "attachment":
                yield entry

    def likely(
        self, rule: Rule | None, problem: Problem, values: Values, row: int
    ) -> Iterator[tuple[str, Any]]:
        """Give fields with values that might help, the likeliest first."""
        if rule is None:
            for entry in self._open([problem.name]):
                yield from ((entry.name, value) for value in self._any(entry, values, row))
            return
        read = [name for name in sorted(depends(rule)) if name in self.register]
        said = [rule.at] if rule.at else []
        fields = list({f.name: f for f in self._open([*said, *read])}.values())
        for entry in fields:
            alike = [self.register[n] for n in read if n != entry.name]
            for value in self._alike(entry, alike, values, row):
                yield entry.name, value
        for entry in fields:
            for value in self._any(entry, values, row):
                yield entry.name, value
            if not entry.required:
                yield entry.name, None

    def _alike(
        self, entry: Field, others: Sequence[Field], values: Values, row: int
    ) -> Iterator[Any]:
        """Give the values that other fields of a rule have, and those in a measure to them."""
        held = values.get(entry.name)
        if entry.reference:
            yield from self._referred(entry, others, values, row)
        for other in others:
            value = values.get(other.name)
            if value is None or not same_sort(entry, other):
                continue
            if type(value) is datetime.date:
                yield from (value + datetime.timedelta(days=row % span) for span in SPANS)
            yield portion(entry, value, Decimal(1)) if isinstance(value, Decimal) else value
        if isinstance(held, Decimal) and held:
            yield from self._in_proportion(entry, held, others, values)
        place = entry.kind.month_of(held)
        if place is not None:
            yield from self._later(entry, held, place)

    def _in_proportion(
        self, entry: Field, held: Decimal, others: Sequence[Field], values: Values
    ) -> Iterator[Decimal]:
        """Give a share of an amount: as much as another that is too large has to shrink."""
        amounts = [(f.unit, values.get(f.name)) for f in others]
        known = [(unit, n) for unit, n in amounts if isinstance(n, Decimal) and n > 0]
        for unit, above in known:
            for measure, below in known:
                if unit == measure and above < below:
                    yield portion(entry, held, above / below * NEARLY)

    def _later(self, entry: Field, held: Any, place: int) -> Iterator[Any]:
        """Give the same day in other years, and days about today."""
        for years in (1, -1, 2, -2, 3):
            yield entry.kind.moved(held, 12 * years, years)
        now = self.today.year * 12 + self.today.month - 1
        for ahead in (-1, 0, 1, 6, 12):
            yield entry.kind.moved(held, now + ahead - place, (now + ahead) // 12 - place // 12)

    def _referred(
        self, entry: Field, others: Sequence[Field], values: Values, row: int
    ) -> Iterator[int]:
        """Give records in which what is looked up is what the record itself says."""
        pool = self.referrer.pools.get(entry.reference)
        if pool is None:
            return
        source = source_of(self.register.slug, row, entry.name, -1)
        for one in others:
            if not one.lookup or one.lookup.reference != entry.name:
                continue
            if getattr(one.kind, "options", ()) or one.kind.json_type == "boolean":
                yield from (source.choice(ids) for ids in pool.sorts(one.lookup.field))
            for other in others:
                held = values.get(other.name)
                if other is one or held is None or not same_sort(one, other):
                    continue
                found = pool.having(one.lookup.field, held)
                yield from source.sample(found, min(FEW, len(found)))

    def _any(self, entry: Field, values: Values, row: int) -> Iterator[Any]:
        """Give values of the examples, other choices, other amounts, and an invented one."""
        if entry.reference:
            pool = self.referrer.pools.get(entry.reference)
            ids = pool.ids if pool else []
            source = source_of(self.register.slug, row, entry.name, -2)
            yield from source.sample(ids, min(FEW, len(ids)))
            return
        held = values.get(entry.name)
        if entry.kind.searchable and isinstance(held, str) and not held.isascii():
            yield held.translate(NUMERALS)
        if entry.unit and entry.kind.json_type in NUMBERS:
            yield from self._in_measure(entry, values)
        if held is None and entry.kind.name == "date":
            yield from self._after(values, row)
        yield from self._seen(entry)
        for option in getattr(entry.kind, "options", ()):
            if not option.deprecated:
                yield (option.value,) if entry.formula_type_is_list else option.value
        if entry.kind.json_type == "boolean":
            yield from (True, False)
        for attempt in range(2):
            source = source_of(self.register.slug, row, entry.name, -3 - attempt)
            yield entry.kind.invent(Draw(source, row, self.today, entry.title), entry.schema)

    def _after(self, values: Values, row: int) -> Iterator[datetime.date]:
        """Give days after the other dates of a record."""
        for entry in self.register.fields:
            value = values.get(entry.name)
            if entry.kind.name == "date" and type(value) is datetime.date:
                yield from (value + datetime.timedelta(days=row % span) for span in SPANS)

    def _seen(self, entry: Field) -> Iterator[Any]:
        """Give what the examples have in a field, and larger and smaller amounts."""
        if entry.unique or entry.name in self.register.key:
            return
        seen = [recipe.values.get(entry.name) for recipe in self.referrer.recipes]
        timeless = [v for v in seen if v and entry.kind.month_of(v) is None]
        yield from list(dict.fromkeys(timeless))[:FEW]
        if timeless and entry.kind.json_type in NUMBERS:
            yield from (portion(entry, timeless[0], factor) for factor in FACTORS)

    def _in_measure(self, entry: Field, values: Values) -> Iterator[Any]:
        """Give an amount that is to the others as it is in an example."""
        for recipe in self.referrer.recipes:
            held = recipe.values.get(entry.name)
            for other in self.register.fields if held else ():
                theirs, ours = recipe.values.get(other.name), values.get(other.name)
                if other is not entry and other.unit == entry.unit and theirs and ours:
                    yield portion(entry, held, Decimal(ours) / Decimal(theirs))
                    break
