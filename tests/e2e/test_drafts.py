"""A half-filled form survives a closed browser and an ended session, and never comes back sent."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.usefixtures("site")
NEW = "/registers/enterprise/new"
KEPT = re.compile("草稿已保存")


def fill(page: Page, name: str) -> None:
    page.locator("#f_name").fill(name)
    expect(page.locator("[data-kept]")).to_have_text(KEPT)


def test_a_draft_survives_a_closed_browser_and_is_gone_when_discarded(
    desk: Callable[..., Page],
) -> None:
    page = desk()
    page.goto(NEW)
    fill(page, "示例草稿甲厂")
    page.context.close()

    again = desk()
    again.goto(NEW)
    expect(again.locator("[data-offer]")).to_contain_text("的草稿")
    again.get_by_role("link", name="继续填写").click()
    expect(again.locator("#f_name")).to_have_value("示例草稿甲厂")

    again.goto("/drafts/")
    again.get_by_role("button", name="丢弃").first.click()
    again.goto(NEW)
    expect(again.locator("[data-offer]")).to_have_count(0)


def test_what_was_sent_after_the_session_ended_is_put_back(
    desk: Callable[..., Page], password: str
) -> None:
    page = desk()
    page.goto(NEW)
    page.locator("#f_name").fill("示例草稿乙厂")
    page.context.clear_cookies(name="session")
    page.locator("[data-save]").click()
    page.get_by_role("link", name="登录后继续").click()
    page.get_by_label("账号").fill("admin")
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(re.compile(r"/new\?draft="))
    expect(page.locator("#f_name")).to_have_value("示例草稿乙厂")
    page.goto("/drafts/")
    page.get_by_role("button", name="丢弃").first.click()


LATE = """async (body) => {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const headers = { "X-CSRFToken": token, "Content-Type": "application/x-www-form-urlencoded" };
  const reply = await fetch("/registers/township/draft", { method: "POST", body, headers });
  return reply.status;
}"""


def test_what_was_sent_counts_whatever_saving_comes_late_or_from_another_window(
    desk: Callable[..., Page],
) -> None:
    # The draft is still on its way when the form is sent.
    page, held = desk(), []
    page.goto("/registers/township/new")
    page.route("**/draft", lambda route: (held.append(route.request.post_data), route.abort()))
    page.locator("#f_name").fill("示例草稿镇")
    page.locator("#f_kind").select_option("devzone")
    while not held:
        page.wait_for_timeout(100)
    page.unroute("**/draft")
    page.locator("[data-save]").click()
    page.wait_for_url(re.compile(r"/township/[0-9]+$"))
    assert page.evaluate(LATE, held[0]) == 409
    page.goto("/drafts/")
    expect(page.get_by_role("button", name="丢弃")).to_have_count(0)
    page.go_back()

    # Two windows fill the same record: what one sends ends the other's draft.
    here = page.url
    other = page.context.new_page()
    other.goto(f"{here}/edit")
    other.locator("#f_name").fill("旧的名称")
    expect(other.locator("[data-kept]")).to_have_text(KEPT)
    page.goto(f"{here}/edit")
    page.locator("#f_name").fill("示例草稿新镇")
    page.locator("[data-save]").click()
    page.wait_for_url(here)
    other.locator("#f_name").fill("更旧的名称")
    expect(other.locator("[data-kept]")).to_contain_text("不再保存为草稿")
    page.goto(f"{here}/edit")
    expect(page.locator("[data-offer]")).to_have_count(0)
    expect(page.locator("#f_name")).to_have_value("示例草稿新镇")
