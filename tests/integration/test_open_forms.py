"""A form that was opened under one revision and is sent under the next: saved where it still
means the same, else given back whole. Never a value in another column, never one lost."""

from __future__ import annotations

import html
import html.parser
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.config import Config
from app.errors import DefinitionRefused
from app.services import lists, records
from tests.support.browser import Browser
from tests.support.register import ME, definition, publish

TEXT = {"title": "备注", "type": "string"}
LINES = {
    "title": "明细",
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "item": {"title": "项目", "type": "string"},
            "cost": {"title": "费用", "type": "number", "scale": 2, "unit": "万元"},
        },
    },
}
FIRST = {"properties": {"note": TEXT, "lines": LINES}}
#: what the person typed under the first revision
TYPED = {
    "f_name": "甲厂zq7", "f_amount": "2.5", "f_kind": "b", "f_noted_on": "2026-01-02",
    "f_note": "原话zq7", "f_lines-rows": "1", "f_lines-0-item": "设备zq7", "f_lines-0-cost": "7.25",
}  # fmt: skip
#: what is stored when nothing stands in the way
STORED = {"name": "甲厂zq7", "amount": "2.50", "kind": "b", "note": "原话zq7"}


def lines(**columns: Any) -> dict[str, Any]:
    kept = LINES["items"]["properties"] | columns
    kept = {k: v for k, v in kept.items() if v is not None}
    return {"lines": {**LINES, "items": {"type": "object", "properties": kept}}}


COST = LINES["items"]["properties"]["cost"]
AMOUNT = {"title": "金额", "type": "number", "scale": 2, "unit": "万元", "minimum": 0}
BARE = {"list": ["name"], "sort": ["name"]}
MONEY = {"list": ["name", "money"], "sort": ["name"]}
ONE_KIND = {"title": "类别", "type": "string", "oneOf": [{"const": "a", "title": "甲"}]}

#: change → (what is published next, status, where a value must have gone, or what is said)
SAVED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "added": ({"properties": {"extra": {"title": "新", "type": "string"}}}, {"extra": ""}),
    "relabelled": ({"properties": {"note": {**TEXT, "title": "说明"}}}, {}),
    "widened": ({"properties": {"note": {**TEXT, "format": "multiline"}}}, {}),
    "renamed": (
        {"properties": {"amount": None, "money": {**AMOUNT, "was": "amount"}}, "register": MONEY},
        {"amount": None, "money": "2.50"},
    ),
    "child list renamed": (
        {"properties": {"lines": None, "entries": {**LINES, "was": "lines"}}},
        {"entries": "设备zq7"},
    ),
    "column renamed": (
        {"properties": lines(cost=None, price={**COST, "was": "cost"})},
        {"lines": "7.25"},
    ),
    "column added": ({"properties": lines(extra=TEXT)}, {"lines": "设备zq7"}),
    "column relabelled": (
        {"properties": lines(item={**TEXT, "title": "物"})},
        {"lines": "设备zq7"},
    ),
}
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "removed": ({"properties": {"note": None}}, 409, "备注"),
    "child list removed": ({"properties": {"lines": None}}, 409, "明细"),
    "column removed": ({"properties": lines(cost=None)}, 409, "费用"),
    "column retyped": ({"properties": lines(cost={**TEXT, "title": "费用"})}, 409, "费用"),
    "column in another unit": ({"properties": lines(cost={**COST, "unit": "元"})}, 409, "费用"),
    "retyped": ({"properties": {"amount": {"title": "金额", "type": "string"}}}, 409, "金额"),
    "in another unit": ({"properties": {"amount": {**AMOUNT, "unit": "元"}}}, 409, "金额"),
    "computed from now on": (
        {"properties": {"note": {**TEXT, "computed": "name"}}}, 409, "备注",
    ),
    "made required": (
        {"properties": {"extra": {**TEXT, "title": "新栏"}}, "required": ["name", "extra"]},
        422, "新栏",
    ),
    "choice dropped": ({"properties": {"kind": ONE_KIND}}, 422, "类别"),
    "tightened": ({"properties": {"amount": {**AMOUNT, "maximum": 2}}}, 422, "金额"),
    "rule added": (
        {"register": {"rules": [{"check": "amount < 2.0", "at": "amount", "message": "金额过大"}]}},
        422, "金额过大",
    ),
}  # fmt: skip


