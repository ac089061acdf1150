"""The pages of a register, read and asked as a browser does, on both engines."""

from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import pytest
from werkzeug.test import TestResponse

from tests.support.browser import Browser, sink
from tests.support.register import definition

MARK = "<script>window.__x=1</script><img src=x onerror=window.__x=1>"


def test_every_page_of_a_register_with_every_kind_of_field_is_shown(browser, register, store):
    register(sink())
    lines = [{"item": "设备", "amount": "3.5"}]
    first = store("kitchen_sink", code="K001", name="电机", price="12.5", tags=["a"], lines=lines)
    store("kitchen_sink", code="K002", name="齿轮", link=first)
    root = "/registers/kitchen_sink/"

    shown = [
        browser.get(path)
        for path in (
            *("/", root, f"{root}new", f"{root}{first}", f"{root}{first}/edit"),
            *(f"{root}{first}/delete", f"{root}bin", f"{root}changes", f"{root}debt"),
            *(f"{root}import", f"{root}{first}?version=1", "/definitions/", "/definitions/new"),
            *("/definitions/kitchen_sink/", "/definitions/kitchen_sink/edit", "/account/password"),
            *("/definitions/kitchen_sink/compare?a=1&b=1",),
        )
    ]

    assert [page.status_code for page in shown] == [200] * len(shown)
    assert all("百宝箱" in page.text for page in shown)
    assert "设备" in shown[3].text and "3.50" in shown[3].text


def test_list_searches_filters_sorts_and_counts_exactly(browser, register, store):
    register(definition())
    for number in range(60):
        store("demo", name=f"企业{number:02}", amount=number, kind="ab"[number % 2])

    page = browser.get(
        "/registers/demo/", **{"f.kind": "a", "f.amount.ge": "10", "sort": "-amount"}
    )
    second = browser.get("/registers/demo/", size=20, page=2, sort="name")
    found = browser.get("/registers/demo/", q="企业07")

    names = re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page.text)
    assert names[:2] == ["企业58", "企业56"] and len(names) == 25 and "共 25 条" in page.text
    assert "企业20" in second.text and "企业19" not in second.text and "共 60 条" in second.text
    assert "共 1 条" in found.text


def test_every_filter_the_page_offers_is_understood(browser, register, store):
    document = sink()
    every = [name for name, field in document["properties"].items() if name != "lines"]
    register(document | {"register": document["register"] | {"filters": every}})
    store("kitchen_sink", code="K001", name="电机", tags=["a"], flag="true", colour="red", count=3)
    root = "/registers/kitchen_sink/"
    page = browser.get(root).text
    offered = re.findall(
        r'<input type="(?:checkbox|radio)" name="(f\.[^"]+)" value="([^"]+)"', page
    )
    ranges = re.findall(r'name="(f\.[a-z_]+\.ge)"', page)

    assert ("f.flag", "true") in offered and ("f.tags.in", "a") in offered or offered
    for name, value in offered:
        assert browser.get(root, **{name: value}).status_code == 200, (name, value)
    assert len(ranges) > 5
    for found in (
        "f.flag=true",
        "f.colour.in=red",
        "f.count.ge=3",
        "f.name.contains=电",
        "f.day.empty=1",
    ):
        assert "共 1 条" in browser.get(f"{root}?{found}").text, found


def test_page_numbers_and_sizes_are_clamped(browser, register, store):
    register(definition())
    store("demo", name="一")

    for page in ("-5", "0", "99999999999999999999", "1.5", "x", "", "１２"):
        assert "共 1 条" in browser.get("/registers/demo/", page=page, size="100000000").text


@pytest.mark.parametrize(
    "query",
    [
        *("sort=nope", "sort=99", "nope=1", "q=a&q=b", "page=1&page=2", "f.nope=1", "f.=1"),
        *("f.amount=abc", "f.amount.nope=1", "f.name.contains=%00", "q=%00", "f.a.b.c=1"),
        *("f.kind.in=zzz", "f.name=" + "x" * 3000, "f.name=a&f.name=b", "f.amount.ge=1e999999"),
        "&".join(f"f.x{n}=1" for n in range(60)),
    ],
)
def test_address_of_a_list_that_means_nothing_is_refused(browser, register, query):
    register(definition())

    answer = browser.get(f"/registers/demo/?{query}")

    assert answer.status_code == 400
    assert "<h1>无法理解这个请求</h1>" in answer.text


def test_address_that_is_not_there_gets_a_page_of_its_own(browser, register):
    register(definition())
    large = 2**63
    for path in (
        *("/nope", "/registers/nope/", "/registers/demo/99", f"/registers/demo/{large}"),
        *("/registers/demo/1?version=7", "/registers/demo/lookup/name", "/definitions/nope/"),
        *("/registers/demo/export.pdf", "/attachments/7", "/definitions/demo/?revision=9"),
        *(
            "/registers/demo/ajax/update/",
            "/registers/demo/action/",
            "/registers/demo/ajax/lookup/",
        ),
    ):
        answer = browser.get(path)
        assert answer.status_code == 404, path
        assert 'lang="zh-CN"' in answer.text


