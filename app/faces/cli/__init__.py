"""The command line: the same services as the pages, with exit status 0, 1 and 2."""

from __future__ import annotations

from flask import Flask

from app.faces.cli import people
from app.faces.cli.accounts import accounts, users
from app.faces.cli.audit import audit
from app.faces.cli.calendar import calendars
from app.faces.cli.jobs import jobs
from app.faces.cli.records import records
from app.faces.cli.registers import registers
from app.faces.cli.returns import returns
from app.faces.cli.upkeep import backup, database, restore, seed


def install(app: Flask) -> None:
    """Put every command into ``flask``."""
    keeping = (audit, database, seed, backup, restore, calendars, jobs)
    shipped = (registers, records, returns, users, accounts, *keeping)
    for command in shipped:
        app.cli.add_command(command)
    app.cli.add_command(people.unit)
    app.cli.add_command(people.role)
    users.add_command(people.import_people)
