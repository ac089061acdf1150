"""The server command: everything is prepared at the first start and kept at the second."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import sqlalchemy as sa

from app.services import jobs
from app.services.jobs.job import ACTOR
from app.storage.models_jobs import job_run
from app.storage.session import Database
from tests.support.register import platform_on
from tests.support.server import ROOT, TINY, Server, free_port, serving, settle


def enter(server: Server, login: str, password: str) -> str:
    """Sign in over HTTP and return the home page."""
    address = f"http://127.0.0.1:{server.port}"
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(cookies)
    with browser.open(f"{address}/sign-in") as page:
        token = re.search(r'name="csrf-token" content="([^"]+)"', page.read().decode())
    assert token is not None
    form = {"username": login, "password": password, "csrf_token": token[1]}
    with browser.open(f"{address}/sign-in", urllib.parse.urlencode(form).encode()) as page:
        return str(page.read().decode())


def test_the_first_start_tells_the_password_once_and_the_second_keeps_everything(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, LANGUAGE="en") as server:
        told = "\n".join(server.lines)
        found = re.search(r"Administrator: (\S+) +Password: (\S+)", told)
        assert found is not None, told
        password = settle(server)
        first = enter(server, found[1], password)
        assert server.end() == 0
    with serving(tmp_path, LANGUAGE="en") as server:
        again = list(server.lines)
        second = enter(server, found[1], password)

    assert again == []
    assert "/registers/" in first
    assert re.findall(r"/registers/\w+", first) == re.findall(r"/registers/\w+", second)


def test_two_workers_answer(tmp_path: Path) -> None:
    with serving(tmp_path, DEMO="no", JOBS="no") as server:
        assert {server.get("/sign-in")[0] for _ in range(10)} == {200}
        assert len(server.workers()) == 2


def due(folder: Path, key: str) -> str:
    """Have old runs tidied away now; return the state of the run known by ``key``."""
    platform = platform_on(Database(f"sqlite:///{folder / 'taizhang.db'}"), folder)
    try:
        with platform.writing(ACTOR) as work:
            jobs.enqueue(work, "tidy-jobs", key=key)
        while True:
            with platform.reading(ACTOR) as work:
                query = sa.select(job_run.c.state).where(job_run.c.key == key)
                state = work.tx.scalar(query)
            if state not in ("waiting", "running"):
                return str(state)
            time.sleep(0.05)
    finally:
        platform.database.dispose()


def test_one_more_child_runs_background_jobs_and_is_replaced_when_it_dies(tmp_path: Path) -> None:
    with serving(tmp_path, DEMO="no") as server:
        assert len(server.workers()) == 3
        assert due(tmp_path, "first") == "done"
        before = server.workers()

        os.kill(max(before), signal.SIGKILL)

        assert due(tmp_path, "second") == "done"
        assert len(server.workers() - before) == 1
        assert server.end() == 0


def start(data_dir: Path, port: int, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start the command where it cannot, and return how it ended."""
    given = {"DATA_DIR": str(data_dir), "PORT": str(port), **settings}
    ended = subprocess.run(
        [sys.executable, "-m", "app.serve"],
        cwd=ROOT,
        env={**os.environ, **{f"TAIZHANG_{name}": value for name, value in given.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended


def test_an_address_that_is_taken_is_named(tmp_path: Path) -> None:
    with serving(tmp_path, TINY) as server:
        ended = start(tmp_path, server.port)

    assert f"127.0.0.1:{server.port}" in ended.stderr


def test_a_database_that_cannot_be_reached_is_named_by_its_setting(tmp_path: Path) -> None:
    nowhere = f"postgresql://user:hidden@127.0.0.1:{free_port()}/none"

    ended = start(tmp_path, free_port(), DATABASE_URL=nowhere)

    assert "TAIZHANG_DATABASE_URL" in ended.stderr
    assert "hidden" not in ended.stderr
