"""Standing: who somebody is in the office today – posts, units, powers – made once a change.

The tree of units and what each account holds are kept in the process as long as one number
in the database stands still; it grows with every change of units, posts, roles, pairings and
settings. Reading them costs nothing then.
"""

from __future__ import annotations

import datetime
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.kinds import dump_json, load_json
from app.services.tree import Tree, Unit, read_tree
from app.storage import models_people as people
from app.storage.models_identity import account as accounts

__all__ = [
    "ADMINISTRATOR",
    "AUDIT",
    "EVERYTHING",
    "NOBODY",
    "POWERS",
    "SECURITY",
    "SYSTEM",
    "THREE_POWERS",
    "Directory",
    "Holding",
    "Standing",
    "Tree",
    "Unit",
    "meant_for",
    "read_setting",
    "store_setting",
    "read_standing",
    "read_tree",
    "valid_on",
]

#: powers over the platform itself, held through a role
ADMINISTRATOR, SYSTEM, SECURITY, AUDIT = "administrator", "system", "security", "audit"
POWERS = (ADMINISTRATOR, SYSTEM, SECURITY, AUDIT)
#: the setting that keeps the three powers apart and takes the administrator's away
THREE_POWERS = "three_powers"
#: how many accounts' standings a process keeps
KEPT = 2000


