"""Review: which stored rows break a revision – counted before it is published, listed after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.definitions.gate import Gate
from app.definitions.register import Field, Register
from app.errors import Problem
from app.kinds.base import Kind
from app.services import debts
from app.services.publishing.conversion import became
from app.services.publishing.steps import EXAMPLES, Plan, Step
from app.services.work import Work
from app.storage import rows
from app.storage.catalog import Published
from app.storage.tables import stored_type


@dataclass(slots=True)
class Breach:
    """Rows that break one rule."""

    problem: Problem
    count: int = 0
    examples: list[str] = field(default_factory=list)


def preview(work: Work, projection: Projection, *, count: bool) -> Iterator[Step]:
    """Give a step for each rule that stored rows would break: how many, and which, for example."""
    if not count:
        return
    breaches: dict[tuple[str, str], Breach] = {}
    gate = Gate(projection.register)
    for batch in projection.stream(work):
        for number, label, values in batch:
            for problem in problems_of(gate, values):
                key = (problem.code, top(problem.at))
                breach = breaches.setdefault(key, Breach(problem))
                breach.count += 1
                if len(breach.examples) < EXAMPLES:
                    breach.examples.append(f"#{number} {label}")
    known = {(code, top(at)) for code, at in debts.broken(work, projection.old.slug)}
    for key, breach in sorted(breaches.items(), key=lambda item: -item[1].count):
        problem = breach.problem
        shown = {**problem.values, "count": breach.count, "rule": problem}
        text = "{count} stored records stay as they are and are listed, because: {rule}"
        needs = "" if key in known else "confirm"
        yield Step("debt", text, shown, problem.name, breach.count, breach.examples, needs)


def list_debts(work: Work, published: Published) -> None:
    """Judge every living row by the revision that is being published and list what breaks it."""
    found: list[dict[str, Any]] = []
    for batch in rows.stream(work.tx, published):
        for row in batch:
            problems = problems_of(published.gate, row)
            if problems:
                found += debts.rows_of(published, row["_id"], problems, work.now)
    debts.replace(work, published.slug, found)


def problems_of(gate: Gate, row: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a stored row; look-ups and roll-ups are taken as stored."""
    values = {name: row.get(name) for name in gate.register.names}
    stored = dict(values)
    return gate.judge(values, [], None, stored).problems


def top(pointer: str) -> str:
    """Return the first part of a pointer: child rows count as their list."""
    return "/" + pointer.split("/")[1] if pointer else ""


class Projection:
    """Stored rows as they will be once a plan is carried out, read from today's columns."""

    def __init__(self, old: Published, register: Register, plan: Plan) -> None:
        self.old, self.register = old, register
        self._names = {f.name: f for f in register.fields}
        self._columns: dict[str, tuple[str, Kind, Kind | None]] = {}
        for entry in register.fields:
            if not entry.kind.own_table:
                source = self._source(entry, plan)
                if source:
                    self._columns[entry.name] = source
        self._fills = {
            f.name: f.kind.reader().deserialize(f.default)
            for f in register.fields
            if f.default is not None and not f.derived
        }
        self._former = {f.name: f.was for f in register.fields if f.was}

    def _source(self, entry: Field, plan: Plan) -> tuple[str, Kind, Kind | None] | None:
        """Return (column today, kind stored there, kind to convert to)."""
        place = plan.layout.places[entry.name]
        today = {p.column: p.kind for p in self.old.layout.places.values()}
        if place.column in today and place.kind.holds(today[place.column]):
            return place.column, place.kind, None
        if place.past and place.past[-1][0] in today:
            column, kind = place.past[-1]
            return column, kind, place.kind
        return None

    def stream(self, work: Work) -> Iterator[list[tuple[int, str, dict[str, Any]]]]:
        """Give (id, label, values) of every living record, in batches."""
        names = list(self._columns)
        table = sa.table(
            self.old.layout.table,
            sa.column("_id", sa.BigInteger()),
            sa.column("_label", sa.Text()),
            sa.column("_deleted_at", sa.DateTime()),
            *[
                sa.column(c, stored_type(k))
                for c, k, _ in {s[0]: s for s in self._columns.values()}.values()
            ],
        )
        columns = [table.c[self._columns[n][0]] for n in names]
        last = 0
        while True:
            query = sa.select(table.c["_id"], table.c["_label"], *columns)
            query = query.where(table.c["_id"] > last, table.c["_deleted_at"].is_(None))
            found = work.tx.execute(query.order_by(table.c["_id"]).limit(rows.BATCH)).all()
            if not found:
                return
            yield self._project(work, names, found)
            last = found[-1][0]

    def _project(
        self, work: Work, names: Sequence[str], found: Sequence[Any]
    ) -> list[tuple[int, str, dict[str, Any]]]:
        lists = self._lists(work, [row[0] for row in found])
        result = []
        for row in found:
            values = {**dict.fromkeys(self.register.names), **self._fills}
            for name, value in zip(names, row[2:], strict=True):
                _, stored, target = self._columns[name]
                if target is not None and value is not None:
                    value = became(stored, target, value)
                values[name] = value
            values |= lists.get(row[0], {})
            result.append((row[0], row[1], values))
        return result

    def _lists(self, work: Work, ids: list[int]) -> dict[int, dict[str, Any]]:
        """Return the child rows of records, with the columns they will have."""
        wanted = [f for f in self.register.fields if f.columns]
        if not wanted:
            return {}
        holders = [{"_id": number} for number in ids]
        rows.add_children(work.tx, self.old, holders)
        result: dict[int, dict[str, Any]] = {}
        for holder in holders:
            cells = result.setdefault(holder["_id"], {})
            for entry in wanted:
                source = self._former.get(entry.name, entry.name)
                stored: Any = holder.get(source if source in holder else entry.name) or ()
                cells[entry.name] = (
                    tuple({c.name: row.get(c.name) for c in entry.columns} for row in stored)
                    or None
                )
        return result
