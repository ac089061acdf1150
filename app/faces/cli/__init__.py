"""The command line: the same services as the pages, with exit status 0, 1 and 2."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from app.faces.cli import people
from app.faces.cli.accounts import accounts
from app.faces.cli.records import records
from app.faces.cli.registers import registers
from app.faces.cli.upkeep import backup, database, restore, seed


def install(app: Flask) -> None:
    """Put every command into ``flask``."""
    for command in (registers, records, accounts, database, seed, backup, restore):
        app.cli.add_command(command)
    app.cli.add_command(people.unit)
    app.cli.add_command(people.role)
    users = app.cli.commands.get("user") or AppGroup("user", help="People, from a file.")
    assert isinstance(users, click.Group)
    users.add_command(people.import_people)
    app.cli.add_command(users)
