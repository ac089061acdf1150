"""The address map walked by people who may not: every address that changes something refuses
them, and nothing is changed (AC-17, AC-19, AC-36)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from app.services import people
from app.storage.base import metadata
from app.storage.tables import system_columns
from tests.integration.test_access_leaks import CASE, MARKS, Scene
from tests.support.browser import Browser
from tests.support.register import ME

#: what everybody who is signed in may do to what is their own
OWN = ("/account/", "/language", "/sign-", "/drafts/", "/notices/", "/inbox/", "/people/acting")
#: what moves by itself when anybody asks anything
MOVING = {"audit", "login_session", "sign_in_log", "account"}


@pytest.fixture
def scene(url: str, tmp_path: Path) -> Any:
    made = Scene(url, tmp_path)
    yield made
    made.platform.database.dispose()


def filled(rule: Rule, record: int) -> str:
    """Return an address of somebody's record in the register of cases."""
    text = re.sub(r"<any\(([^,)]+)[^>]*>", r"\1", rule.rule)
    known = {"slug": "case", "id": str(record), "name": "case", "field": "phone", "step": "submit"}
    return re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda found: known.get(found[1], "1"), text)


def sendings(scene: Scene) -> list[tuple[str, str, str]]:
    """Return (rule, method, address) of everything that may change something."""
    record = scene.ids["a"]["case"]
    return [
        (rule.rule, method, filled(rule, record))
        for rule in sorted(scene.app.url_map.iter_rules(), key=lambda rule: rule.rule)
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"})
        if not rule.rule.startswith(OWN)
    ]


def stored(scene: Scene) -> dict[str, Any]:
    """Return everything that is stored, but for what moves by itself."""
    with scene.platform.reading(ME) as work:
        tables = [t for t in metadata.sorted_tables if t.name not in MOVING]
        tables += [work.published(slug).tables.main for slug in ("case", "firm")]
        return {t.name: sorted(map(repr, work.tx.execute(sa.select(t)))) for t in tables}


def refuses(browser: Browser, method: str, address: str) -> bool:
    """Return whether a sending is refused. A page that leads back to where it came from, with
    a sentence why, refuses as well: what is stored tells."""
    form = {"csrf_token": browser.token, "_version": "2", "reason": "x", "f_name": "neu"}
    answer = browser.seen(browser.client.open(address, method=method, data=form))
    if answer.status_code in (302, 303):
        said = browser.get(answer.location)
        return said.status_code >= 400 or "note-danger" in said.text
    return 400 <= answer.status_code < 500


def test_whoever_holds_no_post_changes_nothing_anywhere(scene: Scene) -> None:
    browser, before = scene.browser("outsider"), stored(scene)
    asked = sendings(scene)

    passed = [(rule, method) for rule, method, at in asked if not refuses(browser, method, at)]

    assert len(asked) > 40
    assert passed == []
    assert stored(scene) == before


def test_nobody_changes_a_record_of_another_unit(scene: Scene) -> None:
    browser, before = scene.browser("clerk-b"), stored(scene)
    asked = [one for one in sendings(scene) if one[0].startswith("/registers/<slug>/<int")]

    passed = [(rule, method) for rule, method, at in asked if not refuses(browser, method, at)]

    assert len(asked) > 10
    assert passed == []
    assert stored(scene) == before


def test_who_only_reads_changes_no_record(scene: Scene) -> None:
    """Somebody who may see everything: nothing of a record, its state or its files changes."""
    browser = scene.browser("reader")
    names = ("r_case", "r_firm", "r_case__visits", "attachment", "revision", "history", "post")

    def kept() -> dict[str, Any]:
        return {name: rows for name, rows in stored(scene).items() if name in names}

    before = kept()
    for _rule, method, address in sendings(scene):
        refuses(browser, method, address)

    assert kept() == before
    assert {column.key for column in system_columns()} >= {"_unit", "_owner", "_state"}


def test_who_keeps_definitions_is_shown_no_rows(scene: Scene) -> None:
    """The system administrator publishes, but the plan names no record to them (AU-170)."""
    import json

    with scene.platform.database.writing() as tx:
        account, unit = scene.office.accounts["outsider"], scene.office.units["office"]
        people.appoint(tx, account, unit, "system_administrator")
    browser = scene.browser("outsider")
    document = {**CASE, "required": ["name", "noted_on"]}

    browser.get("/definitions/case/edit")
    plan = browser.post("/definitions/case/edit", document=json.dumps(document), step="plan")

    assert plan.status_code == 200, plan.text
    assert "3" in plan.text
    assert not [mark for mark in MARKS.values() if mark in plan.text]
