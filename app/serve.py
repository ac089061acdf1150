"""``python -m app.serve``: the application on two worker processes that share one socket.

A supervisor binds the socket, starts the workers, replaces those that die, and ends them all
on SIGTERM or SIGINT after the requests in progress are answered. SIGHUP replaces every worker
by a fresh one, without refusing a request. The first worker prepares the database before any
of them serves. One more child runs the background jobs.
Why this server: docs/adr/0008-wsgi-server.md.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from typing import NoReturn

from app.config import Config
from app.errors import AppError

#: seconds the workers have to end, a little more than they take to answer what has begun
PATIENCE = 25
#: seconds between two starts of a worker that keeps dying
PAUSE = 1.0

ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
HANDLED = ENDING | {signal.SIGHUP, signal.SIGCHLD}


@dataclass(frozen=True, slots=True)
class Worker:
    """A child process; ``ready`` is the pipe on which it says that it serves."""

    pid: int
    ready: int
    #: what it does: answer requests, or run background jobs
    jobs: bool = False

    def is_ready(self) -> bool:
        """Return whether it has said so; a worker that died has not."""
        try:
            return os.read(self.ready, 1) == b"1"
        except BlockingIOError:
            return False


class Supervisor:
    """Keeps ``config.workers`` workers alive until it is told to end."""

    def __init__(self, config: Config, factory: str) -> None:
        """Serve the application ``factory`` makes, written ``module:function``."""
        self.config = config
        self.factory = factory
        self.workers: dict[int, Worker] = {}
        self.leaving: set[int] = set()
        self.ending = False
        # the workers see this pipe close when the supervisor is gone, however it went
        self.alive = os.pipe()
        self.listener = _listen(config.host, config.port)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        if not self._wait_for(self._start(prepare=True)):
            self._end()
            return 0 if self.ending else 1
        for _ in range(self.config.workers - 1):
            self._start()
        if self.config.jobs and self.factory.startswith("app:"):
            self._start(jobs=True)
        host, port = self.listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{port}", flush=True)
        while not self.ending:
            received = signal.sigwait(HANDLED)
            if received in ENDING:
                break
            if received == signal.SIGHUP:
                self._replace_all()
            self._reap()
        self._end()
        return 0

    def _start(self, *, prepare: bool = False, jobs: bool = False) -> Worker:
        ready, tell = os.pipe()
        os.set_blocking(ready, False)
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            os.close(self.alive[1])
            work(self, tell, prepare, jobs)
        os.close(tell)
        worker = Worker(pid, ready, jobs)
        self.workers[pid] = worker
        return worker

    def _wait_for(self, worker: Worker) -> bool:
        """Return whether ``worker`` serves; ``False`` when it died or everything shall end."""
        while True:
            if worker.is_ready():
                return True
            received = signal.sigtimedwait(HANDLED, 0.02)
            if received and received.si_signo in ENDING:
                self.ending = True
                return False
            if os.waitpid(worker.pid, os.WNOHANG)[0]:
                self.workers.pop(worker.pid, None)
                return False

    def _reap(self) -> None:
        """Replace the workers that died."""
        while self.workers:
            pid, _status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            gone = self.workers.pop(pid)
            os.close(gone.ready)
            if pid in self.leaving:
                self.leaving.discard(pid)
            else:
                print(f"Worker {pid} ended; starting another.", file=sys.stderr, flush=True)
                time.sleep(PAUSE)
                self._start(jobs=gone.jobs)

    def _replace_all(self) -> None:
        """Start as many fresh workers as there are, then let the old ones finish."""
        old = set(self.workers) - self.leaving
        for pid in old:
            if not self._wait_for(self._start(jobs=self.workers[pid].jobs)):
                if self.ending:
                    return
                print("A new worker did not start; the old ones stay.", file=sys.stderr, flush=True)
                return
        for pid in old:
            self.leaving.add(pid)
            os.kill(pid, signal.SIGTERM)

    def _end(self) -> None:
        """End every worker, by force after ``PATIENCE`` seconds."""
        self.listener.close()
        for pid in self.workers:
            os.kill(pid, signal.SIGTERM)
        last = time.monotonic() + PATIENCE
        for pid in list(self.workers):
            while not os.waitpid(pid, os.WNOHANG)[0]:
                if time.monotonic() > last:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.02)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host.strip("[]"), port))
    listener.listen(1024)
    return listener


def work(supervisor: Supervisor, tell: int, prepare: bool, jobs: bool) -> NoReturn:
    """Be a worker: prepare when asked, say "ready", serve or run jobs until told to end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    status = 1
    try:
        if jobs:
            from app.scheduler import run_jobs

            supervisor.listener.close()
            run_jobs(supervisor.config, alive=supervisor.alive[0], tell=tell)
        else:
            from app.worker import serve

            serve(
                supervisor.config,
                supervisor.factory,
                supervisor.listener,
                alive=supervisor.alive[0],
                tell=tell,
                prepare=prepare,
            )
        status = 0
    except AppError as refused:
        _refuse(refused, supervisor.config.language)
    except KeyboardInterrupt:
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _refuse(refused: AppError, language: str) -> None:
    from app.words import say

    print(say(refused, language), file=sys.stderr, flush=True)


def main() -> int:
    """Read the settings, serve; print a sentence and return 1 when that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m app.serve", description=__doc__)
    parser.add_argument("--app", default="app:create_app", help="what to serve: module:function")
    arguments = parser.parse_args()
    try:
        config = Config.from_environment(os.environ)
    except AppError as refused:
        language = os.environ.get("TAIZHANG_LANGUAGE", "zh_Hans")
        _refuse(refused, language if language == "en" else "zh_Hans")
        return 1
    try:
        supervisor = Supervisor(config, arguments.app)
    except OSError as error:
        place = f"{config.host}:{config.port}"
        _refuse(AddressTaken(address=place, why=error.strerror), config.language)
        return 1
    return supervisor.run()


class AddressTaken(AppError):
    code = "address.taken"
    text = (
        "The address {address} cannot be used: {why}. Stop what uses it, or set TAIZHANG_HOST or "
        "TAIZHANG_PORT."
    )


if __name__ == "__main__":
    sys.exit(main())
