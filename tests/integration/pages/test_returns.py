"""Pages of returns: the table, one return, its deeds, the form that begins with the last period."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Callable

import pytest
from openpyxl import load_workbook

from app.faces.admin import returns_pages
from app.services import history, seeding
from app.services.returns import deeds, listing, opening
from app.services.work import Actor, Platform, now
from app.storage.models_returns import return_due
from tests.support.browser import PASSWORD, Browser
from tests.support.register import ME, publish
from tests.support.returns import add_units, appoint, at, facts, file, firms, monthly, run, states

ROOT = "/registers/report/returns/"


@pytest.fixture
def units(browser: Browser) -> list[int]:
    """Two townships and the register they fill in; the calendar is that of 2026."""
    seeding.seed_calendar(browser.platform)
    found = add_units(browser.platform, "nan", "bei")
    publish(browser.platform, monthly())
    return found


def signed_in(browser: Browser, unit: int, role: str) -> tuple[Browser, Actor]:
    """Sit somebody who holds a role in a unit before a browser of their own."""
    actor = appoint(browser.platform, "钱七", unit, role)
    other = Browser(browser.app)
    other.get("/sign-in")
    answer = other.post("/sign-in", username=f"u{unit}{role}", password=PASSWORD)
    assert answer.status_code == 302
    other.get("/")
    return other, actor


def test_a_cell_says_its_state_by_sign_word_and_hint(browser: Browser, units: list[int]) -> None:
    nan, _ = units
    run(browser.platform, "2026-02-02")
    number = file(browser.platform, "2026-02-03", town="nan", month="2026-01")

    page = browser.get(ROOT).text

    assert f'class="cell cell-submitted" href="/registers/report/{number}"' in page
    waiting = facts(browser.platform, "2026-01", units[1]).id
    assert f'class="cell cell-open" href="/registers/report/returns/{waiting}"' in page
    assert re.search(r'title="南镇 · 2026年1月 · 已报 · [^"]*王芳"', page)
    assert '<span class="word">待报</span>' in page


def test_a_register_without_a_calendar_has_no_table(browser: Browser) -> None:
    document = monthly()
    document["register"]["period"] = "month"
    publish(browser.platform, document)

    assert browser.get(ROOT).status_code == 404
    assert "returns/" not in browser.get("/registers/report/").text


def test_the_table_is_filtered_and_odd_filters_are_none(browser: Browser, units: list[int]) -> None:
    run(browser.platform, "2026-02-02")
    file(browser.platform, "2026-02-03", town="nan", month="2026-01")

    assert 'title="北镇"' in browser.get(ROOT).text
    assert 'title="北镇"' not in browser.get(ROOT, state="submitted").text
    assert "没有符合条件" in browser.get(ROOT, kind="bureau").text
    for odd in ("9" * 40, "-1", "x", "\0", "２"):
        page = browser.get(ROOT, year=odd, page=odd, unit=odd, state=odd)
        assert page.status_code == 200
    assert browser.get(f"{ROOT}99999999999").status_code == 404


def test_what_is_exported_is_what_is_shown(browser: Browser, units: list[int]) -> None:
    run(browser.platform, "2026-03-02")
    file(browser.platform, "2026-02-21", town="nan", month="2026-02")

    table = browser.get(f"{ROOT}export.csv").data.decode("utf-8-sig")
    listed = browser.get(f"{ROOT}export.xlsx?as=list").data

    assert list(csv.reader(io.StringIO(table)))[:2] == [
        ["报送主体", "单位", "2026年1月", "2026年2月"], ["南镇", "", "缺报（已关闭）", "已报"],
    ]  # fmt: skip
    rows = list(load_workbook(io.BytesIO(listed)).active.iter_rows(values_only=True))
    assert len(rows) == 5
    assert rows[2][:4] == ("南镇", "南镇", "2026年2月", "已报")


def test_a_clerk_meets_only_the_own_line_and_declares_nil(
    browser: Browser, units: list[int]
) -> None:
    nan, bei = units
    publish(browser.platform, monthly(lock=None))
    opening.open_periods(browser.platform, now())
    clerk, _ = signed_in(browser, nan, "township")
    period = max(period for period, _ in states(browser.platform))
    mine, other = (facts(browser.platform, period, unit).id for unit in units)

    page = clerk.get(ROOT).text
    assert "南镇" in page and "北镇" not in page
    assert f'href="/registers/report/new?f_month={period}&amp;f_town=nan"' in page
    assert clerk.get(f"{ROOT}{other}").status_code == 404
    assert clerk.post(f"{ROOT}{other}", act="nil").status_code == 404
    clerk.post(f"{ROOT}{mine}", act="excuse", reason="不想报")
    assert states(browser.platform)[period, nan] in ("open", "late")
    answer = clerk.post(f"{ROOT}{mine}", act="nil")
    assert answer.status_code == 302
    assert states(browser.platform)[period, nan] == "nil"
    clerk.post(f"{ROOT}{mine}", act="take-back")
    assert states(browser.platform)[period, nan] in ("open", "late")
    assert clerk.post(f"{ROOT}urge", unit="all").status_code == 302
    with browser.platform.reading(ME) as work:
        assert [one.urged for one in listing.chase(work, "report")] in ([], [0], [0, 0])
    assert states(browser.platform)[period, bei] in ("open", "late")


def test_a_supplementary_return_leads_to_the_form(browser: Browser, units: list[int]) -> None:
    nan, _ = units
    run(browser.platform, "2026-02-20")
    number = facts(browser.platform, "2026-01", nan).id
    assert "补报" in browser.get(f"{ROOT}{number}").text

    browser.post(f"{ROOT}{number}", act="supplement", reason="")
    refused = browser.get(f"{ROOT}{number}").text
    answer = browser.post(f"{ROOT}{number}", act="supplement", reason="经办人住院")

    assert "请填写原因" in refused
    assert answer.location.endswith("/registers/report/new?f_month=2026-01&f_town=nan")
    browser.get(answer.location)
    saved = browser.post("/registers/report/new", f_month="2026-01", f_town="nan")
    assert saved.status_code == 302
    assert states(browser.platform)["2026-01", nan] == "supplemented"
    assert "经办人住院" in browser.get(f"{ROOT}{number}").text


def test_the_office_opens_again_and_excuses(browser: Browser, units: list[int]) -> None:
    nan, bei = units
    run(browser.platform, "2026-02-20")
    first, second = (facts(browser.platform, "2026-01", unit).id for unit in units)
    day = (datetime.date.today() + datetime.timedelta(days=3)).isoformat()

    browser.post(f"{ROOT}{first}", act="reopen", reason="数据有误", until=day)
    browser.post(f"{ROOT}{second}", act="excuse", reason="机构已撤销")
    browser.post(f"{ROOT}{second}", act="something")

    assert states(browser.platform) == {("2026-01", nan): "late", ("2026-01", bei): "excused"}
    assert str(facts(browser.platform, "2026-01", nan).locks_on) == day


def test_a_closed_period_is_said_in_the_form_with_what_was_typed(
    browser: Browser, units: list[int]
) -> None:
    run(browser.platform, "2026-02-20")
    page = browser.get("/registers/report/new")
    token = re.search(r'name="_token" value="([^"]+)"', page.text)
    assert token

    answer = browser.post(
        "/registers/report/new", f_month="2026-01", f_town="nan", f_name="很长的说明",
        _token=token[1],
    )  # fmt: skip

    assert answer.status_code == 422
    assert "南镇的2026年1月报送期已关闭" in answer.text
    assert "很长的说明" in answer.text


# ── carried over from the last period


def carried(page: str) -> list[str]:
    return re.findall(r'name="_carried" value="(\w+)"', page)


def test_the_form_begins_with_the_last_period_and_history_says_so(
    browser: Browser, units: list[int]
) -> None:
    run(browser.platform, "2026-03-02")
    with browser.platform.writing(ME) as work:
        work.now = at("2026-03-02")
        deeds.reopen(work, "report", facts(browser.platform, "2026-01", units[0]).id, "补录")
    before = file(
        browser.platform, "2026-03-03", town="nan", month="2026-01", amount="12.5", kind="a"
    )

    page = browser.get("/registers/report/new?f_town=nan&f_month=2026-02").text
    answer = browser.post(
        "/registers/report/new", f_town="nan", f_month="2026-02", f_amount="12.50", f_kind="b",
        _carried=carried(page), _token="t1",
    )  # fmt: skip
    again = browser.post(
        "/registers/report/new", f_town="nan", f_month="2026-02", f_amount="12.50", f_kind="b",
        _carried=carried(page), _token="t1",
    )  # fmt: skip

    assert carried(page) == ["amount", "kind"]
    assert page.count("上期带入") == 2
    assert 'value="12.50"' in page
    assert answer.location == again.location
    number = int(answer.location.rsplit("/", 1)[1])
    with browser.platform.reading(ME) as work:
        notes = [e.note for e in history.of_record(work, "report", number) if e.action == "carry"]
    assert notes == [{"carried": ["amount"], "record": before}]
    assert "沿用了上期的数据" in browser.get(f"/registers/report/{number}").text


def test_a_form_for_nothing_in_particular_carries_nothing(
    browser: Browser, units: list[int]
) -> None:
    run(browser.platform, "2026-03-02")
    file(browser.platform, "2026-02-20", town="nan", month="2026-02", amount="1")

    assert carried(browser.get("/registers/report/new").text) == []
    assert carried(browser.get("/registers/report/new?f_town=nan&f_month=2026-02").text) == []
    assert carried(browser.get("/registers/report/new?f_town=nan&f_month=20x").text) == []


def test_a_clerk_who_opens_the_form_is_given_what_is_due(
    browser: Browser, units: list[int], store: Callable[..., int]
) -> None:
    document = monthly(lock=None)
    # this month would be the wrong one as long as an earlier one is due
    document["properties"]["month"]["begin"] = "month(today())"
    publish(browser.platform, document)
    opening.open_periods(browser.platform, now())
    clerk, _ = signed_in(browser, units[0], "township")
    period = min(period for period, _ in states(browser.platform))

    page = clerk.get("/registers/report/new").text

    assert f'value="{period}"' in page
    assert 'value="nan"' in page


def owe_january(platform: Platform) -> None:
    """Let every unit be late with January, and owe nothing else."""
    publish(platform, monthly(lock=None, **{"from": "2026-01"}))
    opening.open_periods(platform, at("2026-02-03"))
    with platform.database.writing() as tx:
        tx.execute(return_due.update().where(return_due.c.period != "2026-01").values(state="nil"))
        first = return_due.c.period == "2026-01"
        tx.execute(return_due.update().where(first).values(state="late", closed_at=None))


def test_the_block_of_the_first_page_leads_to_the_return(
    browser: Browser, units: list[int]
) -> None:
    opening.open_periods(browser.platform, now())
    actor = appoint(browser.platform, "钱七", units[0], "township")
    owe_january(browser.platform)

    with browser.app.test_request_context(), browser.platform.reading(actor) as work:
        [one] = returns_pages.mine(work)

    number = facts(browser.platform, "2026-01", units[0]).id
    assert (one["title"], one["period"], one["word"]) == ("工业月报", "2026年1月", "逾期未报")
    assert one["url"] == f"{ROOT}{number}"


def test_the_first_page_shows_what_the_unit_owes_and_leads_there(
    browser: Browser, units: list[int]
) -> None:
    """What is late and what is due now, to the clerk whose unit owes it, and to nobody else."""
    opening.open_periods(browser.platform, now())
    clerk, _ = signed_in(browser, units[0], "township")
    owe_january(browser.platform)
    number = facts(browser.platform, "2026-01", units[0]).id

    page = clerk.get("/").text

    assert "我的报送" in page and "工业月报 2026年1月" in page and "逾期未报" in page
    assert f'href="{ROOT}{number}"' in page
    assert clerk.get(f"{ROOT}{number}").status_code == 200
    assert "我的报送" not in browser.get("/").text


def test_a_row_that_is_not_seen_is_not_named(browser: Browser) -> None:
    """The clerk's unit answers for the firm, but the register of firms is closed to it."""
    seeding.seed_calendar(browser.platform)
    [nan] = add_units(browser.platform, "nan")
    firm, quarterly = firms()
    grant = {"role": ["township"], "may": ["see", "create"]}
    quarterly["register"]["permissions"] = [grant | {"rows": "own-unit"}]
    publish(browser.platform, firm, quarterly)
    number = file(browser.platform, "2026-03-01", "firm", name="秘密厂", kind="a", town="nan")
    run(browser.platform, "2026-04-02")
    clerk, _ = signed_in(browser, nan, "township")

    page = clerk.get("/registers/firm_quarter/returns/").text
    found = facts(browser.platform, "2026Q1", number, "firm_quarter")
    one = clerk.get(f"/registers/firm_quarter/returns/{found.id}")

    assert one.status_code == 200
    assert f"#{number}" in page
    assert "秘密厂" not in page + one.text
    assert "秘密厂" in browser.get("/registers/firm_quarter/returns/").text
