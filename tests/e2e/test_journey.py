"""A subsidy application from the enterprise's draft to the payment, by the people of the
demonstration, each in a browser of their own: what a newcomer plays after the first start."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from app.storage.models_workflow import deadline
from app.storage.session import Database
from tests.support.server import Server, serving

REGISTER = "/registers/award_application/"
Sit = Callable[[str], Page]
#: the application of the enterprise, as the platform numbered it
NUMBER = re.compile(r"JB\d{4}-\d{4} 示例一号日用化学有限公司")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journey")


@pytest.fixture(scope="module")
def demonstration(folder: Path) -> Iterator[Server]:
    """A server as ``make serve`` starts it, with its demonstration."""
    with serving(folder) as server:
        yield server


@pytest.fixture
def sit(chromium: Browser, demonstration: Server) -> Iterator[Sit]:
    """Sign in as a person of the demonstration, with the password that was printed."""
    said = "\n".join(demonstration.lines)
    passwords = dict(re.findall(r"^  (\w+)\s+(\S+)  ", said, re.MULTILINE))
    contexts, noted = [], []

    def run(login: str) -> Page:
        context = chromium.new_context(
            base_url=f"http://127.0.0.1:{demonstration.port}",
            locale="zh-CN",
            viewport={"width": 1280, "height": 900},
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: noted.append(str(error)))
        page.goto("/sign-in")
        page.get_by_label("账号").fill(login)
        page.get_by_label("密码").fill(passwords[login])
        page.get_by_role("button", name="登录").click()
        page.wait_for_url("**/")
        return page

    yield run
    for context in contexts:
        context.close()
    assert noted == []


def step(page: Page, place: str, title: str, comment: str = "") -> None:
    """Take a step of the workflow on the record's page."""
    page.goto(place)
    page.locator(".flow").get_by_role("link", name=title, exact=True).click()
    if comment:
        page.locator("#comment").fill(comment)
    page.locator("main").get_by_role("button", name=title, exact=True).click()
    page.wait_for_url(f"**{place}")


def state(page: Page) -> str:
    return page.locator(".flow-now .tag").first.inner_text()


def days_pass(folder: Path) -> None:
    """Let the working days of the public notice pass: its last day was yesterday."""
    database = Database(f"sqlite:///{folder / 'taizhang.db'}")
    yesterday = datetime.date.today() - datetime.timedelta(days=2)
    with database.writing() as tx:
        assert tx.execute(sa.update(deadline).values(due=yesterday)).rowcount == 1
    database.dispose()


def test_an_application_goes_from_its_draft_to_the_payment(sit: Sit, folder: Path) -> None:
    firm, town, bureau = sit("qiye"), sit("shiqiao"), sit("gongxin")
    tax, leader, finance = sit("shuiwu"), sit("lingdao"), sit("caizheng")

    # the enterprise fills in its application; what others fill in is not offered
    firm.goto(f"{REGISTER}new")
    expect(firm.get_by_label("申报企业")).to_have_value("示例一号日用化学有限公司")
    firm.get_by_label("奖补事项").select_option(index=1)
    firm.get_by_label("政策文号").fill("宛龙政〔2024〕5号")
    firm.get_by_role("textbox", name="条款", exact=True).fill("第三条")
    firm.get_by_label("申报年度或季度").fill("2024")
    firm.get_by_label("申报金额").fill("12.5")
    firm.get_by_label("收款账户").fill("示例银行 6222020200112233")
    expect(firm.locator("[name=f_amount_ok]")).to_have_count(0)
    firm.get_by_role("button", name="保存", exact=True).click()
    firm.wait_for_url(re.compile(r"/award_application/\d+$"))
    place = urlsplit(firm.url).path
    step(firm, place, "提交申报")
    assert state(firm) == "已申报"

    # the township finds it in its inbox; another township does not know it
    town.goto("/inbox/")
    expect(town.get_by_role("link", name=NUMBER).first).to_be_visible()
    other = sit("liaohe")
    assert other.goto(place).status == 404
    step(town, place, "退回修改", "请补充申报材料")
    firm.goto("/inbox/")
    expect(firm.get_by_role("link", name=NUMBER).first).to_be_visible()
    step(firm, place, "提交申报")
    step(town, place, "初审通过")

    # the bureau asks departments, who see the application from then on, but not the account
    assert tax.goto(place).status == 404
    bureau.goto(place)
    bureau.locator(".flow").get_by_role("link", name="送部门联审").click()
    asked = bureau.locator("#units option", has_text="税务局").first.get_attribute("value")
    bureau.locator("#units").select_option(asked)
    bureau.locator("main").get_by_role("button", name="送部门联审").click()
    bureau.wait_for_url(f"**{place}")
    assert tax.goto(place).status == 200
    expect(tax.get_by_text("6222")).to_have_count(0)
    tax.locator("form.answer input[value=agree]").check()
    tax.locator("form.answer button").click()
    expect(tax.get_by_text("同意").first).to_be_visible()

    # public notice: nobody approves before its working days are over
    step(bureau, place, "公示")
    leader.goto(place)
    expect(leader.locator(".flow").get_by_role("link", name="审定")).to_have_count(0)
    days_pass(folder)
    leader.goto(f"{place}/edit")
    leader.get_by_label("审定金额").fill("10")
    leader.get_by_role("button", name="保存", exact=True).click()
    leader.wait_for_url(f"**{place}")
    step(leader, place, "审定")

    # finance pays; the enterprise reads the whole way
    finance.goto("/inbox/")
    expect(finance.get_by_role("link", name=NUMBER).first).to_be_visible()
    finance.goto(f"{place}/edit")
    finance.get_by_role("button", name="添加一行").click()
    finance.locator("[name^=f_payments-][name$=-paid_on]").first.fill("2026-01-05")
    finance.locator("[name^=f_payments-][name$=-amount]").first.fill("10")
    finance.get_by_role("button", name="保存", exact=True).click()
    finance.wait_for_url(f"**{place}")
    step(finance, place, "确认拨付")
    assert state(finance) == "已拨付"
    firm.goto(place)
    expect(firm.locator(".way li")).to_have_count(8)
    firm.goto("/notices/")
    expect(firm.get_by_text("确认拨付").first).to_be_visible()
