"""Look-ups, roll-ups, computed fields and labels stay true, whatever is written where."""

from __future__ import annotations

import io
import random
import threading
from contextlib import suppress
from decimal import Decimal

import pytest

from app.errors import AppError, RecordInUse, SumTooLong
from app.services import history, records, removal
from app.services.exchange import import_file
from app.services.lists import Query, page
from tests.support import books
from tests.support.agreement import disagreements
from tests.support.register import ME, definition, publish


@pytest.fixture
def county(platform, add):
    """Two firms, a year and a month of reports, and a parcel that reads its firm."""
    publish(platform, books.firm(), books.report(), books.area())
    add("firm", name="甲厂", town="东街")
    add("firm", name="乙厂", town="西街")
    for month, income in (("2023-01", 100), ("2023-02", 90), ("2024-01", 150), ("2024-02", 30)):
        add("report", firm=1, month=month, year=month[:4], income=str(income))
    add("area", firm=1, name="一号地")
    return platform


def values(platform, slug, record):
    with platform.reading(ME) as work:
        return records.get(work, slug, record).values


def change(platform, slug, record, **raw):
    with platform.writing(ME) as work:
        version = records.get(work, slug, record).version
        return records.change(work, slug, record, version, raw)


def delete(platform, slug, record):
    with platform.writing(ME) as work:
        removal.delete(work, slug, record, records.get(work, slug, record).version, "重复")


def undelete(platform, slug, record):
    with platform.writing(ME) as work:
        return removal.undelete(work, slug, record)


def test_a_chain_of_three_registers_follows_one_number(county):
    change(county, "report", 4, income="2000")

    firm = values(county, "firm", 1)
    assert (firm["income"], firm["reports"], firm["newest"]) == (2340, 4, 2000)
    assert firm["big"] is True
    assert values(county, "area", 1)["firm_income"] == 2340
    assert values(county, "report", 1)["big"] is True
    assert disagreements(county) == []


def test_the_same_month_of_last_year_and_the_year_so_far(county):
    assert values(county, "report", 3)["last_year"] == 100
    assert values(county, "report", 3)["growth"] == 50

    change(county, "report", 1, income="120")

    assert values(county, "report", 3)["last_year"] == 120
    assert values(county, "report", 2)["so_far"] == 210
    assert values(county, "report", 4)["so_far"] == 180
    change(county, "report", 1, month="2023-03")
    assert values(county, "report", 3)["last_year"] == 0
    assert values(county, "report", 1)["so_far"] == 210
    assert disagreements(county) == []


def test_a_record_moved_to_another_target_leaves_the_first(county):
    change(county, "report", 4, firm=2)

    assert values(county, "firm", 1)["income"] == 340
    assert values(county, "firm", 2)["income"] == 30
    assert values(county, "report", 4)["town"] == "西街"
    assert disagreements(county) == []


def test_deleting_and_taking_back(county):
    delete(county, "report", 4)
    assert values(county, "firm", 1)["income"] == 340
    change(county, "firm", 1, town="南街", name="甲总厂")

    undelete(county, "report", 4)

    back = values(county, "report", 4)
    assert (back["town"], back["so_far"]) == ("南街", 180)
    with county.reading(ME) as work:
        assert records.get(work, "report", 4).label == "甲总厂 2024年2月"
    assert values(county, "firm", 1)["income"] == 370
    assert disagreements(county) == []


def test_a_derived_change_keeps_the_version_and_says_its_cause(county):
    with county.reading(ME) as work:
        before = records.get(work, "area", 1).version
    change(county, "report", 4, income="40")

    with county.reading(ME) as work:
        assert records.get(work, "area", 1).version == before
        newest = history.of_record(work, "area", 1)[0]
    assert (newest.action, newest.note["cause"]) == ("derive", "firm")
    assert newest.changes[0][0] == "firm_income"


def test_labels_follow_the_names_they_are_made_of(county):
    change(county, "firm", 1, name="甲集团")

    with county.reading(ME) as work:
        assert records.get(work, "report", 1).label.startswith("甲集团 ")
        assert records.get(work, "area", 1).label == "甲集团 一号地"
    assert disagreements(county) == []


