"""Access: who may do what, decided in one place.

A definition's grants, as far as somebody's roles reach, are compiled into terms. A term is
asked two ways: as a condition in SQL, for everything that reads many rows, and of one stored
row in Python. A property test holds the two against each other. Every service asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.definitions import permissions
from app.definitions.register import Register
from app.errors import NotAllowed, RecordNotFound
from app.services.scoping import Row, Term, make_term
from app.services.standing import ADMINISTRATOR, AUDIT, SECURITY, SYSTEM, Standing
from app.services.work import Work
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

    def never_shown(self) -> frozenset[str]:
        """Return the fields that no row shows."""
        return frozenset(name for name in self.register.names if not self.ever_shows(name))

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