@pytest.fixture
def browser(url: str, tmp_path: Path) -> Iterator[Browser]:
    """A signed-in browser before the first revision."""
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    browser = Browser(app)
    browser.sign_in()
    publish(browser.platform, definition(**FIRST))
    yield browser
    browser.platform.database.dispose()


@pytest.fixture(params=["new", "edit"])
def send(request: pytest.FixtureRequest, browser: Browser) -> Callable[..., Any]:
    """Open a form now, and send it later."""
    path = "/registers/demo/new"
    if request.param == "edit":
        with browser.platform.writing(ME) as work:
            id = records.create(work, "demo", {"name": "旧厂", "kind": "a"}).id
        path = f"/registers/demo/{id}/edit"
    page = browser.get(path).text
    names = ("_token", "_version", "_revision")
    hidden = {n: v for n in names if (v := field_of(page, n)) is not None}

    def run(**more: str) -> Any:
        return browser.post(path, {**TYPED, **hidden, **more})

    return run


def field_of(page: str, name: str) -> str | None:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return html.unescape(found[1]) if found else None


def stored(browser: Browser) -> list[dict[str, Any]]:
    with browser.platform.reading(ME) as work:
        found = lists.stream(work, "demo", lists.Query())
        return [dict(record.values) for batch in found for record in batch]


@pytest.mark.parametrize("change", SAVED)
def test_form_is_saved_where_it_still_means_the_same(browser: Browser, send: Any, change: str):
    changes, moved = SAVED[change]
    publish(browser.platform, merged(changes))

    answer = send()

    assert answer.status_code == 302, answer.text
    (record,) = stored(browser)
    for name, text in {**STORED, **moved}.items():
        if text is None:
            assert name not in record
        elif text == "":
            assert not record.get(name)
        elif name in ("lines", "entries"):
            assert text in str(record[name]) and "设备zq7" in str(record[name])
        else:
            assert str(record[name]) == text, name


@pytest.mark.parametrize("change", REFUSED)
def test_form_comes_back_whole_where_it_does_not(browser: Browser, send: Any, change: str):
    changes, status, told = REFUSED[change]
    before = stored(browser)
    publish(browser.platform, merged(changes))

    answer = send()

    if change == "made required" and before:
        # a stored record that lacks it already is not held up by it
        assert answer.status_code == 302 and stored(browser)[0]["note"] == TYPED["f_note"]
        return
    assert answer.status_code == status, answer.text
    page = html.unescape(answer.text)
    assert told in page
    for name, text in TYPED.items():
        if name not in ("f_lines-rows", "f_kind"):
            assert text in page, name
    assert [r["name"] for r in stored(browser)] == [r["name"] for r in before]
    assert [r.get("kind") for r in stored(browser)] == [r.get("kind") for r in before]


@pytest.mark.parametrize("change", [*SAVED, *REFUSED])
def test_live_check_reads_an_old_form_in_the_same_way(browser: Browser, change: str):
    changes = SAVED[change][0] if change in SAVED else REFUSED[change][0]
    publish(browser.platform, merged(changes))

    answer = browser.post("/registers/demo/check", {**TYPED, "_revision": "1"})

    assert answer.status_code == 200
    told = answer.json
    if change in SAVED:
        assert told["errors"] == {} and told["outdated"] == [], change
    else:
        said = str(told["errors"]) + str(told["outdated"])
        assert REFUSED[change][2] in said or told["errors"], change


# ── a draft that was begun under one revision and is gone on with under the next


@pytest.fixture
def begun(browser: Browser) -> str:
    """Begin a form, have it kept as a draft, and return the address that goes on with it."""
    answer = browser.post("/registers/demo/draft", {**TYPED, **DRAFT, "_revision": "1"})
    return f"/registers/demo/new?draft={answer.json['id']}"


