"""Who may make a transition on which rows, and who made the ones before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import OWNER, UNIT, Transition
from app.definitions.permissions import ALL
from app.definitions.register import Grant
from app.kinds import load_json
from app.services import access, scoping
from app.services.states import TRANSITION
from app.services.work import Work
from app.storage import models
from app.storage.catalog import Published
from app.storage.rows import chunks

Row = Mapping[str, Any]


def may_make(work: Work, published: Published, way: Transition, row: Row) -> bool:
    """Return whether the actor may make a transition on a row: it is seen, and the transition
    is for a role of theirs, for whom the row is, or for whoever may change it. What the row's own
    unit does is done by roles beside it only where they may change it, or ``rows`` says which."""
    asked = access.of(work, published.slug)
    if asked.everything:
        return True
    if not asked.allows("see", row):
        return False
    if way.anybody:
        return asked.allows("change", row)
    standing = work.standing
    mine = row.get("_owner") is not None and row.get("_owner") == standing.account
    if (OWNER in way.people and mine) or (UNIT in way.people and row["_unit"] in standing.units):
        return True
    if UNIT in way.people and way.rows == (ALL,) and not asked.allows("change", row):
        return False
    return _by_role(work, published, way, row)


def _by_role(work: Work, published: Published, way: Transition, row: Row) -> bool:
    if not work.standing.roles & set(way.roles):
        return False
    key = f"{published.slug}\0{published.revision}\0{way.name}"
    term = work.accesses.get(key)
    if term is None:
        grant = Grant(way.roles, frozenset({"move"}), way.rows, way.by)
        term = scoping.make_term(work, published, work.standing, grant)
        work.accesses[key] = term
    return bool(term.holds(row))


def makers(
    work: Work, slug: str, ids: Sequence[int], names: Iterable[str]
) -> dict[int, set[int | None]]:
    """Return, for each record, the accounts that made the named transitions the last time."""
    wanted, table = set(names), models.history
    last: dict[tuple[int, str], int | None] = {}
    for part in chunks(ids if wanted else ()):
        query = sa.select(table.c.record, table.c.note).where(
            table.c.slug == slug, table.c.record.in_(part), table.c.action == TRANSITION
        )
        for record, note in work.tx.execute(query.order_by(table.c.id)):
            said = load_json(note)
            if said.get("transition") in wanted:
                last[record, said["transition"]] = said.get("by")
    found: dict[int, set[int | None]] = {}
    for (record, _), account in last.items():
        found.setdefault(record, set()).add(account)
    return found
