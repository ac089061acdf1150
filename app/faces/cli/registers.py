"""``flask register``: check, plan, publish and look at definitions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from app.definitions.compile import check_together
from app.definitions.library import common_parts, example_problems
from app.errors import AppError, Problem
from app.faces.cli.base import (
    ACTOR,
    REFUSED,
    json_option,
    platform,
    print_json,
    problem_json,
    refusals_as_exit_status,
    sentence,
)
from app.services import debts, publishing
from app.services.publishing.steps import Plan, Step
from app.services.seeding import definition_paths, read_definition
from app.services.work import Work
from app.storage.catalog import CatalogNeighbours
from app.words import say

registers = AppGroup("register", help="Definitions: check, plan, publish, look back.")
paths_argument = click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)


@registers.command("check")
@paths_argument
@json_option
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Print every problem of the definitions at PATHS; exit status 1 if there is any."""
    files = [file for path in paths for file in definition_paths(path)]
    found: dict[str, list[Problem]] = {}
    documents: dict[str, Any] = {}
    for file in files:
        try:
            documents[str(file)] = read_definition(file)
        except AppError as error:
            found[str(file)] = [Problem("", error.code, error.text, error.values)]
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        found |= check_documents(work, documents)
    if as_json:
        print_json({name: [problem_json(p) for p in found[name]] for name in map(str, files)})
    else:
        for file in files:
            show_problems(file, found[str(file)])
    sys.exit(REFUSED if any(found.values()) else 0)


def check_documents(work: Work, documents: dict[str, Any]) -> dict[str, list[Problem]]:
    """Return the problems of each document, beside each other and what is published."""
    neighbours = CatalogNeighbours(work.tx, work.snapshot)
    sources = [Path(name).read_bytes() for name in documents]
    checked = check_together([*documents.values()], neighbours, common_parts(), sources)
    return {
        name: [*one.problems] or (example_problems(one.register) if one.register else [])
        for name, one in zip(documents, checked, strict=True)
    }


def show_problems(file: Path, problems: list[Problem]) -> None:
    if not problems:
        click.echo(sentence("{file}: no problems", file=file))
    for problem in problems:
        click.echo(f"{file}{'#' + problem.at if problem.at else ''}: {say(problem)}")


@registers.command("plan")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def plan(path: Path, as_json: bool) -> None:
    """Say what publishing the definition at PATH would do, and change nothing."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        made = publishing.plan(work, read_definition(path))
        if as_json:
            print_json(plan_json(made))
        else:
            show_plan(made)


def plan_json(made: Plan) -> dict[str, Any]:
    return {
        "slug": made.slug,
        "base": made.base,
        "base_hash": made.base_hash,
        "revision": made.revision,
        "unchanged": made.unchanged,
        "steps": [{**step.as_json(), "message": step_text(step)} for step in made.steps],
    }


def step_text(step: Step) -> str:
    """Return a step in words."""
    return sentence(step.text, **step.values)


def show_plan(made: Plan) -> None:
    if made.unchanged:
        click.echo(sentence("{slug}: nothing changes", slug=made.slug))
        return
    shown = {"slug": made.slug, "base": made.base, "revision": made.revision}
    click.echo(sentence("{slug}: revision {base} → {revision}", **shown))
    marks = {"": " ", "confirm": "!", "refused": "✗"}
    for step in made.steps:
        rows = f"  ({step.rows:,})" if step.rows else ""
        click.echo(f" {marks[step.needs]} {step_text(step)}{rows}")
        for example in step.examples:
            click.echo(f"     · {example}")
    if made.confirmations:
        click.echo(sentence("Steps marked ! need --yes."))


@registers.command("publish")
@paths_argument
@click.option("--yes", "confirmed", is_flag=True, help="Confirm every step that asks for it.")
@json_option
def publish(paths: tuple[Path, ...], confirmed: bool, as_json: bool) -> None:
    """Publish the definitions at PATHS, all of them or none."""
    files = [file for path in paths for file in definition_paths(path)]
    with refusals_as_exit_status(as_json):
        documents = [read_definition(file) for file in files]
        with platform().writing(ACTOR, publishing=True) as work:
            before = {slug: entry.revision for slug, entry in work.snapshot.entries.items()}
            done = publishing.publish_together(work, documents, confirmed=confirmed)
        answers = [
            {"slug": p.slug, "revision": p.revision, "changed": before.get(p.slug) != p.revision}
            for p in done
        ]
        if as_json:
            print_json(answers)
            return
        for answer in answers:
            text = "{slug}: published revision {revision}"
            if not answer["changed"]:
                text = "{slug}: already published as revision {revision}"
            click.echo(sentence(text, **answer))


@registers.command("list")
@json_option
def list_registers(as_json: bool) -> None:
    """Print every register with its current revision."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        entries = [entry for _, shelf in work.snapshot.menu() for entry in shelf]
    if as_json:
        keys = ("slug", "title", "category", "revision")
        print_json([{key: getattr(entry, key) for key in keys} for entry in entries])
        return
    for entry in entries:
        click.echo(f"{entry.slug}\t{entry.revision}\t{entry.category}\t{entry.title}")


@registers.command("show")
@click.argument("slug")
@click.option("--revision", type=int, help="An earlier revision.")
def show(slug: str, revision: int | None) -> None:
    """Print the definition of SLUG."""
    with refusals_as_exit_status(), platform().reading(ACTOR) as work:
        document = publishing.document(work, slug, revision)
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=float))


@registers.command("history")
@click.argument("slug")
@json_option
def history(slug: str, as_json: bool) -> None:
    """Print the revisions of SLUG and what each did, newest first."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        found = publishing.revisions(work, slug)
    if as_json:
        keys = ("revision", "at", "who", "steps")
        print_json([{key: getattr(one, key) for key in keys} for one in found])
        return
    for one in found:
        click.echo(f"{one.revision}\t{one.at:%Y-%m-%d %H:%M}Z\t{one.who}")
        for step in one.steps:
            click.echo("    " + sentence(step["text"], **step["values"]))


@registers.command("debt")
@click.argument("slug")
@json_option
def debt(slug: str, as_json: bool) -> None:
    """Print how many stored records break which rule of SLUG, since when, and which."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        work.published(slug)
        summary = debts.summary(work, slug)
        found = debts.listed(work, slug)
    if as_json:
        print_json(
            {
                "rules": [
                    {"code": c, "at": at, "records": n, "since": since, "revision": r}
                    for c, at, n, since, r in summary
                ],
                "records": [
                    {"record": d.record, "since": d.since, **problem_json(d.problem)} for d in found
                ],
            }
        )
        return
    if not summary:
        click.echo(sentence("Every record meets the current revision."))
    for code, at, records, since, revision in summary:
        shown = {"count": records, "code": code, "at": at, "revision": revision}
        text = "{count} records: {code} at {at}, since revision {revision}"
        click.echo(f"{sentence(text, **shown)} ({since:%Y-%m-%d})")
    for one in found:
        click.echo(f"  #{one.record}  {say(one.problem)}")
