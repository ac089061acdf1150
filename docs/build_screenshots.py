"""Take the pictures of ``docs/images`` again: ``python -m docs.build_screenshots``.

A server of its own on a temporary folder, the system's Chromium, the pages as they are. Run it
when a page has changed, and look at every picture before it is committed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from docs.smaller_png import shrink
from tests.e2e.conftest import SWITCHES
from tests.support.server import Server, serving, settle

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
REAL = ROOT / "tests" / "data" / "enterprises_nmpa_2019.csv"
DEFINITION = ROOT / "schemas" / "registers" / "enterprise.json"
#: no picture may be larger, in bytes
MOST = 150_000


#: the registers shown in the manual: the picture's register, who looks, what of it
TEN = (
    ("enterprise", "gongxin", "?q=示例一号日用化学"),
    ("enterprise_month", "gongxin", ""),
    ("scaleup_pool", "gongxin", ""),
    ("whitelist", "gongxin", "?q=示例"),
    ("idle_land", "gongxin", ""),
    ("issue", "huodong", ""),
    ("award_application", "qiye", "new"),
    ("key_project", "shiqiao", "new"),
    ("work_report", "huodong", ""),
    ("score_entry", "huodong", ""),
)
#: of these the picture shows a record
RECORDS = {"enterprise", "whitelist", "issue", "work_report"}


def main() -> None:
    """Take every picture."""
    IMAGES.mkdir(exist_ok=True)
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    program = next(filter(None, found))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        with site("yes") as (server, password):
            tour(browser, server, password)
        with site("yes") as (server, password):
            office(browser, server, password)
        with site("no") as (server, password):
            main_job(browser, server, password)
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
            invent(folder)
            ten_registers(browser, server)
        browser.close()
    for image in sorted(IMAGES.glob("*.png")):
        size = image.stat().st_size
        print(f"{image.name:16} {size:8,}{'  TOO LARGE' if size > MOST else ''}")
    sys.exit(any(image.stat().st_size > MOST for image in IMAGES.glob("*.png")))


@contextmanager
def site(demo: str) -> Iterator[tuple[Server, str]]:
    """Give a server on a temporary folder and the administrator's password."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), DEMO=demo) as server:
        yield server, settle(server)


def desk(browser: Browser, server: Server, width: int = 1280, height: int = 800) -> Page:
    """Open a browser of its own on the sign-in page."""
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{server.port}",
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/sign-in")
    return page


def sign_in(page: Page, password: str, login: str = "admin") -> Page:
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/")
    return page


def shoot(page: Page, name: str) -> None:
    """Save what the window shows; messages that pass by are closed before."""
    page.wait_for_load_state("networkidle")
    for close in page.locator("[data-toast] [data-dismiss]").all():
        close.click()
    image = IMAGES / f"{name}.png"
    page.screenshot(path=image, animations="disabled", caret="hide")
    shrink(image)


def tour(browser: Browser, server: Server, password: str) -> None:
    """Show the pages of a site in use, with the demonstration data."""
    page = desk(browser, server)
    shoot(page, "login")
    sign_in(page, password)
    shoot(page, "home")
    page.goto("/registers/enterprise/?sort=-revenue_latest")
    shoot(page, "list")
    page.goto("/registers/enterprise/")
    page.locator("details.chip summary", has_text="统计类别").click()
    shoot(page, "filter")
    page.goto("/registers/award_application/new")
    page.get_by_role("button", name="保存", exact=True).click()
    shoot(page, "refused")
    unusual(page)
    plan(page)
    bin_of(page)
    phone = sign_in(desk(browser, server, 390, 844), password)
    phone.goto("/registers/enterprise/?sort=-revenue_latest")
    shoot(phone, "phone")


def unusual(page: Page) -> None:
    """Fill in a form, then save an entry that asks for a confirmation."""
    page.goto("/registers/enterprise/new")
    fill = {
        "name": "示例十五号精密机械有限公司",
        "uscc": "91411303MADEM01512",
        "industry": "3670",
        "address": "示例产业园 15 号",
        "lng": "113.528300",
        "lat": "32.990800",
    }
    for name, text in fill.items():
        page.locator(f'[name="f_{name}"]').fill(text)
    page.locator('[name="f_stat_kind"]').select_option("unlisted")
    page.locator('[name="f_address"]').press("Tab")
    page.wait_for_timeout(1500)
    page.locator("h1").scroll_into_view_if_needed()
    shoot(page, "form")
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator("input[name=_confirmed]").first.scroll_into_view_if_needed()
    shoot(page, "confirm")


def plan(page: Page) -> None:
    """Show what a publication would do: a new field, a renamed choice, a tightened rule."""
    document = json.loads(DEFINITION.read_text("utf-8"))
    document["properties"]["park"] = {"title": "所在园区", "type": "string", "maxLength": 50}
    document["properties"]["stat_kind"]["oneOf"][2]["title"] = "未纳统"
    document["required"].append("main_product")
    document["required"].append("township")
    document["register"].pop("examples")
    page.goto("/definitions/enterprise/edit")
    page.locator("textarea[data-editor]").fill(json.dumps(document, ensure_ascii=False, indent=1))
    page.get_by_role("button", name="检查并查看方案").click()
    page.wait_for_load_state()
    shoot(page, "plan")
    page.locator("input[name=confirmed]").check()
    page.get_by_role("button", name=re.compile("发布第")).click()
    page.wait_for_load_state()
    shoot(page, "definition")
    page.goto("/registers/enterprise/debt")
    shoot(page, "debt")


