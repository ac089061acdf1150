"""The command line: the same services as the pages, with exit status 0, 1 and 2."""

from __future__ import annotations

from flask import Flask

from app.faces.cli.accounts import accounts
from app.faces.cli.calendar import calendars
from app.faces.cli.records import records
from app.faces.cli.registers import registers
from app.faces.cli.upkeep import backup, database, restore, seed


def install(app: Flask) -> None:
    """Put every command into ``flask``."""
    shipped = (registers, records, accounts, database, seed, backup, restore, calendars)
    for command in shipped:
        app.cli.add_command(command)
