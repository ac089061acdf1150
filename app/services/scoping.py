"""Scoping: one grant as it reaches one person – whose rows, in SQL and in Python, and which
fields. ``access`` puts the terms together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions import permissions
from app.definitions.register import Condition, Grant
from app.services.comparing import IN_SQL, PLAIN
from app.services.standing import Standing, meant_for, valid_on
from app.services.work import Work
from app.storage import models_people as people
from app.storage.catalog import Published

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Term:
    """One grant as it reaches one person: which rows, and which of their fields."""

    may: frozenset[str]
    where: sa.ColumnElement[bool] | None
    holds: Callable[[Row], bool]
    see: frozenset[str] | None
    change: frozenset[str] | None


def make_term(work: Work, published: Published, standing: Standing, grant: Grant) -> Term:
    """Return a grant as it reaches a person."""
    scope = Scope(work, published, standing, grant)
    where, holds = scope.rows()
    for condition in grant.where:
        where, holds = both((where, holds), compared(published.tables.main, condition))
    if grant.states:
        states = frozenset(grant.states)
        column = published.tables.main.c["_state"]
        flow = published.register.workflow
        begins = flow is not None and flow.initial in states
        reached: sa.ColumnElement[bool] = column.in_(sorted(states))
        # a record that never moved is at the beginning
        test: Asked = (
            reached | column.is_(None) if begins else reached,
            lambda row: begins if row.get("_state") is None else row["_state"] in states,
        )
        where, holds = both((where, holds), test)
    change = grant.change
    if grant.by_source:
        mine = standing.roles & set(grant.roles) | {
            standing.tree[u].code for u in standing.own(grant.roles)
        }
        change = frozenset(f.name for f in published.register.fields if f.source in mine)
    return Term(grant.may, where, holds, grant.see, change)


Asked = tuple[sa.ColumnElement[bool] | None, Callable[[Row], bool]]


def both(one: Asked, other: Asked) -> Asked:
    """Return that two things hold, in SQL and of a row."""
    where = other[0] if one[0] is None else one[0] if other[0] is None else one[0] & other[0]
    return where, lambda row: one[1](row) and other[1](row)


def compared(main: sa.Table, condition: Condition) -> Asked:
    """Return a declared condition; a blank value meets none, as in SQL."""
    column, operator = main.c[condition.field], IN_SQL[condition.operator]
    other = main.c[condition.own] if condition.own else condition.value
    name, own, value = condition.field, condition.own, condition.value
    test = PLAIN[condition.operator]

    def holds(row: Row) -> bool:
        left, right = row.get(name), row.get(own) if own else value
        return left is not None and right is not None and bool(test(left, right))

    return operator(column, other), holds


class Scope:
    """Whose rows a grant reaches, for one person."""

    def __init__(self, work: Work, published: Published, standing: Standing, grant: Grant) -> None:
        self.work, self.published, self.standing, self.grant = work, published, standing, grant
        self.main = published.tables.main
        self._referred: frozenset[int] | None = None

    def rows(self) -> Asked:
        """Return the condition on rows; None in SQL means all."""
        if permissions.ALL in self.grant.rows:
            return None, lambda row: True
        parts = [self.one(name) for name in self.grant.rows]
        where = sa.or_(sa.false(), *[part[0] for part in parts if part[0] is not None])
        tests = tuple(part[1] for part in parts)
        return where, lambda row: any(test(row) for test in tests)

    def one(self, name: str) -> Asked:
        if name == permissions.OWN:
            account = self.standing.account
            owned: sa.ColumnElement[bool] = self.main.c["_owner"] == account
            return owned, lambda row: account is not None and row.get("_owner") == account
        if name == permissions.REFERRED:
            return self.main.c["_id"].in_(self.assigned()), self.is_referred
        if name == permissions.PAIRED:
            return self.paired()
        wide = name == permissions.BELOW
        roles = self.grant.roles
        return self.belongs(self.standing.below(roles) if wide else self.standing.own(roles))

    def belongs(self, units: frozenset[int]) -> Asked:
        """Return that a row belongs to one of ``units``, by the field that says so."""
        by, tree = self.grant.by, self.standing.tree
        if not by:
            return among(self.main.c["_unit"], units)
        register = self.published.register
        target = register.slug if by == permissions.SELF else register[by].reference
        if not target:
            return among(self.main.c[by], frozenset(tree[u].code for u in units))
        records = {tree[u].record for u in units if tree[u].slug == target}
        name = "_id" if by == permissions.SELF else by
        return among(self.main.c[name], frozenset(r for r in records if r is not None))

    def paired(self) -> Asked:
        """Return that a row, or the record ``by`` refers to, is one the person is paired with."""
        by, register = self.grant.by, self.published.register
        itself = by in ("", permissions.SELF)
        target = register.slug if itself else register[by].reference
        name = "_id" if itself else by
        table, standing = people.pairing, self.standing
        mine = meant_for(table, standing.account, standing.units)
        found = sa.select(table.c.record).where(
            table.c.slug == target, mine, valid_on(table, standing.today)
        )
        records = standing.paired.get(target, frozenset())
        return self.main.c[name].in_(found), lambda row: row.get(name) in records

    def assigned(self) -> sa.Select[tuple[int]]:
        table, standing = people.assignment, self.standing
        mine = meant_for(table, standing.account, standing.units)
        return sa.select(table.c.record).where(table.c.slug == self.published.slug, mine)

    def is_referred(self, row: Row) -> bool:
        if self._referred is None:
            self._referred = frozenset(self.work.tx.scalars(self.assigned()))
        return row.get("_id") in self._referred


def among(column: sa.ColumnElement[Any], values: frozenset[Any]) -> Asked:
    """Return that a column holds one of ``values``; of none nothing is one."""
    name = column.key or ""
    if not values:
        return sa.false(), lambda row: False
    if len(values) == 1:
        [only] = values
        return column == only, lambda row: row.get(name) == only
    return column.in_(sorted(values)), lambda row: row.get(name) in values
