"""Three powers apart (三员分立): system, security and audit administrator are three people.

The rule. Two of the three powers are never held by one person at the same time, whether the
separation is switched on or not: whoever gives rights must not also make the accounts, and
neither must be the one who reads the log about both. Once it is switched on, whoever holds one
of the three holds no role of the business either, because a role of the business shows data
that the office of an administrator must not; and the undivided administrator has no effect.
Switching it on asks for three people; switching it off asks for two of them.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError, NotAllowed, because
from app.services import access, audit, people
from app.services.standing import (
    ADMINISTRATOR,
    AUDIT,
    SECURITY,
    SYSTEM,
    THREE_POWERS,
    read_setting,
    store_setting,
    valid_on,
)
from app.services.work import Work
from app.storage import models_people as tables
from app.storage.models_identity import account

THREE = (SYSTEM, SECURITY, AUDIT)
#: the setting in which one administrator's wish to switch it off waits for the other
OFF_ASKED = "three_powers_off"


class PowersTogether(AppError):
    code = "powers.together"
    status = 409
    text = "{name} cannot hold this role meanwhile: {reason}"


class PowersIncomplete(AppError):
    code = "powers.incomplete"
    status = 409
    text = "The three powers cannot be kept apart yet: {reasons}"


class PowersNotAsked(AppError):
    code = "powers.not_asked"
    status = 409
    text = (
        "Switching this off takes two: the system administrator and the security administrator. "
        "One asks, the other confirms."
    )


@dataclass(frozen=True, slots=True)
class State:
    """Whether the powers are kept apart, who holds them, what stands in the way, who asked."""

    on: bool
    holders: dict[str, list[str]]
    reasons: tuple[Any, ...]
    asked: dict[str, Any] | None


def meanwhile(
    post: sa.FromClause, since: datetime.date, until: datetime.date | None
) -> sa.ColumnElement[bool]:
    """Return the condition that a post is in force at some time between two days."""
    ends = sa.or_(post.c.valid_until.is_(None), post.c.valid_until > since)
    return ends if until is None else sa.and_(ends, post.c.valid_from < until)


def is_on(work: Work) -> bool:
    return bool(read_setting(work.tx, THREE_POWERS))


def check_apart(
    work: Work, number: int, role: str, since: datetime.date, until: datetime.date | None
) -> None:
    """Refuse a role that an account must not hold beside what it holds meanwhile.

    Raises ``PowersTogether``.
    """
    table = tables.role
    power = work.tx.scalar(sa.select(table.c.power).where(table.c.slug == role)) or ""
    held = _held(work, number, since, until)
    other = conflict(power, held, is_on(work))
    if other is not None:
        name = work.tx.scalar(sa.select(account.c.name).where(account.c.id == number))
        raise PowersTogether(name=name, reason=other)


def conflict(power: str, held: list[tuple[str, str]], on: bool) -> Any:
    """Return why a role with ``power`` does not go with roles (title, power); None if it does."""
    for title, other in held:
        if power in THREE and other in THREE and power != other:
            text = "{title} is held already, and two of the three powers never go together."
            return because(text, title=title)
        apart = {power in THREE, other in THREE}
        if on and apart == {True, False} and ADMINISTRATOR not in (power, other):
            text = "{title} is held already; whoever holds one of the three powers sees no data."
            return because(text, title=title)
    return None


def _held(
    work: Work, number: int, since: datetime.date, until: datetime.date | None
) -> list[tuple[str, str]]:
    """Return (title, power) of the roles an account holds at some time between two days."""
    post, role = tables.post, tables.role
    query = sa.select(role.c.title, role.c.power).join_from(post, role, post.c.role == role.c.slug)
    where = post.c.account_id == number, meanwhile(post, since, until)
    return [(row[0], row[1]) for row in work.tx.execute(query.where(*where).order_by(post.c.id))]


def state(work: Work) -> State:
    """Return how it stands today, for those who administer or grant."""
    holders = _holders(work)
    names = {power: [name for _, name in holders[power]] for power in THREE}
    asked: Any = read_setting(work.tx, OFF_ASKED)
    return State(is_on(work), names, tuple(_missing(work, holders)), asked or None)


def _holders(work: Work) -> dict[str, list[tuple[int, str]]]:
    """Return power → (account, name) of those who hold it today and can sign in."""
    post, role = tables.post, tables.role
    query = (
        sa.select(role.c.power, account.c.id, account.c.name)
        .select_from(post.join(role, post.c.role == role.c.slug))
        .join(account, account.c.id == post.c.account_id)
        .where(valid_on(post, work.today), role.c.power.in_(THREE), account.c.disabled_at.is_(None))
        .distinct()
        .order_by(account.c.id)
    )
    found: dict[str, list[tuple[int, str]]] = {power: [] for power in THREE}
    for power, number, name in work.tx.execute(query):
        found[power].append((number, name))
    return found


def _missing(work: Work, holders: dict[str, list[tuple[int, str]]]) -> list[Any]:
    """Return what stands in the way of keeping the powers apart."""
    found = [
        because("Nobody who can sign in holds the power {word}.", word=f"{power} administrator")
        for power in THREE
        if not holders[power]
    ]
    seen: dict[int, str] = {}
    for power in THREE:
        for number, name in holders[power]:
            if number not in seen:
                seen[number] = power
                held = _held(work, number, work.today, None)
                for _title, own in held:
                    other = conflict(own, held, on=True)
                    if other is not None:
                        found.append(because("{name}: {reason}", name=name, reason=other))
                        break
    return found


def switch_on(work: Work) -> None:
    """Keep the three powers apart from now on. Raises ``PowersIncomplete``."""
    access.require(work, "administer")
    people.touch(work.tx)
    reasons = _missing(work, _holders(work))
    if reasons:
        raise PowersIncomplete(reasons=reasons)
    write(work, THREE_POWERS, True)
    write(work, OFF_ASKED, None)


def ask_off(work: Work) -> None:
    """Ask, as one of the two, that the separation be switched off."""
    power = _either(work)
    people.touch(work.tx)
    told = {
        "account": work.actor.id, "name": work.actor.name, "power": power,
        "at": work.now.isoformat(),
    }  # fmt: skip
    write(work, OFF_ASKED, told)


def withdraw_off(work: Work) -> None:
    """Take the wish back; either of the two may."""
    _either(work)
    people.touch(work.tx)
    write(work, OFF_ASKED, None)


def confirm_off(work: Work) -> None:
    """Switch the separation off: by the other of the two, while whoever asked still may.

    Raises ``PowersNotAsked``.
    """
    power = _either(work)
    people.touch(work.tx)
    asked: Any = read_setting(work.tx, OFF_ASKED)
    if not asked or asked["power"] == power or asked["account"] == work.actor.id:
        raise PowersNotAsked()
    holding = {number for number, _ in _holders(work)[asked["power"]]}
    if asked["account"] not in holding:
        raise PowersNotAsked()
    write(work, THREE_POWERS, False)
    write(work, OFF_ASKED, None)


def _either(work: Work) -> str:
    """Return which of the two the actor is. Raises ``NotAllowed``, ``PowersNotAsked``."""
    if not is_on(work):
        raise PowersNotAsked()
    mine = [power for power in (SYSTEM, SECURITY) if power in work.standing.powers]
    if len(mine) != 1 or work.actor.id is None:
        raise NotAllowed(action="administer")
    return mine[0]


def write(work: Work, name: str, value: Any) -> None:
    """Keep what administrators decided."""
    store_setting(work.tx, name, value, work.now, work.actor.name)
    about, facts = audit.About("setting", "", name), {"title": name, "change": str(value)}
    audit.note(work, "setting.changed", about, facts)
