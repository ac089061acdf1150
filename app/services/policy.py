"""What an office decides about signing in; the settings say it, the services keep to it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

NOBODY, ADMINISTRATORS, EVERYBODY = "nobody", "administrators", "everybody"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a session lives, how many there may be, and what an account needs."""

    #: a session ends so long after its last request …
    idle: datetime.timedelta = datetime.timedelta(minutes=30)
    idle_administrators: datetime.timedelta = datetime.timedelta(minutes=15)
    #: … and at the latest so long after its first
    longest: datetime.timedelta = datetime.timedelta(hours=12)
    #: how many sessions one person may have at the same time; 0 is any number
    sessions: int = 0
    #: after how many days a password must be changed; 0 is never
    password_days: int = 0
    #: after how many days without a sign-in an account is suspended; 0 is never
    unused_days: int = 90
    #: failed sign-ins of one address in a quarter of an hour, then it is barred; 0 is no limit
    address_failures: int = 50
    #: who needs a second factor
    require_totp: str = NOBODY

    def needs_totp(self, administrator: bool) -> bool:
        """Return whether an account may not go on without a second factor."""
        return self.require_totp == EVERYBODY or (
            administrator and self.require_totp == ADMINISTRATORS
        )

    def is_outdated(self, changed: datetime.datetime, moment: datetime.datetime) -> bool:
        """Return whether a password changed at ``changed`` must be changed again."""
        days = self.password_days
        return bool(days) and moment - changed > datetime.timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider as the settings name it. ``claim`` may match a login name, once."""

    issuer: str
    client_id: str
    client_secret: str
    label: str
    claim: str = ""


DEFAULT = Policy()
