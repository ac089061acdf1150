"""Reach: whose access a change of roles, units or pairings can touch, before it is done."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from app.services.standing import valid_on
from app.services.tree import Tree, read_tree
from app.services.work import Work
from app.storage import models_people as tables


def holding(work: Work, role: str) -> list[int]:
    """Return the accounts that hold a role today."""
    return _with_posts(work, work.today, tables.post.c.role == role)


def powerful(work: Work) -> list[int]:
    """Return the accounts that hold a power over the platform today."""
    role = tables.role
    powers = sa.select(role.c.slug).where(role.c.power != "")
    return _with_posts(work, work.today, tables.post.c.role.in_(powers))


def acting_for(work: Work, unit: int, day: datetime.date) -> list[int]:
    """Return the accounts that act on a day for the unit that answers for ``unit``."""
    tree = read_tree(work.tx, day)
    if unit not in tree.units:
        return []
    units = sorted(tree.own(tree.heir(unit)))
    return _with_posts(work, day, tables.post.c.unit_id.in_(units))


def reorganised(work: Work, day: datetime.date, change: Callable[[], object]) -> list[int]:
    """Return the accounts with a post in a unit that stands otherwise on ``day`` after ``change``:
    it answers for other units, has others below it, or stands for another record. The change is
    taken back. Raises what ``change`` raises.
    """
    day = max(day, work.today)
    before = read_tree(work.tx, day)
    with work.trial():
        change()
        after = read_tree(work.tx, day)
    # of a unit that is founded by the change nobody holds a post yet
    moved = sorted(u for u in before.units if outlook(before, u) != outlook(after, u))
    return _with_posts(work, day, tables.post.c.unit_id.in_(moved))


def outlook(tree: Tree, unit: int) -> tuple[Any, ...]:
    """Return all of the tree that a post in a unit is read by."""
    heir = tree.heir(unit)
    below = {(u, tree[u].code, tree[u].slug, tree[u].record) for u in tree.below(heir)}
    return heir, tree[heir].is_valid(tree.day), tree.own(heir), below


def _with_posts(work: Work, day: datetime.date, where: sa.ColumnElement[bool]) -> list[int]:
    post = tables.post
    query = sa.select(post.c.account_id).where(valid_on(post, day), where).distinct()
    return sorted(work.tx.scalars(query))
