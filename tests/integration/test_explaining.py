"""What is explained is what access decides: for generated people, grants and rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.definitions import permissions
from app.errors import NotAllowed, RecordNotFound
from app.services import access, explaining, pairings, posts, records, reorganising
from app.services.work import Platform
from app.storage import rows as stored
from tests.support.appointing import LONG_AGO, Office
from tests.support.register import ME, definition

ROLES = ("township", "dept", "leader", "cadre", "giib_staff")
ROWS = ("all", "own", "own-unit", "unit-and-below", "referred", "paired")
FIELDS = ("amount", "kind", "noted_on")


def made_up_grant(chance: random.Random) -> dict[str, Any]:
    """Return a grant no one would write, and every one that somebody would."""
    grant: dict[str, Any] = {
        "role": chance.sample(ROLES, chance.randint(1, 2)),
        "may": chance.sample(permissions.MAY, chance.randint(1, 4)),
        "rows": chance.sample(ROWS, chance.randint(1, 2)),
    }
    if chance.random() < 0.3:
        grant["where"] = {"kind": chance.choice(["a", "b"])}
    if chance.random() < 0.3:
        grant["hide"] = chance.sample(FIELDS, 1)
    if chance.random() < 0.3:
        grant["change"] = chance.sample(FIELDS, 2)
    return grant


def made_up_office(platform: Platform, chance: random.Random) -> tuple[list[int], list[int]]:
    """Return (units, accounts): a tree with one merged unit, posts, somebody who stands in."""
    office = Office(platform)
    office.found("root")
    places = [office.found(code, "root") for code in ("a", "b", "c")]
    places += [office.found("aa", "a"), office.found("ab", "a")]
    people = [office.person(f"p{n}") for n in range(5)]
    for number in people:
        for role in chance.sample(ROLES, chance.randint(0, 3)):
            office.appoint(number, role, chance.choice(places))
    with platform.writing(ME) as work:
        for post in posts.listed(work, posts.Filter())[0][:1]:
            other = chance.choice([n for n in people if n != post.account])
            posts.deputise(work, post.id, other, work.today, work.today.replace(year=2199))
        reorganising.merge(work, [places[2]], places[1], work.today)
    return places, people


def made_up_rows(
    platform: Platform, chance: random.Random, places: list[int], people: list[int]
) -> list[int]:
    """Return records that belong to any unit and anybody, a few of them paired."""
    made = []
    with platform.writing(ME) as work:
        main = work.published("demo").tables.main
        for n in range(12):
            raw = {"name": f"厂{n}", "kind": chance.choice(["a", "b"])}
            made.append(records.create(work, "demo", raw).id)
            owner = {"_unit": chance.choice([*places, None]), "_owner": chance.choice(people)}
            work.tx.execute(main.update().where(main.c["_id"] == made[-1]).values(**owner))
        for _ in range(3):
            partner = chance.choice(people)
            wanted = pairings.Wanted("demo", chance.choice(made), partner, None, LONG_AGO)
            if pairings.same(work, wanted) is None:
                pairings.pair(work, wanted)
    return made


@pytest.mark.parametrize("seed", range(6))
def test_explained_is_what_access_decides(
    platform: Platform, published: Callable[..., Any], seed: int
) -> None:
    chance = random.Random(seed)
    places, people = made_up_office(platform, chance)
    published(definition(register={"permissions": [made_up_grant(chance) for _ in range(5)]}))
    made = made_up_rows(platform, chance, places, people)

    with platform.reading(ME) as work:
        document = work.published("demo")
        told = {record: explaining.of_record(work, "demo", record) for record in made}
        for number in people:
            asked = access.make_access(work, document, explaining.standing_of(work, number))
            for record in made:
                found = explaining.one(work, "demo", number, record)
                row = stored.get(work.tx, document, record)
                assert row is not None
                agree(found, asked, row)
                listed = number in {v.account for v in told[record]}
                assert listed == any(asked.allows(a, row) for a in permissions.MAY)


def agree(found: explaining.Verdict, asked: access.Access, row: access.Row) -> None:
    """Hold what is explained against what is decided."""
    for action in permissions.MAY:
        assert found.allows(action) == asked.allows(action, row), action
        for why in found.reasons.get(action, ()):
            assert why.holdings, "a grant that reaches, through no post"
    assert found.hidden == asked.hidden(row)
    assert found.masked == asked.masked(row)


@pytest.fixture
def scene(platform: Platform, published: Callable[..., Any]) -> dict[str, int]:
    office = Office(platform)
    root = office.found("root")
    town, other = office.found("town", "root"), office.found("other", "root")
    grants = [
        {"role": ["township"], "may": ["see", "change"], "rows": "unit-and-below",
         "hide": ["amount"]},
        {"role": ["leader"], "may": ["see"], "rows": "all"},
    ]  # fmt: skip
    published(definition(register={"permissions": grants}))
    with platform.writing(ME) as work:
        record = records.create(work, "demo", {"name": "甲厂"}).id
        main = work.published("demo").tables.main
        work.tx.execute(main.update().values(_unit=town))
    return {
        "record": record, "town": town, "other": other,
        "clerk": office.person("clerk", ("township", town), ("township", other)),
        "stranger": office.person("stranger", ("township", other)),
        "leader": office.person("leader", ("leader", root)),
    }  # fmt: skip


def test_the_post_that_gives_it_is_named(platform: Platform, scene: dict[str, int]) -> None:
    with platform.reading(ME) as work:
        found = explaining.of_record(work, "demo", scene["record"])

    by_login = {one.login: one for one in found}
    assert set(by_login) == {"clerk", "leader"}
    [why] = by_login["clerk"].reasons["change"]
    assert [held.unit for held in why.holdings] == [scene["town"]]
    assert by_login["clerk"].hidden == {"amount"}
    assert "change" not in by_login["leader"].reasons


def test_it_says_why_not(platform: Platform, scene: dict[str, int]) -> None:
    with platform.reading(ME) as work:
        record = scene["record"]
        found = explaining.missed(work, "demo", scene["stranger"], record, ["change"])["change"]
        none = explaining.missed(work, "demo", scene["leader"], record, ["change"])["change"]

    assert [(one.number, one.held) for one in found] == [(0, True)]
    assert [(one.number, one.held) for one in none] == [(0, False)]


def test_what_a_person_may_do_is_counted(platform: Platform, scene: dict[str, int]) -> None:
    with platform.reading(ME) as work:
        [clerk] = explaining.of_person(work, scene["clerk"])
        [stranger] = explaining.of_person(work, scene["stranger"])

    assert clerk.counts == {"see": 1, "change": 1, "fields": 3}
    assert clerk.hidden == {"amount"}
    assert stranger.counts == {"see": 0, "change": 0, "fields": 3}


def test_whoever_does_not_see_a_record_learns_nothing_of_it(
    platform: Platform, scene: dict[str, int]
) -> None:
    office = Office(platform)
    stranger = office.acting(scene["stranger"])

    with platform.reading(stranger) as work:
        with pytest.raises(RecordNotFound):
            explaining.of_record(work, "demo", scene["record"])
        with pytest.raises(NotAllowed):
            explaining.of_person(work, scene["leader"])
        assert explaining.of_person(work, scene["stranger"])


def test_a_question_about_nothing_is_refused(platform: Platform, scene: dict[str, int]) -> None:
    with platform.reading(ME) as work:
        with pytest.raises(explaining.FieldUnknown):
            explaining.one(work, "demo", scene["clerk"], None, "nothing")
        with pytest.raises(explaining.NoSuchPerson):
            explaining.one(work, "demo", 999)
        with pytest.raises(RecordNotFound):
            explaining.one(work, "demo", scene["clerk"], 999)


def test_nobody_without_role_unit_or_grant_reaches_anything(
    platform: Platform, published: Callable[..., Any]
) -> None:
    """AC-33: what is empty never widens."""
    office = Office(platform)
    unit = office.found("u")
    nobody = office.person("nobody")
    clerk = office.person("clerk", ("township", unit))
    published(
        definition(
            register={
                "permissions": [
                    {"role": ["township"], "may": ["see", "change"], "rows": "own-unit"},
                    {"role": ["township"], "may": ["delete"], "rows": ["paired", "referred"]},
                ]
            }
        )
    )  # fmt: skip
    with platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲厂"})
        main = work.published("demo").tables.main
        work.tx.execute(main.update().values(_unit=None, _owner=None))

    with platform.reading(ME) as work:
        document = work.published("demo")
        row = stored.get(work.tx, document, 1)
        assert row is not None
        for number in (nobody, clerk):
            standing = explaining.standing_of(work, number)
            for held in (standing, replace(standing, account=None)):
                asked = access.make_access(work, document, held)
                for action in permissions.ON_ROWS:
                    where = asked.rows(action)
                    assert where is not None
                    assert not work.tx.execute(document.tables.main.select().where(where)).all()
                    assert not asked.allows(action, row)
