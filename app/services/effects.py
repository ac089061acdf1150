"""Effects: what a change of posts, roles, units or pairings means for those it reaches (``reach``),
before and after, in numbers.

The change is done inside a savepoint, the standing before and after are compiled by ``access``
as for every page, and what is different is counted. Nothing stays of it but the difference.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from app.definitions import permissions
from app.errors import AppError
from app.kinds import dump_json
from app.services import access
from app.services.access import Access
from app.services.standing import Standing, read_standing
from app.services.tree import read_tree
from app.services.work import Work
from app.storage.catalog import Published
from app.storage.models_identity import account

#: beside the actions of a grant: how many fields are shown
FIELDS = "fields"
#: what is counted in rows; the others are allowed or not
COUNTED = (*permissions.ON_ROWS, FIELDS)
#: accounts whose difference is shown; the others are counted
MOST = 30


class EffectMoved(AppError):
    """The difference is not the one that was shown: it is shown again before anything is done."""

    code = "effect.moved"
    status = 409
    text = "What this changes is different from what was shown. Read it again, then confirm."

    def __init__(self, effect: Effect) -> None:
        self.effect = effect
        super().__init__()


@dataclass(frozen=True, slots=True)
class Line:
    """One difference. ``slug`` is empty for a power over the platform."""

    account: int
    name: str
    slug: str
    title: str
    action: str
    before: int
    after: int

    @property
    def counted(self) -> bool:
        return self.action in COUNTED


@dataclass(frozen=True, slots=True)
class Effect:
    """All differences of a change as of a day, and the digest that says they were shown."""

    day: datetime.date
    people: int
    lines: tuple[Line, ...]
    digest: str
    facts: tuple[tuple[str, str], ...] = ()


#: (register or "", action) → number
Counts = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Change:
    """Something to be done, the accounts whose access it can touch, the day it takes effect, and
    what else is said of it beforehand: title and text."""

    reached: Collection[int]
    day: datetime.date
    act: Callable[[], object]
    facts: tuple[tuple[str, str], ...] = ()


def preview(work: Work, change: Change) -> Effect:
    """Return what a change means for the accounts it reaches, and take it back.

    Raises what the change raises.
    """
    with work.trial():
        return carried(work, change)


def carry_out(work: Work, change: Change, shown: str) -> Effect:
    """Do a change if it means what was shown. Raises ``EffectMoved``: let it be rolled back."""
    effect = carried(work, change)
    if effect.digest != shown:
        raise EffectMoved(effect)
    return effect


def carried(work: Work, change: Change) -> Effect:
    """Do a change and return its difference as of its day, or today where that has passed."""
    day = max(change.day, work.today)
    numbers = sorted(set(change.reached))
    before = measured(work, numbers[:MOST], day)
    change.act()
    after = measured(work, numbers[:MOST], day)
    query = sa.select(account.c.id, account.c.name).where(account.c.id.in_(numbers))
    names = {row.id: row.name for row in work.tx.execute(query)}
    lines = tuple(
        Line(
            number, names.get(number, ""), slug, work.register(slug).title if slug else "", action,
            before[number].get((slug, action), 0), after[number].get((slug, action), 0),
        )
        for number in numbers[:MOST]
        for slug, action in merged(before[number], after[number])
        if before[number].get((slug, action), 0) != after[number].get((slug, action), 0)
    )  # fmt: skip
    said = [
        day.isoformat(),
        numbers,
        change.facts,
        [(x.account, x.slug, x.action, x.before, x.after) for x in lines],
    ]
    digest = hashlib.sha256(dump_json(said).encode()).hexdigest()
    return Effect(day, len(numbers), lines, digest, change.facts)


def merged(before: Counts, after: Counts) -> list[tuple[str, str]]:
    return list(dict.fromkeys([*before, *after]))


def measured(work: Work, numbers: Iterable[int], day: datetime.date) -> dict[int, Counts]:
    """Return what accounts may do on a day, everything read anew."""
    tree = read_tree(work.tx, day)
    return {n: counts(work, read_standing(work.tx, tree, n, day)) for n in numbers}


def counts(work: Work, standing: Standing) -> dict[tuple[str, str], int]:
    """Return what somebody may do, as numbers of rows; 1 for what is allowed at all."""
    found = {
        ("", action): 1 for action, powers in access.POWERS.items() if standing.powers & powers
    }
    for slug in work.snapshot.entries:
        published = work.published(slug)
        asked = access.make_access(work, published, standing)
        for action, number in count_register(work, published, asked).items():
            found[slug, action] = number
    return found


def count_register(work: Work, published: Published, asked: Access) -> dict[str, int]:
    """Return action → number of rows it may be done to, of one register."""
    found: dict[str, int] = {}
    counted: dict[tuple[int, ...], int] = {}
    for action in permissions.MAY:
        if not asked.can(action):
            continue
        if action in permissions.ON_ALL:
            found[action] = 1
            continue
        which = tuple(n for n, term in enumerate(asked.terms) if action in term.may)
        if which not in counted:
            counted[which] = count_rows(work, published, asked.rows(action))
        found[action] = counted[which]
    if asked.can("see"):
        names = published.register.names
        found[FIELDS] = len(names) - len(asked.never_shown())
    return found


def count_rows(work: Work, published: Published, where: sa.ColumnElement[bool] | None) -> int:
    main = published.tables.main
    query = sa.select(sa.func.count()).select_from(main).where(main.c["_deleted_at"].is_(None))
    return work.tx.scalar(query if where is None else query.where(where)) or 0
