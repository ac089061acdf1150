"""``flask unit``, ``flask role``, ``flask user import``: units, roles and who holds them."""

from __future__ import annotations

import csv
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext

from app.faces import grant_words
from app.faces.cli.base import (
    ACTOR,
    REFUSED,
    json_option,
    platform,
    print_json,
    refusals_as_exit_status,
    sentence,
    show_report,
)
from app.services import explaining, identity, intake, posts, roles, units
from app.services.exchange import ImportReport, ImportStopped
from app.services.people import BEGINNING, day_after
from app.services.posts import Filter, Wanted
from app.services.work import Work

unit = AppGroup("unit", help="Units of the office.")
role = AppGroup("role", help="Roles, and who holds them.")

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
dry_run_option = click.option("--dry-run", is_flag=True, help="Check everything, store nothing.")
from_option = click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="First day.")
to_option = click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day.")


@unit.command("import")
@file_argument
@dry_run_option
@json_option
def import_units(file: Path, dry_run: bool, as_json: bool) -> None:
    """Enter or change the units of FILE (csv or xlsx)."""
    report, stopped = ImportReport(), False
    with refusals_as_exit_status(as_json):
        try:
            with file.open("rb") as source, platform().writing(ACTOR) as work:
                report = intake.import_units(work, source, file.name, dry_run=dry_run)
        except ImportStopped as error:
            report, stopped = error.report, True
    show(report, stopped, as_json)


@click.command("import")
@file_argument
@dry_run_option
@click.option(
    "--passwords",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the passwords to this csv file instead of printing them.",
)
@json_option
@with_appcontext
def import_people(file: Path, dry_run: bool, passwords: Path | None, as_json: bool) -> None:
    """Enter the people of FILE (csv or xlsx): accounts where they are new, and posts."""
    report, made, changes, stopped = ImportReport(), [], [], False
    with refusals_as_exit_status(as_json):
        try:
            with file.open("rb") as source, platform().writing(ACTOR) as work:
                done = intake.import_people(work, source, file.name, dry_run=dry_run)
                report, made, changes = done.report, done.passwords, done.changes
                if passwords and made:
                    write_passwords(passwords, made)
        except ImportStopped as error:
            report, stopped = error.report, True
    show(report, stopped, as_json, changes)
    if not passwords:
        for login, name, password in made:
            click.echo(f"  {login}  {name}  {password}")


def write_passwords(path: Path, made: list[tuple[str, str, str]]) -> None:
    """Write the passwords for the owner of the file alone; never over a file that is there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        number = os.open(path, flags, 0o600)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from error
    with os.fdopen(number, "w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows(made)


def show(
    report: ImportReport,
    stopped: bool,
    as_json: bool,
    changes: Sequence[intake.PersonChange] | None = None,
) -> None:
    """Print what an import did, person by person where it is one of people, and leave with
    status 1 when rows were refused."""
    more = {} if changes is None else {"people": [one.as_json() for one in changes]}
    show_report(report, stopped, as_json, tell_more=False, more=more)
    if not as_json:
        for one in changes or ():
            shown = {"row": one.row, "login": one.login, "name": one.after}
            click.echo("  " + sentence("Row {row}, {login} {name}:", **shown))
            for text in grant_words.person_changes(one):
                click.echo(f"    {text}")
    if stopped:
        sys.exit(REFUSED)


@role.command("list")
@json_option
def list_roles(as_json: bool) -> None:
    """Print every role, with how many hold it."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        found = roles.listed(work)
    if as_json:
        print_json([{"slug": r.slug, "title": r.title, "held": r.held} for r in found])
        return
    for one in found:
        click.echo(f"{one.slug}  {one.title}  {one.held}")


