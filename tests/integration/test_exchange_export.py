"""Files taken out: typed, harmless, and the same when they are brought in again."""

from __future__ import annotations

import csv
import datetime
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.errors import FileRefused, QueryRefused
from app.services import records
from app.services.exchange import export, file_name
from app.services.exchange.writers import sheet_name, write_table
from app.services.lists import Filter, Query
from app.services.work import Platform
from app.storage.session import Database
from tests.integration.exchange_support import (
    CLERK,
    bring_in,
    counts,
    csv_of,
    platform_with,
    take_out,
)

DANGEROUS = [
    "=1+1",
    "+86",
    "-5",
    "@x",
    "＝1",
    "＋1",
    "－1",
    "＠a",
    "'=1",
    '"=1',
    "''=x",
    "'甲'",
    "= 1",
]


@pytest.fixture
def sink(database: Database, tmp_path: Path) -> Platform:
    return platform_with(database, tmp_path, "kitchen_sink")


@pytest.fixture
def family(database: Database, tmp_path: Path) -> Platform:
    return platform_with(database, tmp_path, "parent", "child")


def enter(platform: Platform, slug: str, **raw: Any) -> int:
    with platform.writing(CLERK) as work:
        return records.create(work, slug, raw).id


def full_record(code: str, name: str = "样品", **more: Any) -> dict[str, Any]:
    """Return a record with a value in every field that a person fills."""
    return {
        "code": code, "name": name, "note": "第一行\n=第二行", "count": 3,
        "price": "12345678901234.56", "flag": True, "day": "2024-06-30", "month": "2024-06",
        "quarter": "2024Q2", "year": 2024, "moment": "2024-06-30T08:00:01", "colour": "green",
        "tags": ["a", "c"], "uscc": "91440300192185379H", "phone": "13800000000",
        "resident": "11010519491231002X", "industry": "3812", "doc_no": "宛龙政〔2024〕5号",
        "lng": "112.528312", "lat": "-32.9908", "sealed": 7,
        "lines": [{"item": "=甲", "amount": "20.25", "done_on": "2024-06-01", "state": "done"}],
        **more,
    }  # fmt: skip


def fill(platform: Platform, linked: bool = True) -> None:
    first = enter(platform, "kitchen_sink", **full_record("K001"))
    more = {"link": first} if linked else {}
    enter(platform, "kitchen_sink", **full_record("K002", "第二", **more))
    enter(platform, "kitchen_sink", code="K003", name="最少")
    for number, text in enumerate(DANGEROUS, 100):
        enter(
            platform, "kitchen_sink", code=f"K{number}", name=f"{text}  x", note=f"{text}\n{text}"
        )


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_an_export_brought_in_again_changes_nothing(sink: Platform, format: str) -> None:
    fill(sink)

    report = bring_in(sink, "kitchen_sink", take_out(sink, "kitchen_sink", format), mode="upsert")

    assert counts(report) == (0, 0, 3 + len(DANGEROUS), 0)


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_an_export_brought_into_an_empty_register_is_the_same(sink: Platform, format: str) -> None:
    fill(sink, linked=False)
    before = take_out(sink, "kitchen_sink", "jsonl").read()
    file = take_out(sink, "kitchen_sink", format)
    with sink.writing(CLERK) as work:
        main = work.published("kitchen_sink").tables.main
        work.tx.execute(main.update().values({"_deleted_at": work.now}))

    bring_in(sink, "kitchen_sink", file)

    after = take_out(sink, "kitchen_sink", "jsonl").read()
    assert len(after) > 1000
    assert without_ids(after) == without_ids(before)


def without_ids(lines: bytes) -> list[dict[str, Any]]:
    found = [json.loads(line, parse_float=str) for line in lines.splitlines()]
    return [{k: v for k, v in line.items() if k not in ("_id", "_version")} for line in found]


def test_no_text_of_a_worksheet_is_a_formula_and_codes_are_text(sink: Platform) -> None:
    fill(sink)

    file = take_out(sink, "kitchen_sink", "xlsx", Query(sort="code"))

    with zipfile.ZipFile(file) as package:
        sheet = package.read("xl/worksheets/sheet1.xml")
    book = openpyxl.load_workbook(file)
    cells = {h.value: c for h, c in zip(book.active[1], book.active[2], strict=True)}
    assert b"<f>" not in sheet
    assert b"<hyperlink" not in sheet
    assert (cells["信用代码"].value, cells["信用代码"].data_type) == ("91440300192185379H", "s")
    assert (cells["手机"].value, cells["手机"].number_format) == ("13800000000", "@")
    assert (cells["单价"].value, cells["单价"].data_type) == ("12345678901234.56", "s")
    assert (cells["纬度"].value, cells["纬度"].data_type) == (-32.9908, "n")
    assert cells["日期"].value == datetime.datetime(2024, 6, 30)
    assert cells["时间"].value == datetime.datetime(2024, 6, 30, 8, 0, 1)
    assert (book.active.title, book.active.freeze_panes) == ("百宝箱", "A2")


def test_csv_texts_are_guarded_and_numbers_are_not(sink: Platform) -> None:
    fill(sink)

    text = take_out(sink, "kitchen_sink", "csv", Query(sort="code")).read()

    assert text.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    assert rows[0]["纬度"] == "-32.990800"
    assert rows[0]["单价"] == "12345678901234.56"
    assert {row["名称"][0] for row in rows[3:]} == {"'"}


