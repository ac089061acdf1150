"""``flask records``: import, export and look at records."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from app.definitions.register import Register
from app.errors import FileRefused, QueryRefused, because
from app.faces.cli.base import (
    REFUSED,
    acting,
    json_option,
    platform,
    print_json,
    progress,
    refusals_as_exit_status,
    sentence,
    show_report,
)
from app.services import exchange, history, joint, lists, workflow
from app.services import records as service
from app.services.exchange import ImportReport, ImportStopped
from app.services.whole_file import appearing
from app.words import say, translate

records = AppGroup("records", help="Records: import, export, show.")

#: how a condition is written, longest first
SIGNS = {
    "!=": "ne", ">=": "ge", "<=": "le", "=": "eq", ">": "gt", "<": "lt", "~": "contains",
}  # fmt: skip
CONDITION = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(!=|>=|<=|=|>|<|~|\s[a-z]+(?:\s|$))\s*(.*)", re.S)
HEADINGS = ("Row", "Column", "Value", "Reason")
as_option = click.option(
    "--as", "login", default="", metavar="USER", help="Act for USER: with that name and rights."
)


@records.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mode", type=click.Choice(exchange.MODES), default="insert", show_default=True)
@click.option(
    "--on-error",
    type=click.Choice((exchange.STOP, exchange.SKIP)),
    default=exchange.STOP,
    show_default=True,
    help="Store nothing, or the good rows.",
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="csv or xlsx.")
@click.option("--dry-run", is_flag=True, help="Check everything and store nothing.")
@as_option
@json_option
def import_records(
    slug: str,
    file: Path,
    mode: str,
    on_error: str,
    report: Path | None,
    dry_run: bool,
    login: str,
    as_json: bool,
) -> None:
    """Import FILE (csv or xlsx) into the register SLUG."""
    stopped = False
    with refusals_as_exit_status(as_json):
        try:
            with (
                collector_resting(),
                platform().writing(acting(login)) as work,
                progress(slug) as tell,
            ):
                done = exchange.import_file(
                    work, slug, file, mode=mode, on_error=on_error, dry_run=dry_run, progress=tell
                )
        except ImportStopped as error:
            done, stopped = error.report, True
            with platform().reading(acting(login)) as work:
                published = work.published(slug)
            exchange.note_stopped(platform(), acting(login), published, error)
            if not as_json:
                click.echo(say(error), err=True)
        if report:
            write_report(done, report)
    show_report(done, stopped, as_json)
    sys.exit(REFUSED if stopped or done.faulty else 0)


@contextmanager
def collector_resting() -> Iterator[None]:
    """Let Python's cycle collector rest: an import makes no cycles, and being looked through
    again and again for some costs it a sixth of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def write_report(done: ImportReport, path: Path) -> None:
    """Write every bad cell to a csv or xlsx file."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in ("csv", "xlsx"):
        raise FileRefused(
            reason=because("A report is a .csv or .xlsx file, not {name}.", name=path)
        )
    with path.open("wb") as out:
        exchange.write_report(done, out, ending, [translate(h) for h in HEADINGS], say)


@records.command("export")
@click.argument("slug")
@click.option("--format", "kind", type=click.Choice(exchange.FORMATS), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--filter", "filters", multiple=True, help="'field op value'; op: = != > >= < <= ~")
@click.option("--sort", default="", help="A field; with - first, descending.")
@as_option
@json_option
def export_records(
    slug: str,
    kind: str,
    out: Path,
    filters: tuple[str, ...],
    sort: str,
    login: str,
    as_json: bool,
) -> None:
    """Write the records of SLUG to a file; what is refused leaves no file behind."""
    with refusals_as_exit_status(as_json):
        with appearing(out) as partial:
            with platform().reading(acting(login)) as work, progress(slug) as tell:
                register = work.register(slug)
                wanted = tuple(read_condition(register, text) for text in filters)
                query = lists.Query(filters=wanted, sort=sort)
                count = exchange.export(work, slug, query, kind, partial, tell)
            with platform().writing(acting(login)) as work:
                exchange.note_export(work, slug, query, kind, count)
        if as_json:
            print_json({"records": count, "file": str(out)})
        else:
            click.echo(sentence("{count} records are in {file}.", count=count, file=out))


def read_condition(register: Register, text: str) -> lists.Filter:
    """Read ``revenue >= 100``, ``name ~ 化妆`` or ``stage in a,b`` as a filter."""
    found = CONDITION.fullmatch(text)
    if found is None:
        said = "“{text}” is not a condition. Write: field op value, with op one of {signs}."
        raise QueryRefused(reason=because(said, text=text, signs=" ".join(SIGNS)))
    name, sign, value = found.groups()
    return lists.Filter(name, SIGNS.get(sign, sign.strip()), value.strip())


@records.command("show")
@click.argument("slug")
@click.argument("record", metavar="ID", type=int)
@as_option
@json_option
def show_record(slug: str, record: int, login: str, as_json: bool) -> None:
    """Print one record."""
    with refusals_as_exit_status(as_json), platform().reading(acting(login)) as work:
        found = service.get(work, slug, record)
        published = work.published(slug)
    if as_json:
        values = published.gate.to_json(found.values)
        print_json({"id": found.id, "version": found.version, "values": values})
        return
    click.echo(f"{published.register.title} #{found.id}  {found.label}")
    for field in published.register.fields:
        value = found.values[field.name]
        if value is not None:
            shown = found.references.get(field.name) or field.kind.show(value)
            unit = f" {field.unit}" if field.unit else ""
            click.echo(f"  {field.title}: {shown}{unit}")


@records.command("history")
@click.argument("slug")
@click.argument("record", metavar="ID", type=int)
@as_option
@json_option
def show_history(slug: str, record: int, login: str, as_json: bool) -> None:
    """Print what happened to one record, newest first."""
    with refusals_as_exit_status(as_json), platform().reading(acting(login)) as work:
        service.exists(work, slug, record)
        entries = history.of_record(work, slug, record)
        register = work.register(slug)
    if as_json:
        keys = ("version", "revision", "at", "who", "face", "action", "before", "after", "note")
        print_json([{key: getattr(entry, key) for key in keys} for entry in entries])
        return
    for entry in entries:
        click.echo(f"v{entry.version}  {entry.at:%Y-%m-%d %H:%M}Z  {entry.who}  {entry.action}")
        for name, before, after in entry.changes:
            title = register[name].title if name in register else name
            click.echo(f"    {title}: {spoken(before)} → {spoken(after)}")


def spoken(value: Any) -> str:
    return "–" if value is None else str(value)


@records.command("move")
@click.argument("slug")
@click.argument("record", type=int)
@click.argument("transition")
@click.option("--comment", default="", help="What is said with it.")
@click.option("--unit", "units", multiple=True, help="Code of a unit it is referred to.")
@as_option
def move(
    slug: str, record: int, transition: str, comment: str, units: tuple[str, ...], login: str
) -> None:
    """Take a step of the workflow with RECORD of the register SLUG."""
    with refusals_as_exit_status(), platform().writing(acting(login)) as work:
        chosen = joint.require_units(work, units)
        made = workflow.move(work, slug, record, None, transition, comment, None, chosen)
        flow = work.register(slug).workflow
        state = flow.state(made.state).title if flow else ""
    click.echo(sentence("{label}: now in the state “{state}”.", label=made.label, state=state))
