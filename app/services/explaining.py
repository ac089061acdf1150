"""Explaining: who may see or do something, and by which grant and post; and why not.

Nothing is decided here. Each grant is compiled as ``access`` compiles it, for the person and
for each post alone, and asked about the row; a property test holds what is told against what
``access`` decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.definitions import permissions
from app.definitions.register import Grant
from app.errors import AppError, NotAllowed, RecordNotFound
from app.services import access, effects, scoping
from app.services.access import Access
from app.services.scoping import Row
from app.services.standing import ADMINISTRATOR, Holding, Standing
from app.services.work import Work
from app.storage import models_people as tables
from app.storage import rows as stored
from app.storage.catalog import Published
from app.storage.models_identity import account


class FieldUnknown(AppError):
    code = "field.unknown"
    status = 404
    text = "There is no field {field} in {register}."


@dataclass(frozen=True, slots=True)
class Reason:
    """A grant that reaches a row (or a register), and the posts through which it does."""

    number: int
    grant: Grant
    holdings: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one person may do to one record, or in a register where no record was asked about."""

    account: int
    login: str
    name: str
    everything: bool
    #: action → what gives it, only what is allowed
    reasons: dict[str, tuple[Reason, ...]]
    hidden: frozenset[str]
    masked: frozenset[str]
    #: fields that may be changed; None for all
    changeable: frozenset[str] | None

    def allows(self, action: str) -> bool:
        return self.everything or bool(self.reasons.get(action))


@dataclass(frozen=True, slots=True)
class Missed:
    """A grant that does not reach: the role is not held, or the row is not among its rows."""

    number: int
    grant: Grant
    held: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """What one person may do in one register: the grants, and numbers of rows."""

    slug: str
    title: str
    everything: bool
    reasons: tuple[Reason, ...]
    counts: dict[str, int]
    hidden: frozenset[str]
    masked: frozenset[str]


def check_may_ask(work: Work, number: int | None = None) -> None:
    """Let those ask who give rights, and everybody about himself. Raises ``NotAllowed``."""
    if number is not None and work.actor.id == number:
        return
    if work.standing.powers & (access.POWERS["grant"] | access.POWERS["administer"]):
        return
    raise NotAllowed(action="grant")


def row_of(work: Work, slug: str, record: int) -> tuple[Published, Row]:
    """Return a record for whoever gives rights, or sees it. Raises ``RecordNotFound``."""
    published = work.published(slug)
    row = stored.get(work.tx, published, record)
    asks = bool(work.standing.powers & access.POWERS["grant"])
    if row is None or not (asks or access.of(work, slug).allows("see", row)):
        raise RecordNotFound(id=record, register=published.register.title)
    return published, row


def of_record(work: Work, slug: str, record: int) -> list[Verdict]:
    """Return everybody who may do something to a record, with what gives it."""
    published, row = row_of(work, slug, record)
    found = [
        verdict(work, published, person, row)
        for person in candidates(work, published)
    ]  # fmt: skip
    return [one for one in found if one.everything or one.reasons]


def candidates(work: Work, published: Published) -> list[tuple[int, str, str]]:
    """Return (id, login, name) of the open accounts with a post whose role a grant names."""
    post, role = tables.post, tables.role
    named = sorted({r for grant in published.register.permissions for r in grant.roles})
    wanted = sa.or_(post.c.role.in_(named), role.c.power == ADMINISTRATOR)
    query = (
        sa.select(account.c.id, account.c.login, account.c.name)
        .select_from(account.join(post, post.c.account_id == account.c.id))
        .join(role, role.c.slug == post.c.role)
        .where(wanted, account.c.disabled_at.is_(None))
        .distinct()
        .order_by(account.c.name, account.c.id)
    )
    return [(row[0], row[1], row[2]) for row in work.tx.execute(query)]


def person(work: Work, number: int) -> tuple[int, str, str]:
    """Return (id, login, name) of an account. Raises ``NoSuchPerson``."""
    query = sa.select(account.c.id, account.c.login, account.c.name).where(account.c.id == number)
    row = work.tx.execute(query).one_or_none() if 0 < number < 2**63 else None
    if row is None:
        raise NoSuchPerson(account=number)
    return row[0], row[1], row[2]


