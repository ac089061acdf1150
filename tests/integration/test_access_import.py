"""Importing holds to the same rights as the form: rows, fields, masks; nothing is revealed."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from app.services import lists, records
from app.services.exchange import export, import_file
from app.services.exchange.report import ImportStopped
from app.services.work import Platform
from tests.support.office import Office
from tests.support.register import ME, definition, publish

CASE = definition(
    "case",
    properties={
        "secret": {"title": "机密", "type": "string", "maxLength": 40},
        "phone": {"title": "电话", "type": "string", "format": "cn-mobile", "private": "phone"},
        "checked": {"title": "核定", "type": "number", "scale": 2, "source": "dept"},
    },
    register={
        "permissions": [
            {
                "role": ["township"],
                "may": ["see", "create", "change", "export", "import"],
                "rows": "own-unit",
                "see": ["name", "amount", "kind", "noted_on", "phone", "checked"],
                "change": ["name", "amount", "kind", "noted_on", "phone"],
            },
            {"role": ["leader"], "may": ["change", "import"]},
            {"role": ["giib_staff"], "may": ["create", "import", "see"], "rows": "own-unit"},
        ]
    },
)

Import = Callable[..., Any]


@pytest.fixture
def office(platform: Platform) -> Office:
    publish(platform, CASE)
    made = Office(platform)
    with platform.writing(made.actor("clerk-a")) as work:
        records.create(work, "case", {"name": "甲一", "amount": 1, "phone": "13812340001"})
    with platform.writing(made.actor("clerk-b")) as work:
        records.create(work, "case", {"name": "乙一", "amount": 1, "phone": "13812340003"})
    return made


@pytest.fixture
def bring(platform: Platform, office: Office) -> Import:
    def run(login: str, text: str, mode: str = "upsert") -> Any:
        with platform.writing(office.actor(login)) as work:
            source = io.BytesIO(text.encode())
            return import_file(work, "case", source, format="csv", mode=mode)

    return run


def refused(bring: Import, *said: str) -> list[tuple[str, str]]:
    with pytest.raises(ImportStopped) as stopped:
        bring(*said)
    return [(r.problem.at, r.problem.code) for r in stopped.value.report.refused]


def test_a_new_row_belongs_to_the_unit_that_brings_it(
    platform: Platform, office: Office, bring: Import
) -> None:
    report = bring("clerk-a", "名称,金额（万元）\n甲二,5\n")

    assert report.created == 1
    with platform.reading(ME) as work:
        page = lists.page(work, "case", lists.Query(search="甲二"))
        assert (page.rows[0].unit, page.rows[0].owner) == (
            office.units["a"],
            office.accounts["clerk-a"],
        )


def test_the_record_of_another_unit_is_not_there_for_an_update(bring: Import) -> None:
    assert refused(bring, "clerk-a", "名称,金额（万元）\n乙一,5\n", "update") == [
        ("/2/name", "row.no_record")
    ]


def test_a_row_about_anothers_record_is_refused_without_its_number(bring: Import) -> None:
    with pytest.raises(ImportStopped) as stopped:
        bring("clerk-a", "名称,金额（万元）\n乙一,5\n", "insert")

    [one] = stopped.value.report.refused
    assert one.problem.code == "value.taken"
    assert "you do not see" in one.problem.text


def test_a_hidden_column_does_not_exist_for_an_import(bring: Import) -> None:
    found = refused(bring, "clerk-a", "名称,机密\n甲一,x\n", "update")

    assert ("/2/secret", "record.unknown_field") in found


def test_a_column_that_others_fill_in_is_kept(bring: Import) -> None:
    assert refused(bring, "clerk-a", "名称,核定\n甲一,3\n", "update") == [
        ("/2/checked", "value.not_yours")
    ]


def test_creating_and_changing_are_two_rights(bring: Import) -> None:
    assert refused(bring, "reader", "名称\n新\n") == [("/2", "record.not_yours")]
    assert refused(bring, "staff", "名称,金额（万元）\n甲一,7\n", "update") == [
        ("/2/name", "row.no_record")
    ]


def test_what_is_exported_masked_is_imported_unchanged(
    platform: Platform, office: Office, bring: Import
) -> None:
    with platform.reading(office.actor("clerk-a")) as work:
        out = io.BytesIO()
        export(work, "case", lists.Query(), "csv", out)
    text = out.getvalue().decode("utf-8-sig")
    assert "138****0001" in text
    assert "机密" not in text

    report = bring("clerk-a", text, "update")

    assert (report.changed, report.unchanged) == (0, 1)
    with platform.reading(ME) as work:
        assert records.get(work, "case", 1).values["phone"] == "13812340001"
