"""The main job on real input, from the first publication to the history of a record.

Real enterprises of a public register are imported, refused where they are wrong, corrected,
edited, exported, and imported again unchanged, while the definition changes under an open form.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
REAL = ROOT / "tests" / "data" / "enterprises_nmpa_2019.csv"
DEFINITION = ROOT / "schemas" / "registers" / "enterprise.json"

pytestmark = pytest.mark.usefixtures("site")


def publish(page: Page, document: dict) -> None:
    page.goto(f"/definitions/{document['$id']}/edit")
    page.locator("textarea[data-editor]").fill(json.dumps(document, ensure_ascii=False))
    page.get_by_role("button", name="检查并查看方案").click()
    confirm = page.locator("input[name=confirmed]")
    if confirm.count():
        confirm.check()
    page.get_by_role("button", name=re.compile("发布第")).click()
    expect(page.get_by_text("现行")).to_be_visible()


def import_file(
    page: Page, name: str, data: bytes, *, skip: bool = False, mode: str = "insert"
) -> None:
    page.goto("/registers/enterprise/import")
    kind = "text/csv" if name.endswith("csv") else "application/octet-stream"
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": data})
    page.select_option("#mode", mode)
    page.select_option("#on_error", "skip" if skip else "stop")
    page.get_by_role("button", name="导入", exact=True).click()
    page.wait_for_load_state()


def rows_as_csv(rows: list[dict[str, str]]) -> bytes:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode("utf-8-sig")


def test_real_enterprises_from_publication_to_history(
    desk: Callable[..., Page], download: Callable[..., Path]
) -> None:
    page = desk()
    document = json.loads(DEFINITION.read_text("utf-8"))

    # Publish: the definition with a help text of this office.
    document["description"] = "本区全部工业企业的基础信息。"
    publish(page, document)

    # Import: all or nothing refuses the file and names the four cells.
    import_file(page, "企业.csv", REAL.read_bytes())
    refused = page.locator("table.grid tbody tr")
    expect(refused).to_have_count(4)
    expect(page.locator("table.grid")).to_contain_text("统一社会信用代码")
    page.goto("/registers/enterprise/")
    expect(page.get_by_text("还没有记录")).to_be_visible()

    # Skip the bad rows: 206 are stored, 4 are refused.
    import_file(page, "企业.csv", REAL.read_bytes(), skip=True)
    expect(page.get_by_role("status")).to_contain_text("206")
    expect(page.locator("table.grid tbody tr")).to_have_count(4)

    # Correct one – the letter O typed for a zero – and import it.
    with REAL.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    [wrong] = [row for row in rows if row["统一社会信用代码"] == "91610722MA6YN2BOXN"]
    corrected = wrong | {"统一社会信用代码": "91610722MA6YN2B0XN"}
    import_file(page, "更正.csv", rows_as_csv([corrected]))
    expect(page.get_by_role("status")).to_contain_text("1")
    page.goto("/registers/enterprise/")
    expect(page.get_by_text("共 207 条").or_(page.get_by_text("207 条")).first).to_be_visible()

    # Edit one.
    search = page.get_by_role("searchbox", name=re.compile("^搜索"))
    search.fill(corrected["企业名称"])
    search.press("Enter")
    page.locator("table.rows tbody a").first.click()
    page.get_by_role("link", name="编辑").first.click()
    product = page.get_by_label("主要产品").first
    product.fill("口腔护理用品")

    # While that form is open, another administrator adds a field and publishes.
    other = desk()
    document["properties"]["park"] = {"title": "所在园区", "type": "string", "maxLength": 50}
    publish(other, document)
    other.goto("/registers/enterprise/new")
    expect(other.get_by_label("所在园区")).to_be_visible()

    # The form opened before still fits, and is saved.
    page.get_by_role("button", name="保存").first.click()
    expect(page.get_by_text("口腔护理用品").first).to_be_visible()

    # Its history tells both: the import and the edit, before and after.
    history = page.locator("#history, .history, section:has(h2:text('修改历史'))").first
    expect(history).to_contain_text("口腔护理用品")
    expect(history).to_contain_text("管理员")

    # Filter, and export what the list shows.
    page.goto("/registers/enterprise/?f.stat_kind=unlisted&q=" + corrected["企业名称"][:2])
    page.locator("summary", has_text="导出").click()
    some = download(page, lambda: page.get_by_role("link", name=re.compile("xlsx|Excel")).click())
    sheet = openpyxl.load_workbook(some).active
    shown = page.locator("table.rows tbody tr").count()
    # under the headings, and above the line of sums
    assert sheet.max_row == shown + 2
    assert "合计" in [cell.value for cell in sheet[sheet.max_row]]

    # Export everything and import it unchanged: nothing changes.
    page.goto("/registers/enterprise/")
    page.locator("summary", has_text="导出").click()
    whole = download(page, lambda: page.get_by_role("link", name=re.compile("xlsx|Excel")).click())
    codes = [row[0].value for row in openpyxl.load_workbook(whole).active["B2:B5"]]
    assert all(isinstance(code, str) for code in codes)
    import_file(page, "导出.xlsx", whole.read_bytes(), mode="upsert")
    status = page.get_by_role("status")
    expect(status).to_contain_text("207")
    expect(status).to_contain_text(re.compile(r"修改 0|0 条(有)?(修改|变化|更改)|更改 0"))
