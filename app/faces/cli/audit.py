"""``flask audit``: prove the log, take it out, shorten it, write its head down."""

from __future__ import annotations

import datetime
import sys
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import AppGroup

from app.errors import QueryRefused, because
from app.faces import audited
from app.faces.cli.base import (
    ACTOR,
    REFUSED,
    json_option,
    platform,
    print_json,
    refusals_as_exit_status,
    sentence,
)
from app.services.audit import alarms, checking, clocks, heads, purging, searching, watching
from app.services.audit.events import EVENTS
from app.services.whole_file import appearing
from app.words import say

audit = AppGroup("audit", help="The audit log: prove, export, shorten.")
DAY = click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"))


@audit.command("verify")
@click.option("--head", "printed", multiple=True, metavar="NUMBER:HASH", help="A printed head.")
@json_option
def verify(printed: tuple[str, ...], as_json: bool) -> None:
    """Prove that the log is whole, or say where it breaks first; exit status 1 then."""
    with refusals_as_exit_status(as_json):
        verdict = checking.verify(platform(), dict(map(read_head, printed)))
    if as_json:
        print_json(
            {
                "whole": verdict.whole,
                "first": verdict.first,
                "last": verdict.last,
                "hash": verdict.hash,
                "heads": verdict.heads,
                "breaks": [{**p.values, "message": say(p)} for p in verdict.breaks],
                "remarks": [say(p) for p in verdict.remarks],
            }
        )
    else:
        show(verdict)
    sys.exit(0 if verdict.whole else REFUSED)


def show(verdict: checking.Verdict) -> None:
    for remark in verdict.remarks:
        click.echo(say(remark))
    for problem in verdict.breaks:
        click.echo(say(problem), err=True)
    if verdict.whole:
        text = (
            "The audit log is whole: entries {first} to {last}, {heads} heads written down. "
            "The newest hash is {hash}."
        )
        told = {"first": verdict.first, "last": verdict.last, "heads": verdict.heads}
        click.echo(sentence(text, hash=verdict.hash, **told))
    else:
        click.echo(sentence("The audit log is NOT whole."), err=True)


def read_head(text: str) -> tuple[int, str]:
    """Read ``123:ab12…`` as it was printed; the beginning of the hash is enough."""
    number, _, hash = text.replace(" ", ":").partition(":")
    if not number.isascii() or not number.isdigit() or len(hash) < 8:
        said = "“{text}” is not a head. Write the number, a colon, and 8 letters of the hash."
        raise QueryRefused(reason=because(said, text=text))
    return int(number), hash


@audit.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "since", type=DAY, help="The first day.")
@click.option("--to", "until", type=DAY, help="The last day.")
@click.option("--person", default="", help="Name or login name.")
@click.option("--event", type=click.Choice(sorted(EVENTS)), default=None)
@click.option("--format", "kind", type=click.Choice(searching.FORMATS), help="Else FILE's ending.")
@json_option
def export(
    file: Path,
    since: datetime.datetime | None,
    until: datetime.datetime | None,
    person: str,
    event: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Write entries to FILE in the order of the log; that is recorded, too."""
    kind = kind or file.suffix.lower().lstrip(".")
    if until is not None and until.time() == datetime.time():
        until += datetime.timedelta(days=1)
    begin, end = audited.stored(since), audited.stored(until)
    search = searching.Search(begin, end, person=person, event=event or "")
    with (
        refusals_as_exit_status(as_json),
        appearing(file) as partial,
        partial.open("wb") as out,
        platform().reading(ACTOR) as work,
    ):
        count = searching.export(platform(), work, search, kind, out, audited.table())
    if as_json:
        print_json({"entries": count, "file": str(file)})
    else:
        click.echo(sentence("{count} entries are in {file}.", count=count, file=file))


@audit.command("purge")
@click.option("--days", type=int, help="Keep so many days; the setting AUDIT_DAYS if left out.")
@json_option
def purge(days: int | None, as_json: bool) -> None:
    """Take out what is older than it must be kept; the log itself records that."""
    kept = platform().office.audit_days if days is None else days
    with refusals_as_exit_status(as_json):
        done = purging.purge(platform(), ACTOR, kept)
        if done.rows:
            heads.write_head(platform())
    if as_json:
        print_json({"entries": done.rows, "last": done.last})
    elif done.rows:
        text = "{count} entries up to number {last} were taken out."
        click.echo(sentence(text, count=done.rows, last=done.last))
    else:
        click.echo(sentence("No entry is older than {days} days.", days=kept))


@audit.command("alarms")
@json_option
def show_alarms(as_json: bool) -> None:
    """Print the alarms of the last days, what raises one, and how the clocks stand."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        found, now = watching.recent(work), clocks.read(work.tx)
        conditions = alarms.read(platform().data_dir)
    if as_json:
        raised = [{**asdict(one), "at": f"{one.at.isoformat()}Z"} for one in found]
        print_json({"alarms": raised, "ahead": round(now.ahead, 3), "wrong": now.wrong})
        return
    for one in found:
        click.echo(f"{audited.local(one.at)}  {audited.alarm(one)}")
    if not found:
        click.echo(sentence("No alarm in the last seven days."))
    click.echo(audited.clocks(now))
    for condition in conditions:
        click.echo(f"  {audited.condition(condition)}")


@audit.command("head")
def head() -> None:
    """Write the newest number and hash down and print them, for a file on paper."""
    with refusals_as_exit_status():
        line = heads.write_head(platform())
    click.echo(str(line))
