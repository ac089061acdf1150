"""Our own server command on a free port, as a process of its own."""

from __future__ import annotations

import http.client
import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = "tests.support.tiny_app:create_app"


@dataclass
class Server:
    """A running server; ``lines`` are what it printed before its address."""

    process: subprocess.Popen[str]
    port: int
    lines: list[str]

    def get(self, path: str = "/", timeout: float = 10) -> tuple[int, bytes]:
        """Return status and body of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def connect(self, data: bytes = b"") -> socket.socket:
        """Open a connection and send ``data`` on it."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(data)
        return connection

    def workers(self) -> set[int]:
        """Return the process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in children.split()}

    def end(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(data_dir: Path, app: str = "app:create_app", **settings: str) -> Iterator[Server]:
    """Run ``python -m app.serve`` until the block ends; settings without the prefix."""
    port = free_port()
    given = {"DATA_DIR": str(data_dir), "PORT": str(port), **settings}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TAIZHANG_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "app.serve", "--app", app],
        cwd=ROOT,
        env={**inherited, **{f"TAIZHANG_{name}": value for name, value in given.items()}},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("http://"):
                break
        else:
            raise RuntimeError(f"The server did not start: {lines}")
        yield Server(process, port, lines[:-1])
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        if process.stdout is not None:
            process.stdout.close()


def settle(server: Server, password: str = "春江潮水连海平海上明月共潮生") -> str:
    """Change the password that the first start printed, as its person must; return the new one."""
    found = re.search(r"(?:Password|密码)[:：]\s*(\S+)", "\n".join(server.lines))
    assert found, server.lines
    given = {"username": "admin", "password": found[1]}
    changed = {"old": found[1], "new": password, "again": password}
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(cookies)
    for path, form in (("/sign-in", given), ("/account/password", changed)):
        place = f"http://127.0.0.1:{server.port}{path}"
        with browser.open(place) as page:
            token = re.search(r'name="csrf-token" content="([^"]+)"', page.read().decode())
        assert token is not None
        form["csrf_token"] = token[1]
        browser.open(place, urllib.parse.urlencode(form).encode()).close()
    return password
