"""A real server, a real browser: what a person at a desk meets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.server import Server, serving, settle

SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    program = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=["sqlite"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with the shipped registers and no record in them."""
    with serving(tmp_path_factory.mktemp("site"), DEMO="no") as server:
        yield server


@pytest.fixture(scope="session")
def password(site: Server) -> str:
    """The administrator's password: the printed one, changed at the first sign-in."""
    return settle(site)


@pytest.fixture
def desk(chromium: Browser, site: Server, password: str) -> Iterator[Callable[..., Page]]:
    """Sit down at another desk: a browser of its own, signed in, in Chinese.

    Any script error and any violation of the content policy fails the test.
    """
    noted: list[str] = []
    contexts = []

    def sit(width: int = 1280, height: int = 900) -> Page:
        context = chromium.new_context(
            base_url=f"http://127.0.0.1:{site.port}",
            locale="zh-CN",
            viewport={"width": width, "height": height},
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: noted.append(str(error)))
        page.on(
            "console",
            lambda said: noted.append(said.text) if "Content Security" in said.text else None,
        )
        page.goto("/sign-in")
        page.get_by_label("账号").fill("admin")
        page.get_by_label("密码").fill(password)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url("**/")
        return page

    yield sit
    for context in contexts:
        context.close()
    assert noted == []


@pytest.fixture
def download(tmp_path: Path) -> Callable[[Page, Callable[[], None]], Path]:
    """Click something and return the file it brought."""

    def run(page: Page, click: Callable[[], None]) -> Path:
        with page.expect_download() as brought:
            click()
        target = tmp_path / brought.value.suggested_filename
        brought.value.save_as(target)
        return target

    return run
