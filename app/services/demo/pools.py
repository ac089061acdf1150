"""Pools: the records that an invented one may refer to, with what is looked up in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Condition, Register
from app.kinds.base import Kind
from app.kinds.inventing import MARK
from app.services.work import Work

#: the fewest records that a reference is chosen among
LEAST = 10


@dataclass(slots=True)
class Pool:
    """Ids of records, with the values of the columns that are read through a reference."""

    ids: list[int] = field(default_factory=list)
    facts: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _having: dict[str, dict[Any, list[int]]] = field(default_factory=dict, init=False)

    def having(self, name: str, value: Any) -> list[int]:
        """Return the ids of the records that have a value in a column."""
        return self._by_value(name).get(value, [])

    def sorts(self, name: str) -> list[list[int]]:
        """Return the ids of the records by their value in a column."""
        return list(self._by_value(name).values())

    def _by_value(self, name: str) -> dict[Any, list[int]]:
        if name not in self._having:
            found: dict[Any, list[int]] = {}
            for number, facts in self.facts.items():
                found.setdefault(facts.get(name), []).append(number)
            self._having[name] = found
        return self._having[name]

    def matching(self, wanted: Mapping[str, Any]) -> list[int]:
        """Return the ids of the records that have the most of the wanted values."""
        if not wanted:
            return self.ids
        counts = {
            number: sum(meets(facts.get(name), value) for name, value in wanted.items())
            for number, facts in self.facts.items()
        }
        most = max(counts.values(), default=0)
        return [number for number, count in counts.items() if count == most]

    def nearest(self, ids: Sequence[int], wanted: Sequence[tuple[str, Kind, Any]]) -> list[int]:
        """Return the tenth of ``ids`` whose values are most like those wanted of a column."""

        def far(number: int) -> float:
            facts = self.facts[number]
            return sum(distance(kind, facts.get(name), value) for name, kind, value in wanted)

        return sorted(ids, key=far)[: max(LEAST, len(ids) // 10)]


def meets(found: Any, wanted: Any) -> bool:
    """Return whether a value is the wanted one, or one of several that are."""
    return found in wanted if isinstance(wanted, (list, tuple)) else bool(found == wanted)


def distance(kind: Kind, found: Any, wanted: Any) -> float:
    """Return how far two values of a kind are from each other: 0 for the same."""
    if found is None or found == wanted:
        return float(found is None)
    months = (kind.month_of(found), kind.month_of(wanted))
    if months[0] is not None and months[1] is not None:
        return abs(months[0] - months[1]) / 12
    if kind.json_type in ("number", "integer"):
        return abs(float(found - wanted)) / (abs(float(wanted)) + 1)
    return 0.0


def read_pool(work: Work, slug: str, columns: Iterable[str]) -> Pool:
    """Return the records of a register: the invented ones where there are any, so that nothing
    invented is said of what is real."""
    main = work.published(slug).tables.main
    names = sorted({name for name in columns if name in main.c})
    query = sa.select(main.c["_id"], *[main.c[name] for name in names])
    query = query.where(main.c["_deleted_at"].is_(None)).order_by(main.c["_id"])
    for where in (main.c["_label"].startswith(MARK), sa.true()):
        rows = work.tx.execute(query.where(where)).all()
        if rows:
            facts: dict[int, Mapping[str, Any]] = {
                row[0]: dict(zip(names, row[1:], strict=True)) for row in rows
            }
            return Pool(list(facts), facts)
    return Pool()


def read_columns(register: Register, reference: str) -> set[str]:
    """Return the columns that a register reads through one of its references."""
    read = {f.lookup.field for f in register.fields if f.lookup and f.lookup.reference == reference}
    return read | {condition.field for condition in owing(register, reference)}


def owing(register: Register, reference: str) -> tuple[Condition, ...]:
    """Return which records owe a return, where it is through ``reference`` that they do."""
    period = register.period
    if period is None or not period.by.register or period.by.field != reference:
        return ()
    return tuple(c for c in period.by.where if c.operator in ("==", "in") and not c.own)
