"""Fixtures every test may ask for.

``database``    a ``Database`` with the platform's tables, on SQLite and on PostgreSQL in turn
``url``         the address of such a database
``blank_url``   the address of an empty database, on both engines in turn
``other_url``   the address of a second migrated database, on both engines in turn
``sqlite_url``, ``postgresql_url``   the address of a migrated database on that engine
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from app.kinds import wording
from app.storage.session import Database
from tests.support.databases import TEMPLATE, PostgreSQL, SQLite, live_in_memory, session_folder

# no test is judged by the time it takes: machines are noisy
settings.register_profile("taizhang", deadline=None)
settings.load_profile("taizhang")

ENGINES = [
    pytest.param("sqlite"),
    pytest.param("postgresql", marks=pytest.mark.postgresql),
]


@pytest.fixture(scope="session")
def sqlite() -> SQLite:
    """The maker of SQLite databases."""
    return SQLite(session_folder())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The PostgreSQL server of this session."""
    server = PostgreSQL(session_folder())
    yield server
    server.stop()


def pytest_configure(config: pytest.Config) -> None:
    """Name the session's folder before any worker starts."""
    live_in_memory()
    session_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the session's databases left behind, once every worker has ended."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(session_folder(), ignore_errors=True)


@pytest.fixture(autouse=True)
def stored_language() -> Iterator[None]:
    """Every test begins with the language values are stored in: a request of an earlier test,
    made in this very thread, leaves the one it was answered in."""
    wording.language.set(wording.STORED)
    yield


@pytest.fixture
def sqlite_url(sqlite: SQLite, tmp_path: Path) -> str:
    """The address of a migrated SQLite database."""
    return sqlite.copy(tmp_path / "taizhang.db")


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """The address of a migrated PostgreSQL database."""
    with postgresql.database(TEMPLATE) as url:
        yield url


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database, on each engine in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=ENGINES)
def blank_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, on each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'blank.db'}"
        return
    with request.getfixturevalue("postgresql").database() as url:
        yield url


@contextmanager
def migrated(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Give the address of a migrated database on the engine that a fixture is asked for."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite").copy(folder / "other.db")
        return
    with request.getfixturevalue("postgresql").database(TEMPLATE) as url:
        yield url


@pytest.fixture(params=ENGINES)
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database beside the other one, on each engine in turn."""
    with migrated(request, tmp_path) as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database with the platform's tables, on each engine in turn."""
    database = Database(url)
    yield database
    database.dispose()
