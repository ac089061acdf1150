"""Fixtures of tests that need a database: a platform on each engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.services import records
from app.services.work import Platform
from app.storage.session import Database
from tests.support.register import ME, platform_on, publish


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
