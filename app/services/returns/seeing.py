"""Seeing: whose returns somebody sees, and what they may do to one."""

from __future__ import annotations

import sqlalchemy as sa

from app.definitions import permissions
from app.services import access
from app.services.returns.facts import (
    COLUMNS,
    Return,
    ReturnNotFound,
    as_return,
    calendar_of,
    due,
    of_register,
)
from app.services.work import Work
from app.storage.catalog import Published


def sees_all(work: Work, slug: str) -> bool:
    """Return whether somebody sees every return: who reviews, or sees every record."""
    allowed = access.of(work, slug)
    return (
        allowed.everything
        or allowed.can("review")
        or (allowed.can("see") and allowed.rows("see") is None)
    )


def units_of(work: Work, published: Published) -> frozenset[int]:
    """Return the units for whose returns somebody answers, as far as the grants reach."""
    standing = work.standing
    found: set[int] = set()
    for grant in published.register.permissions:
        if standing.roles & set(grant.roles):
            below = permissions.BELOW in grant.rows
            found |= standing.below(grant.roles) if below else standing.own(grant.roles)
    return frozenset(found)


def owned(work: Work, published: Published) -> sa.ColumnElement[bool]:
    """Return the condition of the returns that somebody answers for: of their units, and about
    the rows their units stand for."""
    units = units_of(work, published)
    by = calendar_of(published).by
    parts = [due.c.unit_id.in_(sorted(units))]
    if by.register:
        tree = work.standing.tree
        rows = {tree[u].record for u in units if tree[u].slug == by.register}
        parts.append(due.c.subject.in_(sorted(row for row in rows if row is not None)))
    else:
        parts.append(due.c.subject.in_(sorted(units)))
    return sa.or_(*parts)


def visible(work: Work, published: Published) -> sa.ColumnElement[bool]:
    """Return the condition of the returns of a register that somebody sees."""
    access.require(work, "see", published.slug)
    mine = of_register(published)
    if sees_all(work, published.slug):
        return mine
    return sa.and_(mine, owned(work, published))


def get(work: Work, slug: str, number: int) -> Return:
    """Return one return. Raises ``ReturnNotFound``, also for one that is not for this person."""
    published = work.published(slug)
    query = sa.select(*COLUMNS).where(visible(work, published), due.c.id == number)
    row = work.tx.execute(query).one_or_none() if 0 < number < 2**63 else None
    if row is None:
        raise ReturnNotFound(id=number, register=published.register.title)
    return as_return(row)


def may_fill(work: Work, published: Published, found: Return) -> bool:
    """Return whether somebody answers for a return: may enter records, and it is theirs."""
    allowed = access.of(work, published.slug)
    if allowed.everything:
        return True
    if not allowed.can("create"):
        return False
    where = sa.and_(owned(work, published), due.c.id == found.id)
    return work.tx.scalar(sa.select(due.c.id).where(where)) is not None


def may_review(work: Work, slug: str) -> bool:
    return access.of(work, slug).can("review")
