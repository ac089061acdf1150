"""Every background job there is, named one by one."""

from __future__ import annotations

from collections.abc import Mapping

from app.services import drafts, handing, identity, jobs, workflow
from app.services.audit import alarms, clocks, heads, purging, watching
from app.services.jobs import Job, Run
from app.services.jobs.job import ACTOR
from app.services.notices.sending import send_digest, send_notice, tidy_notices
from app.services.returns import opening
from app.services.work import Platform, Work, now


@jobs.job("tidy-jobs", cron="20 3 * * *", title="Remove old job runs")
def tidy(work: Work, run: Run) -> str | None:
    """Remove the runs that came to an end a month ago."""
    jobs.purge(work)
    return None


@jobs.job("audit-heads", cron="5 0 * * *", title="Write the head of the audit log", whole=False)
def audit_heads(platform: Platform, run: Run) -> str | None:
    """Write the newest number and hash of the audit log outside the database. Once more after a
    crash is no harm: it is one more line of the same chain."""
    heads.write_head(platform)
    return None


@jobs.job("open-returns", cron="10 0 * * *", title="Open, remind of and close returns", whole=False)
def open_returns(platform: Platform, run: Run) -> str | None:
    """Bring the returns of every register up to now; a run that was missed is made up for."""
    opening.open_periods(platform, now())
    return None


@jobs.job(
    "advance-workflows", cron="15 0 * * *", title="Make the steps whose time is over", whole=False
)
def advance_workflows(platform: Platform, run: Run) -> str | None:
    """Make every automatic transition whose time is over; done twice, a record moves once."""
    workflow.advance_due(platform, now())
    return None


@jobs.job("tidy-drafts", cron="30 3 * * *", title="Remove old drafts")
def tidy_drafts(work: Work, run: Run) -> str | None:
    """Remove the drafts nobody went on with for a month."""
    drafts.purge_drafts(work.tx, work.now)
    return None


@jobs.job("suspend-unused", cron="25 0 * * *", title="Suspend accounts nobody uses")
def suspend_unused(work: Work, run: Run) -> str | None:
    """Suspend the accounts that were not used for as long as the setting says."""
    identity.suspend_stale(work.tx, work.now, work.office.unused_days)
    return None


@jobs.job("release-tasks", cron="35 0 * * *", title="Put back the tasks of those who left")
def release_tasks(work: Work, run: Run) -> str | None:
    """Let what was taken by somebody whose post or account is over wait for all again."""
    handing.release(work)
    return None


@jobs.job("purge-audit", cron="45 3 1 * *", title="Shorten the audit log", whole=False)
def purge_audit(platform: Platform, run: Run) -> str | None:
    """Take out the audit entries that are older than the setting says; done twice, once."""
    purging.purge(platform, ACTOR, platform.office.audit_days)
    return None


@jobs.job("audit-alarms", cron="*/5 * * * *", title="Watch the audit log for alarms")
def audit_alarms(work: Work, run: Run) -> str | None:
    """Compare the clocks, and raise the alarms that what is new in the log gives reason for."""
    clocks.watch(work)
    watching.watch(work, alarms.read(work.files.parent))
    return None


@jobs.job("prove-audit", cron="10 4 * * *", title="Prove the audit log", whole=False)
def prove_audit(platform: Platform, run: Run) -> str | None:
    """Prove that the audit log is whole; where it is not, say so in it: that is an alarm."""
    watching.prove(platform, ACTOR)
    return None


EVERY = (
    tidy, audit_heads, purge_audit, audit_alarms, prove_audit, send_notice, send_digest,
    tidy_notices, open_returns, advance_workflows, tidy_drafts, suspend_unused, release_tasks,
)  # fmt: skip
JOBS: Mapping[str, Job] = {one.name: one for one in EVERY}
