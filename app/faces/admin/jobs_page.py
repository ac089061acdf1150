"""The page of background jobs, for administrators: what is due, what ran, what failed and why."""

from __future__ import annotations

import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.faces.admin import addresses, desk
from app.services import jobs
from app.services.joblist import JOBS
from app.services.jobs.overview import Listed
from app.words import gettext as _
from app.words import say

STATES = {"failed": "danger", "waiting": "warn", "running": "accent", "done": "good"}


def blueprint() -> Blueprint:
    """Return the addresses under ``/settings/jobs``."""
    made = Blueprint("jobs", __name__, url_prefix="/settings/jobs")
    made.add_url_rule("", "show", show)
    made.add_url_rule("/run", "run", run, methods=("POST",))
    made.add_url_rule("/retry", "retry", retry, methods=("POST",))
    return made


def show() -> str:
    """Return every job and the last runs, of one state where asked."""
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    with desk.reading() as work:
        found = jobs.states(work, JOBS)
        runs = jobs.runs(work, state)
    rows = [
        {
            "name": one.job.name,
            "title": _(one.job.title),
            "timed": bool(one.job.cron),
            "due": desk.moment(one.next) if one.next else _("on demand"),
            "last": line(one.last) if one.last else None,
            "waiting": one.waiting,
            "failed": one.failed,
        }
        for one in found
    ]
    return render_template(
        "taizhang/settings/jobs.html", rows=rows, runs=[line(one) for one in runs], state=state,
        states=[(name, _(name)) for name in STATES], failed=sum(one.failed for one in found),
        crumbs=[(_("Background jobs"), "")],
    )  # fmt: skip


def line(one: Listed) -> dict[str, Any]:
    """Return a run as a row of the table."""
    job = JOBS.get(one.job)
    return {
        "id": one.id, "title": _(job.title) if job else one.job, "due": second(one.due),
        "state": _(one.state), "tone": STATES.get(one.state, ""), "attempts": one.attempts,
        "started": second(one.started_at), "took": took(one),
        "said": say(one.outcome) if one.outcome else "",
        "again": desk.moment(one.next_at) if one.state == "waiting" else "",
        "open": one.state in ("failed", "waiting"),
    }  # fmt: skip


def took(one: Listed) -> str:
    if one.started_at is None or one.finished_at is None:
        return ""
    return _("{count} s", count=int((one.finished_at - one.started_at).total_seconds()))


def second(at: datetime.datetime | None) -> str:
    return f"{desk.local(at):%m-%d %H:%M:%S}" if at else ""


def run() -> Response:
    """Run a job now; it answers when it has ended."""
    name = request.form.get("name", "")
    said = jobs.run_now(desk.platform(), JOBS, name, desk.actor())
    done = _("{title}: done", title=_(JOBS[name].title))
    flash(say(said) if said else done, "success")
    return redirect(url_for("jobs.show"))


def retry() -> Response:
    """Let a run that failed be tried again."""
    text = request.form.get("id", "")
    number = addresses.digits(text, 17)
    if number is None:
        raise addresses.refuse("{name} is not a number.", name=text[:60])
    with desk.writing() as work:
        jobs.retry(work, number)
    flash(_("It is tried again within seconds."), "success")
    return redirect(url_for("jobs.show"))
