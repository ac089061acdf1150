"""Owing: which record belongs to which return, and who owes one in a period.

The same question is asked in SQL, for many rows at once, and of rows at hand.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from app.definitions.periods import YEAR, Periods, is_period
from app.services.returns.facts import calendar_of, due
from app.services.scoping import compared
from app.services.standing import Unit, valid_on
from app.services.work import Work
from app.storage import models_people as people
from app.storage.catalog import Published

#: (period, subject)
Pair = tuple[str, int]


class Matching:
    """Which record of a register belongs to which return."""

    def __init__(self, work: Work, published: Published) -> None:
        self.work, self.published = work, published
        self.spec: Periods = calendar_of(published)
        self.main = published.tables.main
        by = self.spec.by
        self._target = "" if by.register or not by.field else published.register[by.field].reference
        self._numbers: dict[Any, int] | None = None
        flow = published.register.workflow
        #: the states in which a record is begun, and the one in which every record begins
        self.begun = flow.begun if flow else frozenset[str]()
        self.initial = flow.initial if flow else ""

    def belongs(self) -> sa.ColumnElement[bool]:
        """Return the condition that a living record belongs to the return of the outer query."""
        held: sa.ColumnElement[Any] = due.c.period
        if self.spec.every == YEAR:
            held = sa.cast(due.c.period, sa.BigInteger)
        field = self.main.c[self.spec.field]
        return sa.and_(field == held, self._owned(), self.main.c["_deleted_at"].is_(None))

    def handed(self) -> sa.ColumnElement[bool]:
        """Return the condition that a living record hands in the return of the outer query."""
        if not self.begun:
            return self.belongs()
        state = sa.func.coalesce(self.main.c["_state"], self.initial)
        return sa.and_(self.belongs(), state.not_in(sorted(self.begun)))

    def _owned(self) -> sa.ColumnElement[bool]:
        by, unit = self.spec.by, people.unit
        if by.register:
            return self.main.c[by.field] == due.c.subject
        if not by.field:
            return self._entered()
        if self._target:
            wanted = sa.select(unit.c.record).where(
                unit.c.id == due.c.subject, unit.c.slug == self._target
            )
        else:
            wanted = sa.select(as_code(self.work, unit.c.code)).where(unit.c.id == due.c.subject)
        return self.main.c[by.field] == wanted.correlate(due).scalar_subquery()

    def _entered(self) -> sa.ColumnElement[bool]:
        """Return that the unit entered it; or the one it was merged into, which owes no return
        of its own for that period."""
        other = due.alias("own")
        own = sa.exists().correlate(due).where(
            other.c.slug == due.c.slug, other.c.period == due.c.period,
            other.c.about == due.c.about, other.c.subject == due.c.unit_id,
        )  # fmt: skip
        entered = self.main.c["_unit"]
        return sa.or_(
            entered == due.c.subject,
            sa.and_(entered == due.c.unit_id, due.c.unit_id != due.c.subject, ~own),
        )

    def pairs(self, rows: Iterable[Mapping[str, Any]]) -> list[Pair | None]:
        """Return the return each row belongs to; None where it says no period or nobody."""
        return [self.pair(row) for row in rows]

    def pair(self, row: Mapping[str, Any]) -> Pair | None:
        held = row.get(self.spec.field)
        subject = self._subject(row)
        if held is None or subject is None or not is_period(self.spec.every, str(held)):
            return None
        return str(held), subject

    def _subject(self, row: Mapping[str, Any]) -> int | None:
        by = self.spec.by
        if by.register:
            return row.get(by.field)
        if not by.field:
            unit = row.get("_unit")
            # a new record will belong to the unit it is entered for
            return self.work.unit if unit is None and "_id" not in row else unit
        if self._numbers is None:
            units = self.work.tree.units.values()
            if self._target:
                self._numbers = {u.record: u.id for u in units if u.slug == self._target}
            else:
                self._numbers = {u.code: u.id for u in units}
        return self._numbers.get(row.get(by.field))

    def owner(self, subject: int) -> dict[str, Any]:
        """Return the field that says whose return a record is, filled for one; nothing where
        the unit that enters it says so."""
        by, tree = self.spec.by, self.work.tree
        if by.register:
            return {by.field: subject}
        if not by.field or subject not in tree.units:
            return {}
        unit = tree[subject]
        if not self._target:
            return {by.field: unit.code}
        return {by.field: unit.record} if unit.slug == self._target else {}

    @property
    def by_unit(self) -> bool:
        """Return whether the unit that entered a record says whose return it is."""
        return not self.spec.by.register and not self.spec.by.field

    def touched(self, pairs: Iterable[Pair | None]) -> set[Pair]:
        """Return the returns a change may concern: of the units merged into one, too."""
        found = {pair for pair in pairs if pair is not None}
        if self.by_unit:
            tree = self.work.tree
            for period, subject in list(found):
                if subject in tree.units:
                    found |= {(period, one) for one in tree.own(subject)}
        return found


def as_code(work: Work, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a unit's code as it compares with a register's text."""
    return column if work.tx.dialect.name == "sqlite" else sa.collate(column, "C")


def units_owing(work: Work, spec: Periods, day: datetime.date) -> list[Unit]:
    """Return the units that are valid on ``day`` and owe a return."""
    wanted: set[int] | None = None
    if spec.by.roles:
        post = people.post
        query = sa.select(post.c.unit_id).where(post.c.role.in_(spec.by.roles), valid_on(post, day))
        wanted = set(work.tx.scalars(query))
    return [
        unit
        for unit in work.tree.units.values()
        if unit.is_valid(day)
        and (not spec.by.kinds or unit.kind in spec.by.kinds)
        and (wanted is None or unit.id in wanted)
    ]


def rows_owing(work: Work, spec: Periods) -> sa.ColumnElement[bool]:
    """Return the condition of the rows that owe a return."""
    main = work.published(spec.by.register).tables.main
    parts = [compared(main, condition)[0] for condition in spec.by.where]
    return sa.and_(main.c["_deleted_at"].is_(None), *[p for p in parts if p is not None])


def answering(work: Work, spec: Periods) -> sa.ColumnElement[Any]:
    """Return the unit that answers for a row, as a column of a query over the rows."""
    published = work.published(spec.by.register)
    main, unit = published.tables.main, people.unit
    if not spec.by.unit:
        return main.c["_unit"]
    column, target = main.c[spec.by.unit], published.register[spec.by.unit].reference
    if target:
        match = sa.and_(unit.c.slug == target, unit.c.record == column)
    else:
        match = as_code(work, unit.c.code) == column
    return sa.select(sa.func.min(unit.c.id)).where(match).scalar_subquery()
