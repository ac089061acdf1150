"""Roles: what there is, who holds one, what the registers let it do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Grant
from app.errors import AppError
from app.services import access, audit, people
from app.services.standing import valid_on
from app.services.work import Work
from app.storage import models_people as tables

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}")
LONGEST_TITLE, LONGEST_DESCRIPTION = 60, 500


class RoleNotFound(AppError):
    code = "role.not_found"
    status = 404
    text = "There is no role {role}."


class RoleRefused(AppError):
    code = "role.refused"
    text = (
        "A role needs a name of 1 to {most} characters and a short name of small letters, digits "
        "and underscores, such as township_clerk."
    )


class RoleTaken(AppError):
    code = "role.taken"
    status = 409
    text = "There is already a role {role}."


class RoleInUse(AppError):
    code = "role.in_use"
    status = 409
    text = (
        "The role {role} stays: {posts} posts were ever held with it, and {registers} registers "
        "name it. A role in use can be renamed, not removed."
    )


@dataclass(frozen=True, slots=True)
class Role:
    slug: str
    title: str
    description: str
    power: str
    #: posts in force today
    held: int = 0
    #: posts there ever were
    ever: int = 0


def listed(work: Work) -> list[Role]:
    """Return every role, with how many hold it today."""
    role, post = tables.role, tables.post
    today = sa.case((valid_on(post, work.today), 1), else_=0)
    query = (
        sa.select(
            role.c.slug, role.c.title, role.c.description, role.c.power,
            sa.func.coalesce(sa.func.sum(sa.case((post.c.id.is_(None), 0), else_=today)), 0),
            sa.func.count(post.c.id),
        )
        .select_from(role.outerjoin(post, post.c.role == role.c.slug))
        .group_by(role.c.slug, role.c.title, role.c.description, role.c.power, role.c.position)
        .order_by(role.c.position, role.c.slug)
    )  # fmt: skip
    return [Role(r[0], r[1], r[2], r[3], int(r[4]), int(r[5])) for r in work.tx.execute(query)]


def titles(work: Work) -> dict[str, str]:
    """Return slug → name."""
    role = tables.role
    return {row.slug: row.title for row in work.tx.execute(sa.select(role.c.slug, role.c.title))}


def get(work: Work, slug: str) -> Role:
    """Return a role. Raises ``RoleNotFound``."""
    found = next((role for role in listed(work) if role.slug == slug), None)
    if found is None:
        raise RoleNotFound(role=slug[:60])
    return found


def grants(work: Work, slug: str) -> list[tuple[str, str, list[Grant]]]:
    """Return (register, its title, the grants that name the role)."""
    found = []
    for name in work.snapshot.entries:
        register = work.register(name)
        given = [grant for grant in register.permissions if slug in grant.roles]
        if given:
            found.append((name, register.title, given))
    return found


def add(work: Work, slug: str, title: str, description: str = "") -> None:
    """Add a role. What it may do is said by definitions that name it."""
    access.require(work, "grant")
    people.touch(work.tx)
    values = _checked(slug, title, description)
    if slug in titles(work):
        raise RoleTaken(role=slug)
    last = work.tx.scalar(sa.select(sa.func.max(tables.role.c.position))) or 0
    work.tx.execute(tables.role.insert(), {**values, "slug": slug, "position": last + 1})
    note(work, slug, f"+ {title}")


def rename(work: Work, slug: str, title: str, description: str) -> None:
    """Give a role another name; what it may do stays."""
    access.require(work, "grant")
    people.touch(work.tx)
    get(work, slug)
    values = _checked(slug, title, description)
    work.tx.execute(tables.role.update().where(tables.role.c.slug == slug).values(values))
    note(work, slug, title)


def _checked(slug: str, title: str, description: str) -> dict[str, Any]:
    named = title.strip()
    if not _SLUG.fullmatch(slug) or not 0 < len(named) <= LONGEST_TITLE or not named.isprintable():
        raise RoleRefused(most=LONGEST_TITLE)
    return {"title": named, "description": description.strip()[:LONGEST_DESCRIPTION]}


def remove(work: Work, slug: str) -> None:
    """Take away a role nobody ever held and no register names. Raises ``RoleInUse``.

    A role of the same name entered later would else give its holders what this one gave.
    """
    access.require(work, "grant")
    people.touch(work.tx)
    role = get(work, slug)
    named = len(grants(work, slug))
    if role.ever or named or role.power:
        raise RoleInUse(role=role.title, posts=role.ever, registers=named)
    work.tx.execute(tables.role.delete().where(tables.role.c.slug == slug))
    note(work, slug, "–")


def note(work: Work, slug: str, change: str) -> None:
    """Put a change of a role into the audit log."""
    about = audit.About("role", slug, slug)
    audit.note(work, "role.changed", about, {"title": slug, "change": change})
