"""Roll-ups: what they count of the record itself, many at once, and on either engine alike."""

from __future__ import annotations

import datetime
import io
import random
from decimal import Decimal

import pytest
import sqlalchemy as sa

from app.errors import RecordRefused
from app.kinds.columns import Exact
from app.services import history, lists, records
from app.services.exchange import import_file
from app.storage import rows
from app.storage.points import points_table
from tests.support import books
from tests.support.agreement import disagreements
from tests.support.register import ME, definition, publish

SAME = {"town": "$town"}
#: every operation over the register's own rows, also over a field that is computed
OPERATIONS = {
    "rows": {"count": "grant", "where": SAME},
    "costly": {"count": "grant", "where": {**SAME, "twice": {">=": 20}}},
    "total": {"sum": "grant.amount", "where": SAME},
    "doubled": {"sum": "grant.twice", "where": SAME},
    "mean": {"avg": "grant.amount", "where": SAME},
    "least": {"min": "grant.amount", "where": SAME},
    "most": {"max": "grant.amount", "where": SAME},
    "newest": {"latest": "grant.amount", "by": "noted_on", "where": SAME},
    "until": {"sum": "grant.amount", "where": {**SAME, "noted_on": {"<=": "$noted_on"}}},
    "others": {"count": "grant", "where": {**SAME, "name": {"!=": "$name"}}},
    "before": {"max": "grant.amount", "where": {"noted_on": {"==": "$noted_on", "plus": -1}}},
    "kinds": {"sum": "grant.amount", "where": {**SAME, "kind": {"in": ["a"]}}},
}
TITLES = {name: f"题{at}" for at, name in enumerate(OPERATIONS)}


@pytest.fixture
def grants(platform):
    """Grants, each of which knows what its town has had, itself included."""
    rollups = {
        name: {"title": TITLES[name], "rollup": dict(rollup)} for name, rollup in OPERATIONS.items()
    }
    rollups["mean"] |= {"scale": 4}
    own = {
        "town": {"title": "镇街", "type": "string", "maxLength": 20},
        "twice": {"title": "两倍", "type": "number", "scale": 2, "computed": "amount * 2.0"},
    }
    rule = {"name": "cap", "check": "total <= 100.0", "at": "amount", "message": "本镇超过 100。"}
    publish(platform, definition("grant", properties={**own, **rollups}, register={
        "rules": [rule], "filters": ["town"],
    }))  # fmt: skip
    return platform


def values(platform, record):
    with platform.reading(ME) as work:
        return records.get(work, "grant", record).values


def change(platform, record, **raw):
    with platform.writing(ME) as work:
        version = records.get(work, "grant", record).version
        return records.change(work, "grant", record, version, raw)


def test_a_rule_sees_a_total_with_the_record_that_is_being_saved(grants, add):
    add("grant", name="一", town="东街", amount="60")

    with pytest.raises(RecordRefused) as refused:
        add("grant", name="二", town="东街", amount="50")

    assert [p.sentence() for p in refused.value.problems] == ["本镇超过 100。"]
    add("grant", name="二", town="东街", amount="40")
    assert values(grants, 1)["total"] == values(grants, 2)["total"] == 100
    with pytest.raises(RecordRefused):
        change(grants, 2, amount="41")
    change(grants, 1, amount="30")
    assert values(grants, 2)["total"] == 70
    change(grants, 2, amount="70")
    assert disagreements(grants) == []


def test_a_record_moved_elsewhere_is_counted_there_and_no_longer_here(grants, add):
    add("grant", name="一", town="东街", amount="60")
    add("grant", name="二", town="西街", amount="50")

    with pytest.raises(RecordRefused):
        change(grants, 2, town="东街")
    change(grants, 1, amount="50")
    change(grants, 2, town="东街")

    assert (values(grants, 1)["rows"], values(grants, 1)["total"]) == (2, 100)
    assert disagreements(grants) == []


def test_what_was_judged_is_what_stands_there(grants):
    """Every operation, for a record alone: no second computation moves a value."""
    chance = random.Random(7)
    for number in range(60):
        day = datetime.date(2024, 1, 1 + chance.randrange(9))
        raw = {
            "name": f"{number}", "town": chance.choice(("东街", "西街", "")),
            "amount": chance.choice((None, 0, 1, 2, 3)), "noted_on": chance.choice((day, None)),
            "kind": chance.choice(("a", "b", None)),
        }  # fmt: skip
        with grants.writing(ME) as work:
            stored = work.tx.scalar(sa.select(sa.func.count()).select_from(table(work))) or 0
            record = chance.randrange(1, stored + 1) if stored and chance.random() < 0.5 else None
            verdict = records.judge(work, "grant", raw, record)
            assert verdict.problems == []
            if record is None:
                record = records.create(work, "grant", raw).id
            else:
                version = records.get(work, "grant", record).version
                records.change(work, "grant", record, version, raw)
            [found] = rows.get_many(work.tx, work.published("grant"), [record])
        assert {n: found[n] for n in OPERATIONS} == {n: verdict.values[n] for n in OPERATIONS}
    assert disagreements(grants) == []


