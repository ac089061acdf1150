"""Changing: what becomes of returns when their register's calendar changes."""

from __future__ import annotations

import sqlalchemy as sa

from app.definitions.register import Register
from app.services.returns.facts import WAITING, due, of_register
from app.services.work import Work
from app.storage.catalog import Published


def left_open(work: Work, old: Published, register: Register) -> int:
    """Return how many returns are waited for that a new revision would not ask for any more:
    its periods are others, or others owe them. They stay as they are."""
    before, after = old.register.period, register.period
    if before is None:
        return 0
    if after is not None and (before.every, before.by.register) == (after.every, after.by.register):
        return 0
    query = sa.select(sa.func.count()).where(of_register(old), due.c.state.in_(WAITING))
    return work.tx.scalar(query) or 0
