"""Who may do what: asked in one place, which today answers for the administrator's account.

Every service asks here before it reads or writes. Roles, units and rows come with the next
issue and change this module only.
"""

from __future__ import annotations

from app.errors import NotAllowed
from app.services.work import Actor

#: what one may ask to do
ACTIONS = frozenset(
    "see create change delete restore export import publish administer upload".split()
)


def require(actor: Actor, action: str, slug: str = "") -> None:
    """Raise ``NotAllowed`` unless ``actor`` may do ``action`` (on the register ``slug``).

    A person who is signed in has an id; the command line and the seed act for whoever may
    read the database file anyway.
    """
    if action not in ACTIONS:
        raise ValueError(action)
    if actor.id is None and actor.face not in ("cli", "seed"):
        raise NotAllowed(action=action)