def table(work):
    return work.published("grant").tables.main


def test_rows_of_one_file_that_count_each_other(grants):
    lines = [f"{n},{'东西'[n % 2]}街,{n % 3},2024-01-{1 + n % 28:02d},甲" for n in range(80)]
    text = "名称,镇街,金额,登记日期,类别\n" + "\n".join(lines) + "\n"
    with grants.writing(ME) as work:
        report = import_file(work, "grant", io.BytesIO(text.encode()), format="csv")

    assert report.created == 80
    assert values(grants, 1)["rows"] == 40
    assert disagreements(grants) == []


def test_a_file_of_rows_known_and_new_that_count_each_other(grants, add):
    """The known ones are judged before the new ones are stored."""
    add("grant", name="旧", town="东街", amount="1", kind="a")
    text = "名称,镇街,金额,登记日期,类别\n新,东街,5,2024-01-01,甲\n旧,东街,2,2024-01-02,甲\n"
    with grants.writing(ME) as work:
        report = import_file(
            work, "grant", io.BytesIO(text.encode()), format="csv", mode="upsert"
        )  # fmt: skip

    assert (report.created, report.changed) == (1, 1)
    assert values(grants, 1)["total"] == 7
    assert disagreements(grants) == []


def test_a_new_row_makes_no_second_entry_in_the_history(grants, add):
    add("grant", name="一", town="东街", amount="60")
    number = add("grant", name="二", town="西街", amount="50").id

    with grants.reading(ME) as work:
        assert [entry.action for entry in history.of_record(work, "grant", number)] == ["create"]


def test_points_come_back_as_they_were_given(database):
    """Text with quotes, exact decimals, days, yes and no, and the largest whole numbers."""
    points = [
        ('O\'Hara "x" \\ 台账', Decimal("-0.05"), datetime.date(2024, 2, 29), True, 2**62),
        ("", Decimal("9999999999999999.99"), datetime.date(1, 1, 1), False, -1),
    ]
    types = [sa.Text(), Exact(2), sa.Date(), sa.Boolean(), sa.BigInteger()]
    with database.reading() as tx:
        found = points_table(tx, types, points)
        query = sa.select(found).order_by(found.c.n)
        assert [tuple(row) for row in tx.execute(query)] == [
            (at, *point) for at, point in enumerate(points)
        ]


def plans(work, run):
    """Return how SQLite goes about each statement that ``run`` sends."""
    sent = []

    def note(connection, cursor, statement, parameters, context, many):
        sent.append((statement, parameters))

    sa.event.listen(work.tx.engine, "before_cursor_execute", note)
    try:
        run()
    finally:
        sa.event.remove(work.tx.engine, "before_cursor_execute", note)
    for statement, parameters in sent:
        if statement.startswith("SELECT"):
            rows_ = work.tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            yield statement, " / ".join(row[3] for row in rows_)


def test_without_statistics_a_firm_chooses_the_index_and_not_the_year(platform, add):
    """(year, month) matches more columns, and has the rows of every firm."""
    if not platform.database.sqlite:
        pytest.skip("the plan is read from SQLite")
    report = books.report()
    report["register"] |= {"filters": ["year"], "sort": ["-month", "-income"]}
    publish(platform, books.firm(), report)
    add("firm", name="甲厂")

    with platform.reading(ME) as work:
        raw = {"firm": 1, "month": "2024-05", "year": 2024, "income": "1"}
        found = [
            plan
            for statement, plan in plans(work, lambda: records.judge(work, "report", raw))
            if "each_point" in statement or "points" in statement
        ]

    assert any("(firm=? AND month" in plan for plan in found), found
    assert not any("(year=?" in plan for plan in found), found


def test_the_first_page_of_a_list_is_read_in_order(platform, add):
    if not platform.database.sqlite:
        pytest.skip("the plan is read from SQLite")
    report = books.report()
    report["register"]["sort"] = ["-month", "income"]
    publish(platform, books.firm(), report)

    with platform.reading(ME) as work:
        found = dict(plans(work, lambda: lists.page(work, "report", lists.Query())))

    [plan] = [plan for statement, plan in found.items() if "ORDER BY" in statement]
    assert "USING INDEX" in plan and "TEMP B-TREE" not in plan, plan


def test_a_key_that_is_taken_is_told_by_what_its_records_are_called(platform, add):
    publish(platform, books.firm(), books.report())
    add("firm", name="甲厂")
    add("report", firm=1, month="2024-05", year=2024, income="1")

    with pytest.raises(RecordRefused) as refused:
        add("report", firm=1, month="2024-05", year=2024, income="2")

    [problem] = refused.value.problems
    assert "甲厂 2024年5月" in problem.sentence()
