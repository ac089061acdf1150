"""Access: who may do what, decided in one place.

A definition's grants, as far as somebody's roles reach, are compiled into terms. A term is
asked two ways: as a condition in SQL, for everything that reads many rows, and of one stored
row in Python. A property test holds the two against each other. Every service asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.definitions import permissions
from app.definitions.register import Condition, Field, Grant, Register
from app.errors import NotAllowed, RecordNotFound
from app.services.standing import ADMINISTRATOR, AUDIT, SECURITY, SYSTEM, Standing, valid_on
from app.services.surroundings import OPERATORS
from app.services.work import Work
from app.storage import models_people as people
from app.storage.catalog import Published

#: what is done to the platform itself → the powers that may
POWERS: Mapping[str, frozenset[str]] = {
    "administer": frozenset({ADMINISTRATOR, SYSTEM}),
    "publish": frozenset({ADMINISTRATOR, SYSTEM}),
    "grant": frozenset({ADMINISTRATOR, SECURITY}),
    "audit": frozenset({ADMINISTRATOR, AUDIT}),
}
#: what is done in a register → what a grant must allow
GRANTED: Mapping[str, str] = {
    "restore": "delete",
    "upload": "change",
    **{name: name for name in permissions.MAY},
}
ACTIONS = frozenset({*POWERS, *GRANTED})

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Term:
    """One grant as it reaches one person: which rows, and which of their fields."""

    may: frozenset[str]
    where: sa.ColumnElement[bool] | None
    holds: Callable[[Row], bool]
    see: frozenset[str] | None
    change: frozenset[str] | None


@dataclass(slots=True)
class Access:
    """What one person may do in one register, as of one reading."""

    register: Register
    everything: bool
    terms: tuple[Term, ...] = ()
    private: frozenset[str] = frozenset()
    #: whether every row that is seen shows every field whole
    plain: bool = True
    #: fields that must be read to tell what of a row is concealed
    reads: frozenset[str] = frozenset()
    _rows: dict[str, Any] = field(default_factory=dict)

    def can(self, action: str) -> bool:
        """Return whether it may be done to some row, or at all."""
        wanted = GRANTED[action]
        return self.everything or any(wanted in term.may for term in self.terms)

    def rows(self, action: str) -> sa.ColumnElement[bool] | None:
        """Return the condition of the rows to which it may be done; None for all of them."""
        if self.everything:
            return None
        if action not in self._rows:
            self._rows[action] = either(t for t in self.terms if GRANTED[action] in t.may)
        found: sa.ColumnElement[bool] | None = self._rows[action]
        return found

    def allows(self, action: str, row: Row) -> bool:
        """Return whether it may be done to one stored row."""
        wanted = GRANTED[action]
        return self.everything or any(wanted in t.may and t.holds(row) for t in self.terms)

    def hidden(self, row: Row) -> frozenset[str]:
        """Return the fields of a row that are not shown."""
        if self.everything or self.plain:
            return frozenset()
        seen: set[str] = set()
        for term in self.terms:
            if "see" in term.may and (term.see is None or not term.see <= seen):
                if not term.holds(row):
                    continue
                if term.see is None:
                    return frozenset()
                seen |= term.see
        return frozenset(self.register.names) - seen

    def masked(self, row: Row) -> frozenset[str]:
        """Return the private fields of a row that are shown masked."""
        if self.everything or not self.private or self.allows("whole", row):
            return frozenset()
        return self.private

    def shown_where(self, name: str) -> sa.ColumnElement[bool] | None:
        """Return the condition of the rows that show a field, whole; None for all that are seen."""
        if self.everything:
            return None
        action = "whole" if name in self.private else "see"
        terms = [t for t in self.terms if "see" in t.may]
        if all(action in t.may and (t.see is None or name in t.see) for t in terms):
            return None
        return either(t for t in terms if action in t.may and (t.see is None or name in t.see))

    def ever_shows(self, name: str, *, whole: bool = False) -> bool:
        """Return whether there may be a row that shows the field (``whole``: unmasked)."""
        action = "whole" if whole and name in self.private else "see"
        return self.everything or any(
            action in t.may and (t.see is None or name in t.see) for t in self.terms
        )

    def changeable(self, action: str, row: Row | None) -> frozenset[str] | None:
        """Return the fields that may be filled in (of a new record: ``row`` None); None for all."""
        if self.everything:
            return None
        found: set[str] = set()
        for term in self.terms:
            if action in term.may and (row is None or term.holds(row)):
                if term.change is None and term.see is None:
                    return None
                every = frozenset(self.register.names)
                found |= (term.change if term.change is not None else every) & (
                    term.see if term.see is not None else every
                )
        return frozenset(found)


def either(terms: Iterable[Term]) -> sa.ColumnElement[bool] | None:
    """Return the condition that one of ``terms`` holds; None when one holds everywhere."""
    found = list(terms)
    if any(term.where is None for term in found):
        return None
    return sa.or_(sa.false(), *[term.where for term in found if term.where is not None])


def of(work: Work, slug: str) -> Access:
    """Return what the actor may do in a register. Raises ``RegisterNotFound``."""
    kept: Access | None = work.accesses.get(slug)
    published = work.published(slug)
    if kept is None or kept.register is not published.register:
        kept = work.accesses[slug] = make_access(work, published, work.standing)
    return kept


def make_access(work: Work, published: Published, standing: Standing) -> Access:
    """Compile the grants of a register for one person."""
    register = published.register
    if standing.everything:
        return Access(register, True)
    terms = tuple(
        make_term(work, published, standing, grant)
        for grant in register.permissions
        if standing.roles & set(grant.roles)
    )
    private = frozenset(
        f.name for f in register.fields if f.private or any(c.private for c in f.columns)
    )
    seeing = [t for t in terms if "see" in t.may]
    plain = all(t.see is None for t in seeing)
    reads: set[str] = set()
    if private or not plain:
        for grant in register.permissions:
            reads |= {grant.by, *(n for c in grant.where for n in (c.field, c.own))}
    return Access(register, False, terms, private, plain, frozenset(reads & set(register.names)))


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
        change = frozenset(f.name for f in register_fields(published) if f.source in mine)
    return Term(grant.may, where, holds, grant.see, change)


def register_fields(published: Published) -> tuple[Field, ...]:
    return published.register.fields


Asked = tuple[sa.ColumnElement[bool] | None, Callable[[Row], bool]]


def both(one: Asked, other: Asked) -> Asked:
    """Return that two things hold, in SQL and of a row."""
    where = other[0] if one[0] is None else one[0] if other[0] is None else one[0] & other[0]
    return where, lambda row: one[1](row) and other[1](row)


def compared(main: sa.Table, condition: Condition) -> Asked:
    """Return a declared condition; a blank value meets none, as in SQL."""
    column, operator = main.c[condition.field], OPERATORS[condition.operator]
    other = main.c[condition.own] if condition.own else condition.value
    name, own, value = condition.field, condition.own, condition.value
    test = PLAIN[condition.operator]

    def holds(row: Row) -> bool:
        left, right = row.get(name), row.get(own) if own else value
        return left is not None and right is not None and bool(test(left, right))

    return operator(column, other), holds


PLAIN: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
}


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
        mine = sa.or_(
            table.c.account_id == standing.account, table.c.unit_id.in_(sorted(standing.units))
        )
        found = sa.select(table.c.record).where(
            table.c.slug == target, mine, valid_on(table, standing.today)
        )
        records = standing.paired.get(target, frozenset())
        return self.main.c[name].in_(found), lambda row: row.get(name) in records

    def assigned(self) -> sa.Select[tuple[int]]:
        table, standing = people.assignment, self.standing
        mine = sa.or_(
            table.c.account_id == standing.account, table.c.unit_id.in_(sorted(standing.units))
        )
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


# ── asking, with a refusal


def require(work: Work, action: str, slug: str = "") -> None:
    """Raise ``NotAllowed`` unless the actor may do ``action``: to the platform, or to some row
    of the register ``slug``. To publish a register, its definition may allow as well."""
    if action not in ACTIONS:
        raise ValueError(action)
    standing = work.standing
    if action in POWERS and standing.powers & POWERS[action]:
        return
    if slug and action in GRANTED and of(work, slug).can(action):
        return
    if standing.everything:
        return
    raise NotAllowed(action=action)


def may(work: Work, action: str) -> bool:
    """Return whether the actor may do something to the platform itself."""
    return work.standing.everything or bool(work.standing.powers & POWERS[action])


def require_row(work: Work, published: Published, action: str, row: Row) -> None:
    """Raise ``RecordNotFound`` for a row that may not be seen, ``NotAllowed`` for one that may
    be seen but not be treated so."""
    access = of(work, published.slug)
    if access.allows(action, row):
        return
    if action == "see" or not access.allows("see", row):
        raise RecordNotFound(id=row["_id"], register=published.register.title)
    raise NotAllowed(action=action)


def seen(work: Work, published: Published) -> sa.ColumnElement[bool] | None:
    """Return the condition of the rows the actor may see; None for all."""
    return of(work, published.slug).rows("see")
