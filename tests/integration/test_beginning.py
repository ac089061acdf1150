"""Beginning: a new record is begun for the person's own unit where it can be no other's."""

from __future__ import annotations

from typing import Any

import pytest

from app.services import beginning, records, units
from app.services.work import Platform
from tests.support.appointing import Office
from tests.support.register import ME, definition, publish

FIRM = definition("firm", properties={"town": {"title": "乡镇代码", "type": "string"}})
PLACE = definition(
    "place", properties={"code": {"title": "代码", "type": "string", "unique": True}}
)
#: entered by a firm for itself, by a township for what lies in it, by the office that answers
FIELDS: dict[str, Any] = {
    "firm": {"title": "企业", "reference": "firm"},
    "place": {"title": "责任单位", "reference": "place"},
    "place_code": {"title": "责任单位代码", "lookup": "place.code"},
    "town": {"title": "乡镇代码", "type": "string", "maxLength": 20},
    "firm_town": {"title": "企业所在乡镇代码", "lookup": "firm.town"},
}


def grant(role: str, rows: str | list[str], by: str = "", **more: Any) -> dict[str, Any]:
    said = {"role": [role], "may": ["see", "create", "change"], "rows": rows, **more}
    return said | ({"by": by} if by else {})


class Desk:
    """A firm, two townships and an office, and what the form of each begins with."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        publish(platform, FIRM, PLACE)
        with platform.writing(ME) as work:
            self.firm = records.create(work, "firm", {"name": "甲厂", "town": "t1"}).id
            self.place = records.create(work, "place", {"name": "财政局", "code": "czj"}).id
            records.create(work, "place", {"name": "税务局", "code": "swj"})
        self.office = Office(platform)
        found = {code: self.office.found(code) for code in ("t1", "czj", "f1")}
        with platform.writing(ME) as work:
            units.link(work, found["f1"], "firm", self.firm)
        self.people = {
            login: self.office.person(login, (role, found[unit]))
            for login, role, unit in (
                ("town", "township", "t1"), ("firm", "enterprise", "f1"), ("bureau", "dept", "czj"),
            )
        }  # fmt: skip

    def begins(self, login: str, *grants: dict[str, Any]) -> dict[str, Any]:
        publish(self.platform, definition(properties=FIELDS, register={"permissions": [*grants]}))
        with self.platform.reading(self.office.acting(self.people[login])) as work:
            return beginning.own(work, "demo")


@pytest.fixture
def desk(platform):
    return Desk(platform)


def test_who_enters_for_the_own_unit_finds_it_filled_in(desk):
    grants = (
        grant("enterprise", "own-unit", "firm"),
        grant("township", "unit-and-below", "town"),
        grant("dept", ["referred", "own-unit"], "place_code"),
    )

    assert desk.begins("firm", *grants) == {"firm": desk.firm}
    assert desk.begins("town", *grants) == {"town": "t1"}
    assert desk.begins("bureau", *grants) == {"place": desk.place}


@pytest.mark.parametrize(
    "grants",
    [
        [grant("township", "all")],
        [grant("township", "own-unit", "town"), grant("township", "paired", "firm")],
        [grant("township", "own-unit")],
        [grant("township", "own-unit", "firm")],
        [grant("township", "own-unit", "place_code")],
        [grant("township", "own-unit", "firm_town")],
        [grant("township", "own-unit", "town", change=["name"])],
        [grant("enterprise", "own-unit", "town")],
    ],
)
def test_nothing_is_filled_in_where_it_could_be_anothers_or_not_theirs(desk, grants):
    assert desk.begins("town", *grants) == {}


def test_who_may_do_everything_begins_with_nothing(desk):
    desk.begins("town", grant("township", "own-unit", "town"))

    with desk.platform.reading(ME) as work:
        assert beginning.own(work, "demo") == {}


def test_a_record_that_says_nobody_yet_is_asked_whose_it_is_and_not_refused_as_anothers(desk):
    grants = [grant("township", "own-unit", "firm_town")]
    required = ["name", "firm"]
    seen = {"role": ["township"], "may": ["see"], "rows": "all"}
    firms = definition(
        "firm", properties=FIRM["properties"], register={"permissions": [seen]}
    )  # fmt: skip
    publish(
        desk.platform,
        firms,
        definition(properties=FIELDS, required=required, register={"permissions": grants}),
    )
    actor = desk.office.acting(desk.people["town"])
    with desk.platform.writing(ME) as work:
        other = records.create(work, "firm", {"name": "乙厂", "town": "t2"}).id

    def told(**raw: Any) -> list[tuple[str, str]]:
        with desk.platform.reading(actor) as work:
            verdict = records.judge(work, "demo", {"name": "一", **raw})
        return [(p.at, p.code) for p in verdict.problems]

    assert told() == [("/firm", "schema.required")]
    assert told(firm=other) == [("/firm", "record.not_yours")]
    assert told(firm=desk.firm) == []