class NoSuchPerson(AppError):
    code = "account.no_such_person"
    status = 404
    text = "There is no account with the number {account}."


def standing_of(work: Work, number: int) -> Standing:
    return work.directory.standing(work.tx, work.snapshot.people, number, work.today)


def verdict(
    work: Work, published: Published, who: tuple[int, str, str], row: Row | None
) -> Verdict:
    """Return what a person may do to a row, or in the register at all, and by what."""
    standing = standing_of(work, who[0])
    asked = access.make_access(work, published, standing)
    reasons = reached(work, published, standing, row)
    by_action = {
        action: tuple(r for r in reasons if action in r.grant.may)
        for action in permissions.MAY
    }  # fmt: skip
    return Verdict(
        *who, standing.everything, {a: found for a, found in by_action.items() if found},
        asked.never_shown() if row is None else asked.hidden(row),
        asked.private if row is None else asked.masked(row),
        changeable(asked, row),
    )  # fmt: skip


def changeable(asked: Access, row: Row | None) -> frozenset[str] | None:
    """Return the fields that may be changed: none where nothing may."""
    allowed = asked.can("change") if row is None else asked.allows("change", row)
    return asked.changeable("change", row) if allowed else frozenset()


def reached(
    work: Work, published: Published, standing: Standing, row: Row | None
) -> tuple[Reason, ...]:
    """Return the grants that reach a row through somebody's posts; all held where no row is."""
    found = []
    for number, grant in enumerate(published.register.permissions):
        if not standing.roles & set(grant.roles):
            continue
        term = scoping.make_term(work, published, standing, grant)
        if row is not None and not term.holds(row):
            continue
        held = tuple(through(work, published, standing, grant, row))
        found.append(Reason(number, grant, held))
    return tuple(found)


def through(
    work: Work, published: Published, standing: Standing, grant: Grant, row: Row | None
) -> Iterable[Holding]:
    """Yield the posts that give a grant: those with its role whose unit reaches the row."""
    for holding in standing.holdings:
        if holding.role in grant.roles:
            alone = replace(standing, holdings=(holding,))
            if row is None or scoping.make_term(work, published, alone, grant).holds(row):
                yield holding


def missed(
    work: Work, slug: str, number: int, record: int, actions: Iterable[str]
) -> dict[str, list[Missed]]:
    """Return for each action the grants that do not reach, for the answer to "why not"."""
    published, row = row_of(work, slug, record)
    standing = standing_of(work, number)
    got = {reason.number for reason in reached(work, published, standing, row)}
    left = [
        Missed(n, grant, bool(standing.roles & set(grant.roles)))
        for n, grant in enumerate(published.register.permissions)
        if n not in got
    ]
    return {
        action: [one for one in left if access.GRANTED[action] in one.grant.may]
        for action in actions
    }


def one(work: Work, slug: str, number: int, record: int | None = None, field: str = "") -> Verdict:
    """Return what one person may do in a register, or to a record.

    Raises ``FieldUnknown``, ``RecordNotFound``, ``NoSuchPerson``.
    """
    published = work.published(slug)
    if field and field not in published.register:
        raise FieldUnknown(field=field[:60], register=published.register.title)
    row = None if record is None else row_of(work, slug, record)[1]
    return verdict(work, published, person(work, number), row)


def of_person(work: Work, number: int) -> list[Scope]:
    """Return what a person may do today, register by register."""
    check_may_ask(work, number)
    standing = standing_of(work, number)
    found = []
    for slug in work.snapshot.entries:
        published = work.published(slug)
        asked = access.make_access(work, published, standing)
        counts = effects.count_register(work, published, asked)
        if counts:
            reasons = reached(work, published, standing, None)
            masked = frozenset() if asked.can("whole") else asked.private
            found.append(
                Scope(
                    slug,
                    published.register.title,
                    standing.everything,
                    reasons,
                    counts,
                    asked.never_shown(),
                    masked,
                )  # fmt: skip
            )
    return found
