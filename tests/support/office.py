"""An office for tests: a tree of units, accounts with posts, and what stands for a unit."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from app.services import identity, people
from app.services.work import Actor, Platform
from app.storage import models_people as tables

#: code → (title, kind, parent): A with its child A1, and B beside it
UNITS: dict[str, tuple[str, str, str]] = {
    "office": ("区工信局", "bureau", ""),
    "a": ("石桥镇", "township", "office"),
    "a1": ("石桥镇工业园", "department", "a"),
    "b": ("潦河镇", "township", "office"),
}
#: login → (name, role, unit)
PEOPLE: dict[str, tuple[str, str, str]] = {
    "clerk-a": ("甲", "township", "a"),
    "clerk-a1": ("甲下", "township", "a1"),
    "clerk-b": ("乙", "township", "b"),
    "staff": ("股室", "giib_staff", "office"),
    "reader": ("领导", "leader", "office"),
    "outsider": ("无职", "", ""),
}
PASSWORD = "eine sehr lange Probe 2026"


class Office:
    """Units, accounts and the actors they are."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.units: dict[str, int] = {}
        self.accounts: dict[str, int] = {}
        with platform.database.writing() as tx:
            people.ensure_roles(tx)
            for code, (title, kind, parent) in UNITS.items():
                self.units[code] = add_unit(
                    tx, code, title, kind=kind, parent_id=self.units.get(parent)
                )
            for login, (name, role, unit) in PEOPLE.items():
                number, _ = identity.create_account(tx, login, name, PASSWORD)
                self.accounts[login] = number
                if role:
                    people.appoint(tx, number, self.units[unit], role)

    def actor(self, login: str) -> Actor:
        return Actor(self.accounts[login], PEOPLE[login][0], "web")

    def set_unit(self, code: str, **values: Any) -> None:
        """Change a unit's row, as an administrator's page would."""
        with self.platform.database.writing() as tx:
            table = tables.unit
            tx.execute(table.update().where(table.c.code == code).values(values))
            people.touch(tx)


def add_unit(tx: sa.Connection, code: str, title: str, **more: Any) -> int:
    row = {"code": code, "title": title, "kind": "department", "valid_from": people.BEGINNING}
    table = tables.unit
    number = tx.execute(table.insert().returning(table.c.id), {**row, **more}).scalar_one()
    people.touch(tx)
    return int(number)


def pair(tx: sa.Connection, slug: str, record: int, **whom: int) -> None:
    """Pair a record with an account (``account_id``) or a unit (``unit_id``)."""
    row = {
        "slug": slug, "record": record, "valid_from": datetime.date(2020, 1, 1),
        "created_at": datetime.datetime(2020, 1, 1), "created_by": "test",
    }  # fmt: skip
    tx.execute(tables.pairing.insert(), {**row, **whom})
    people.touch(tx)


def refer(tx: sa.Connection, slug: str, record: int, **whom: int) -> None:
    """Refer a record to an account or a unit."""
    row = {"slug": slug, "record": record, "at": datetime.datetime(2020, 1, 1), "who": "test"}
    tx.execute(tables.assignment.insert(), {**row, **whom})