def test_jsonl_has_exact_numbers_and_named_references(sink: Platform) -> None:
    fill(sink)

    lines = take_out(sink, "kitchen_sink", "jsonl", Query(sort="code")).read().splitlines()

    second = json.loads(lines[1], parse_float=str)
    assert len(lines) == 3 + len(DANGEROUS)
    assert (second["_id"], second["_version"]) == (2, 1)
    assert (second["price"], second["link"]) == ("12345678901234.56", "K001 样品")
    assert second["lines"] == [
        {"item": "=甲", "amount": "20.25", "done_on": "2024-06-01", "state": "done"}
    ]
    assert "colour" not in json.loads(lines[2])


def test_an_export_holds_what_the_list_shows(sink: Platform) -> None:
    fill(sink)
    query = Query(filters=(Filter("price", "present"),), sort="-code")

    lines = take_out(sink, "kitchen_sink", "csv", query).read().decode("utf-8-sig").splitlines()

    assert [line.split(",")[0] for line in lines if line.startswith("K")] == ["K002", "K001"]


def test_a_reference_whose_label_is_shared_is_written_by_its_key(sink: Platform) -> None:
    # the label of K001 is that of no other, but the name "K002" would be read as a key
    for code, name in (("K001", "同名"), ("K002", "别的")):
        enter(sink, "kitchen_sink", code=code, name=name)
    enter(sink, "kitchen_sink", code="K003", name="引用", link=1)
    with sink.writing(CLERK) as work:
        main = work.published("kitchen_sink").tables.main
        work.tx.execute(main.update().where(main.c["_id"] == 2).values({"_label": "K001 同名"}))

    line = take_out(sink, "kitchen_sink", "jsonl", Query(sort="-code")).read().splitlines()[0]

    assert json.loads(line)["link"] == "K001"


def test_a_reference_to_a_deleted_record_stays_through_a_round_trip(sink: Platform) -> None:
    first = enter(sink, "kitchen_sink", code="K001", name="会删")
    enter(sink, "kitchen_sink", code="K002", name="引用", link=first)
    with sink.writing(CLERK) as work:
        main = work.published("kitchen_sink").tables.main
        work.tx.execute(
            main.update().where(main.c["_id"] == first).values({"_deleted_at": work.now})
        )

    report = bring_in(sink, "kitchen_sink", take_out(sink, "kitchen_sink", "csv"), mode="update")

    assert counts(report) == (0, 0, 1, 0)


def test_an_empty_list_is_a_file_with_headings(sink: Platform) -> None:
    worksheet = openpyxl.load_workbook(take_out(sink, "kitchen_sink", "xlsx")).active
    text = take_out(sink, "kitchen_sink", "csv").read().decode("utf-8-sig")

    assert worksheet["A1"].value == "编号"
    assert text.splitlines()[0].startswith("编号,名称")
    assert take_out(sink, "kitchen_sink", "jsonl").read() == b""


def test_a_text_too_long_for_a_cell_is_refused_not_cut() -> None:
    with pytest.raises(FileRefused, match="备注 in row 2 has 40000 characters"):
        write_table(io.BytesIO(), "xlsx", "表", ["备注"], [["x" * 40_000]])


def test_control_characters_do_not_break_a_worksheet() -> None:
    out = io.BytesIO()
    write_table(out, "xlsx", "a/b:c" * 20, ["备注"], [["a\x01b\x1fc_x0001_"]])

    assert openpyxl.load_workbook(out).active["A1"].value == "备注"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("a/b:c", "a b c"),
        ("[x]", "x"),
        ("'甲'", "甲"),
        ("很" * 40, "很" * 31),
        ("/", "Sheet1"),
        ("=1", "=1"),
    ],
)
def test_a_sheet_has_a_name_it_may_have(title: str, name: str) -> None:
    assert sheet_name(title) == name


def test_a_file_is_named_after_the_register_and_the_day() -> None:
    day = datetime.date(2026, 11, 23)

    assert file_name("重点企业白名单", day, "xlsx") == "重点企业白名单_20261123.xlsx"
    assert file_name('../a"\r\nb', day, "csv") == "a b_20261123.csv"


def test_an_unknown_format_or_filter_is_refused(sink: Platform) -> None:
    with sink.reading(CLERK) as work:
        with pytest.raises(FileRefused, match="no export as pdf"):
            export(work, "kitchen_sink", Query(), "pdf", io.BytesIO())
        with pytest.raises(QueryRefused):
            query = Query(filters=(Filter("nothing"),))
            export(work, "kitchen_sink", query, "csv", io.BytesIO())


def test_a_register_without_a_key_is_exported_with_ids(database: Database, tmp_path: Path) -> None:
    from app.services import publishing

    platform = platform_with(database, tmp_path, "parent", "child")
    document = {
        "$schema": "urn:taizhang:register:1", "$id": "loose", "title": "散记", "type": "object",
        "properties": {"text": {"title": "内容", "type": "string"}},
        "register": {"label": "{text}"},
    }  # fmt: skip
    with platform.writing(CLERK, publishing=True) as work:
        publishing.publish(work, document, confirmed=True)
    bring_in(platform, "loose", csv_of("内容", ["甲", "甲", "乙"]))

    file = take_out(platform, "loose", "csv").read().decode("utf-8-sig")
    report = bring_in(platform, "loose", file.replace("乙", "丙"), mode="update")

    assert file.splitlines()[0] == "_id,内容"
    assert counts(report) == (0, 1, 2, 0)