@role.command("grant")
@click.argument("login")
@click.argument("role_name", metavar="ROLE")
@click.argument("unit_code", metavar="UNIT")
@from_option
@to_option
@click.option("--deputy-of", default="", metavar="USER", help="Stand in for USER's post there.")
@click.option("--title", default="", help="What the post is called.")
def grant(
    login: str, role_name: str, unit_code: str, since: Any, last: Any, deputy_of: str, title: str
) -> None:
    """Give the account LOGIN the role ROLE in the unit with the code UNIT."""
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        place = unit_of(work, unit_code)
        number = identity.find(work.tx, login)
        first, until = day(since), day_after(day(last))
        if deputy_of:
            held = post_of(work, deputy_of, role_name, place)
            if until is None:
                raise click.UsageError("--deputy-of needs --to")
            posts.deputise(work, held.id, number, first or work.today, until)
        else:
            first = first or max(BEGINNING, units.get(work, place).since)
            posts.appoint(work, Wanted(number, place, role_name, first, until, title))
        shown = {"login": login, "role": roles.titles(work)[role_name]}
        click.echo(sentence("{login} holds the role {role}.", **shown))


@role.command("revoke")
@click.argument("login")
@click.argument("role_name", metavar="ROLE")
@click.argument("unit_code", metavar="UNIT")
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="From which day on.")
def revoke(login: str, role_name: str, unit_code: str, since: Any) -> None:
    """End LOGIN's post with ROLE in UNIT, today or from a day on."""
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        held = post_of(work, login, role_name, unit_of(work, unit_code))
        posts.finish(work, held.id, day(since) or work.today)
        shown = {"login": login, "role": roles.titles(work)[role_name]}
        click.echo(sentence("{login} holds the role {role} no longer.", **shown))


def day(given: datetime.datetime | None) -> datetime.date | None:
    return given.date() if given else None


def unit_of(work: Work, code: str) -> int:
    """Return the unit with a code. Raises ``UnitNotFound``."""
    found = units.by_code(work, code)
    if found is None:
        raise units.UnitNotFound(unit=code)
    return found.id


def post_of(work: Work, login: str, role_name: str, place: int) -> posts.Post:
    """Return the post somebody holds now or will hold. Raises ``PostNotFound``."""
    roles.get(work, role_name)
    wanted = Filter(unit=place, role=role_name, account=identity.find(work.tx, login))
    found = [p for p in posts.listed(work, wanted)[0] if p.state(work.today) != posts.OVER]
    if not found:
        raise posts.PostNotFound(post=f"{login} · {role_name} · {place}")
    return found[0]


@role.command("explain")
@click.argument("login")
@click.argument("slug", metavar="REGISTER")
@click.option("--record", type=int, help="The number of a record.")
@click.option("--field", default="", help="The name of a field.")
@json_option
def explain(login: str, slug: str, record: int | None, field: str, as_json: bool) -> None:
    """Print what LOGIN may do in REGISTER, or to one record, and by which grant and post."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        number = identity.find(work.tx, login)
        found = explaining.one(work, slug, number, record, field)
        register, names = work.register(slug), roles.titles(work)
        if as_json:
            print_json(as_facts(found, field))
            return
        click.echo(f"{found.name} · {register.title}")
        if found.everything:
            click.echo(sentence("Everything: the undivided administrator is not restricted."))
        for name, why in found.reasons.items():
            for one in why:
                said = grant_words.reason(register, work.tree, names, one)
                click.echo(f"  {grant_words.action(name)}: {said}")
        if not found.everything and not found.reasons:
            click.echo(sentence("Nothing: no post of this person is named by a permission."))
        if field:
            click.echo(f"  {register[field].title}: {grant_words.field_said(found, field)}")


def as_facts(found: explaining.Verdict, field: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "login": found.login, "everything": found.everything,
        "may": {name: [one.number for one in why] for name, why in found.reasons.items()},
        "hidden": sorted(found.hidden), "masked": sorted(found.masked),
    }  # fmt: skip
    if field:
        answer["field"] = {"name": field, "shown": field not in found.hidden}
    return answer
