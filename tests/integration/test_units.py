"""The tree of units: who stands below whom on which day, and whose rows who reads."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import NotAllowed
from app.services import access, records, reorganising, units
from app.services.tree import Tree
from app.services.unit_refusals import (
    CodeRefused,
    CodeTaken,
    HasChildren,
    KindRefused,
    NotInForce,
    OutOfOrder,
    TitleRefused,
    TooDeep,
    UnitCycle,
    UnitNotFound,
)
from app.services.units import Facts
from app.services.work import Actor, Platform
from tests.support.appointing import LONG_AGO, Office
from tests.support.register import ME, definition

DAY = datetime.timedelta(days=1)
FILL = {"permissions": {"fill": ["township"]}, "scope": "own-organisation-and-below"}


@pytest.fixture
def office(platform: Platform) -> Office:
    return Office(platform)


@pytest.fixture
def today(platform: Platform) -> datetime.date:
    with platform.reading(ME) as work:
        return work.today


def doing(platform: Platform, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
    with platform.writing(ME) as work:
        return act(work, *given, **more)


def tree_on(platform: Platform, day: datetime.date) -> Tree:
    with platform.reading(ME) as work:
        return units.tree(work, day)


def seen(platform: Platform, actor: Actor, slug: str = "demo") -> set[str]:
    """Return the names of the records somebody may see."""
    with platform.reading(actor) as work:
        published = work.published(slug)
        where = access.seen(work, published)
        main = published.tables.main
        query = main.select() if where is None else main.select().where(where)
        return {row["name"] for row in work.tx.execute(query).mappings()}


@pytest.fixture
def rows(platform: Platform, published: Callable[..., Any], office: Office) -> Callable[..., None]:
    """Enter a record for a unit, as somebody who acts for it does."""
    published(definition(register=FILL))

    def enter(name: str, unit: int) -> None:
        with platform.writing(ME) as work:
            made = records.create(work, "demo", {"name": name})
            main = work.published("demo").tables.main
            work.tx.execute(main.update().where(main.c["_id"] == made.id).values(_unit=unit))

    return enter


def test_the_parent_reads_below_and_neither_sibling_nor_child_reads_above(
    platform: Platform, office: Office, rows: Callable[..., None]
) -> None:
    root = office.found("root")
    town, other = office.found("town", "root"), office.found("other", "root")
    village = office.found("village", "town")
    for name, unit in (("r", root), ("t", town), ("o", other), ("v", village)):
        rows(name, unit)
    people = {
        unit: office.acting(office.person(f"p{unit}", ("township", unit)))
        for unit in (root, town, other, village)
    }

    assert seen(platform, people[root]) == {"r", "t", "o", "v"}
    assert seen(platform, people[town]) == {"t", "v"}
    assert seen(platform, people[other]) == {"o"}
    assert seen(platform, people[village]) == {"v"}


def test_a_move_is_followed_at_once_by_every_process(
    platform: Platform, office: Office, rows: Callable[..., None], today: datetime.date,
    another_process: Callable[[], Platform],
) -> None:  # fmt: skip
    office.found("root")
    one, two = office.found("one", "root"), office.found("two", "root")
    village = office.found("village", "one")
    rows("v", village)
    first = office.acting(office.person("first", ("township", one)))
    second = office.acting(office.person("second", ("township", two)))
    elsewhere = another_process()
    assert seen(elsewhere, first) == {"v"}
    assert seen(elsewhere, second) == set()

    doing(platform, units.move, village, two, today)

    for where in (platform, elsewhere):
        assert seen(where, first) == set()
        assert seen(where, second) == {"v"}


def test_a_move_to_come_takes_effect_by_itself(
    platform: Platform, office: Office, today: datetime.date
) -> None:
    one, two = office.found("one"), office.found("two")
    village = office.found("village", "one")

    doing(platform, units.move, village, two, today + 30 * DAY)

    assert tree_on(platform, today)[village].parent == one
    assert tree_on(platform, today + 29 * DAY)[village].parent == one
    assert tree_on(platform, today + 30 * DAY)[village].parent == two


def test_names_are_read_as_they_were_then(
    platform: Platform, office: Office, today: datetime.date
) -> None:
    unit = office.found("u", title="工业局", kind="bureau")
    doing(platform, units.rename, unit, "工信局", datetime.date(2014, 1, 1))
    doing(platform, units.rename, unit, "工信委", today + DAY, kind="other")

    assert tree_on(platform, datetime.date(2013, 12, 31)).title(unit) == "工业局"
    assert tree_on(platform, datetime.date(2014, 1, 1)).title(unit) == "工信局"
    assert tree_on(platform, today)[unit].kind == "bureau"
    assert tree_on(platform, today + DAY)[unit].kind == "other"
    with pytest.raises(OutOfOrder):
        doing(platform, units.rename, unit, "更早", datetime.date(2013, 1, 1))


def test_a_cycle_is_refused_also_one_to_come(
    platform: Platform, office: Office, today: datetime.date
) -> None:
    office.found("root")
    a, b, c = office.found("a", "root"), office.found("b", "root"), office.found("c", "b")

    with pytest.raises(UnitCycle):
        doing(platform, units.move, b, b, today)
    with pytest.raises(UnitCycle):
        doing(platform, units.move, b, c, today)

    # b goes under a next month; before that nobody may put a under b for longer
    doing(platform, units.move, b, a, today + 30 * DAY)
    with pytest.raises(UnitCycle):
        doing(platform, units.move, a, c, today)

    # a leaves c in a month: until then c must not go under it
    other = Office(platform)
    d, e = other.found("d", "root"), other.found("e", "d")
    doing(platform, units.move, e, None, today + 30 * DAY)
    with pytest.raises(UnitCycle):
        doing(platform, units.move, d, e, today)
    assert tree_on(platform, today)[d].parent != e


def test_twelve_levels_and_no_more(platform: Platform, office: Office, today: Any) -> None:
    numbers = [office.found("l1")]
    for level in range(2, 13):
        numbers.append(office.found(f"l{level}", f"l{level - 1}"))

    with pytest.raises(TooDeep):
        office.found("l13", "l12")

    top = office.found("top")
    with pytest.raises(TooDeep):
        doing(platform, units.move, numbers[0], top, today)
    assert len(tree_on(platform, today).below(numbers[0])) == 12
    assert tree_on(platform, today).above(numbers[-1]) == numbers[-2::-1]


def test_what_was_merged_keeps_its_rows_and_the_heir_reads_them(
    platform: Platform, office: Office, rows: Callable[..., None], today: datetime.date
) -> None:
    office.found("root")
    one, two, heir = (office.found(code, "root") for code in ("one", "two", "heir"))
    village = office.found("village", "one")
    for name, unit in (("1", one), ("2", two), ("h", heir), ("v", village)):
        rows(name, unit)
    clerk = office.acting(office.person("clerk", ("township", heir)))
    former = office.acting(office.person("former", ("township", one)))
    assert seen(platform, clerk) == {"h"}

    doing(platform, reorganising.merge, [one, two], heir, today, "机构改革")

    assert seen(platform, clerk) == {"1", "2", "h", "v"}
    assert seen(platform, former) == {"1", "2", "h", "v"}  # the post is held in the heir now
    with platform.reading(ME) as work:
        main = work.published("demo").tables.main
        then = {r["name"]: r["_unit"] for r in work.tx.execute(main.select()).mappings()}
        told = {e.action: e.note for e in units.events(work, one)}
    assert then == {"1": one, "2": two, "h": heir, "v": village}
    assert told["merged"] == {"into": [heir], "reason": "机构改革"}
    assert tree_on(platform, today)[village].parent == heir
    assert tree_on(platform, today - DAY)[village].parent == one


def test_a_merge_to_come_takes_effect_on_its_day(
    platform: Platform, office: Office, today: datetime.date
) -> None:
    one, heir = office.found("one"), office.found("heir")
    number = office.person("p", ("township", one))
    day = today + 10 * DAY

    doing(platform, reorganising.merge, [one], heir, day)

    before, after = office.standing(number, day - DAY), office.standing(number, day)
    assert [h.unit for h in before.holdings] == [one]
    assert before.units == {one}
    assert [h.unit for h in after.holdings] == [heir]
    assert after.units == {one, heir}
    assert tree_on(platform, today).own(heir) == {heir}
    assert tree_on(platform, day).own(heir) == {one, heir}


def test_a_unit_is_merged_into_one_below_it(
    platform: Platform, office: Office, today: datetime.date
) -> None:
    root, above = office.found("root"), office.found("above", "root")
    below, side = office.found("below", "above"), office.found("side", "above")

    doing(platform, reorganising.merge, [above], below, today)

    tree = tree_on(platform, today)
    assert tree[below].parent == root
    assert tree[side].parent == below
    assert tree.own(below) == {above, below}


def test_a_merge_of_merged_units_is_followed_to_the_end(
    platform: Platform, office: Office, today: datetime.date
) -> None:
    a, b, c = office.found("a"), office.found("b"), office.found("c")
    doing(platform, reorganising.merge, [a], b, datetime.date(2019, 3, 1))
    doing(platform, reorganising.merge, [b], c, datetime.date(2024, 3, 1))

    assert tree_on(platform, today).heir(a) == c
    assert tree_on(platform, datetime.date(2020, 1, 1)).heir(a) == b
    assert tree_on(platform, today).own(c) == {a, b, c}
    with pytest.raises(NotInForce):
        doing(platform, reorganising.merge, [a], c, today)
    with pytest.raises(reorganising.NothingToMerge):
        doing(platform, reorganising.merge, [c], c, today)


def test_a_split_leaves_the_old_rows_to_its_heir(
    platform: Platform, office: Office, rows: Callable[..., None], today: datetime.date
) -> None:
    office.found("root")
    old = office.found("old", "root")
    office.found("below", "old")
    rows("row", old)
    parts = [Facts(code, code, "department", None, today) for code in ("left", "right")]

    with pytest.raises(reorganising.HeirUnknown):
        doing(platform, reorganising.split, old, parts, "nobody", today)
    with pytest.raises(reorganising.NothingToSplit):
        doing(platform, reorganising.split, old, parts[:1], "left", today)
    left, right = doing(platform, reorganising.split, old, parts, "right", today)

    assert seen(platform, office.acting(office.person("l", ("township", left)))) == set()
    assert seen(platform, office.acting(office.person("r", ("township", right)))) == {"row"}
    tree = tree_on(platform, today)
    assert not tree[old].is_valid(today)
    assert [unit.code for unit in tree.children[right]] == ["below"]


def test_a_unit_may_stay_when_a_part_comes_out_of_it(
    platform: Platform, office: Office, today: datetime.date
) -> None:
    old = office.found("old")
    part = Facts("part", "part", "taskforce", None, today)

    [made] = doing(platform, reorganising.split, old, [part], "old", today)

    tree = tree_on(platform, today)
    assert tree[old].is_valid(today)
    assert tree[made].is_valid(today)
    assert not tree[made].is_valid(today - DAY)
    assert tree.own(old) == {old}


def test_a_unit_with_units_below_does_not_end(
    platform: Platform, office: Office, today: datetime.date
) -> None:
    unit, below = office.found("u"), office.found("below", "u")
    number = office.person("p", ("township", below))

    with pytest.raises(HasChildren):
        doing(platform, units.end, unit, today)
    doing(platform, units.end, below, today + DAY)
    doing(platform, units.end, unit, today + DAY)

    assert office.standing(number, today).roles == {"township"}
    assert office.standing(number, today + DAY).holdings == ()
    with pytest.raises(NotInForce):
        doing(platform, units.rename, unit, "x", today + 2 * DAY)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"code": "a b"}, CodeRefused), ({"code": ""}, CodeRefused), ({"code": "u"}, CodeTaken),
        ({"title": " "}, TitleRefused), ({"title": "长" * 101}, TitleRefused),
        ({"kind": "ministry"}, KindRefused), ({"parent": 999}, UnitNotFound),
        ({"until": LONG_AGO}, NotInForce),
    ],
)  # fmt: skip
def test_a_unit_that_cannot_be_is_refused(
    platform: Platform, office: Office, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    office.found("u")
    facts = {"code": "new", "title": "新", "kind": "bureau", "parent": None, "since": LONG_AGO}

    with pytest.raises(refusal):
        doing(platform, units.found, Facts(**(facts | changes)))


def test_a_preview_counts_what_a_merge_touches(
    platform: Platform, office: Office, rows: Callable[..., None], today: datetime.date
) -> None:
    unit = office.found("u")
    office.found("below", "u")
    rows("1", unit)
    rows("2", unit)
    office.person("p", ("township", unit))

    found = doing(platform, reorganising.touched, [unit], today)

    assert found == reorganising.Touched(1, 0, ("below",), (("示例台账", 2),))


def test_only_an_administrator_changes_units(platform: Platform, office: Office) -> None:
    unit = office.found("u")
    someone = office.acting(office.person("p", ("giib_head", unit)))

    with pytest.raises(NotAllowed), platform.writing(someone) as work:
        units.rename(work, unit, "x", work.today)
