"""Whatever an administrator or a clerk writes is shown as text: on no page does a script of
theirs run, and no page even tries (the content policy is never called upon)."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_pages import publish

SLUG = "marked"
ROOT = f"/registers/{SLUG}/"
SHAPES = (
    "<img src=x onerror=window.__x=1>",
    "</script><script>window.__x=1</script>",
    '"><svg onload=window.__x=1>',
    "'-window.__x=1-'{{7*7}}${7*7}{0.__class__}%(x)s%3Cscript%3E",
)
_turn = itertools.cycle(SHAPES)

Desk = Callable[..., Page]


def mark(place: str) -> str:
    """Return a text that would run if it were not shown as text; it says where it stands."""
    return f"{place}‹{next(_turn)}›"


def marked() -> dict[str, Any]:
    """Return a definition with a marker in every text there is."""
    text = {"type": "string", "maxLength": 200}
    return {
        "$schema": "urn:taizhang:register:1",
        "$id": SLUG,
        "title": mark("register"),
        "description": mark("register description"),
        "type": "object",
        "properties": {
            "name": {
                **text,
                "title": mark("title"),
                "description": mark("help"),
                "placeholder": mark("placeholder"),
            },
            "long": {**text, "title": mark("long"), "format": "multiline"},
            "amount": {
                "type": "number",
                "scale": 2,
                "title": mark("number"),
                "unit": "<svg onload=a()>",
            },
            "choice": {
                "title": mark("choice field"),
                "type": "string",
                "oneOf": [{"const": "a", "title": mark("choice")}, {"const": "b", "title": "乙"}],
            },
            "several": {
                "title": mark("several"),
                "type": "array",
                "items": {
                    "type": "string",
                    "oneOf": [{"const": "a", "title": mark("several choice")}],
                },
            },
            "parent": {"title": mark("reference"), "reference": SLUG},
            "paper": {"title": mark("file field"), "type": "string", "format": "attachment"},
            "lines": {
                "title": mark("lines"),
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"item": {**text, "title": mark("column")}},
                },
            },
            "echo": {"title": mark("computed"), "type": "string", "computed": "name"},
        },
        "required": ["name"],
        "register": {
            "category": f"C{SHAPES[0]}",
            "key": ["name"],
            "label": "L {name}",
            "list": ["name", "long", "amount", "choice", "several", "parent", "echo"],
            "search": ["name"],
            "filters": ["choice", "amount", "parent"],
            "sections": [
                {"title": mark("section"), "fields": ["name", "long", "amount", "choice"]}
            ],
            "rules": [
                {"check": "amount < 10.0", "at": "amount", "message": mark("message")},
                {
                    "check": "amount < 5.0",
                    "at": "amount",
                    "message": mark("warning"),
                    "severity": "warning",
                },
            ],
        },
    }


@pytest.fixture
def look(desk: Desk) -> Callable[..., None]:
    """Look a page over: nothing ran, nothing of a marker became a part of the page."""

    def run(page: Page, *shown: str) -> None:
        assert page.evaluate("window.__x") is None, page.url
        assert (
            page.evaluate(
                "document.querySelectorAll('[onerror],[onload],img[src=x],script:not([src])"
                ':not([type="application/json"])\').length'
            )
            == 0
        ), page.url
        for text in shown:
            expect(page.locator("body")).to_contain_text(text)
        for block in page.locator("script[type='application/json']").all():
            json.loads(block.text_content() or "null")

    return run


def enter(page: Page, **values: str) -> str:
    """Enter a record and return its address."""
    page.goto(f"{ROOT}new")
    for name, value in values.items():
        page.locator(f"[name=f_{name}]").fill(value)
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(rf"{ROOT}\d+$"))
    return page.url


def test_no_text_of_theirs_is_anything_but_text(
    desk: Desk, look: Callable[..., None], tmp_path: Path
) -> None:
    page, document = desk(), marked()
    publish(page, document)
    look(page, document["title"])
    value, long = mark("value"), mark("long value")

    page.goto(f"{ROOT}new")
    properties = document["properties"]
    look(page, properties["name"]["title"], properties["name"]["description"])
    page.locator("[name=f_amount]").fill("50")
    expect(page.locator("body")).to_contain_text(document["register"]["rules"][0]["message"])
    look(page)
    page.locator("[name=f_amount]").fill("7")
    page.locator("[name=f_name]").fill(mark("unsaved"))
    page.keyboard.press("Control+s")
    expect(page.locator("body")).to_contain_text(document["register"]["rules"][1]["message"])
    look(page)

    url = enter(page, name=value, long=long)
    look(page, value, long)
    picker = enter(page, name=mark("second"))
    page.goto(f"{picker}/edit")
    page.locator("[data-field=parent]").get_by_role("combobox").fill("value")
    expect(page.locator(".combo-list [role=option]").first).to_contain_text("value")
    look(page)

    walk(page, look, url, document, value)
    imported(page, look, tmp_path)
    deleted(page, look, url, value)


def walk(
    page: Page, look: Callable[..., None], url: str, document: dict[str, Any], value: str
) -> None:
    """Look at every page that shows what was written."""
    title, category = document["title"], document["register"]["category"]
    pages: dict[str, tuple[str, ...]] = {
        "/": (title, category),
        ROOT: (title, value, document["properties"]["amount"]["unit"]),
        f"{ROOT}?q=value&f.choice=b": (title,),
        f"{ROOT}?sort=<img src=x onerror=window.__x=1>": (),
        f"{ROOT}?f.<svg onload=window.__x=1>=1": (),
        f"{ROOT}lookup/<img src=x onerror=window.__x=1>": (),
        "/registers/<img src=x onerror=window.__x=1>/": (),
        f"{url}/edit": (document["register"]["sections"][0]["title"],),
        f"{url}/delete": (value,),
        f"{ROOT}changes": (),
        f"{ROOT}bin": (),
        f"{ROOT}debt": (),
        f"{ROOT}import": (title, document["properties"]["name"]["title"]),
        "/definitions/": (title,),
        f"/definitions/{SLUG}/": (title, document["properties"]["long"]["title"]),
        f"/definitions/{SLUG}/edit": (title,),
    }
    for address, shown in pages.items():
        page.goto(address)
        look(page, *shown)


def imported(page: Page, look: Callable[..., None], folder: Path) -> None:
    """Bring in a file whose name, headings and cells are markers."""
    file = folder / "‹<img src=x onerror=window.__x=1>›.csv"
    for heading, cell, shown in (
        (SHAPES[0], "1", SHAPES[0]),
        ("long", "'-window.__x=1", "'-window.__x=1"),
        ("amount", f"cell {SHAPES[0]}", f"cell {SHAPES[0]}"),
    ):
        file.write_text(f"name,{heading}\n甲{cell},{cell}\n", "utf-8")
        page.goto(f"{ROOT}import")
        page.locator("input[type=file]").set_input_files(file)
        page.locator("main form button[name=dry_run]").first.click()
        page.wait_for_load_state()
        look(page, *([shown] if heading != "long" else []))


def deleted(page: Page, look: Callable[..., None], url: str, value: str) -> None:
    """Delete for a reason that is a marker, and see it in the bin and among the changes."""
    reason = mark("reason")
    page.goto(f"{url}/delete")
    page.locator("[name=reason]").fill(reason)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state()
    look(page)
    page.goto(f"{ROOT}bin")
    look(page, value, reason)
    page.goto(f"{ROOT}changes")
    look(page, reason)


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl"])
def test_a_file_is_sent_to_be_saved_and_never_shown(desk: Desk, format: str) -> None:
    page = desk()
    publish(page, marked())

    answer = page.request.get(f"{ROOT}export.{format}")

    assert answer.status == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "html" not in answer.headers["content-type"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_login_name_is_shown_as_text(desk: Desk, look: Callable[..., None]) -> None:
    page = desk()
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_label("账号").fill(SHAPES[2])
    page.get_by_label("密码").fill("wrong wrong wrong")
    page.get_by_role("button", name="登录").click()
    page.wait_for_load_state()

    look(page)
    assert page.get_by_label("账号").input_value() == SHAPES[2]
