"""Nobody: roles a definition names that the platform does not have."""

from __future__ import annotations

from collections.abc import Iterator

from app.definitions.register import Register
from app.services import roles
from app.services.publishing.steps import Step
from app.services.work import Work


def unknown_roles(work: Work, register: Register, old: Register | None = None) -> Iterator[Step]:
    """Give a step that says which of the roles a revision newly names are not there yet: what
    it allows them is nobody's until the role is added."""
    fresh = named(register) - (named(old) if old else set())
    missing = sorted(fresh - roles.titles(work).keys()) if fresh else []
    if missing:
        text = "Roles not there yet: {listed}. Add them under Roles and let somebody hold them"
        yield Step("roles.unknown", text, {"listed": missing})


def named(register: Register) -> set[str]:
    """Return the roles that grants and transitions name."""
    found = {role for grant in register.permissions for role in grant.roles}
    if register.workflow:
        found.update(role for way in register.workflow.transitions for role in way.roles)
    return found
