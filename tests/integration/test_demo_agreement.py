"""Demonstration data agree: totals with what they add up, records with what they refer to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.definitions.register import Rule
from app.services import demo, records, seeding
from app.services.demo.labelling import SAID, note_of
from app.services.demo.ruling import reads_old
from app.services.judging import judge_many
from app.services.work import Platform
from app.storage import rows
from app.storage.migrate import upgrade
from app.storage.session import Database
from tests.support.register import ME, definition, platform_on, publish, shipped

#: a twelfth of a district: enough that every example is used and most rows are not the first
SCALE = 0.12
#: rows that may be given up: register → how many; may only shrink
GIVEN_UP = {"award_budget": 3, "pairing": 3, "visit": 3}
#: the share of rows that may carry a warning, and registers with more: what their rules want
#: comes with a step that needs units, or there is not enough of what they refer to
WARNED = 0.2
WARNED_MORE = {"issue_step", "scaleup_filing", "township", "work_report", "whitelist"}
#: the fewest rows of which a share says anything
MANY, SOME = 30, 60
#: registers whose first step needs units, or what no example says
BEGINNING = {
    "issue", "legal_aid", "market_need", "muyuan_matter", "first_equipment", "scaleup_filing",
}  # fmt: skip


def stored(platform: Platform, slug: str) -> list[dict[str, Any]]:
    with platform.reading(ME) as work:
        published = work.published(slug)
        return [row for part in rows.stream(work.tx, published) for row in part]


# ── two small registers

AMOUNT = {"type": "number", "scale": 2, "unit": "万元", "minimum": 0}
SAME_FIRM = {"firm": "$firm"}


def firm() -> dict[str, Any]:
    return definition("firm", register={"examples": [
        {"record": {"name": "示例一号厂", "kind": "a"}, "valid": True},
    ]})  # fmt: skip


def month_book() -> dict[str, Any]:
    return definition("month_book", properties={
        "name": None, "kind": None, "noted_on": None,
        "firm": {"title": "企业", "reference": "firm"},
        "month": {"title": "月份", "type": "string", "format": "month"},
        "year": {"title": "年度", "type": "integer", "format": "year",
                 "computed": "year(date(month + '-01'))"},
        "output": {"title": "产值", **AMOUNT},
        "before": {"title": "上月进度", "unit": "%", "scale": 0, "rollup": {
            "max": "month_book.done",
            "where": {**SAME_FIRM, "month": {"==": "$month", "plus": -1}}}},
        "done": {"title": "进度", "type": "number", "unit": "%", "scale": 0, "minimum": 0},
        "remark": {"title": "备注", "type": "string", "format": "multiline"},
    }, required=["firm", "month", "output"], register={
        "key": ["firm", "month"], "label": "{firm} {month}", "list": ["firm", "month", "output"],
        "search": None, "filters": None, "sort": None,
        "rules": [{"name": "grows", "check": "done >= before", "at": "done", "message": "回落"}],
        "examples": [{"record": {
            "firm": "示例一号厂", "month": "2024-03", "output": 100, "done": 48,
        }, "valid": True}],
    })  # fmt: skip


def year_book() -> dict[str, Any]:
    return definition("year_book", properties={
        "name": None, "kind": None, "noted_on": None, "amount": None,
        "firm": {"title": "企业", "reference": "firm"},
        "year": {"title": "年度", "type": "integer", "format": "year"},
        "output": {"title": "产值", **AMOUNT},
        "tax": {"title": "税收", **AMOUNT},
        "told": {"title": "各月合计", "unit": "万元", "scale": 2, "rollup": {
            "sum": "month_book.output", "where": {**SAME_FIRM, "year": "$year"}}},
        "months": {"title": "月数", "rollup": {
            "count": "month_book", "where": {**SAME_FIRM, "year": "$year"}}},
    }, required=["firm", "year", "output"], register={
        "key": ["firm", "year"], "label": "{firm} {year}", "list": ["firm", "year", "output"],
        "search": None, "filters": None, "sort": None,
        "rules": [{
            "name": "agree", "when": "months == 12", "at": "output", "severity": "warning",
            "check": "abs(output - told) <= output * 0.1", "message": "与各月合计不一致",
        }],
        "examples": [{"record": {
            "firm": "示例一号厂", "year": 2023, "output": 500, "tax": 50,
        }, "valid": True}],
    })  # fmt: skip


@pytest.fixture
def books(platform: Platform) -> Platform:
    publish(platform, firm(), month_book(), year_book())
    return platform


def test_a_year_is_the_sum_of_its_months_and_its_other_amounts_are_in_proportion(
    books: Platform,
) -> None:
    demo.generate(books, seeding.SEED, 3)

    whole = [row for row in stored(books, "year_book") if row["months"] == 12]
    assert len(whole) >= 3
    assert all(row["output"] == row["told"] for row in whole)
    assert all(abs(row["tax"] / row["output"] - Decimal("0.1")) < Decimal("0.01") for row in whole)


def test_years_without_all_their_months_are_of_the_size_of_the_others(books: Platform) -> None:
    demo.generate(books, seeding.SEED, 3)

    firms: dict[int, list[Decimal]] = {}
    for row in stored(books, "year_book"):
        firms.setdefault(row["firm"], []).append(row["output"])
    assert all(max(outputs) < 2 * min(outputs) for outputs in firms.values())


def test_what_was_reached_does_not_fall_again(books: Platform) -> None:
    demo.generate(books, seeding.SEED, 3)

    reached: dict[int, list[tuple[str, Decimal]]] = {}
    for row in stored(books, "month_book"):
        reached.setdefault(row["firm"], []).append((row["month"], row["done"]))
    for series in reached.values():
        values = [done for _, done in sorted(series)]
        assert values == sorted(values)
        assert values[0] < values[-1]


def test_remarks_say_that_the_record_is_invented(books: Platform) -> None:
    demo.generate(books, seeding.SEED, 1)

    assert all(row["remark"] == SAID for row in stored(books, "month_book"))


def test_another_database_gets_the_same_records(books: Platform, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    upgrade(other)
    twin = platform_on(other, tmp_path)
    publish(twin, firm(), month_book(), year_book())

    for one in (books, twin):
        demo.generate(one, seeding.SEED, 1)

    for slug in ("firm", "month_book", "year_book"):
        mine, theirs = stored(books, slug), stored(twin, slug)
        names = [name for name in mine[0] if not name.endswith(("_at", "_since"))]
        assert [[r[n] for n in names] for r in mine] == [[r[n] for n in names] for r in theirs]
    other.dispose()


def test_a_total_that_was_entered_first_is_brought_into_agreement(platform: Platform) -> None:
    project = definition("project", properties={
        "kind": None, "noted_on": None, "amount": {"title": "总投资", **AMOUNT},
        "spent": {"title": "已完成", "unit": "万元", "scale": 2, "rollup": {
            "sum": "payment.amount", "via": "project"}},
    }, required=["name", "amount"], register={
        "list": ["name", "amount", "spent"], "filters": None,
        "rules": [{"name": "within", "check": "spent <= amount", "at": "amount",
                   "message": "超过总投资", "severity": "warning"}],
        "examples": [{"record": {"name": "示例项目", "amount": 1}, "valid": True}],
    })  # fmt: skip
    payment = definition("payment", properties={
        "kind": None, "noted_on": None, "project": {"title": "项目", "reference": "project"},
    }, required=["name", "amount", "project"], register={
        "list": ["name", "amount"], "filters": None,
        "examples": [{"record": {"name": "示例付款", "amount": 70, "project": "1"}, "valid": True}],
    })  # fmt: skip
    publish(platform, project, payment)

    done = {one.slug: one for one in demo.generate(platform, seeding.SEED, 0.25)}

    assert done["project"].mended > 0
    assert all(row["spent"] is None or row["spent"] <= row["amount"]
               for row in stored(platform, "project"))  # fmt: skip


# ── the registers that come with the product


class District:
    """The shipped registers, filled, and what their gates say of it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        publish(platform, *shipped())
        self.done = {one.slug: one for one in demo.generate(platform, seeding.SEED, SCALE)}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.warned: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        with platform.reading(ME) as work:
            for slug in work.snapshot.entries:
                self.look(work, slug)

    def look(self, work: Any, slug: str) -> None:
        published = work.published(slug)
        rules: dict[str, Rule] = {rule.code: rule for rule in published.register.rules}
        found = self.rows[slug] = stored(self.platform, slug)
        read: list[Any] = [(r["_id"], records.values_of(published, r), [], None) for r in found]
        for verdict in judge_many(work, published, read):
            said = {p.code for p in verdict.problems + verdict.warnings}
            said -= {code for code, rule in rules.items() if reads_old(rule)}
            self.warned[slug] += bool(said & {p.code for p in verdict.warnings})
            self.refused[slug] += bool(said & {p.code for p in verdict.problems})


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    folder = tmp_path_factory.mktemp("district")
    database = Database(f"sqlite:///{folder / 'district.db'}")
    upgrade(database)
    yield District(platform_on(database, folder))
    database.dispose()