def bin_of(page: Page) -> None:
    """Delete a record and show the recycle bin."""
    page.goto("/registers/whitelist/")
    page.locator("table.rows tbody a").first.click()
    page.get_by_role("link", name="删除").click()
    page.locator("#reason").fill("企业已迁出本区，不再列入白名单。")
    page.get_by_role("button", name="删除记录").click()
    page.goto("/registers/whitelist/bin")
    shoot(page, "bin")


def passwords(server: Server) -> dict[str, str]:
    """Return login → password of the people of the demonstration."""
    return dict(re.findall(r"^  (\w+)\s+(\S+)  ", "\n".join(server.lines), re.MULTILINE))


def office(browser: Browser, server: Server, password: str) -> None:
    """Show people at work: an application on its way, an inbox, who may what, the audit log."""
    known = passwords(server)

    def sit(login: str) -> Page:
        return sign_in(desk(browser, server), known[login], login)

    firm, town, bureau = sit("qiye"), sit("shiqiao"), sit("gongxin")
    place = apply_for(firm)
    take_step(firm, place, "提交申报")
    take_step(town, place, "初审通过")
    bureau.goto("/inbox/")
    shoot(bureau, "inbox")
    bureau.goto("/")
    shoot(bureau, "desk")
    bureau.goto(place)
    bureau.locator(".flow").get_by_role("link", name="送部门联审").click()
    for name in ("税务局", "自然资源"):
        bureau.locator("#units option", has_text=name).first.evaluate("one => one.selected = true")
    bureau.locator("main").get_by_role("button", name="送部门联审").click()
    bureau.wait_for_url(f"**{place}")
    shoot(bureau, "workflow")
    admin = sign_in(desk(browser, server), password)
    pages = {
        "units": "/people/units/", "access": f"{place}/access", "audit": "/audit/",
        "calendar": "/settings/calendar",
    }  # fmt: skip
    for name, address in pages.items():
        admin.goto(address)
        shoot(admin, name)


def apply_for(page: Page) -> str:
    """Enter an application and return its path."""
    page.goto("/registers/award_application/new")
    fill = {
        "政策文号": "宛龙政〔2024〕5号", "申报年度或季度": "2024",
        "申报金额": "12.5", "收款账户": "示例银行 0000 0000",
    }  # fmt: skip
    page.get_by_label("奖补事项").select_option(index=1)
    page.get_by_role("textbox", name="条款", exact=True).fill("第三条")
    for title, text in fill.items():
        page.get_by_label(title).fill(text)
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_url(re.compile(r"/award_application/\d+$"))
    return "/" + page.url.split("/", 3)[3]


def take_step(page: Page, place: str, title: str) -> None:
    page.goto(place)
    page.locator(".flow").get_by_role("link", name=title, exact=True).click()
    page.locator("main").get_by_role("button", name=title, exact=True).click()
    page.wait_for_url(f"**{place}")


def invent(folder: str) -> None:
    """Fill every register with a few invented records."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "seed", "demo", "--scale", "0.04"]
    settings = os.environ | {"TAIZHANG_DATA_DIR": folder}
    subprocess.run(command, cwd=ROOT, env=settings, check=True, stdout=subprocess.DEVNULL)


def ten_registers(browser: Browser, server: Server) -> None:
    """Show the ten registers of the manual: a list, a record, or the form of a new one."""
    known = passwords(server)
    pages = {
        who: sign_in(desk(browser, server), known[who], who) for who in {one[1] for one in TEN}
    }
    for slug, who, which in TEN:
        page = pages[who]
        page.goto(f"/registers/{slug}/{which}")
        if slug in RECORDS:
            page.locator("table.rows tbody a").first.click()
            page.wait_for_url(re.compile(rf"/{slug}/\d+$"))
        shoot(page, f"register-{slug}")


def main_job(browser: Browser, server: Server, password: str) -> None:
    """Show the main job of the manual: real enterprises in, one edited by two people."""
    page = sign_in(desk(browser, server), password)
    page.goto("/registers/enterprise/import")
    page.set_input_files("#file", REAL)
    page.select_option("#on_error", "skip")
    page.get_by_role("button", name="导入", exact=True).click()
    page.get_by_role("status").first.wait_for()
    shoot(page, "import")
    page.goto("/registers/enterprise/?q=马应龙")
    page.locator("table.rows tbody a").first.click()
    record = page.url
    other = sign_in(desk(browser, server), password)
    for desk_page, product in ((page, "眼部护理用品"), (other, "护肤膏霜")):
        desk_page.goto(f"{record}/edit")
        desk_page.locator('[name="f_main_product"]').fill(product)
    page.locator('[name="f_capacity"]').fill("年产 500 吨")
    for desk_page in (page, other):
        desk_page.get_by_role("button", name="保存", exact=True).click()
        desk_page.wait_for_load_state()
    shoot(page, "record")
    shoot(other, "conflict")


if __name__ == "__main__":
    main()
