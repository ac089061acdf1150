"""What only a browser can show: keyboard, live checks, two desks, a phone, no foreign script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

SINK = Path(__file__).parents[1] / "data" / "registers" / "kitchen_sink.json"
ROOT = "/registers/kitchen_sink/"
MARK = "<img src=x onerror=window.__x=1><script>window.__x=1</script>"

pytestmark = pytest.mark.usefixtures("site")
Desk = Callable[..., Page]


def publish(page: Page, document: dict[str, Any]) -> None:
    """Publish a definition as an administrator does; one that stands already is left alone."""
    page.goto("/definitions/new")
    page.get_by_label("台账定义（JSON）").fill(json.dumps(document, ensure_ascii=False))
    page.get_by_role("button", name="检查并查看方案").click()
    page.wait_for_load_state()
    button = page.get_by_role("button", name=re.compile("发布第"))
    if button.count():
        button.click()
        page.wait_for_load_state()


@pytest.fixture
def page(desk: Desk) -> Page:
    """A desk with the register that has every kind of field."""
    page = desk()
    publish(page, json.loads(SINK.read_text("utf-8")))
    return page


def enter(page: Page, code: str, **fields: str) -> str:
    """Enter a record and return its address."""
    page.goto(f"{ROOT}new")
    page.locator("[name=f_code]").fill(code)
    for name, value in {"name": f"电机{code}", **fields}.items():
        page.locator(f"[name=f_{name}]").fill(value)
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(rf"{ROOT}\d+$"))
    return page.url


def test_form_computes_shows_and_complains_while_it_is_filled(page: Page) -> None:
    page.goto(f"{ROOT}new")

    page.locator("[name=f_count]").fill("3")
    page.locator("[name=f_price]").fill("2.5")
    expect(page.locator("[data-given=total]")).to_have_text("7.50")
    expect(page.locator("[data-field=secret]")).to_be_hidden()

    page.locator("[name=f_flag]").select_option("false")
    expect(page.locator("[data-field=secret]")).to_be_visible()

    page.locator("[name=f_code]").fill("X")
    expect(page.locator("[data-field=code] [data-said] li")).to_have_count(1)
    expect(page.locator("[name=f_code]")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-field=name] [data-said] li")).to_have_count(0)
    page.locator("[name=f_code]").fill("K100")
    expect(page.locator("[data-field=code] [data-said] li")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_computed_fields_are_folded_and_say_what_came_out(
    desk: Desk, page: Page, width: int
) -> None:
    page = desk(width)
    page.goto(f"{ROOT}new")
    fold = page.locator("details[data-derived]", has=page.locator("[data-given=total]"))
    expect(page.locator("[data-given=total]")).to_be_hidden()

    page.locator("[name=f_count]").fill("3")
    page.locator("[name=f_price]").fill("2.5")

    expect(fold.locator("[data-glance]")).to_have_text(re.compile("合计 7.50 万元 · 规模 小"))
    expect(page.locator("[data-given=total]")).to_be_hidden()
    fold.locator("summary").click()
    expect(page.locator("[data-given=total]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_reference_is_found_and_chosen_with_the_keyboard_alone(page: Page) -> None:
    enter(page, "K201", name="北方齿轮")
    enter(page, "K202", name="南方齿轮")
    page.goto(f"{ROOT}new")
    picker = page.locator("[data-field=link]").get_by_role("combobox")

    picker.focus()
    page.keyboard.type("南方")
    expect(page.locator(".combo-list [role=option]")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(picker).to_have_attribute("aria-activedescendant", re.compile("combo-"))
    page.keyboard.press("Enter")

    expect(picker).to_have_value(re.compile("南方齿轮"))
    expect(page.locator("[name=f_link]")).to_have_value(re.compile(r"^\d+$"))
    expect(page.locator("[data-given=link_name]")).to_have_text("南方齿轮")
    picker.fill("")
    page.keyboard.press("Tab")
    expect(page.locator("[name=f_link]")).to_have_value("")


def test_child_rows_are_added_moved_and_taken_out(page: Page) -> None:
    page.goto(f"{ROOT}new")
    page.locator("[name=f_code]").fill("K301")
    page.locator("[name=f_name]").fill("减速机")
    lines = page.locator("[data-field=lines]")
    for item in ("一", "二", "三"):
        lines.get_by_role("button", name="添加一行").click()
        page.keyboard.type(item)
        lines.locator("tbody tr").last.locator("[name$=-amount]").fill("1.5")

    lines.get_by_role("button", name="上移").nth(2).click()
    lines.get_by_role("button", name="删除此行").nth(0).click()
    expect(page.locator("[data-given=lines_sum]")).to_have_text("3.00")
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(rf"{ROOT}\d+$"))

    cells = page.locator("td[data-label=项目]").all_inner_texts()
    assert cells == ["三", "二"]


def test_double_click_on_save_makes_one_record(page: Page) -> None:
    page.goto(f"{ROOT}new")
    page.locator("[name=f_code]").fill("K401")
    page.locator("[name=f_name]").fill("双击")

    page.get_by_role("button", name="保存", exact=True).dblclick()
    page.wait_for_url(re.compile(rf"{ROOT}\d+$"))

    page.goto(f"{ROOT}?f.code=K401")
    expect(page.get_by_text("共 1 条")).to_be_visible()


def test_second_of_two_desks_is_told_what_the_first_changed(page: Page, desk: Desk) -> None:
    address = enter(page, "K501", price="1")
    other = desk()
    for one in (page, other):
        one.goto(f"{address}/edit")
    page.locator("[name=f_price]").fill("2")
    page.keyboard.press("Control+s")
    page.wait_for_url(address)

    other.locator("[name=f_price]").fill("3")
    other.locator("[name=f_note]").fill("我的说明")
    other.keyboard.press("Control+s")

    expect(other.get_by_role("alert")).to_contain_text("在您编辑期间")
    expect(other.get_by_role("alert")).to_contain_text("双方都改了")
    expect(other.locator("[name=f_price]")).to_have_value("3")
    expect(other.locator("[name=f_note]")).to_have_value("我的说明")
    other.keyboard.press("Control+s")
    other.wait_for_url(address)
    expect(other.locator("#history")).to_contain_text("2.00")


def test_file_is_sent_when_it_is_chosen(page: Page, download: Callable[..., Path]) -> None:
    page.goto(f"{ROOT}new")
    page.locator("[name=f_code]").fill("K601")
    page.locator("[name=f_name]").fill("附件")
    chooser = page.locator("[data-field=file] input[type=file]")
    chooser.set_input_files(
        {"name": "恶意.pdf", "mimeType": "application/pdf", "buffer": b"<script>"}
    )
    expect(page.locator("[data-field=file] .said[role=alert]")).to_be_visible()
    chooser.set_input_files(
        {"name": "营业执照.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1"}
    )
    expect(page.get_by_role("link", name="营业执照.pdf")).to_be_visible()
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(rf"{ROOT}\d+$"))

    kept = download(page, lambda: page.get_by_role("link", name="营业执照.pdf").click())

    assert kept.read_bytes() == b"%PDF-1" and kept.name == "营业执照.pdf"


def test_nothing_that_people_wrote_runs(page: Page) -> None:
    text = {"type": "string", "title": MARK, "description": MARK, "placeholder": MARK}
    choice = {"type": "string", "title": f"类{MARK}", "oneOf": [{"const": "a", "title": MARK}]}
    document = {
        "$schema": "urn:taizhang:register:1", "$id": "hostile", "title": MARK, "description": MARK,
        "type": "object", "required": ["name"],
        "properties": {
            "name": text, "kind": choice, "other": {"title": f"引{MARK}", "reference": "hostile"},
        },
        "register": {
            "category": MARK[:40], "label": "{name}", "list": ["name", "kind"], "search": ["name"],
            "sections": [{"title": MARK, "fields": ["name", "kind", "other"]}],
            "filters": ["kind", "other"],
            "rules": [{"check": "name != 'bad'", "at": "name", "message": MARK}],
        },
    }  # fmt: skip
    publish(page, document)
    page.goto("/registers/hostile/new")
    page.locator("[name=f_name]").fill("bad")
    page.keyboard.press("Control+s")
    expect(page.locator("#summary")).to_contain_text("onerror")
    page.locator("[name=f_name]").fill(MARK)
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(r"/registers/hostile/\d+$"))
    page.goto("/registers/hostile/new")
    page.locator("[data-field=other]").get_by_role("combobox").click()
    expect(page.locator(".combo-list [role=option]")).to_contain_text("<img")

    for path in (
        "",
        "1",
        "1/edit",
        "1/delete",
        "import",
        "changes",
        "?q=%3Cimg%3E",
        "?f.other=1",
        "bin",
    ):
        page.goto(f"/registers/hostile/{path}")
        assert page.evaluate("window.__x") is None, path
    for path in ("/", "/definitions/", "/definitions/hostile/", "/definitions/hostile/edit"):
        page.goto(path)
        assert page.evaluate("window.__x") is None, path


def test_every_page_fits_a_phone(page: Page, desk: Desk) -> None:
    address = enter(page, "K701", note="一段很长的说明文字。" * 20)
    phone = desk(390, 844)

    for path in (
        "/",
        ROOT,
        f"{ROOT}new",
        address,
        f"{address}/edit",
        f"{ROOT}import",
        "/definitions/kitchen_sink/",
    ):
        phone.goto(path)
        wide = phone.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path
    phone.goto(ROOT)
    menu = phone.get_by_role("link", name="百宝箱", exact=True).first
    expect(menu).to_be_hidden()
    phone.get_by_role("button", name="菜单", exact=True).click()
    expect(menu).to_be_visible()
    phone.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_page_is_walked_with_the_keyboard_from_the_skip_link_on(page: Page) -> None:
    page.goto(ROOT)

    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("跳到正文")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    expect(page.locator(":focus")).to_have_css("outline-style", "solid")
