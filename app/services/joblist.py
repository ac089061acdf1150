"""Every background job there is, named one by one."""

from __future__ import annotations

from collections.abc import Mapping

from app.services import jobs
from app.services.jobs import Job, Run
from app.services.notices.sending import send_digest, send_notice, tidy_notices
from app.services.work import Work


@jobs.job("tidy-jobs", cron="20 3 * * *", title="Remove old job runs")
def tidy(work: Work, run: Run) -> str | None:
    """Remove the runs that came to an end a month ago."""
    jobs.purge(work)
    return None


JOBS: Mapping[str, Job] = {one.name: one for one in (tidy, send_notice, send_digest, tidy_notices)}
