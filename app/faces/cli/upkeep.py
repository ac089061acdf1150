"""``flask db``, ``flask seed``, ``flask backup`` and ``flask restore``."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext

from app.faces.cli.base import (
    ACTOR,
    json_option,
    platform,
    print_json,
    refusals_as_exit_status,
    sentence,
)
from app.services import backup as backups
from app.services import demo, seeding
from app.storage.migrate import upgrade
from app.words import say

database = AppGroup("db", help="The platform's own tables.")
seed = AppGroup("seed", help="What comes with the product.")
#: kinds of mistakes that are told of a register
WORST = 5


@database.command("upgrade")
def upgrade_database() -> None:
    """Bring the platform's tables to the newest migration; safe to repeat."""
    with refusals_as_exit_status():
        before, after = upgrade(platform().database)
    if before == after:
        click.echo(sentence("The database is up to date (migration {after}).", after=after))
    else:
        text = "The database was upgraded from migration {before} to {after}."
        click.echo(sentence(text, before=before or "–", after=after))


@seed.command("demo")
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True),
    help="Invent records for every register: 1 fills them as a district does, 200 as a province.",
)
def seed_demo(scale: float | None) -> None:
    """Publish the definitions that come with the product and import the demonstration data."""
    with refusals_as_exit_status():
        for slug, revision in seeding.seed_definitions(platform()):
            text = "{slug}: published revision {revision}"
            click.echo(sentence(text, slug=slug, revision=revision))
        for slug, count in seeding.seed_demo(platform()).items():
            click.echo(sentence("{slug}: {count} records", slug=slug, count=count))
        if scale is not None:
            demo.generate(platform(), seeding.SEED, scale, tell_filled)


def tell_filled(done: demo.Filled) -> None:
    """Say how many records were invented for a register, and what stood in the way of others."""
    if done.made:
        click.echo(sentence("{slug}: {count} records", slug=done.slug, count=done.made))
    if done.given_up:
        text = "{slug}: {count} rows were given up; what stood in the way:"
        click.echo(sentence(text, slug=done.slug, count=done.given_up), err=True)
        for place, count in done.reasons.most_common(WORST):
            click.echo(f"  {count}×  {place[0] or '/'}  {say(done.shown[place])}", err=True)


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@with_appcontext
def backup(file: Path, as_json: bool) -> None:
    """Write everything the platform holds to FILE, while people go on working."""
    with refusals_as_exit_status(as_json):
        counts = backups.backup(platform(), ACTOR, file)
    show(counts, as_json, "{file}: {rows} rows of {tables} tables are backed up.", file)


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@with_appcontext
def restore(file: Path, as_json: bool) -> None:
    """Read FILE into an empty database, on either engine; all of it or nothing."""
    with refusals_as_exit_status(as_json):
        counts = backups.restore(platform(), ACTOR, file)
    show(counts, as_json, "{file}: {rows} rows of {tables} tables are restored and verified.", file)


def show(counts: dict[str, int], as_json: bool, text: str, file: Path) -> None:
    if as_json:
        print_json(counts)
    else:
        rows = sum(counts.values())
        click.echo(sentence(text, file=file, rows=rows, tables=len(counts)))
