"""An office for tests: units by code, accounts by login, posts between them."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from app.services import people, posts, units
from app.services.posts import Wanted
from app.services.standing import Standing, read_standing
from app.services.tree import read_tree
from app.services.units import Facts
from app.services.work import Actor, Platform
from app.storage.models_identity import account
from tests.support.register import ME

LONG_AGO = datetime.date(2000, 1, 1)


class Office:
    """Writes units and people into a platform, as an administrator would."""

    def __init__(self, platform: Platform, actor: Actor = ME) -> None:
        self.platform, self.actor = platform, actor
        with platform.writing(ME) as work:
            people.ensure_roles(work.tx)

    def found(self, code: str, parent: str = "", **more: Any) -> int:
        """Enter a unit; its name is its code unless another is given."""
        with self.platform.writing(self.actor) as work:
            above = self.number(work, parent) if parent else None
            facts = {"title": code, "kind": "department", "since": LONG_AGO, **more}
            return units.found(work, Facts(code=code, parent=above, **facts))

    @staticmethod
    def number(work: Any, code: str) -> int:
        tree = units.tree(work, units.EVER)
        return next(u.id for u in tree.units.values() if u.code == code)

    def person(self, login: str, *held: tuple[str, int], since: datetime.date = LONG_AGO) -> int:
        """Make an account (without a password anybody knows) with posts (role, unit)."""
        with self.platform.writing(self.actor) as work:
            number = self.account(work, login)
            for role, unit in held:
                posts.appoint(work, Wanted(number, unit, role, since))
            return number

    @staticmethod
    def account(work: Any, login: str) -> int:
        row = {
            "login": login, "login_key": login, "name": f"{login} 同志", "password_hash": "-",
            "password_changed_at": work.now, "created_at": work.now, "failed": 0,
        }  # fmt: skip
        return int(work.tx.execute(account.insert().returning(account.c.id), row).scalar_one())

    def appoint(self, number: int, role: str, unit: int, **more: Any) -> int:
        with self.platform.writing(self.actor) as work:
            return posts.appoint(
                work, Wanted(number, unit, role, more.pop("since", LONG_AGO), **more)
            )

    def standing(self, number: int, day: datetime.date | None = None) -> Standing:
        """Return what an account holds on a day, read anew."""
        with self.platform.reading(ME) as work:
            day = day or work.today
            return read_standing(work.tx, read_tree(work.tx, day), number, day)

    def acting(self, number: int) -> Actor:
        """Return the person as an actor from a page."""
        with self.platform.reading(ME) as work:
            name = work.tx.scalar(sa.select(account.c.name).where(account.c.id == number))
        return Actor(number, str(name), "web")
