"""The pages of the calendar, of jobs, of notices and of webhooks."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator

import pytest

from app.services import calendar, identity, jobs, notices, seeding
from app.services.joblist import JOBS
from app.services.notices import channels
from app.services.work import now
from tests.support.browser import PASSWORD, Browser
from tests.support.receivers import Robot, robot
from tests.support.register import ME

HOOK = {
    "title": "工作群", "recipe": "dingtalk", "secret": "SECRETzq7zq7zq7zq7", "mode": "once",
    "digest_at": "08:30", "quiet_from": "", "quiet_to": "",
}  # fmt: skip


@pytest.fixture
def clerk(browser: Browser) -> Browser:
    """A browser in which somebody without any power is signed in."""
    with browser.platform.database.writing() as tx:
        identity.create_account(tx, "clerk", "张三", PASSWORD)
    other = Browser(browser.app)
    other.get("/sign-in")
    assert other.post("/sign-in", username="clerk", password=PASSWORD).status_code == 302
    other.get("/")
    return other


@pytest.fixture
def group() -> Iterator[Robot]:
    with robot() as found:
        yield found


def number(browser: Browser, login: str) -> int:
    with browser.platform.database.reading() as tx:
        return identity.find(tx, login)


def test_a_year_is_shown_and_a_day_changed(browser: Browser) -> None:
    seeding.seed_calendar(browser.platform)
    page = browser.get("/settings/calendar", year=2026, day="2026-02-13").text
    assert "国办发明电〔2025〕7号" in page
    assert "02-15 – 02-23" in page

    sent = browser.post("/settings/calendar/day", on="2026-02-13", kind="holiday", title="小年")

    assert sent.status_code == 302
    assert "小年" in browser.get(sent.headers["Location"]).text
    with browser.platform.reading(ME) as work:
        assert not calendar.of(work).is_working_day(datetime.date(2026, 2, 13))


def test_a_year_nobody_knows_says_so(browser: Browser) -> None:
    assert "尚未录入" in browser.get("/settings/calendar", year=2031).text


def test_a_table_of_holidays_is_read_in(browser: Browser) -> None:
    table = "日期,类型,名称\n2031-01-01,休,元旦\n".encode()

    sent = browser.post("/settings/calendar/import", file=(io.BytesIO(table), "2031.csv"))

    assert sent.headers["Location"].endswith("year=2031")
    assert "元旦" in browser.get("/settings/calendar", year=2031).text
    wrong = browser.post("/settings/calendar/import", file=(io.BytesIO(b"x"), "a.csv"))
    assert wrong.status_code == 422


def test_who_does_not_administer_looks_at_the_calendar_only(clerk: Browser) -> None:
    assert "csv" not in clerk.get("/settings/calendar", year=2026, day="2026-02-13").text
    for address in ("jobs", "webhooks", "webhooks/new", "webhooks/1"):
        assert clerk.get(f"/settings/{address}").status_code == 403, address
    for address in (
        "calendar/import", "jobs/run", "webhooks/new", "webhooks/1", "webhooks/1/test",
        "webhooks/1/remove", "webhooks/deliveries/1",
    ):  # fmt: skip
        sent = clerk.post(f"/settings/{address}", {**HOOK, "name": "tidy-jobs", "id": "1"})
        assert sent.status_code in (403, 422), (address, sent.status_code)
    assert clerk.post("/settings/jobs/retry", id="1").status_code == 403
    assert clerk.post("/settings/calendar/day", on="2026-02-13").status_code == 403


def test_jobs_are_seen_run_and_tried_again(browser: Browser) -> None:
    assert browser.post("/settings/jobs/run", name="tidy-jobs").status_code == 302
    with browser.platform.writing(ME) as work:
        channels.save_webhook(work, None, {**HOOK, "url": "http://127.0.0.1:1/zq7zq7zq7"}, (), ())
        notices.notify(work, [number(browser, "admin")], "task", "待审核")
    jobs.run_due(browser.platform, JOBS, now())

    page = browser.get("/settings/jobs").text

    assert "已完成" in page
    assert "无法连接" in page
    assert "zq7zq7zq7" not in page
    assert "无法连接" not in browser.get("/settings/jobs", state="done").text
    with browser.platform.reading(ME) as work:
        run = next(one for one in jobs.runs(work) if one.state == "waiting")
    assert browser.post("/settings/jobs/retry", id=str(run.id)).status_code == 302
    assert browser.post("/settings/jobs/run", name="none").status_code == 404


def test_notices_are_counted_opened_and_read(browser: Browser) -> None:
    with browser.platform.writing(ME) as work:
        for title in ("第一件", "第二件", "第三件"):
            notices.notify(work, [number(browser, "admin")], "task", title, "<b>", "/password")
    assert "3 条未读" in browser.get("/notices/").text
    with browser.platform.reading(ME) as work:
        assert 'aria-label="3 条未读通知"' in browser.get("/").text

    sent = browser.post("/notices/1/open")

    assert sent.headers["Location"] == "/password"
    page = browser.get("/notices/").text
    assert "2 条未读" in page
    assert "<b></span>" not in page
    assert browser.post("/notices/99/open").status_code == 404
    browser.post("/notices/read")
    assert "0 条未读" in browser.get("/notices/").text


def test_a_link_leads_nowhere_else(browser: Browser) -> None:
    with browser.platform.writing(ME) as work:
        notices.notify(work, [number(browser, "admin")], "task", "a", "", "//evil.example/x")

    assert browser.post("/notices/1/open").headers["Location"] == "/"


def test_how_one_is_told_is_kept_and_a_mistake_is_named(browser: Browser) -> None:
    given = {"mode": "digest", "digest_at": "8:00", "quiet_from": "", "quiet_to": ""}

    wrong = browser.post("/account/notices", {**given, "email": "nobody"})
    assert wrong.status_code == 422
    assert "nobody" in wrong.text
    right = browser.post("/account/notices", {**given, "email": "a@b.cn", "kind_task": "1"})

    assert right.status_code == 302
    page = browser.get("/account/notices").text
    assert 'value="a@b.cn"' in page
    assert 'value="08:00"' in page
    assert page.count(" checked") == 2


def test_a_webhooks_secret_and_key_are_never_shown(browser: Browser, group: Robot) -> None:
    url = f"{group.url}?access_token=zq7zq7zq7token"

    assert browser.post("/settings/webhooks/new", {**HOOK, "url": url}).status_code == 302

    for address in ("/settings/webhooks", "/settings/webhooks/1"):
        page = browser.get(address).text
        assert "zq7zq7zq7" not in page
        assert "127.0.0.1" in page
    wrong = browser.post("/settings/webhooks/1", {**HOOK, "url": url, "digest_at": "99"})
    assert wrong.status_code == 422
    assert "zq7zq7zq7" not in wrong.text
    kept = browser.post("/settings/webhooks/1", {**HOOK, "url": "", "secret": "", "title": "新"})
    assert kept.status_code == 302
    with browser.platform.reading(ME) as work:
        found = channels.find(work, 1)
    assert (found.title, found.url, found.secret) == ("新", url, HOOK["secret"])


def test_a_test_message_says_whether_it_arrived(browser: Browser, group: Robot) -> None:
    browser.post("/settings/webhooks/new", {**HOOK, "url": group.url})

    browser.post("/settings/webhooks/1/test")
    assert "对方已接收测试消息" in browser.get("/settings/webhooks").text
    group.answers = [(200, b'{"errcode":310000,"errmsg":"sign not match"}', {})]
    browser.post("/settings/webhooks/1/test")
    assert "sign not match" in browser.get("/settings/webhooks").text

    assert len(group.got) == 2
    assert browser.post("/settings/webhooks/1/remove").status_code == 302
    assert browser.post("/settings/webhooks/1/test").status_code == 404


def test_a_delivery_that_failed_is_sent_again(browser: Browser, group: Robot) -> None:
    browser.post("/settings/webhooks/new", {**HOOK, "url": group.url})
    group.answers = [(404, b"gone", {})]
    with browser.platform.writing(ME) as work:
        notices.notify(work, [number(browser, "admin")], "task", "待审核")
    jobs.run_due(browser.platform, JOBS, now())
    assert "404 gone" in browser.get("/settings/webhooks").text

    assert browser.post("/settings/webhooks/deliveries/1").status_code == 302
    jobs.run_due(browser.platform, JOBS, now())

    assert len(group.got) == 2
    assert browser.post("/settings/webhooks/deliveries/1").status_code == 404