@dataclass(frozen=True, slots=True)
class Holding:
    """A role held in a unit today; ``deputy_for`` names the person stood in for."""

    role: str
    unit: int
    post: int
    deputy_for: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What somebody holds. ``everything``: every register, row and field (the command line,
    the seed, and the administrator as long as the three powers are not kept apart)."""

    account: int | None = None
    everything: bool = False
    holdings: tuple[Holding, ...] = ()
    powers: frozenset[str] = frozenset()
    tree: Tree = field(default_factory=Tree)
    today: datetime.date = datetime.date.min
    #: register → records the person, or a unit of theirs, is paired with today
    paired: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(held.role for held in self.holdings)

    @property
    def units(self) -> frozenset[int]:
        """Return the units the person acts for, with what was merged into them."""
        return frozenset(u for held in self.holdings for u in self.tree.own(held.unit))

    def own(self, roles: Iterable[str]) -> frozenset[int]:
        """Return the units in which one of ``roles`` is held."""
        wanted = set(roles)
        return frozenset(
            u for held in self.holdings if held.role in wanted for u in self.tree.own(held.unit)
        )

    def below(self, roles: Iterable[str]) -> frozenset[int]:
        """Return those units and all units below them."""
        wanted = set(roles)
        return frozenset(
            u for held in self.holdings if held.role in wanted for u in self.tree.below(held.unit)
        )

    @property
    def home(self) -> int | None:
        """Return the unit the person acts for unless another is chosen."""
        return self.holdings[0].unit if self.holdings else None


NOBODY = Standing()
EVERYTHING = Standing(everything=True, powers=frozenset(POWERS))


class Directory:
    """The tree of units and the standings of this process."""

    def __init__(self) -> None:
        self._tree: tuple[tuple[int, datetime.date], Tree] | None = None
        self._kept: OrderedDict[tuple[int, int, datetime.date], Standing] = OrderedDict()
        self._lock = threading.Lock()

    def tree(self, tx: sa.Connection, stamp: int, today: datetime.date) -> Tree:
        """Return the units as of ``stamp``, as they stand ``today``."""
        held = self._tree
        if held is None or held[0] != (stamp, today):
            held = self._tree = ((stamp, today), read_tree(tx, today))
        return held[1]

    def standing(
        self, tx: sa.Connection, stamp: int, account: int, today: datetime.date
    ) -> Standing:
        """Return what an account holds ``today``, from what is kept or from its posts."""
        key = (account, stamp, today)
        kept = self._kept.get(key)
        if kept is None:
            kept = read_standing(tx, self.tree(tx, stamp, today), account, today)
            with self._lock:
                self._kept[key] = kept
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return kept


def read_standing(tx: sa.Connection, tree: Tree, account: int, today: datetime.date) -> Standing:
    """Read what an account holds on a day."""
    holdings = read_holdings(tx, tree, account, today)
    roles = {held.role for held in holdings}
    table = people.role
    query = sa.select(table.c.power).where(table.c.slug.in_(sorted(roles)), table.c.power != "")
    powers = set(tx.scalars(query))
    if read_setting(tx, THREE_POWERS):
        powers.discard(ADMINISTRATOR)
    return Standing(
        account,
        ADMINISTRATOR in powers,
        holdings,
        frozenset(powers),
        tree,
        today,
        read_pairings(tx, tree, account, holdings, today),
    )


def valid_on(table: sa.FromClause, day: datetime.date) -> sa.ColumnElement[bool]:
    """Return the condition that a row with dates is in force on a day."""
    until = table.c.valid_until
    return sa.and_(table.c.valid_from <= day, sa.or_(until.is_(None), until > day))


def meant_for(
    table: sa.FromClause, account: int | None, units: Iterable[int]
) -> sa.ColumnElement[bool]:
    """Return the condition that a row is about an account or one of its units."""
    return sa.or_(table.c.account_id == account, table.c.unit_id.in_(sorted(units)))


def read_holdings(
    tx: sa.Connection, tree: Tree, account: int, today: datetime.date
) -> tuple[Holding, ...]:
    """Read the posts in force, the own ones first; a deputy's while the other's is in force.

    A post in a unit that is no more is held in the unit that answers for it now; in a unit
    that ended without one it is held no longer.
    """
    mine, other = people.post.alias("mine"), people.post.alias("other")
    stood = sa.or_(
        mine.c.deputy_of.is_(None), sa.and_(other.c.id.is_not(None), valid_on(other, today))
    )
    query = (
        sa.select(
            sa.func.coalesce(other.c.role, mine.c.role),
            sa.func.coalesce(other.c.unit_id, mine.c.unit_id),
            mine.c.id,
            sa.func.coalesce(accounts.c.name, ""),
        )
        .select_from(
            mine.outerjoin(other, mine.c.deputy_of == other.c.id).outerjoin(
                accounts, accounts.c.id == other.c.account_id
            )
        )
        .where(mine.c.account_id == account, valid_on(mine, today), stood)
        .order_by(mine.c.deputy_of.is_not(None), mine.c.id)
    )
    found = []
    for role, unit, post, name in tx.execute(query):
        answering = tree.heir(unit) if unit in tree.units else unit
        if answering in tree.units and tree[answering].is_valid(today):
            found.append(Holding(role, answering, post, name))
    return tuple(found)


def read_pairings(
    tx: sa.Connection,
    tree: Tree,
    account: int,
    holdings: Iterable[Holding],
    today: datetime.date,
) -> dict[str, frozenset[int]]:
    """Read the records an account or its units are paired with."""
    table = people.pairing
    units = {u for held in holdings for u in tree.own(held.unit)}
    mine = meant_for(table, account, units)
    query = sa.select(table.c.slug, table.c.record).where(mine, valid_on(table, today))
    found: dict[str, set[int]] = {}
    for slug, record in tx.execute(query):
        found.setdefault(slug, set()).add(record)
    return {slug: frozenset(records) for slug, records in found.items()}


def read_setting(tx: sa.Connection, name: str) -> object:
    """Return what administrators decided under ``name``; None where nothing was."""
    table = people.setting
    text = tx.scalar(sa.select(table.c.value).where(table.c.name == name))
    return None if text is None else load_json(text)


def store_setting(
    tx: sa.Connection, name: str, value: object, at: datetime.datetime, by: str
) -> None:
    """Keep a setting, with who decided it and when. Whoever calls says so in the audit log."""
    table = people.setting
    row = {"value": dump_json(value), "changed_at": at, "changed_by": by}
    if not tx.execute(table.update().where(table.c.name == name).values(row)).rowcount:
        tx.execute(table.insert(), {"name": name, **row})
