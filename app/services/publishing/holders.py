"""Holders: the roles a definition names, and those the platform does not have."""

from __future__ import annotations

from collections.abc import Iterator

from app.definitions.register import Register
from app.services import roles
from app.services.publishing.steps import Step
from app.services.work import Work


def roles_of(register: Register, action: str = "") -> list[str]:
    """Return the roles that a register's grants name, or those that may do ``action``."""
    return sorted(
        {
            role
            for grant in register.permissions
            if not action or action in grant.may
            for role in grant.roles
        }
    )


def unknown_roles(work: Work, register: Register, old: Register | None = None) -> Iterator[Step]:
    """Give a step that says which of the roles a revision newly names are not there yet: what
    it allows them is nobody's until the role is added."""
    fresh = _named(register) - (_named(old) if old else set())
    missing = sorted(fresh - roles.titles(work).keys()) if fresh else []
    if missing:
        text = "Roles not there yet: {listed}. Add them under Roles and let somebody hold them"
        yield Step("roles.unknown", text, {"listed": missing})


def _named(register: Register) -> set[str]:
    """Return the roles that grants and transitions name."""
    ways = register.workflow.transitions if register.workflow else ()
    return {*roles_of(register), *(role for way in ways for role in way.roles)}
