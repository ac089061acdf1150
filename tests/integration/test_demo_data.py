"""Demonstration data: any definition gets rows that its own gate passes."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from app.services import demo, seeding
from app.services.work import Platform
from app.storage import rows
from tests.support.register import ME, definition, publish, shipped

#: registers that get fewer than LEAST rows at the smallest scale; may only shrink
NOT_FILLED: set[str] = set()
SMALLEST, LEAST = 0.001, 3


def stored(platform: Platform, slug: str) -> list[dict[str, Any]]:
    with platform.reading(ME) as work:
        published = work.published(slug)
        return [row for part in rows.stream(work.tx, published) for row in part]


def counts(platform: Platform) -> dict[str, int]:
    with platform.reading(ME) as work:
        return {
            slug: work.tx.scalar(
                sa.select(sa.func.count()).select_from(work.published(slug).tables.main)
            )
            or 0
            for slug in work.snapshot.entries
        }


def test_every_shipped_register_gets_rows(platform: Platform) -> None:
    publish(platform, *shipped())

    done = demo.generate(platform, seeding.SEED, SMALLEST)

    found = counts(platform)
    assert {slug for slug, count in found.items() if count < LEAST} == NOT_FILLED
    assert {one.slug: one.made for one in done} == found
    assert all(one.made + one.given_up == one.wanted for one in done)


EVERY_KIND = {
    "name": {"title": "名称", "type": "string", "maxLength": 12},
    "code": {"title": "编号", "type": "string", "pattern": "^(QX|HX)-[0-9]{4}[a-c]?$"},
    "note": {"title": "说明", "type": "string", "format": "multiline", "minLength": 30},
    "amount": {"title": "金额", "type": "number", "scale": 2, "minimum": 5, "maximum": 6},
    "staff": {"title": "人数", "type": "integer", "exclusiveMinimum": 3, "multipleOf": 5},
    "ok": {"title": "是否", "type": "boolean"},
    "on": {"title": "日期", "type": "string", "format": "date"},
    "at": {"title": "时间", "type": "string", "format": "date-time"},
    "month": {"title": "月份", "type": "string", "format": "month"},
    "quarter": {"title": "季度", "type": "string", "format": "quarter"},
    "year": {"title": "年度", "type": "integer", "format": "year", "maximum": 2020},
    "kind": {"title": "类别", "type": "string", "enum": ["甲", "乙"]},
    "tags": {"title": "标签", "type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
    "uscc": {"title": "代码", "type": "string", "format": "credit-code", "prefix": ["93"]},
    "phone": {"title": "电话", "type": "string", "format": "cn-mobile"},
    "card": {"title": "身份证", "type": "string", "format": "cn-resident-id"},
    "industry": {
        "title": "行业", "type": "string", "format": "industry-code",
        "level": "group", "within": ["13"],
    },
    "paper": {"title": "文号", "type": "string", "format": "document-number"},
    "lng": {"title": "经度", "type": "number", "format": "longitude", "minimum": 112},
    "lat": {"title": "纬度", "type": "number", "format": "latitude"},
    "file": {"title": "附件", "type": "string", "format": "attachment"},
    "lines": {
        "title": "明细", "type": "array", "minItems": 2,
        "items": {"type": "object", "properties": {"sum": {"type": "number", "minimum": 1}}},
    },
    "above": {"title": "上级", "reference": "demo"},
}  # fmt: skip


def test_a_definition_without_examples_gets_rows_of_every_kind(platform: Platform) -> None:
    needed = [name for name in EVERY_KIND if name != "above"]
    publish(platform, definition(properties=EVERY_KIND, required=needed, register={
        "key": ["name"], "list": None, "search": None, "filters": None, "sort": None,
    }))  # fmt: skip

    [done] = demo.generate(platform, seeding.SEED, 0.25)

    assert (done.made, done.given_up) == (10, 0)
    assert all(row["name"].startswith("示例") for row in stored(platform, "demo"))


@pytest.fixture
def books(platform: Platform) -> Platform:
    """A firm and its months, the smallest registers that refer to each other both ways."""
    firm = definition("firm", properties={
        "latest": {"title": "最近月报", "reference": "month_book", "onDelete": "clear"},
    }, register={"examples": [
        {"record": {"name": "示例一号厂", "kind": "a", "latest": "1"}, "valid": True},
        {"record": {"name": "示例二号厂", "kind": "b"}, "valid": True},
    ]})  # fmt: skip
    month = definition("month_book", properties={
        "name": None, "kind": None, "noted_on": None,
        "firm": {"title": "企业", "reference": "firm"},
        "firm_kind": {"title": "类别", "lookup": "firm.kind"},
        "month": {"title": "月份", "type": "string", "format": "month"},
    }, required=["firm", "month"], register={
        "key": ["firm", "month"], "label": "{firm} {month}", "list": ["firm", "month", "amount"],
        "search": None, "filters": None, "sort": None,
        "rules": [
            {"name": "kind", "check": "firm_kind == 'b'", "at": "firm", "message": "只限乙类"},
            {"name": "past", "check": "month <= month(today())", "at": "month", "message": "未来"},
        ],
        "examples": [{
            "record": {"firm": "示例二号厂", "month": "2024-03", "amount": 10},
            "given": {"firm_kind": "b"}, "valid": True,
        }],
    })  # fmt: skip
    publish(platform, firm, month)
    return platform


def test_months_follow_each_other_for_the_firms_that_the_examples_are_about(
    books: Platform,
) -> None:
    demo.generate(books, seeding.SEED, 1.2)

    kinds = {row["_id"]: row["kind"] for row in stored(books, "firm")}
    months: dict[int, list[str]] = {}
    for row in stored(books, "month_book"):
        months.setdefault(row["firm"], []).append(row["month"])
    assert {kinds[firm] for firm in months} == {"b"}
    assert sorted(len(set(one)) for one in months.values()) == [24, 24]


def test_a_circle_of_references_is_closed_in_a_second_pass(books: Platform) -> None:
    demo.generate(books, seeding.SEED, 1)

    linked = [row for row in stored(books, "firm") if row["latest"] is not None]
    assert 0 < len(linked) < 40


def test_running_it_again_adds_nothing(books: Platform) -> None:
    demo.generate(books, seeding.SEED, 1)
    before = counts(books)

    again = demo.generate(books, seeding.SEED, 1)

    assert counts(books) == before
    assert all(one.made == 0 for one in again)


def test_the_same_definitions_give_the_same_records(books: Platform, tmp_path: Any) -> None:
    demo.generate(books, seeding.SEED, 1)
    first = [(row["name"], row["kind"]) for row in stored(books, "firm")]

    assert first[:3] == [("示例0号厂", "a"), ("示例1号厂", "b"), ("示例2号厂", "a")]


def test_a_rule_that_nothing_meets_is_reported(platform: Platform) -> None:
    publish(platform, definition(register={
        "rules": [{"name": "never", "check": "amount > amount", "at": "amount", "message": "不行"}],
    }, required=["name", "amount"]))  # fmt: skip

    [done] = demo.generate(platform, seeding.SEED, 0.01)

    assert (done.made, done.given_up) == (0, 5)
    assert done.reasons[("/amount", "rule.never")] == 5
