"""What a client claims about itself on the wire: a server of its own, asked by plain bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from app.services import identity
from app.storage.models_identity import sign_in_log
from app.storage.session import Database
from tests.conftest import ENGINES, migrated
from tests.support.server import Server, serving

PASSWORD = "correct horse battery"
#: everything a client might write to be taken for somebody else, or us for another
CLAIMED = (
    "X-Forwarded-For: 10.9.9.{n}",
    "X_Forwarded_For: 10.9.9.{n}",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Port: 444",
    "Forwarded: for=10.9.9.{n};host=evil.example;proto=https",
    "X-Real-IP: 10.9.9.{n}",
)


@pytest.fixture(scope="module", params=ENGINES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with one account, on each engine: one for all, as only its lock is remembered."""
    folder = tmp_path_factory.mktemp("forwarded")
    with (
        migrated(request, folder) as url,
        serving(folder, DATABASE_URL=url, DEMO="no", WORKERS="2") as running,
    ):
        database = Database(url)
        with database.writing() as tx:
            identity.create_account(tx, "clerk", "张三", PASSWORD)
        database.dispose()
        yield running


def ask(server: Server, *lines: str, body: str = "", host: str = "") -> tuple[int, str]:
    """Send a request line by line; return status and the whole answer."""
    head = [lines[0] + " HTTP/1.1", f"Host: {host or f'127.0.0.1:{server.port}'}", *lines[1:]]
    if body:
        head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    raw = "\r\n".join([*head, "Connection: close", "", body]).encode()
    with server.connect(raw) as sent:
        parts = []
        while part := sent.recv(65536):
            parts.append(part)
    answer = b"".join(parts).decode("utf-8", "replace")
    return int(answer.split(" ", 2)[1]), answer


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_host_that_is_not_ours_gets_nothing(server: Server, host: str) -> None:
    status, answer = ask(server, "GET /sign-in", host=host)

    assert status == 400
    assert "evil" not in answer


def test_no_address_holds_what_a_client_claimed(server: Server) -> None:
    claimed = [line.format(n=1) for line in CLAIMED]

    for path in ("/", "/sign-in", "/registers/enterprise/", "/nowhere"):
        _status, answer = ask(server, f"GET {path}", *claimed)
        assert "evil" not in answer, path
        assert "https://127" not in answer, path
        assert ":444" not in answer, path


def test_a_lock_is_not_evaded_by_another_claimed_address(server: Server) -> None:
    def sign_in(n: int, password: str) -> int:
        claimed = [line.format(n=n) for line in CLAIMED]
        _status, page = ask(server, "GET /sign-in", *claimed)
        token = re.search(r'name="csrf-token" content="([^"]+)"', page)
        cookie = re.search(r"Set-Cookie: (form=[^;]+)", page)
        assert token is not None
        assert cookie is not None
        form = {"username": "clerk", "password": password, "csrf_token": token[1]}
        lines = ("POST /sign-in", f"Cookie: {cookie[1]}", *claimed)
        return ask(server, *lines, body=urlencode(form))[0]

    assert [sign_in(n, "wrong password") for n in range(5)] == [401] * 5

    assert sign_in(6, PASSWORD) == 401


def test_a_trusted_proxy_tells_whose_address_it_is_and_a_client_does_not(
    url: str, tmp_path: Path
) -> None:
    with serving(
        tmp_path, DATABASE_URL=url, DEMO="no", WORKERS="1", TRUSTED_PROXIES="127.0.0.1, 10.9.9.8"
    ) as running:
        # the proxy adds the last address; what stands before it was the client's own claim
        for claimed in (
            "X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.9.9.8",
            "X_Forwarded_For: 2.2.2.2",
        ):
            _status, page = ask(running, "GET /sign-in", claimed)
            token = re.search(r'name="csrf-token" content="([^"]+)"', page)
            cookie = re.search(r"Set-Cookie: (form=[^;]+)", page)
            assert token is not None
            assert cookie is not None
            form = {"username": "nobody", "password": "wrong", "csrf_token": token[1]}
            lines = ("POST /sign-in", f"Cookie: {cookie[1]}", claimed)
            assert ask(running, *lines, body=urlencode(form))[0] == 401
        database = Database(url)
        with database.reading() as tx:
            query = sa.select(sign_in_log.c.address).order_by(sign_in_log.c.id)
            assert list(tx.scalars(query)) == ["203.0.113.7", "127.0.0.1"]
        database.dispose()