def test_an_import_keeps_everything_in_step(county):
    lines = [f"乙厂,{2020 + n // 12}-{n % 12 + 1:02d},{2020 + n // 12},{n}" for n in range(48)]
    text = "企业,月份,年度,收入\n" + "\n".join(lines) + "\n"
    with county.writing(ME) as work:
        report = import_file(work, "report", io.BytesIO(text.encode()), format="csv")

    assert report.created == 48
    assert values(county, "firm", 2)["income"] == sum(range(48))
    assert disagreements(county) == []


@pytest.mark.parametrize("on_delete", ["restrict", "cascade", "clear"])
def test_what_deleting_a_target_does(platform, add, on_delete):
    book = books.report(on_delete, last_year=None, so_far=None, growth=None)
    if on_delete == "clear":
        book["register"]["key"] = []
    publish(platform, books.firm(), book)
    add("firm", name="甲厂")
    add("report", firm=1, month="2024-01", year=2024, income="1")

    if on_delete == "restrict":
        with pytest.raises(RecordInUse):
            delete(platform, "firm", 1)
        assert values(platform, "firm", 1)["income"] == 1
    else:
        delete(platform, "firm", 1)
        with platform.reading(ME) as work:
            gone = {r.id for r, _ in removal.deleted(work, "report")}
        assert gone == ({1} if on_delete == "cascade" else set())
    if on_delete == "clear":
        assert values(platform, "report", 1)["firm"] is None
    assert disagreements(platform) == []


def test_sums_of_the_largest_numbers_are_exact(platform, add):
    publish(platform, books.firm(), books.report(last_year=None, so_far=None, growth=None))
    add("firm", name="甲厂")
    for month in range(1, 5):
        raw = {"month": f"2024-0{month}", "year": 2024, "income": "1234567890123456.78"}
        add("report", firm=1, **raw)

    assert values(platform, "firm", 1)["income"] == Decimal("4938271560493827.12")


def test_a_sum_that_grows_too_long_is_refused_in_words(platform, add):
    publish(platform, books.firm(), books.report(last_year=None, so_far=None, growth=None))
    add("firm", name="甲厂")
    stored = 0
    with pytest.raises(SumTooLong):
        for month in range(1, 13):
            raw = {"month": f"2024-{month:02d}", "year": 2024, "income": "9999999999999999.99"}
            add("report", firm=1, **raw)
            stored += 1

    assert values(platform, "firm", 1)["reports"] == stored
    assert disagreements(platform) == []


def test_a_hundred_random_writes_end_in_agreement(county):
    chance = random.Random(11)
    for _ in range(100):
        record, firm = chance.randint(1, 6), chance.randint(1, 2)
        month = f"{chance.choice((2023, 2024))}-{chance.randint(1, 4):02d}"
        raw = {"firm": firm, "month": month, "year": month[:4], "income": chance.randint(0, 999)}
        act = chance.choice((add_report, change_report, change_report, remove, bring_back, rename))
        try:
            act(county, record, raw)
        except AppError:
            continue

    assert disagreements(county) == []


def add_report(platform, record, raw):
    with platform.writing(ME) as work:
        records.create(work, "report", raw)


def change_report(platform, record, raw):
    change(platform, "report", record, **raw)


def remove(platform, record, raw):
    delete(platform, "report", record)


def bring_back(platform, record, raw):
    undelete(platform, "report", record)


def rename(platform, record, raw):
    change(platform, "firm", raw["firm"], town=raw["month"], name=f"{raw['firm']}厂{raw['income']}")


