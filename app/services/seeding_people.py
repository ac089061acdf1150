"""Seeding people: the units, accounts and pairings of the demonstration, from its files."""

from __future__ import annotations

import sqlalchemy as sa

from app.services import people
from app.services.intake import import_pairings, import_people, import_units, read_sheet
from app.services.roles import titles as role_titles
from app.services.seeding import SCHEMAS, SEED
from app.services.work import Platform
from app.storage import models_people as tables
from app.storage.models_identity import account

FOLDER = SCHEMAS / "demo" / "people"

#: login, name, role's title, unit's title, password
Made = tuple[str, str, str, str, str]


def seed_units(platform: Platform) -> int:
    """Enter the units of the demonstration where there is none yet; return how many."""
    with platform.writing(SEED) as work:
        if work.tx.scalar(sa.select(tables.unit.c.id).limit(1)) is not None:
            return 0
        people.ensure_roles(work.tx)
        with (FOLDER / "units.csv").open("rb") as source:
            return import_units(work, source, "units.csv").created


def seed_people(platform: Platform) -> list[Made]:
    """Make an account for each role of the demonstration; return them with their passwords.

    Where one of the accounts is there already, or the units are not the demonstration's,
    nothing is made.
    """
    with (FOLDER / "people.csv").open("rb") as source:
        facts = {line.text("login"): line for line in read_sheet(source, "people.csv", "people")}
    codes = {line.text("unit") for line in facts.values()}
    with platform.writing(SEED) as work:
        known = work.tx.scalar(
            sa.select(account.c.id).where(account.c.login.in_(sorted(facts))).limit(1)
        )
        units = {unit.code: unit.title for unit in work.tree.units.values()}
        if known is not None or not codes <= units.keys():
            return []
        with (FOLDER / "people.csv").open("rb") as source:
            made = import_people(work, source, "people.csv", one_time=False).passwords
        with (FOLDER / "pairings.csv").open("rb") as source:
            import_pairings(work, source, "pairings.csv")
        roles = role_titles(work)
    return [
        (login, name, roles[facts[login].text("role")], units[facts[login].text("unit")], password)
        for login, name, password in made
    ]
