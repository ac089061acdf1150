"""Units, people and pairings from a file: all rows or none, and the same file again."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import FileRefused, NotAllowed
from app.services import identity, intake, posts, seeding, seeding_people, units
from app.services.exchange import ImportReport, ImportStopped
from app.services.exchange.writers import write_table
from app.services.posts import Filter
from app.services.work import Actor, Platform
from tests.support.appointing import Office
from tests.support.register import ME, definition

UNITS = """代码,名称,类型,上级,起,止
town,石桥镇,乡镇,root,2001-05-01,
root,卧龙区,机关,,,
firm,示例公司,企业,石桥镇,,2099-12-31
"""
PEOPLE = """登录名,姓名,单位代码,角色,职务,起,止
zhang.san,张三,town,乡镇街道经办,经办,2024-01-01,
zhang.san,张三,root,leader,,2024-01-01,2025-12-31
li.si,李四,,,,,
"""


@pytest.fixture
def office(platform: Platform) -> Office:
    return Office(platform)


def load(
    platform: Platform, what: str, text: str, actor: Actor = ME, *, dry_run: bool = False
) -> Any:
    run: dict[str, Callable[..., Any]] = {
        "units": intake.import_units, "people": intake.import_people,
        "pairings": intake.import_pairings,
    }  # fmt: skip
    with platform.writing(actor) as work:
        source = io.BytesIO(text.encode("utf-8-sig"))
        return run[what](work, source, f"{what}.csv", dry_run=dry_run)


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.created, report.changed, report.unchanged


def by_code(platform: Platform) -> dict[str, Any]:
    with platform.reading(ME) as work:
        return {unit.code: unit for unit in units.tree(work, units.EVER).units.values()}


def test_units_come_in_whatever_their_order(platform: Platform, office: Office) -> None:
    assert counts(load(platform, "units", UNITS)) == (3, 0, 0)

    found = by_code(platform)
    assert found["town"].parent == found["root"].id
    assert found["firm"].parent == found["town"].id
    assert found["town"].since == datetime.date(2001, 5, 1)
    assert found["firm"].until == datetime.date(2100, 1, 1)
    assert [found[c].kind for c in ("root", "town", "firm")] == ["bureau", "township", "enterprise"]


def test_the_same_units_again_change_nothing(platform: Platform, office: Office) -> None:
    load(platform, "units", UNITS)

    assert counts(load(platform, "units", UNITS)) == (0, 0, 3)
    with platform.reading(ME) as work:
        assert [e.action for e in units.events(work, by_code(platform)["town"].id)] == ["founded"]


def test_a_changed_row_is_a_change_of_today(platform: Platform, office: Office) -> None:
    load(platform, "units", UNITS)

    changed = UNITS.replace("石桥镇,乡镇", "石桥街道,乡镇").replace("企业,石桥镇", "企业,root")
    assert counts(load(platform, "units", changed)) == (0, 2, 1)

    found = by_code(platform)
    assert found["town"].title == "石桥街道"
    assert found["firm"].parent == found["root"].id
    with platform.reading(ME) as work:
        assert (
            units.tree(work, work.today - datetime.timedelta(1)).title(found["town"].id) == "石桥镇"
        )


def test_a_trial_stores_nothing(platform: Platform, office: Office) -> None:
    report = load(platform, "units", UNITS, dry_run=True)

    assert counts(report) == (3, 0, 0)
    assert by_code(platform) == {}
    load(platform, "units", UNITS)
    made = load(platform, "people", PEOPLE, dry_run=True)
    assert made.report.created == 2
    assert made.passwords == []
    with platform.reading(ME) as work, pytest.raises(identity.AccountNotFound):
        identity.find(work.tx, "zhang.san")


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        ("x y,名,机关,root,,", "代码", "unit.code_refused"),
        (",名,机关,root,,", "代码", "unit.code_refused"),
        ("a,,机关,root,,", "代码", "unit.title_refused"),
        ("a,名,部委,root,,", "类型", "unit.kind_refused"),
        ("a,名,机关,nowhere,,", "上级", "unit.not_found"),
        ("a,名,机关,a,,", "上级", "unit.not_found"),
        ("a,名,机关,root,soon,", "起", "value.unreadable"),
        ("town,名,机关,root,,", "代码", "row.repeated"),
        ("a,名,机关,root,2024-01-01,2023-01-01", "代码", "unit.not_in_force"),
    ],
)
def test_a_bad_row_stores_nothing_and_is_named(
    platform: Platform, office: Office, line: str, column: str, code: str
) -> None:
    with pytest.raises(ImportStopped) as stopped:
        load(platform, "units", UNITS + line + "\n")

    [refusal] = stopped.value.report.refused
    assert (refusal.row, refusal.heading, refusal.problem.code) == (5, column, code)
    assert by_code(platform) == {}


def test_units_below_each_other_are_refused(platform: Platform, office: Office) -> None:
    with pytest.raises(ImportStopped) as stopped:
        load(platform, "units", "代码,名称,上级\na,甲,b\nb,乙,a\n")

    assert {r.problem.code for r in stopped.value.report.refused} == {"unit.cycle"}


def test_a_file_without_its_columns_is_refused(platform: Platform, office: Office) -> None:
    with pytest.raises(FileRefused):
        load(platform, "units", "名称,类型\n甲,机关\n")
    with pytest.raises(FileRefused):
        load(platform, "people", "代码,名称\na,甲\n")


def told(done: Any) -> list[tuple[Any, ...]]:
    """Return (row, login, name before, name after, [(last day before, last day after, role)])."""
    return [
        (c.row, c.login, c.before, c.after, [
            (before and str(before.last), str(after.last), after.role) for before, after in c.posts
        ])
        for c in done.changes
    ]  # fmt: skip


def test_an_import_says_of_each_person_what_is_different(
    platform: Platform, office: Office
) -> None:
    load(platform, "units", UNITS)
    first = [
        (2, "zhang.san", "", "张三",
         [(None, "None", "乡镇街道经办"), (None, "2025-12-31", "区领导、链长、包联领导")]),
        (4, "li.si", "", "李四", []),
    ]  # fmt: skip
    assert told(load(platform, "people", PEOPLE, dry_run=True)) == first
    assert told(load(platform, "people", PEOPLE)) == first
    assert told(load(platform, "people", PEOPLE)) == []

    later = PEOPLE.replace("经办,2024-01-01,", "经办,2024-01-01,2026-06-30").replace("李四", "李思")

    trial = load(platform, "people", later, dry_run=True)
    assert told(trial) == [
        (2, "zhang.san", "张三", "张三", [("None", "2026-06-30", "乡镇街道经办")]),
        (4, "li.si", "李四", "李思", []),
    ]
    [(before, after)] = trial.changes[0].posts
    assert (before.unit, before.title, after.title) == ("石桥镇", "经办", "经办")


def test_people_get_accounts_and_posts(platform: Platform, office: Office) -> None:
    load(platform, "units", UNITS)

    done = load(platform, "people", PEOPLE)

    assert counts(done.report) == (2, 1, 0)
    assert [login for login, _, _ in done.passwords] == ["zhang.san", "li.si"]
    token = identity.sign_in(platform.database, "zhang.san", done.passwords[0][2])
    assert token
    with platform.reading(ME) as work:
        found, total = posts.listed(work, Filter(text="zhang.san"))
    assert total == 2
    assert {(p.role, p.title, p.until) for p in found} == {
        ("township", "经办", None), ("leader", "", datetime.date(2026, 1, 1)),
    }  # fmt: skip


def test_the_same_people_again_change_nothing(platform: Platform, office: Office) -> None:
    load(platform, "units", UNITS)
    load(platform, "people", PEOPLE)

    done = load(platform, "people", PEOPLE)

    assert counts(done.report) == (0, 0, 3)
    assert done.passwords == []


def test_a_bad_person_stores_nobody(platform: Platform, office: Office) -> None:
    load(platform, "units", UNITS)
    bad = PEOPLE + "wang.wu,王五,nowhere,emperor,,,\nx,,,,,,\n"

    with pytest.raises(ImportStopped) as stopped:
        load(platform, "people", bad)

    found = [(r.row, r.heading) for r in stopped.value.report.refused]
    assert found == [(5, "角色"), (5, "单位代码"), (6, "姓名")]
    with platform.reading(ME) as work, pytest.raises(identity.AccountNotFound):
        identity.find(work.tx, "zhang.san")


def test_each_administrator_imports_the_own_part(platform: Platform, office: Office) -> None:
    load(platform, "units", UNITS)
    root = by_code(platform)["root"].id
    system = office.acting(office.person("sys", ("system_administrator", root)))
    security = office.acting(office.person("sec", ("security_administrator", root)))
    clerk = office.acting(office.person("clerk", ("township", root)))

    with pytest.raises(ImportStopped):
        load(platform, "people", PEOPLE, security)  # the accounts are not there
    first = load(platform, "people", PEOPLE, system)
    assert first.report.ignored
    with platform.reading(ME) as work:
        assert posts.listed(work, Filter(text="zhang.san"))[1] == 0
    second = load(platform, "people", PEOPLE, security)
    assert second.passwords == []
    with platform.reading(ME) as work:
        assert posts.listed(work, Filter(text="zhang.san"))[1] == 2
    for what, text in (("units", UNITS), ("people", PEOPLE)):
        with pytest.raises(NotAllowed):
            load(platform, what, text, clerk)
    with pytest.raises(NotAllowed):
        load(platform, "units", UNITS, security)


def test_pairings_come_in_once(
    platform: Platform, office: Office, published: Callable[..., Any], add: Callable[..., Any]
) -> None:
    published(definition())
    add("demo", name="甲厂")
    load(platform, "units", UNITS)
    load(platform, "people", PEOPLE)
    text = "台账,记录,登录名,单位代码\n示例台账,甲厂,zhang.san,\ndemo,甲厂,,town\n"

    assert counts(load(platform, "pairings", text)) == (2, 0, 0)
    assert counts(load(platform, "pairings", text)) == (0, 0, 2)
    with pytest.raises(ImportStopped) as stopped:
        load(platform, "pairings", text + "demo,乙厂,zhang.san,\nnone,x,zhang.san,\ndemo,甲厂,,\n")
    assert [r.row for r in stopped.value.report.refused] == [4, 5, 6]


def test_a_unit_is_linked_with_the_record_that_stands_for_it(
    platform: Platform, office: Office, published: Callable[..., Any], add: Callable[..., Any]
) -> None:
    published(definition())
    record = add("demo", name="甲厂")
    text = "代码,名称,对应台账,对应记录\na,甲,demo,甲厂\n"

    load(platform, "units", text)

    assert (by_code(platform)["a"].slug, by_code(platform)["a"].record) == ("demo", record.id)
    assert counts(load(platform, "units", text)) == (0, 0, 1)


def test_a_worksheet_reads_like_a_csv(platform: Platform, office: Office) -> None:
    out = io.BytesIO()
    rows = [["root", "卧龙区", "机关", None, datetime.date(2001, 5, 1)]]
    write_table(out, "xlsx", "units", ["代码", "名称", "类型", "上级", "起"], rows)
    out.seek(0)

    with platform.writing(ME) as work:
        report = intake.import_units(work, out, "units.xlsx")

    assert counts(report) == (1, 0, 0)
    assert by_code(platform)["root"].since == datetime.date(2001, 5, 1)


def test_the_demonstration_makes_its_people_once(platform: Platform) -> None:
    seeding.seed_definitions(platform)
    seeding.seed_demo(platform)

    assert seeding_people.seed_units(platform) == 43
    made = seeding_people.seed_people(platform)

    assert len({role for _, _, role, _, _ in made}) == 14
    assert seeding_people.seed_people(platform) == []
    assert seeding_people.seed_units(platform) == 0
    login, _name, _role, unit, password = made[1]
    assert (login, unit) == ("shiqiao", "石桥镇")
    assert identity.sign_in(platform.database, login, password)
    linked = [u for u in by_code(platform).values() if u.slug == "township"]
    assert len(linked) == 19


def test_a_database_with_units_of_its_own_gets_none_of_the_demonstration(
    platform: Platform, office: Office
) -> None:
    office.found("mine")

    assert seeding_people.seed_units(platform) == 0
    assert seeding_people.seed_people(platform) == []
