"""Posts: who holds which role in which unit, from when until when, and who stands in."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import access, audit, handing, people, powers, roles, units
from app.services.standing import valid_on
from app.services.work import Work
from app.storage import models_people as tables
from app.storage.models_identity import account

PAGE = 50
LONGEST_TITLE = 60
NOW, LATER, OVER = "now", "later", "over"
STATES = (NOW, LATER, OVER)


class PostNotFound(AppError):
    code = "post.not_found"
    status = 404
    text = "There is no post {post}."


class PostTaken(AppError):
    code = "post.taken"
    status = 409
    text = "{name} holds this role in {unit} already, in a time that overlaps. End that post first."


class DatesRefused(AppError):
    code = "post.dates"
    text = "The last day stands before the first: {since} – {until}."


class DeputyRefused(AppError):
    code = "post.deputy"
    status = 409
    text = (
        "Nobody stands in for himself or for a deputy: choose another person, or the post the "
        "deputy holds the place of."
    )


class AlreadyOver(AppError):
    code = "post.over"
    status = 409
    text = "This post ended on {day}. What is over is not changed; enter a new post."


class PersonUnknown(AppError):
    code = "post.person_unknown"
    status = 404
    text = "There is no account {login} that is open."


@dataclass(frozen=True, slots=True)
class Post:
    """A post with the names of what it joins. ``until`` is the first day it is not held."""

    id: int
    account: int
    login: str
    name: str
    unit: int
    role: str
    title: str
    since: datetime.date
    until: datetime.date | None
    deputy_of: int | None
    created_at: datetime.datetime
    created_by: str

    def state(self, day: datetime.date) -> str:
        if self.since > day:
            return LATER
        return OVER if self.until is not None and self.until <= day else NOW


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is entered of a new post."""

    account: int
    unit: int
    role: str
    since: datetime.date
    until: datetime.date | None = None
    title: str = ""
    deputy_of: int | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    text: str = ""
    unit: int | None = None
    role: str = ""
    state: str = ""
    account: int | None = None


def _query() -> sa.Select[Any]:
    post = tables.post
    return sa.select(
        post.c.id, post.c.account_id, account.c.login, account.c.name, post.c.unit_id, post.c.role,
        post.c.title, post.c.valid_from, post.c.valid_until, post.c.deputy_of, post.c.created_at,
        post.c.created_by,
    ).join_from(post, account, post.c.account_id == account.c.id)  # fmt: skip


def listed(work: Work, wanted: Filter, page: int = 1) -> tuple[list[Post], int]:
    """Return one page of posts, and how many there are."""
    post, where = tables.post, []
    if wanted.text:
        like = [
            c.icontains(wanted.text, autoescape=True) for c in (account.c.name, account.c.login)
        ]
        where.append(sa.or_(*like, post.c.title.icontains(wanted.text, autoescape=True)))
    if wanted.unit is not None and wanted.unit in work.tree.units:
        where.append(post.c.unit_id.in_(sorted(work.tree.own(wanted.unit))))
    if wanted.role:
        where.append(post.c.role == wanted.role)
    if wanted.account is not None:
        where.append(post.c.account_id == wanted.account)
    if wanted.state:
        where.append(_in_state(post, wanted.state, work.today))
    total = work.tx.scalar(
        sa.select(sa.func.count()).select_from(_query().where(*where).subquery())
    )
    found = _query().where(*where).order_by(account.c.name, account.c.id, post.c.id)
    rows = work.tx.execute(found.limit(PAGE).offset((page - 1) * PAGE))
    return [Post(*row) for row in rows], total or 0


def _in_state(post: sa.Table, state: str, day: datetime.date) -> sa.ColumnElement[bool]:
    if state == LATER:
        return post.c.valid_from > day
    return post.c.valid_until <= day if state == OVER else valid_on(post, day)


def get(work: Work, number: int) -> Post:
    """Return a post. Raises ``PostNotFound``."""
    row = None
    if 0 < number < 2**63:
        row = work.tx.execute(_query().where(tables.post.c.id == number)).one_or_none()
    if row is None:
        raise PostNotFound(post=number)
    return Post(*row)


def by_unit(work: Work) -> dict[int, int]:
    """Return unit → number of posts in force today."""
    post = tables.post
    query = sa.select(post.c.unit_id, sa.func.count()).where(valid_on(post, work.today))
    return {row[0]: row[1] for row in work.tx.execute(query.group_by(post.c.unit_id))}


