"""Fixtures of tests that read and send pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.config import Config
from app.services import records
from tests.support.browser import Browser
from tests.support.register import ME, publish


@pytest.fixture
def browser(url: str, tmp_path: Path) -> Iterator[Browser]:
    """A signed-in browser before an application with no register, on each engine in turn."""
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    browser = Browser(app)
    browser.sign_in()
    yield browser
    browser.platform.database.dispose()


@pytest.fixture
def register(browser: Browser) -> Callable[..., None]:
    """Publish definitions."""
    return lambda *documents: publish(browser.platform, *documents) and None


@pytest.fixture
def store(browser: Browser) -> Callable[..., int]:
    """Store a record and return its id."""

    def run(slug: str, **raw: Any) -> int:
        with browser.platform.writing(ME) as work:
            return records.create(work, slug, raw).id

    return run
