"""Background jobs: what is done at a time, or apart from a request; each seen, none run twice.

A job is a function registered in ``app.services.joblist``. Rows of ``job_run`` say what is due;
any number of schedulers share them. Why our own tables: docs/adr/0017-jobs-in-our-own-tables.md.
"""

from app.services.jobs.job import GiveUp, Job, Run, job
from app.services.jobs.overview import JobState, runs, states
from app.services.jobs.queue import enqueue, purge, retry
from app.services.jobs.running import Scheduler, run_due, run_now

__all__ = [
    "GiveUp", "Job", "JobState", "Run", "Scheduler",
    "enqueue", "job", "purge", "retry", "run_due", "run_now", "runs", "states",
]  # fmt: skip
