"""Our server command: a slow client stops nobody else, and no request is lost at the end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.server import TINY, Server, serving

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
HALF = {
    "bodies": HEAD + b"Content-Length: 100000\r\n\r\n" + b"a" * 5000,
    "headers": HEAD + b"Content-Len",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "nothing": b"",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data"), TINY) as server:
        yield server


def until(holds: Callable[[], bool]) -> bool:
    """Return whether ``holds`` becomes true within ten seconds."""
    last = time.monotonic() + 10
    while time.monotonic() < last:
        if holds():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("half", HALF)
@pytest.mark.parametrize("number", [20, 200])
def test_half_sent_requests_stop_nobody(server: Server, half: str, number: int) -> None:
    held = [server.connect(HALF[half]) for _ in range(number)]
    try:
        answers = [server.get(timeout=5)[0] for _ in range(10)]
    finally:
        for connection in held:
            connection.close()

    assert answers == [200] * 10


def test_clients_that_do_not_read_stop_nobody(server: Server) -> None:
    held = [server.connect(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(40)]
    try:
        answers = [server.get(timeout=8)[0] for _ in range(10)]
    finally:
        for connection in held:
            connection.close()

    assert answers == [200] * 10


def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, TINY, MAX_UPLOAD_MB="1") as server:
        for size in (2 << 20, 30 << 20):
            connection = server.connect(HEAD + f"Content-Length: {size}\r\n\r\n".encode())
            connection.settimeout(10)
            piece = b"a" * 65536
            try:
                for _ in range(size // len(piece)):
                    connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert b" 413 " in connection.recv(65536).split(b"\r\n")[0]
            connection.close()


def test_a_dead_worker_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, TINY) as server:
        assert until(lambda: len(server.workers()) == 2)
        before = server.workers()
        killed = min(before)

        os.kill(killed, signal.SIGKILL)

        assert until(lambda: len(server.workers() - {killed}) == 2)
        assert server.get()[0] == 200


def test_sigterm_answers_what_has_begun_and_ends_everything(tmp_path: Path) -> None:
    with serving(tmp_path, TINY) as server:
        workers, answers = server.workers(), []
        asking = threading.Thread(target=lambda: answers.append(server.get("/slow")))
        asking.start()
        time.sleep(0.5)

        status = server.end()
        asking.join()

    assert status == 0
    assert answers == [(200, b"answered")]
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_sighup_replaces_every_worker_and_loses_no_request(tmp_path: Path) -> None:
    with serving(tmp_path, TINY) as server:
        assert until(lambda: len(server.workers()) == 2)
        before, answers = server.workers(), []
        asking = threading.Thread(target=lambda: answers.append(server.get("/slow")))
        asking.start()
        time.sleep(0.3)

        server.process.send_signal(signal.SIGHUP)
        replaced = until(
            lambda: (
                answers.append(server.get()) is None  # type: ignore[func-returns-value]
                and len(server.workers()) == 2
                and not server.workers() & before
            )
        )
        asking.join()

    assert replaced
    assert {status for status, _ in answers} == {200}


def test_workers_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, TINY) as server:
        assert until(lambda: len(server.workers()) == 2)
        workers = server.workers()

        server.process.kill()
        server.process.wait(timeout=10)

        assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
