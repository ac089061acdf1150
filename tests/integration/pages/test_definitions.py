"""The administrators' pages: check, plan, publish, look back, on both engines."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from tests.support.browser import Browser
from tests.support.register import definition, publish


def text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


def planned(browser: Browser, document: Any, path: str = "/definitions/new") -> dict[str, str]:
    """Send a definition for its plan and return the form that publishes it."""
    page = browser.post(path, document=text(document), do="plan")
    assert page.status_code == 200, page.text
    base = re.search(r'name="base_hash" value="([^"]*)"', page.text)
    assert base
    return {"document": text(document), "base_hash": base[1], "do": "publish"}


def test_definition_is_pasted_planned_published_and_served(browser):
    form = planned(browser, definition())
    before = browser.get("/registers/demo/")

    done = browser.post("/definitions/new", form)

    assert before.status_code == 404 and done.status_code == 302
    assert "第 1 版已发布" in browser.get(done.location).text
    assert browser.get("/registers/demo/").status_code == 200
    assert ">示例台账</a>" in browser.get("/").text


def test_every_problem_is_listed_with_its_place_and_the_text_stays(browser):
    document = definition(properties={"name": {"title": "名称", "type": "string", "maxLenght": 3}})
    document["register"]["list"] = ["name", "nope"]

    answer = browser.post("/definitions/new", document=text(document), do="plan")

    assert answer.status_code == 422
    assert "/properties/name/maxLenght" in answer.text and "/register/list/1" in answer.text
    assert "maxLenght" in html.unescape(answer.text.split('id="document"')[1])


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '"a"',
        "[" * 100_000,
        '{"$id": "\\u0000"}',
        "NaN",
        "{}",
        "\x00",
        '{"$id":1}',
    ],
)
def test_text_that_is_no_definition_is_refused_calmly(browser, document):
    for do in ("plan", "publish"):
        answer = browser.post("/definitions/new", document=document, do=do)
        assert answer.status_code == 422, answer.text


def test_text_too_long_to_be_a_definition_is_refused_by_its_size(browser):
    answer = browser.post("/definitions/new", document='{"a": "' + "长" * 310_000 + '"}', do="plan")

    assert answer.status_code == 422 and "超过" in answer.text


def test_plan_counts_rows_and_wants_a_yes(browser, register, store):
    register(definition())
    store("demo", name="甲厂")
    store("demo", name="乙厂", kind="a")
    form = planned(browser, definition(required=["name", "kind"]), "/definitions/demo/edit")

    asked = browser.post("/definitions/demo/edit", form)
    done = browser.post("/definitions/demo/edit", form, confirmed="1")

    assert asked.status_code == 409 and "#1 甲厂" in asked.text and "乙厂" not in asked.text
    assert done.status_code == 302
    assert "不符合现行规定 1 条" in browser.get("/registers/demo/").text
    assert "甲厂" in browser.get("/registers/demo/debt").text


def test_value_that_does_not_fit_a_new_kind_is_listed_until_it_is_entered_anew(
    browser, register, store
):
    register(definition(properties={"code": {"title": "编号", "type": "string"}}))
    id = store("demo", name="甲厂", code="A-7")
    register(definition(properties={"code": {"title": "编号", "type": "integer"}}))

    listed = browser.get("/registers/demo/debt").text
    browser.post(f"/registers/demo/{id}/edit", _version=1, f_code="7")

    assert "A-7" in listed and "甲厂" in listed
    assert "A-7" not in browser.get("/registers/demo/debt").text


def test_plan_made_on_an_older_revision_is_refused(browser, register):
    register(definition())
    form = planned(browser, definition(title="甲"), "/definitions/demo/edit")
    publish(browser.platform, definition(title="乙"))

    late = browser.post("/definitions/demo/edit", form, confirmed="1")

    assert late.status_code == 409
    assert "乙" in browser.get("/definitions/demo/").text


def test_earlier_revision_is_shown_compared_and_published_again(browser, register):
    register(definition())
    register(definition(properties={"extra": {"title": "新增项", "type": "string"}}))

    compared = browser.get("/definitions/demo/compare?a=1&b=2").text
    first = browser.get("/definitions/demo/?revision=1").text
    old = json.loads(browser.get("/definitions/demo/definition.json?revision=1").text)
    done = browser.post("/definitions/demo/edit", planned(browser, old, "/definitions/demo/edit"))

    assert "新增项" in compared and "非现行版本" in first and "extra" not in first
    assert done.status_code == 302 and "第 3 版已发布" in browser.get(done.location).text
    assert 'name="f_extra"' not in browser.get("/registers/demo/new").text


def test_form_of_a_register_shows_the_revision_published_a_moment_ago(browser, register):
    register(definition())
    browser.get("/registers/demo/new")
    register(definition(properties={"extra": {"title": "新增项", "type": "string"}}))

    assert 'name="f_extra"' in browser.get("/registers/demo/new").text


def test_menu_lists_every_register_by_category(browser, register):
    for number in range(45):
        register(
            definition(
                f"r{number}", title=f"台账{number:02}", register={"category": f"类{number % 3}"}
            )
        )

    page = browser.get("/registers/r7/").text

    menu = page[page.index('id="side"') : page.index("side-foot")]
    assert menu.count('class="item"') == 47
    assert 'href="/registers/r7/" aria-current="page"' in menu
    assert menu.count('class="side-group" open') == 1


@pytest.mark.parametrize(
    "query", ["revision=x", "revision=-1", "revision=99999999999", "revision=7"]
)
def test_revision_that_is_not_there_is_refused(browser, register, query):
    register(definition())

    for path in (
        "/definitions/demo/",
        "/definitions/demo/edit",
        "/definitions/demo/definition.json",
    ):
        assert browser.get(f"{path}?{query}").status_code in (400, 404)