def test_savers_at_the_same_moment_lose_no_part_of_a_sum(platform, add, another_process):
    """Read, add, write at READ COMMITTED loses parts: connected registers have one writer."""
    publish(platform, books.firm(), books.report(), books.area())
    add("firm", name="甲厂")
    others = [another_process() for _ in range(4)]
    barrier, errors = threading.Barrier(len(others)), []

    def save(other, year):
        barrier.wait()
        for month in range(1, 11):
            raw = {"firm": 1, "month": f"{year}-{month:02d}", "year": year, "income": "1"}
            try:
                with other.writing(ME) as work:
                    records.create(work, "report", raw)
            except AppError as error:
                errors.append(error)

    threads = [
        threading.Thread(target=save, args=(other, 2020 + number))
        for number, other in enumerate(others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert values(platform, "firm", 1)["income"] == 40
    assert disagreements(platform) == []


def test_nobody_refers_to_what_is_deleted_at_the_same_moment(platform, add, another_process):
    publish(platform, books.firm(), books.report(last_year=None, so_far=None, growth=None))
    for number in range(8):
        add("firm", name=f"{number}厂")
    others = [another_process() for _ in range(2)]
    barrier = threading.Barrier(2)

    def refer(number):
        raw = {"firm": number, "month": "2024-01", "year": 2024, "income": "1"}
        with others[0].writing(ME) as work:
            records.create(work, "report", raw)

    def remove_firm(number):
        with others[1].writing(ME) as work:
            removal.delete(work, "firm", number, 1, "重复")

    def attempt(action):
        for number in range(1, 9):
            barrier.wait()
            with suppress(AppError):
                action(number)

    pair = [threading.Thread(target=attempt, args=(action,)) for action in (refer, remove_firm)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join()

    with platform.reading(ME) as work:
        gone = {r.id for r, _ in removal.deleted(work, "firm")}
        reports = [r.values["firm"] for r in page(work, "report", Query()).rows]
    assert not gone & set(reports)
    assert len(gone) + len(reports) == 8
    assert disagreements(platform) == []


def test_a_whole_sum_that_leaves_64_bits_is_refused_in_words(platform, add):
    plain = {"last_year": None, "so_far": None, "growth": None}
    whole = {"title": "收入", "type": "number", "scale": 0}
    publish(platform, books.firm(), books.report(**plain, income=whole))
    with pytest.raises(SumTooLong), platform.writing(ME) as work:
        records.create(work, "firm", {"name": "甲厂"})
        published = work.published("report")
        verdicts = [
            published.gate.judge(
                published.gate.read(
                    {"firm": 1, "month": f"{y}-01", "year": y, "income": 10**18 - 1}
                )[0],
                [],
            )
            for y in range(2000, 2020)
        ]
        records.insert(work, published, verdicts)
    assert disagreements(platform) == []


def test_plain_registers_are_no_family(platform):
    publish(platform, books.firm(), books.report(), books.area(), definition("alone"))

    with platform.reading(ME) as work:
        family = work.snapshot.families
    assert family["firm"] == family["report"] == family["area"] == "area"
    assert family["alone"] == "alone"


def test_a_roll_up_compares_with_derived_fields_of_a_record_as_it_is_entered(platform, add):
    """Look-ups, then what is computed from them, then what is gathered by that, and so on."""
    pay = definition(
        "pay", properties={"town": {"title": "镇街", "type": "string"},
                           "year": {"title": "年度", "type": "integer"},
                           "amount": {"title": "金额", "type": "number", "scale": 2}},
    )  # fmt: skip
    paid = {"sum": "pay.amount", "where": {"town": "$town", "year": "$year"}}
    level = {"count": "pay", "where": {"amount": {">=": "$half"}}}
    plan = definition(
        "plan",
        properties={
            "firm": {"title": "企业", "reference": "firm"},
            "day": {"title": "日期", "type": "string", "format": "date"},
            "above": {"title": "半数以上", "rollup": level},
            "half": {"title": "半数", "type": "number", "scale": 2, "computed": "paid / 2.0"},
            "paid": {"title": "已付", "rollup": paid},
            "year": {"title": "年度", "computed": "year(day)"},
            "town": {"title": "镇街", "lookup": "firm.town"},
        },
        register={"rules": [{"check": "paid < 100.0", "at": "day", "message": "已付满。"}]},
    )
    firm = definition("firm", properties={"town": {"title": "镇街", "type": "string"}})
    publish(platform, firm, pay, plan)
    add("firm", name="甲厂", town="东街")
    add("firm", name="乙厂", town="西街")
    for town, year, amount in (("东街", 2024, 60), ("东街", 2023, 100), ("西街", 2024, 10)):
        add("pay", name=f"{town}{year}", town=town, year=year, amount=str(amount))

    record = add("plan", name="一", firm=1, day="2024-05-01").id

    found = values(platform, "plan", record)
    assert (found["paid"], found["half"], found["above"]) == (60, 30, 2)
    with pytest.raises(AppError) as refused:
        add("plan", name="二", firm=1, day="2023-05-01")
    assert [p.sentence() for p in refused.value.problems] == ["已付满。"]
    with pytest.raises(AppError):
        change(platform, "plan", record, day="2023-05-01")
    change(platform, "plan", record, firm=2)
    found = values(platform, "plan", record)
    assert (found["town"], found["paid"], found["half"], found["above"]) == ("西街", 10, 5, 3)
    change(platform, "firm", 2, town="东街")
    assert values(platform, "plan", record)["above"] == 2
    assert disagreements(platform) == []
