"""``flask returns``: returns by period."""

from __future__ import annotations

from typing import Any

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
from app.services.returns import deeds, listing, opening
from app.services.returns.facts import STATES
from app.services.returns.listing import Wish
from app.services.work import now

returns = AppGroup("returns", help="Returns by period: who owes one, who is late.")
#: lines that are read at a time
BATCH = 500


@returns.command("open")
@json_option
def open_returns(as_json: bool) -> None:
    """Do the daily run by hand: make what is owed, remind, mark late, close. Safe to repeat."""
    with refusals_as_exit_status(as_json):
        runs = opening.open_periods(platform(), now())
    if as_json:
        print_json(
            [
                {"register": r.slug, "opened": r.opened, "late": r.late, "closed": r.closed}
                for r in runs
            ]
        )
        return
    for r in runs:
        text = "{slug}: {opened} returns made, {late} marked late, {closed} closed"
        click.echo(sentence(text, slug=r.slug, opened=r.opened, late=r.late, closed=r.closed))
    if not runs:
        click.echo(sentence("No register has a calendar of returns."))


@returns.command("list")
@click.argument("slug")
@click.option("--period", default="", help="One period, such as 2026-03.")
@click.option("--state", type=click.Choice(STATES), default=None)
@json_option
def list_returns(slug: str, period: str, state: str | None, as_json: bool) -> None:
    """Print the returns of the register SLUG: of one period, or of the last ones."""
    year = int(period[:4]) if period[:4].isascii() and period[:4].isdigit() else None
    found: list[dict[str, Any]] = []
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        number, pages = 1, 1
        while number <= pages:
            wish = Wish(year, state or "", page=number, size=BATCH)
            page = listing.grid(work, slug, wish)
            pages = page.pages
            for line, one in listing.entries(page, wish):
                if period in ("", one.period):
                    found.append(
                        {
                            "id": one.id, "period": one.period, "owed_by": line.title,
                            "unit": work.tree.title(one.unit), "state": one.state,
                            "late": one.late, "due_on": one.due_on, "record": one.record,
                        }
                    )  # fmt: skip
            number += 1
    if as_json:
        print_json(found)
        return
    for entry in found:
        late = " *" if entry["late"] else ""
        text = f"{entry['id']:>8}  {entry['period']}  {entry['due_on']}  {entry['state']}{late}"
        click.echo(f"{text:<48}{entry['owed_by']}")


@returns.command("excuse")
@click.argument("slug")
@click.argument("number", type=int)
@click.argument("reason")
def excuse_return(slug: str, number: int, reason: str) -> None:
    """Excuse the return NUMBER of the register SLUG, for a REASON."""
    with refusals_as_exit_status(), platform().writing(ACTOR) as work:
        found = deeds.excuse(work, slug, number, reason)
    text = "The return for {period} is excused."
    click.echo(sentence(text, period=found.period))
