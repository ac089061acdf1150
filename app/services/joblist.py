"""Every background job there is, named one by one."""

from __future__ import annotations

from collections.abc import Mapping

from app.services import jobs
from app.services.audit import heads
from app.services.jobs import Job, Run
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


EVERY = (tidy, audit_heads, send_notice, send_digest, tidy_notices, open_returns)
JOBS: Mapping[str, Job] = {one.name: one for one in EVERY}
