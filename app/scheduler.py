"""The child process of ``app.serve`` that runs background jobs, until told to end.

``flask jobs work`` is the same loop by hand, for a machine that serves no pages.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

from app import create_platform
from app.config import Config
from app.services.joblist import JOBS
from app.services.jobs import Scheduler
from app.services.work import Platform


def run_jobs(config: Config, *, alive: int, tell: int) -> None:
    """Run what is due until SIGTERM, SIGINT, or ``alive`` closes; say so on ``tell``."""
    platform = create_platform(config)
    scheduler = Scheduler(platform, JOBS)
    threading.Thread(target=watch, args=(alive, scheduler), daemon=True).start()
    os.write(tell, b"1")
    loop(platform, scheduler)


def loop(platform: Platform, scheduler: Scheduler) -> None:
    """Run a scheduler; SIGTERM and SIGINT let the run in progress finish."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")

    def end(*_: Any) -> None:
        scheduler.stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        scheduler.run()
    finally:
        platform.database.dispose()


def watch(alive: int, scheduler: Scheduler) -> None:
    """End when the supervisor is gone: the pipe it holds open closes."""
    os.read(alive, 1)
    scheduler.stop.set()
