"""Files brought in: what is stored, and what is refused at which cell."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.errors import FileRefused
from app.services import history, records
from app.services.exchange import ImportStopped
from app.services.lists import Query, page
from app.services.work import Platform
from app.storage.session import Database
from tests.integration.exchange_support import (
    CLERK,
    bring_in,
    counts,
    csv_of,
    platform_with,
    told,
)
from tests.support.sheets import workbook

FULL = (
    '全填,K001,样品,"第一行\n第二行",3,40.5,是,2024/6/30,2024年6月,2024Q2,2024,2024-06-30 08:00,绿,'
    "甲、丙,91440300192185379H,138 0000 0000,11010519491231002x,3812,宛龙政(2024)5号,"
    "112.5283,32.9908,7"
)
HEADING = (
    "序号,编号,名称,说明,数量,单价,是否启用,日期,月份,季度,年度,时间,颜色,标签,"
    "信用代码,手机,身份证号,行业,文号,经度,纬度,封存值"
)


@pytest.fixture
def sink(database: Database, tmp_path: Path) -> Platform:
    return platform_with(database, tmp_path, "kitchen_sink")


@pytest.fixture
def family(database: Database, tmp_path: Path) -> Platform:
    return platform_with(database, tmp_path, "parent", "child")


def stored(platform: Platform, slug: str) -> list[dict[str, Any]]:
    with platform.reading(CLERK) as work:
        found = page(work, slug, Query(sort="_id", size=200), work.register(slug).names)
        return [dict(r.values) for r in found.rows]


def refused(platform: Platform, slug: str, file: str | io.BytesIO, **options: Any) -> Any:
    with pytest.raises(ImportStopped) as stopped:
        bring_in(platform, slug, file, **options)
    return stopped.value.report


def test_every_kind_of_field_is_read_from_a_csv(sink: Platform) -> None:
    report = bring_in(sink, "kitchen_sink", csv_of(HEADING, [FULL]))

    [row] = stored(sink, "kitchen_sink")
    assert counts(report) == (1, 0, 0, 0)
    assert row["price"] == Decimal("40.50")
    assert row["total"] == Decimal("121.50")
    assert row["tags"] == ("a", "c")
    assert (row["month"], row["quarter"], row["colour"]) == ("2024-06", "2024Q2", "green")
    assert row["resident"] == "11010519491231002X"
    assert row["doc_no"] == "宛龙政〔2024〕5号"
    assert row["phone"] == "13800000000"


def test_an_import_is_written_into_the_history(sink: Platform) -> None:
    bring_in(sink, "kitchen_sink", csv_of(HEADING, [FULL]))

    with sink.reading(CLERK) as work:
        [entry] = history.of_record(work, "kitchen_sink", 1)
    assert (entry.action, entry.who, entry.after["code"]) == ("create", "张三", "K001")


def test_every_bad_cell_of_a_file_is_named_and_nothing_is_stored(sink: Platform) -> None:
    rows = ["K001,样品,3,40.5", "X1,样,三,1.234", ",样品,1,-1", "K001,又一,1,1"]

    report = refused(sink, "kitchen_sink", csv_of("编号,名称,数量,单价", rows))

    assert report.total, report.faulty == (4, 3)
    assert {(at, cell) for at, _, cell in told(report)} == {
        ("/3/code", "X1"),
        ("/3/name", "样"),
        ("/3/count", "三"),
        ("/3/price", "1.234"),
        ("/4/code", ""),
        ("/4/price", "-1"),
        ("/4/lines", ""),  # no rows are worth 0, which is more than a total of -1
        ("/5/code", "K001"),
    }
    assert all("{" not in r.problem.sentence() for r in report.refused)
    assert stored(sink, "kitchen_sink") == []


def test_skip_stores_the_good_rows(sink: Platform) -> None:
    rows = ["K001,样品", "X1,样品", "K002,样品"]

    report = bring_in(sink, "kitchen_sink", csv_of("编号,名称", rows), on_error="skip")

    assert counts(report) == (2, 0, 0, 1)
    assert [r["code"] for r in stored(sink, "kitchen_sink")] == ["K001", "K002"]


def test_a_trial_stores_nothing_and_counts_everything(sink: Platform) -> None:
    report = bring_in(sink, "kitchen_sink", csv_of("编号,名称", ["K001,样品"]), dry_run=True)

    assert counts(report) == (1, 0, 0, 0)
    assert stored(sink, "kitchen_sink") == []


def test_a_rule_of_the_definition_is_asked_too(sink: Platform) -> None:
    lines = '"[{""item"": ""甲"", ""amount"": 9}]"'

    report = refused(
        sink, "kitchen_sink", csv_of("编号,名称,单价,数量,明细", [f"K001,样品,1,1,{lines}"])
    )

    assert told(report)[0][:2] == ("/2/lines", "rule.lines_within_total")
    assert report.refused[0].problem.sentence() == "明细合计不能大于合计"


def test_a_warning_is_reported_and_recorded_as_confirmed(sink: Platform) -> None:
    report = bring_in(sink, "kitchen_sink", csv_of("编号,名称,数量,颜色", ["K001,样品,11,红"]))

    assert [(w.row, w.heading, w.cell) for w in report.warnings] == [(2, "数量", "11")]
    with sink.reading(CLERK) as work:
        [entry] = history.of_record(work, "kitchen_sink", 1)
    assert entry.note["confirmed"][0][0] == "rule.red_is_rare"


def test_insert_refuses_what_is_there_update_what_is_not(sink: Platform) -> None:
    bring_in(sink, "kitchen_sink", csv_of("编号,名称,数量", ["K001,样品,1"]))
    both = csv_of("编号,名称", ["K001,新名", "K002,样品"])

    inserted = refused(sink, "kitchen_sink", both)
    updated = refused(sink, "kitchen_sink", both, mode="update")
    done = bring_in(sink, "kitchen_sink", both, mode="upsert")

    assert told(inserted) == [("/2/code", "value.taken", "K001")]
    assert told(updated) == [("/3/code", "row.no_record", "K002")]
    assert counts(done) == (1, 1, 0, 0)
    assert [(r["name"], r["count"]) for r in stored(sink, "kitchen_sink")] == [
        ("新名", 1),
        ("样品", 1),
    ]


def test_a_blank_cell_clears_and_a_missing_column_keeps(sink: Platform) -> None:
    bring_in(sink, "kitchen_sink", csv_of("编号,名称,说明,数量", ["K001,样品,甲,4"]))

    bring_in(sink, "kitchen_sink", csv_of("编号,说明", ["K001,"]), mode="update")

    [row] = stored(sink, "kitchen_sink")
    assert (row["note"], row["count"], row["name"]) == (None, 4, "样品")


def test_rules_compare_with_the_stored_record(sink: Platform) -> None:
    bring_in(sink, "kitchen_sink", csv_of("编号,名称,数量", ["K001,样品,5"]))

    report = refused(sink, "kitchen_sink", csv_of("编号,数量", ["K001,4"]), mode="update")

    assert told(report) == [("/2/count", "rule.count_only_grows", "4")]


@pytest.mark.parametrize("mode", ["insert", "update", "upsert"])
def test_two_rows_about_one_record_are_refused_also_far_apart(sink: Platform, mode: str) -> None:
    if mode == "update":
        codes = csv_of("编号,名称", [f"K{n:03},样品" for n in range(1000)])
        bring_in(sink, "kitchen_sink", codes)
    rows = [f"K{n:03},新品" for n in range(1000)] + ["K000,再来"]

    report = refused(sink, "kitchen_sink", csv_of("编号,名称", rows), mode=mode)

    assert ("/1002/code", "row.repeated", "K000") in told(report)


def test_a_unit_in_the_heading_converts_exactly(sink: Platform) -> None:
    rows = ["K001,样品,1234567", 'K002,样品,"12,345,678"', "K003,样品,1500元"]

    bring_in(sink, "kitchen_sink", csv_of("编号,名称,单价（元）", rows))

    prices = [str(r["price"]) for r in stored(sink, "kitchen_sink")]
    assert prices == ["123.46", "1234.57", "0.15"]


def test_references_are_read_by_key_unique_field_or_label(family: Platform) -> None:
    bring_in(family, "parent", csv_of("名称,系数", ["甲厂,2", "乙厂,1"]))

    bring_in(family, "child", csv_of("父项,月份,金额,状态", ["甲厂,202406,100,已完成"]))
    report = refused(family, "child", csv_of("父项,月份,金额", ["丙厂,202406,1", ",202406,1"]))

    assert stored(family, "child")[0]["weighted"] == Decimal("200.00")
    assert stored(family, "parent")[0]["amount"] == Decimal("100.00")
    assert told(report) == [
        ("/2/parent", "reference.missing", "丙厂"),
        ("/3/parent", "schema.required", ""),
    ]


def test_a_key_of_two_fields_names_a_record(family: Platform) -> None:
    bring_in(family, "parent", csv_of("名称,系数", ["甲厂,2"]))
    bring_in(family, "child", csv_of("父项,月份,金额", ["甲厂,2024-06,100", "甲厂,2024-07,1"]))

    report = bring_in(
        family,
        "child",
        csv_of("父项,月份,金额", ["甲厂,2024年6月,100", "甲厂,202407,2"]),
        mode="update",
    )

    assert counts(report) == (0, 1, 1, 0)


def test_unknown_headings_are_refused_with_the_known_ones(sink: Platform) -> None:
    with pytest.raises(FileRefused) as refusal:
        bring_in(sink, "kitchen_sink", csv_of("编号,产值,产值2", ["K001,1,2"]))

    said = refusal.value.sentence()
    assert "no field 产值, 产值2" in said
    assert "no column 名称" in said
    assert "Known headings: 编号, 名称" in said


def test_an_update_needs_a_column_that_names_records(sink: Platform) -> None:
    with pytest.raises(FileRefused, match="编号, _id"):
        bring_in(sink, "kitchen_sink", csv_of("名称,数量", ["样品,1"]), mode="update")


def test_cells_under_no_heading_are_not_lost_silently(sink: Platform) -> None:
    rows = ["K001,,样品,,", "K002,x,样品", "K003,,样品,,y"]

    report = refused(sink, "kitchen_sink", csv_of("编号,,名称", rows))

    assert told(report) == [("/3", "row.no_heading", ""), ("/4", "row.no_heading", "")]


def test_computed_columns_and_files_are_passed_over_with_a_note(sink: Platform) -> None:
    report = bring_in(sink, "kitchen_sink", csv_of("编号,名称,合计,附件", ["K001,样品,999,a.pdf"]))

    assert report.ignored == ("合计", "附件")
    assert stored(sink, "kitchen_sink")[0]["total"] is None


def test_a_worksheet_with_title_and_units_is_read(sink: Platform) -> None:
    sheet = [
        ["百宝箱（2024年6月）"],
        ["单位：万元"],
        ["序号", "编号", "名称", "单价（万元）", "手机", "日期"],
        [1, "K001", "样品", 40.5, 13800000000, 45473],
        [None, None, None],
        [2, "K002", "二号", None, None, None],
    ]

    report = bring_in(sink, "kitchen_sink", workbook(sheet, {"F4": "yyyy/m/d"}))

    assert (report.total, counts(report)) == (2, (2, 0, 0, 0))
    row = stored(sink, "kitchen_sink")[0]
    assert (row["price"], row["phone"], str(row["day"])) == (
        Decimal("40.50"),
        "13800000000",
        "2024-06-30",
    )


def test_spoiled_cells_are_refused_where_they_stand(sink: Platform) -> None:
    sheet = [
        ["编号", "名称", "数量", "单价", "身份证号"],
        ["K001", "样品", "=1+1", None, None],
        ["K002", "样品", None, 0.35, None],
        ["K003", "样品", None, None, 110101199003071233],
        ["K004", "样品", None, None, "1.10101E+17"],
        ["K005", "样品", None, None, "110101199003071200"],
        ["K006", "样品", None, None, " 11010519491231002x "],
    ]

    report = refused(sink, "kitchen_sink", workbook(sheet, {"D3": "0%"}))

    assert [(at, code) for at, code, _ in told(report)] == [
        ("/2/count", "cell.formula"),
        ("/3/price", "cell.percent"),
        ("/4/resident", "cell.rewritten"),
        ("/5/resident", "cell.rewritten"),
        ("/6/resident", "value.unreadable"),
    ]


def test_reading_stops_after_a_hundred_faulty_rows(sink: Platform) -> None:
    report = refused(sink, "kitchen_sink", csv_of("编号,名称", ["X,样品"] * 5000))

    assert report.total == 1000


def test_records_are_changed_through_the_door_of_records(sink: Platform) -> None:
    bring_in(sink, "kitchen_sink", csv_of("编号,名称", ["K001,样品"]))
    bring_in(sink, "kitchen_sink", csv_of("编号,名称", ["K001,新名"]), mode="upsert")

    with sink.reading(CLERK) as work:
        assert records.get(work, "kitchen_sink", 1).version == 2
        assert [e.action for e in history.of_record(work, "kitchen_sink", 1)] == [
            "change",
            "create",
        ]
