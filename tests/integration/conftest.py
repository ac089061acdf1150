"""Fixtures of tests that need a database: a platform on each engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.services import records
from app.services.work import Platform
from app.storage.session import Database
from tests.support.hasty import cheap
from tests.support.register import ME, platform_on, publish


@pytest.fixture(autouse=True, scope="session")
def hasty() -> Iterator[None]:
    """Passwords are hashed cheaply, and templates compiled once, in the processes of the tests."""
    with cheap():
        yield


@pytest.fixture
def platform(database: Database, tmp_path: Path) -> Platform:
    """A platform with no register, on each engine in turn."""
    return platform_on(database, tmp_path)


@pytest.fixture
def another_process(platform: Platform, tmp_path: Path) -> Callable[[], Platform]:
    """Another process on the same database: its own connections and its own catalogue."""
    made: list[Platform] = []

    def start() -> Platform:
        url = platform.database.url.render_as_string(hide_password=False)
        other = platform_on(Database(url), tmp_path)
        made.append(other)
        return other

    yield start
    for other in made:
        other.database.dispose()


@pytest.fixture
def published(platform: Platform) -> Callable[..., Any]:
    """Publish definitions, every step confirmed."""

    def run(*documents: Any) -> Any:
        return publish(platform, *documents)

    return run


@pytest.fixture
def add(platform: Platform) -> Callable[..., Any]:
    """Store a record through the service."""

    def run(slug: str, **raw: Any) -> Any:
        with platform.writing(ME) as work:
            return records.create(work, slug, raw)

    return run


#: what begins a statement that only reads, on SQLite
READS = ("SELECT", "PRAGMA", "BEGIN", "EXPLAIN", "WITH", "SAVEPOINT", "RELEASE", "ROLLBACK")


@pytest.fixture(autouse=True, scope="session")
def no_deferred_writer() -> Iterator[None]:
    """No transaction of the whole suite writes to SQLite after a plain ``BEGIN``: it would
    fail at once, without waiting, when somebody else wrote in between."""

    def watch(connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if connection.dialect.name == "sqlite" and not statement.lstrip().upper().startswith(READS):
            immediate = connection.get_execution_options().get("taizhang_write")
            assert immediate, f"A transaction that begins as a reader writes: {statement[:80]}"

    sa.event.listen(sa.Engine, "before_cursor_execute", watch)
    yield
    sa.event.remove(sa.Engine, "before_cursor_execute", watch)


#: stands in values that tests type; no statement may ever hold it
CANARY = "zq7"
#: the one place where a value is written into a statement: a constant that cannot end its quotes
CONSTANT = re.compile(r"(ALTER TABLE .* DEFAULT) '[\w .:/-]*'")


@pytest.fixture(autouse=True, scope="session")
def no_value_in_a_statement() -> Iterator[None]:
    """No statement of the whole suite holds what somebody typed: values are bound."""

    def watch(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        assert CANARY not in CONSTANT.sub(r"\1", statement).lower(), statement[:300]

    sa.event.listen(sa.Engine, "before_cursor_execute", watch)
    yield
    sa.event.remove(sa.Engine, "before_cursor_execute", watch)
