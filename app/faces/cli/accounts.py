"""``flask user``: create, list, close and open accounts, reset passwords and second factors.

``flask account`` is the former name and goes on working.
"""

from __future__ import annotations

import datetime

import click
from flask.cli import AppGroup

from app.faces.cli.base import (
    ACTOR,
    json_option,
    platform,
    print_json,
    refusals_as_exit_status,
    sentence,
)
from app.services import accounts as services
from app.services import identity, second_factor
from app.services.work import Work

users = AppGroup("user", help="Accounts of people.")

login_argument = click.argument("login")
ask_option = click.option(
    "--ask", is_flag=True, help="Ask for the password instead of making one up."
)


@users.command("create")
@login_argument
@click.option("--name", default="", help="The person's name; the login name when left out.")
@click.option("--administrator", is_flag=True, help="Let the account work as an administrator.")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day of the account (2026-12-31)."
)
@ask_option
def create(
    login: str, name: str, administrator: bool, until: datetime.datetime | None, ask: bool
) -> None:
    """Create the account LOGIN and print its one-time password."""
    given = _ask() if ask else None
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        _number, password = identity.create_account(
            work.tx, login, name, given,
            administrator=administrator, ends_at=_end_of(until), one_time=True, by=ACTOR.name,
        )  # fmt: skip
    _tell(login, None if ask else password)


@users.command("reset")
@login_argument
@click.option("--totp", is_flag=True, help="Take away the second factor; the password stays.")
@ask_option
def reset(login: str, totp: bool, ask: bool) -> None:
    """Give the account LOGIN a one-time password, unlock it and end its sessions."""
    given = _ask() if ask and not totp else None
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        if totp:
            second_factor.remove(work.tx, identity.find(work.tx, login), ACTOR.name)
            chosen = ""
        else:
            chosen = identity.set_password(work.tx, login, given, one_time=True, by=ACTOR.name)
    if totp:
        click.echo(sentence("The second factor of {login} was taken away.", login=login))
    else:
        _tell(login, None if ask else chosen)


@users.command("unlock")
@login_argument
def unlock(login: str) -> None:
    """Let the account LOGIN sign in again before its lock runs out."""
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        identity.unlock(work.tx, login, ACTOR.name)
    click.echo(sentence("{login} may sign in again.", login=login))


@users.command("disable")
@login_argument
def disable(login: str) -> None:
    """Close the account LOGIN and end its sessions."""
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        services.act(work, identity.find(work.tx, login), "disable")
    click.echo(sentence("The account {login} is closed.", login=login))


@users.command("enable")
@login_argument
def enable(login: str) -> None:
    """Open the account LOGIN again that was closed or suspended."""
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        identity.enable(work.tx, login, ACTOR.name)
    click.echo(sentence("The account {login} is open.", login=login))


@users.command("list")
@click.option("--state", type=click.Choice(services.STATES), help="Only accounts in this state.")
@json_option
def show(state: str | None, as_json: bool) -> None:
    """List the accounts with state and last sign-in."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        found = list(_all(work, state or ""))
    if as_json:
        print_json([{name: getattr(p, name) for name in p.__slots__} for p in found])
        return
    for person in found:
        seen = f"{person.last_sign_in_at:%Y-%m-%d}" if person.last_sign_in_at else "-"
        click.echo(f"{person.login:20} {person.state:12} {seen:10} {person.name}")


@users.command("suspend-unused")
def suspend_unused() -> None:
    """Suspend the accounts nobody used for the days the settings say; a daily job does it too."""
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        found = identity.suspend_stale(work.tx, work.now, work.office.unused_days)
    for login in found:
        click.echo(sentence("The account {login} is suspended.", login=login))


def _all(work: Work, state: str) -> list[services.Person]:
    found, total = services.listed(work, "", state)
    for page in range(2, -(-total // services.PAGE) + 1):
        found += services.listed(work, "", state, page)[0]
    return found


def _end_of(day: datetime.datetime | None) -> datetime.datetime | None:
    """Return the moment an account ends: the midnight of the office after its last day, in UTC."""
    if day is None:
        return None
    after = day.date() + datetime.timedelta(days=1)
    return platform().office.at(after, datetime.time())


def _ask() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _tell(login: str, password: str | None) -> None:
    click.echo(sentence("Login name: {login}", login=login))
    if password is not None:
        click.echo(sentence("Password: {password}", password=password))
        click.echo(
            sentence(
                "It works for {hours} hours and must be changed at the first sign-in.", hours=24
            )
        )


#: the former name, with the former word for resetting a password
accounts = AppGroup("account", hidden=True, help="The former name of «flask user».")
for _command in (create, reset, unlock, disable, enable):
    accounts.add_command(_command)
accounts.add_command(reset, "password")