def test_hardly_a_row_is_given_up(district: District) -> None:
    given_up = {slug: one.given_up for slug, one in district.done.items() if one.given_up}

    assert {s: n for s, n in given_up.items() if n > GIVEN_UP.get(s, 0)} == {}


def test_in_the_end_the_gate_refuses_no_row(district: District) -> None:
    assert {slug: count for slug, count in district.refused.items() if count} == {}


def test_few_rows_carry_a_warning(district: District) -> None:
    shares = {
        slug: district.warned[slug] / len(found)
        for slug, found in district.rows.items()
        if len(found) >= MANY
    }

    assert {s for s, share in shares.items() if share > WARNED} <= WARNED_MORE


def test_the_months_of_a_firm_add_up_to_its_year(district: District) -> None:
    whole = [row for row in district.rows["enterprise_year"] if row["months"] == 12]

    exact = sum(row["output"] == row["output_months"] for row in whole)
    assert exact >= 0.9 * len(whole) > 0


def test_every_record_with_room_for_a_remark_says_that_it_is_invented(district: District) -> None:
    with district.platform.reading(ME) as work:
        notes = {slug: note_of(work.register(slug)) for slug in district.rows}

    silent = {
        slug: row["_id"]
        for slug, name in notes.items()
        for row in district.rows[slug]
        if name and not str(row[name]).startswith(SAID)
    }
    assert silent == {}


def test_records_stand_in_several_states(district: District) -> None:
    with district.platform.reading(ME) as work:
        flows = [slug for slug in district.rows if work.register(slug).workflow]

    states = {slug: {row["_state"] for row in district.rows[slug]} for slug in flows}
    alike = {slug for slug in flows if len(states[slug]) < 2 and len(district.rows[slug]) > SOME}
    assert alike <= BEGINNING
    assert {"draft", "submitted", "confirmed", "returned"} <= states["enterprise_month"]


def test_a_step_is_made_by_the_workflow_and_told_by_the_history(district: District) -> None:
    confirmed = [r for r in district.rows["enterprise_month"] if r["_state"] == "confirmed"]

    assert confirmed
    assert all(row["_version"] > 2 and row["_updated_by"] == "seed" for row in confirmed)