DRAFT = {"_token": "begun", "_writer": "page", "_turn": "0", "_step": "1", "_version": "0"}
#: beside what is refused when it is sent: the control there is now cannot show what was typed
UNSHOWN: dict[str, tuple[dict[str, Any], int, str]] = {
    "retyped as a choice": (
        {"properties": {"note": {**ONE_KIND, "title": "备注"}}}, 0, "备注",
    ),
    "retyped as files": (
        {"properties": {"note": {**TEXT, "format": "attachment"}}}, 0, "备注",
    ),
    "choice retired": (
        {"properties": {"kind": {**ONE_KIND, "oneOf": [
            {"const": "a", "title": "甲"}, {"const": "b", "title": "乙", "deprecated": True},
        ]}}}, 0, "“乙”不在可选项之内",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", SAVED)
def test_a_draft_is_gone_on_with_where_it_still_means_the_same(
    browser: Browser, begun: str, change: str
) -> None:
    changes, moved = SAVED[change]
    publish(browser.platform, merged(changes))

    page = browser.get(begun).text
    answer = browser.post("/registers/demo/new", sent_by(page))

    assert "note-danger" not in page and "note-warn" not in page
    assert answer.status_code == 302, answer.text
    (record,) = stored(browser)
    for name, text in {**STORED, **moved}.items():
        if name in ("lines", "entries"):
            assert text in str(record[name]) and "设备zq7" in str(record[name])
        elif text:
            assert str(record[name]) == text, name


@pytest.mark.parametrize("change", [*REFUSED, *UNSHOWN])
def test_a_draft_tells_at_once_what_does_not_fit_any_more(
    browser: Browser, begun: str, change: str
) -> None:
    changes, _status, told = {**REFUSED, **UNSHOWN}[change]
    publish(browser.platform, merged(changes))

    page = html.unescape(browser.get(begun).text)

    for name, text in TYPED.items():
        if name not in ("f_lines-rows", "f_kind"):
            assert text in page, name
    assert re.search(r'<option value="b" selected', page)
    if change == "made required":
        assert "note-danger" not in page  # nothing was typed there yet
    else:
        above = page.split(" data-record ", 1)[0]
        assert "note-danger" in above or "note-warn" in above
        assert told in above
    assert stored(browser) == []


def test_a_draft_names_the_field_and_the_value_of_each_mistake(
    browser: Browser, begun: str
) -> None:
    tight = {"amount": {**AMOUNT, "maximum": 2}, "kind": ONE_KIND}
    publish(browser.platform, merged({"properties": tight}))

    above = html.unescape(browser.get(begun).text).split(" data-record ", 1)[0]

    assert re.search("金额.*2.50", above)

    assert re.search("类别.*「b」", above)


def sent_by(page: str) -> dict[str, list[str]]:
    """Return what a browser sends of the record's form on a page, with nothing changed."""
    reader = Controls()
    reader.feed(page)
    return reader.sent


class Controls(html.parser.HTMLParser):
    """Reads the controls of the record's form; of a template nothing is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.inside = False
        self.select = self.area = ""
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        a = dict(attrs)
        name = a.get("name") or ""
        self.depth += tag == "template"
        self.inside = self.inside or (tag == "form" and "data-record" in a)
        if not self.inside or self.depth:
            return
        if tag == "input" and name and (a.get("type") != "checkbox" or "checked" in a):
            self.sent.setdefault(name, []).append(a.get("value") or "")
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in a:
            self.sent[self.select] = [a.get("value") or ""]
        elif tag == "textarea":
            self.area = name

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "template"
        self.inside = self.inside and tag != "form"
        if tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area and self.inside and not self.depth:
            self.sent.setdefault(self.area, [""])[0] += data.removeprefix("\n")


def test_name_given_up_by_a_rename_is_not_given_to_another_field(browser: Browser):
    note = {"title": "另一备注", "type": "string"}
    swapped = {"note": note, "remark": {**TEXT, "was": "note"}}

    with pytest.raises(DefinitionRefused):
        publish(browser.platform, merged({"properties": swapped}))


def merged(changes: dict[str, Any]) -> dict[str, Any]:
    properties = {**FIRST["properties"], **changes.get("properties", {})}
    return definition(**{**changes, "properties": properties})