def deputies(work: Work, number: int) -> list[Post]:
    """Return the posts of those who stand in for a post."""
    found = work.tx.execute(_query().where(tables.post.c.deputy_of == number))
    return [Post(*row) for row in found]


def appoint(work: Work, wanted: Wanted) -> int:
    """Give a person a role in a unit for a time; return the post's id.

    Raises ``PostTaken``, ``PowersTogether``, ``NotInForce`` and what else is said above.
    """
    access.require(work, "grant")
    people.touch(work.tx)
    name = check_person(work, wanted.account)
    role = roles.get(work, wanted.role)
    unit = units.get(work, wanted.unit)
    units.check_in_force(work, wanted.unit, max(wanted.since, unit.since))
    if wanted.until is not None and wanted.until <= wanted.since:
        raise DatesRefused(since=wanted.since, until=wanted.until)
    if wanted.deputy_of is None and overlapping(work, wanted):
        raise PostTaken(name=name, unit=unit.title)
    powers.check_apart(work, wanted.account, role.slug, wanted.since, wanted.until)
    post = people.appoint(
        work.tx, wanted.account, wanted.unit, role.slug, since=wanted.since, until=wanted.until,
        by=work.actor.name, title=wanted.title.strip()[:LONGEST_TITLE], deputy_of=wanted.deputy_of,
    )  # fmt: skip
    note(work, post, name, f"+ {role.title}, {unit.title}")
    return post


def note(work: Work, post: int, name: str, change: str) -> None:
    """Put a change of what somebody may do into the audit log."""
    about = audit.About("post", "", post)
    audit.note(work, "permission.changed", about, {"title": name, "change": change})


def deputise(
    work: Work, number: int, deputy: int, since: datetime.date, until: datetime.date
) -> int:
    """Let ``deputy`` stand in for a post from ``since`` until before ``until``; return the post.

    The deputy holds what the post gives while both are in force.
    """
    post = get(work, number)
    if post.account == deputy or post.deputy_of is not None:
        raise DeputyRefused()
    if post.state(since) == OVER:
        raise AlreadyOver(day=post.until)
    return appoint(work, Wanted(deputy, post.unit, post.role, since, until, deputy_of=number))


def finish(work: Work, number: int, day: datetime.date) -> None:
    """Let a post be held no longer from ``day`` on; what has passed stays as it was."""
    access.require(work, "grant")
    people.touch(work.tx)
    post = get(work, number)
    if post.state(work.today) == OVER:
        raise AlreadyOver(day=post.until)
    if day < work.today and day > post.since:
        raise DatesRefused(since=work.today, until=day)
    update = tables.post.update().where(tables.post.c.id == number)
    work.tx.execute(update.values(valid_until=max(day, post.since)))
    note(work, number, name_of(work, post.account), f"– {post.role} {day}")
    handing.release(work, [post.account, *(one.account for one in deputies(work, number))])


def check_person(work: Work, number: int) -> str:
    """Return the name of an account that is open. Raises ``PersonUnknown``."""
    query = sa.select(account.c.name).where(account.c.id == number, account.c.disabled_at.is_(None))
    name = work.tx.scalar(query)
    if name is None:
        raise PersonUnknown(login=number)
    return str(name)


def name_of(work: Work, number: int) -> str:
    """Return how an account is called in a picker, ``""`` for none."""
    query = sa.select(account.c.name, account.c.login).where(account.c.id == number)
    row = work.tx.execute(query).one_or_none()
    return "" if row is None else f"{row.name}（{row.login}）"


def overlapping(work: Work, wanted: Wanted) -> bool:
    """Return whether the person holds the same role in the same unit meanwhile."""
    post = tables.post
    query = sa.select(post.c.id).where(
        post.c.account_id == wanted.account, post.c.unit_id == wanted.unit,
        post.c.role == wanted.role, post.c.deputy_of.is_(None),
        powers.meanwhile(post, wanted.since, wanted.until),
    )  # fmt: skip
    return work.tx.scalar(query.limit(1)) is not None


def people_by_name(work: Work, text: str = "", limit: int = 500) -> list[tuple[int, str, str]]:
    """Return (id, login, name) of the open accounts that can be given a post."""
    query = sa.select(account.c.id, account.c.login, account.c.name)
    query = query.where(account.c.disabled_at.is_(None)).order_by(account.c.name, account.c.id)
    if text:
        like = [c.icontains(text, autoescape=True) for c in (account.c.name, account.c.login)]
        query = query.where(sa.or_(*like))
    return [(row[0], row[1], row[2]) for row in work.tx.execute(query.limit(limit))]
