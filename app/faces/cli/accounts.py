"""``flask account``: create an account, give it a password, unlock it, close it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup

from app.errors import AppError
from app.faces.cli.base import sentence
from app.services import identity
from app.words import say

accounts = AppGroup("account", help="Accounts of people.")

login_argument = click.argument("login")
ask_option = click.option(
    "--ask", is_flag=True, help="Ask for the password instead of making one up."
)


@accounts.command("create")
@login_argument
@click.option("--name", default="", help="The person's name; the login name when left out.")
@ask_option
def create(login: str, name: str, ask: bool) -> None:
    """Create the account LOGIN and print its password."""
    given = _ask() if ask else None
    with _writing() as tx:
        _number, password = identity.create_account(tx, login, name, given)
    _tell(login, None if ask else password)


@accounts.command("password")
@login_argument
@ask_option
def password(login: str, ask: bool) -> None:
    """Give the account LOGIN a new password, unlock it and end its sessions."""
    given = _ask() if ask else None
    with _writing() as tx:
        chosen = identity.set_password(tx, login, given)
    _tell(login, None if ask else chosen)


@accounts.command("unlock")
@login_argument
def unlock(login: str) -> None:
    """Let the account LOGIN sign in again before its lock runs out."""
    with _writing() as tx:
        identity.unlock(tx, login)
    click.echo(sentence("{login} may sign in again.", login=login))


@accounts.command("disable")
@login_argument
def disable(login: str) -> None:
    """Close the account LOGIN and end its sessions."""
    with _writing() as tx:
        identity.disable(tx, login)
    click.echo(sentence("The account {login} is closed.", login=login))


def _ask() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _tell(login: str, password: str | None) -> None:
    click.echo(sentence("Login name: {login}", login=login))
    if password is not None:
        click.echo(sentence("Password: {password}", password=password))


@contextmanager
def _writing() -> Iterator[sa.Connection]:
    """Give a unit of work; a refusal is said on stderr with exit status 1."""
    try:
        with current_app.extensions["taizhang"].database.writing() as tx:
            yield tx
    except AppError as refused:
        raise click.ClickException(say(refused)) from refused
