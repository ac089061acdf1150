"""``flask jobs``: what runs in the background."""

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
from app.scheduler import loop
from app.services import jobs as background
from app.services.joblist import JOBS
from app.words import say, translate

jobs = AppGroup("jobs", help="What runs in the background.")


@jobs.command("list")
@json_option
def list_jobs(as_json: bool) -> None:
    """Print every job: when it is due next, its last run, and what has failed."""
    with refusals_as_exit_status(as_json), platform().reading(ACTOR) as work:
        found = background.states(work, JOBS)
    local = platform().office.local
    if as_json:
        answer = [
            {
                "job": one.job.name,
                "cron": one.job.cron,
                "next": one.next and local(one.next).isoformat(),
                "last": one.last and local(one.last.started_at or one.last.due).isoformat(),
                "state": one.last and one.last.state,
                "waiting": one.waiting,
                "failed": one.failed,
            }
            for one in found
        ]
        print_json(answer)
        return
    for one in found:
        due = f"{local(one.next):%Y-%m-%d %H:%M}" if one.next else sentence("on demand")
        click.echo(f"{one.job.name:24} {due:18} {translate(one.job.title)}")
        if one.last:
            text = "  last: {when}, {state}"
            when = f"{local(one.last.started_at or one.last.due):%Y-%m-%d %H:%M:%S}"
            click.echo(sentence(text, when=when, state=translate(one.last.state)))
        if one.failed:
            click.echo(sentence("  {count} runs have failed.", count=one.failed))


@jobs.command("run")
@click.argument("name")
@click.option(
    "--due",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S"]),
    help="The due time to run it for, in office time: 'YYYY-MM-DD HH:MM'; done once at most.",
)
def run_job(name: str, due: datetime.datetime | None) -> None:
    """Run the job NAME at once."""
    with refusals_as_exit_status():
        moment = platform().office.stored(due) if due else None
        said = background.run_now(platform(), JOBS, name, ACTOR, moment)
    click.echo(say(said) if said else sentence("{name}: done", name=name))


@jobs.command("work")
def work_jobs() -> None:
    """Run what is due until SIGTERM: for one more machine on the same database."""
    click.echo(sentence("Background jobs run here. End with Ctrl+C."))
    loop(platform(), background.Scheduler(platform(), JOBS))
