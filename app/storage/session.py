"""One way to the database: short read transactions and units of work.

SQLite: the driver's own transaction handling is switched off, because it commits before DDL
and begins writes as readers. A unit of work begins IMMEDIATE, so two writers wait for each
other instead of failing, and DDL is rolled back like everything else. PostgreSQL: READ
COMMITTED, with a bound on waiting for locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from app.errors import (
    AppError,
    Busy,
    Collision,
    DatabaseGone,
    DiskFailed,
    NotPrepared,
    SumTooLong,
)
from app.kinds.columns import DIGITS

#: What is done once for all its items before a unit of work is committed.
Finish = Callable[[sa.Connection, list[Any]], None]

#: How long a writer waits for another writer, in seconds.
PATIENCE = 30


class Database:
    """An engine, and the two ways of using it."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        """Open ``url``: ``sqlite:///PATH`` or ``postgresql://…`` (read with psycopg)."""
        self.url = sa.make_url(url)
        if self.url.drivername in ("postgresql", "postgres"):
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"hide_parameters": True}
        if self.sqlite:
            options |= {
                "connect_args": {"timeout": PATIENCE, "check_same_thread": False},
                "poolclass": QueuePool,
                "pool_size": pool_size,
                "max_overflow": pool_size,
            }
        else:
            # Types of columns move under prepared statements when a definition is published.
            options |= {
                "connect_args": {"prepare_threshold": None},
                "pool_size": pool_size,
                "max_overflow": pool_size,
                "pool_pre_ping": True,
            }
        self.engine = sa.create_engine(self.url, **options)
        if self.sqlite:
            event.listen(self.engine, "connect", _open_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "connect", _open_postgresql)
        event.listen(self.engine, "savepoint", _mark)
        event.listen(self.engine, "release_savepoint", _keep)
        event.listen(self.engine, "rollback_savepoint", _take_back)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection on which one consistent view is read and nothing is written."""
        with _in_words(), self.engine.connect() as tx:
            if not self.sqlite:
                tx = tx.execution_options(isolation_level="REPEATABLE READ")
            try:
                yield tx
            finally:
                tx.rollback()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a unit of work: leaving it well commits, an exception rolls everything back.

        Raises ``Busy`` when another writer holds the database longer than ``PATIENCE``,
        ``Collision`` when an index refuses what somebody else stored a moment before,
        ``DatabaseGone`` and ``DiskFailed`` when there is no database to write to.
        """
        with _in_words(), self.engine.connect() as raw:
            tx = raw.execution_options(taizhang_write=True, taizhang_last={}, taizhang_marks=[])
            with tx.begin():
                if not self.sqlite:
                    tx.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
                yield tx
                for finish, items in tx.get_execution_options()["taizhang_last"].items():
                    if items:
                        finish(tx, items)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def at_the_end(tx: sa.Connection, finish: Finish, item: Any) -> None:
    """Let ``finish`` be called with this and all other items as the last thing before the
    commit: what takes a lock that everybody wants takes it for a moment only. What was asked
    for after a savepoint is forgotten when that is rolled back."""
    tx.get_execution_options()["taizhang_last"].setdefault(finish, []).append(item)


def _mark(tx: sa.Connection, _name: str | None) -> None:
    """Note at a savepoint what is to be done at the end so far. (It has no name yet.)"""
    options = tx.get_execution_options()
    if "taizhang_last" in options:
        last: dict[Finish, list[Any]] = options["taizhang_last"]
        options["taizhang_marks"].append({finish: len(items) for finish, items in last.items()})


def _keep(tx: sa.Connection, _name: str, _context: None) -> None:
    """Keep what is to be done at the end when a savepoint is released."""
    if marks := tx.get_execution_options().get("taizhang_marks"):
        marks.pop()


def _take_back(tx: sa.Connection, _name: str, _context: None) -> None:
    """Forget what was to be done at the end of what is rolled back: it did not happen."""
    options = tx.get_execution_options()
    if marks := options.get("taizhang_marks"):
        counts = marks.pop()
        for finish, items in options["taizhang_last"].items():
            del items[counts.get(finish, 0) :]


def _open_postgresql(connection: Any, _record: Any) -> None:
    """Let the planner know that a page elsewhere costs what the next one does, as on every disk
    without arms: at the default of 4 a thousand index look-ups lose to reading a whole table."""
    with connection.cursor() as cursor:
        cursor.execute("SET random_page_cost = 1.1")
    connection.commit()


def _open_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: what was acknowledged is there after a power cut, not only after a crash.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -16000")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("taizhang_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn what the driver says about locks, disks and connections into a refusal."""
    try:
        yield
    except (sa.exc.IntegrityError, psycopg.IntegrityError) as error:
        raise Collision from error
    except (sa.exc.DBAPIError, psycopg.OperationalError) as error:
        in_words = told(error)
        if in_words is None:
            raise
        raise in_words from error


def told(error: Exception) -> AppError | None:
    """Return what the driver says as a refusal, or ``None`` for what nobody foresaw."""
    original = getattr(error, "orig", None) or error
    name = getattr(original, "sqlite_errorname", "") or ""
    state = getattr(original, "sqlstate", "") or ""
    if name.startswith("SQLITE_BUSY") or state in ("55P03", "40P01"):
        return Busy(seconds=PATIENCE)
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")) or state in ("53100", "58030"):
        return DiskFailed()
    if "catalog_stamp" in str(original):  # the first table anybody asks for
        return NotPrepared()
    if str(original) == "integer overflow":  # SQLite, adding up what does not fit 64 bits
        return SumTooLong(digits=DIGITS)
    unanswered = isinstance(original, psycopg.OperationalError) and not state
    if unanswered or state.startswith(("08", "57P")) or _invalidated(error):
        return DatabaseGone()
    return None


def _invalidated(error: Exception) -> bool:
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
