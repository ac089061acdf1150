"""Audience: who of the office may see a record – whom one may mention, order, hand a task to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.services import access
from app.services.standing import Standing, valid_on
from app.services.work import Work
from app.storage import models_people as people
from app.storage.catalog import Published
from app.storage.models_identity import account as accounts

#: names that are looked through for one search
LOOKED = 400


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a unit that may be written to."""

    account: int | None
    unit: int | None
    name: str
    #: what tells people of one name apart: their units
    note: str = ""

    @property
    def word(self) -> str:
        """Return the party as a form sends it: ``a:5`` or ``u:12``."""
        return f"a:{self.account}" if self.account is not None else f"u:{self.unit}"


def standing_of(work: Work, account: int) -> Standing:
    """Return what somebody else holds today."""
    if account == work.actor.id:
        return work.standing
    return work.directory.standing(work.tx, work.snapshot.people, account, work.today)


def may_see(work: Work, published: Published, row: Mapping[str, Any], account: int) -> bool:
    """Return whether somebody else may see a stored record."""
    asked = access.make_access(work, published, standing_of(work, account))
    return asked.allows("see", row)


def seeing(
    work: Work, published: Published, row: Mapping[str, Any], found: Iterable[int]
) -> list[int]:
    """Return those of the accounts ``found`` that may see a record, each once."""
    active = set(found)
    query = sa.select(accounts.c.id).where(
        accounts.c.id.in_(sorted(active)), accounts.c.disabled_at.is_(None)
    )
    return [n for n in sorted(work.tx.scalars(query)) if may_see(work, published, row, n)]


def members(work: Work, unit: int) -> list[int]:
    """Return the accounts that hold a post in a unit today."""
    table = people.post
    query = sa.select(table.c.account_id).where(
        table.c.unit_id.in_(sorted(work.tree.own(unit))), valid_on(table, work.today)
    )
    return sorted(set(work.tx.scalars(query)))


def persons(
    work: Work, published: Published, row: Mapping[str, Any], text: str, most: int
) -> list[Party]:
    """Return people who may see a record and whose name or login holds ``text``."""
    query = (
        sa.select(accounts.c.id, accounts.c.name)
        .where(accounts.c.disabled_at.is_(None), matches(text, accounts.c.name, accounts.c.login))
        .order_by(accounts.c.name, accounts.c.id)
        .limit(LOOKED)
    )
    found: list[Party] = []
    for number, name in work.tx.execute(query).all():
        if len(found) >= most:
            break
        if may_see(work, published, row, number):
            held = standing_of(work, number).holdings
            titles = dict.fromkeys(work.tree.title(h.unit) for h in held)
            found.append(Party(number, None, name, "、".join(titles)))
    return found


def units(
    work: Work, published: Published, row: Mapping[str, Any], text: str, most: int
) -> list[Party]:
    """Return units of today whose name holds ``text`` and somebody of which may see a record."""
    wanted = text.strip().casefold()
    found: list[Party] = []
    for unit in work.tree.units.values():
        if len(found) >= most:
            break
        if wanted not in unit.title.casefold() or not unit.is_valid(work.today):
            continue
        if seeing(work, published, row, members(work, unit.id)):
            found.append(Party(None, unit.id, unit.title))
    return found


def matches(text: str, *columns: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds ``text`` somewhere."""
    wanted = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return sa.or_(*[column.ilike(f"%{wanted}%", escape="\\") for column in columns])


def named(work: Work, found: Iterable[int]) -> dict[int, str]:
    """Return the names of accounts."""
    query = sa.select(accounts.c.id, accounts.c.name).where(accounts.c.id.in_(sorted(set(found))))
    return {number: name for number, name in work.tx.execute(query)}


def parties(words: Iterable[str]) -> Iterator[Party]:
    """Give the parties that a form names (``a:5``, ``u:12``), each once; others are left out."""
    for word in dict.fromkeys(words):
        kind, _colon, number = word.partition(":")
        if kind in ("a", "u") and number.isascii() and number.isdigit() and len(number) < 19:
            yield Party(int(number), None, "") if kind == "a" else Party(None, int(number), "")
