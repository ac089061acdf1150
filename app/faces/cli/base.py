"""What every command shares: the platform, who acts, refusals as exit status, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, cast

import click
from flask import current_app

from app.errors import AppError, Problem, because
from app.services import identity, posts
from app.services.exchange import ImportReport
from app.services.work import Actor, Platform
from app.words import say

#: done, refused, wrong usage
DONE, REFUSED = 0, 1
#: faulty cells printed on a terminal; a report file holds all
PRINTED = 20

#: whoever may run a command may read the database's file anyway
ACTOR = Actor(None, "command line", "cli")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def platform() -> Platform:
    """Return the platform of the application the command runs in."""
    return cast(Platform, current_app.extensions["taizhang"])


def acting(login: str) -> Actor:
    """Return who acts: the account ``login`` with its name and posts, else the command line.

    Raises ``AccountNotFound``; an account that is closed acts no more than one that is not there.
    """
    if not login:
        return ACTOR
    with platform().reading(ACTOR) as work:
        number = identity.find(work.tx, login)
        return Actor(number, posts.check_person(work, number), "cli")


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return a problem for a script: the code never changes, the sentence may."""
    return {
        "at": problem.at,
        "code": problem.code,
        "severity": problem.severity,
        "message": say(problem),
    }


@contextmanager
def refusals_as_exit_status(as_json: bool = False) -> Iterator[None]:
    """Turn a refusal into its sentence on stderr (or JSON on stdout) and exit status 1."""
    try:
        yield
    except AppError as error:
        if as_json:
            answer = {
                "refused": error.code,
                "message": say(error),
                "problems": [problem_json(p) for p in error.problems],
            }
            click.echo(json.dumps(answer, ensure_ascii=False))
        else:
            click.echo(say(error), err=True)
            for problem in error.problems:
                click.echo(f"  {problem.at or '/'}  {say(problem)}", err=True)
        sys.exit(REFUSED)


def print_json(answer: Any) -> None:
    """Print an answer for a script."""
    click.echo(json.dumps(answer, ensure_ascii=False, default=str))


def sentence(text: str, /, **values: Any) -> str:
    """Return a sentence of a command's own, translated and filled."""
    return say(because(text, **values))


def show_report(
    done: ImportReport,
    stopped: bool,
    as_json: bool,
    *,
    tell_more: bool = True,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Print what an import did; nothing was stored when it was stopped. ``tell_more``: how many
    more refusals there are than are printed. ``more``: what scripts are told besides."""
    if as_json:
        print_json({**done.as_json(), **more, "stored": not (stopped or done.dry_run)})
        return
    if not stopped:
        text = "{created} created, {changed} changed, {unchanged} unchanged, {faulty} refused."
        names = ("created", "changed", "unchanged", "faulty")
        click.echo(sentence(text, **{name: getattr(done, name) for name in names}))
    if done.dry_run:
        click.echo(sentence("This was a trial: nothing was stored."))
    for refusal in done.refused[:PRINTED]:
        shown = {"row": refusal.row, "column": refusal.heading, "value": refusal.cell}
        where = sentence("Row {row}, {column}, “{value}”:", **shown)
        click.echo(f"  {where} {say(refusal.problem)}", err=True)
    if tell_more and len(done.refused) > PRINTED:
        click.echo(sentence("… and {count} more", count=len(done.refused) - PRINTED), err=True)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many are done; shown on a terminal only."""
    shown = sys.stderr.isatty()

    def tell(done: int) -> None:
        if shown:
            click.echo(f"\r{label} {done:,}", nl=False, err=True)

    yield tell
    if shown:
        click.echo("", err=True)