def test_no_page_runs_what_people_wrote(browser, register, store):
    document = definition(
        title=MARK,
        description=MARK,
        properties={
            "name": {"title": MARK, "description": MARK, "placeholder": MARK, "type": "string"},
            "kind": {
                "title": "类别" + MARK,
                "type": "string",
                "oneOf": [{"const": "a", "title": MARK}],
            },
        },
        register={"category": MARK[:24], "sections": [{"title": MARK, "fields": ["name", "kind"]}]},
    )
    register(document)
    first = store("demo", name=MARK, kind="a")
    root = "/registers/demo/"

    pages = [
        browser.get(path)
        for path in (
            *("/", root, f"{root}new", f"{root}{first}", f"{root}{first}/edit", f"{root}changes"),
            *(f"{root}{first}/delete", f"{root}import", f"{root}?q={MARK}", "/definitions/"),
            *("/definitions/demo/", "/definitions/demo/edit", f"{root}?f.name.contains={MARK}"),
        )
    ]
    pages.append(browser.post(f"{root}new", f_name="", f_kind=MARK))
    pages.append(browser.get(f"/registers/{MARK}/"))
    pages.append(
        browser.post("/definitions/new", document='{"$id": "' + "<script>x" + '"}', do="plan")
    )

    for page in pages:
        assert "<script>w" not in page.text and "<img src=x" not in page.text
        assert "<script>x" not in page.text
    assert "&lt;script&gt;" in pages[3].text


def test_every_page_keeps_a_strict_policy_and_every_asset_is_ours(browser, register):
    register(definition())

    page = browser.get("/registers/demo/new")

    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert not re.findall(r'(?:src|href)="https?:', page.text)
    assert not re.findall(r"\sstyle=|\son\w+=|<style", page.text)
    for asset in set(re.findall(r'(?:src|href)="(/assets/[^"#]+)', page.text)):
        answer = browser.get(asset)
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]


def test_reference_picker_is_answered_a_few_at_a_time(browser, register, store):
    register(
        definition("target"),
        definition("demo", properties={"to": {"title": "到", "reference": "target"}}),
    )
    for number in range(60):
        store("target", name=f"企业{number:02}")

    every = browser.get("/registers/demo/lookup/to").json["results"]
    one = browser.get("/registers/demo/lookup/to", q="业07").json["results"]

    assert len(every) == 30
    assert [item["label"] for item in one] == ["企业07"]
    assert browser.get("/registers/demo/lookup/to", q="\x00").status_code == 400


def test_export_gives_what_the_list_shows(browser, register, store):
    register(definition())
    store("demo", name="甲厂", amount="12.30", kind="a")
    store("demo", name="=1+1", kind="b")

    sheet = browser.get("/registers/demo/export.xlsx", **{"f.kind": "a"})
    text = browser.get("/registers/demo/export.csv", **{"f.kind": "b"})
    lines = browser.get("/registers/demo/export.jsonl")

    rows = list(openpyxl.load_workbook(io.BytesIO(sheet.data)).active.values)
    assert len(rows) == 2 and "甲厂" in rows[1]
    assert "甲厂" not in text.text and "'=1+1" in text.text
    assert len(lines.text.splitlines()) == 2
    assert "filename*=UTF-8''" in sheet.headers["Content-Disposition"]


def test_import_checks_stores_and_lists_every_bad_cell(browser, register):
    register(definition())

    def send(text: str, **form: Any) -> TestResponse:
        return browser.post(
            "/registers/demo/import", {"file": (io.BytesIO(text.encode()), "a.csv")}, **form
        )

    good, bad = "名称,金额\n甲厂,1.5\n乙厂,2\n", "名称,金额\n甲厂,abc\n乙厂,-2\n"
    tried = send(good, mode="insert", on_error="stop", dry_run="1")
    empty = browser.get("/registers/demo/").text
    refused = send(bad, mode="insert", on_error="stop")
    stored = send(good, mode="insert", on_error="stop")

    assert tried.status_code == 200 and "未保存任何内容" in tried.text and "共 0 条" in empty
    assert (
        refused.status_code == 422 and "abc" in refused.text and "需要更正的单元格" in refused.text
    )
    assert "已新增 2 条" in stored.text and "共 2 条" in browser.get("/registers/demo/").text
    assert send("x", mode="nope").status_code == 422
    assert browser.post("/registers/demo/import", mode="insert").status_code == 422
    assert send("\x00\x01", mode="insert", on_error="stop").status_code == 422


def test_template_is_understood_by_the_import(browser, register):
    register(sink())

    answer = browser.get("/registers/kitchen_sink/template.xlsx")

    headings = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.values)[0]
    assert "编号" in headings[0]
    file = (io.BytesIO(answer.data), "空白.xlsx")
    tried = browser.post("/registers/kitchen_sink/import", {"file": file}, dry_run="1")
    assert tried.status_code == 200, tried.text


def test_nobody_sees_a_page_without_signing_in(browser, register):
    register(definition())
    stranger = Browser(browser.app)

    for path in ("/", "/registers/demo/", "/definitions/", "/registers/demo/export.csv"):
        answer = stranger.get(path)
        assert answer.status_code in (302, 401) and "示例台账" not in answer.text
    assert stranger.get("/nope").status_code in (302, 401, 404)
