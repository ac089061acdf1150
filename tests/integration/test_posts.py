"""Posts, deputies, pairings and roles; what a change of them means before it is done."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import NotAllowed, RecordNotFound
from app.services import access, effects, identity, pairings, posts, records, roles, units
from app.services.posts import Filter, Wanted
from app.services.unit_refusals import NotInForce
from app.services.work import Actor, Platform, Work
from tests.support.appointing import LONG_AGO, Office
from tests.support.register import ME, definition

DAY = datetime.timedelta(days=1)
FILL = {"permissions": {"fill": ["township"], "read": ["leader"]}, "scope": "own-organisation"}


@pytest.fixture
def office(platform: Platform) -> Office:
    return Office(platform)


@pytest.fixture
def unit(office: Office) -> int:
    return office.found("u", title="石桥镇")


@pytest.fixture
def today(platform: Platform) -> datetime.date:
    with platform.reading(ME) as work:
        return work.today


def doing(platform: Platform, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
    with platform.writing(ME) as work:
        return act(work, *given, **more)


def test_a_post_is_held_from_its_first_day_to_the_day_before_its_end(
    office: Office, unit: int
) -> None:
    first, until = datetime.date(2024, 3, 1), datetime.date(2024, 6, 1)
    number = office.person("p")
    office.appoint(number, "township", unit, since=first, until=until)

    assert office.standing(number, first - DAY).roles == set()
    assert office.standing(number, first).roles == {"township"}
    assert office.standing(number, until - DAY).roles == {"township"}
    assert office.standing(number, until).roles == set()


def test_a_deputy_holds_what_the_other_holds_while_both_are_in_force(
    platform: Platform, office: Office, unit: int, today: datetime.date
) -> None:
    holder, deputy = office.person("holder"), office.person("deputy")
    post = office.appoint(holder, "township", unit, until=today + 10 * DAY)

    doing(platform, posts.deputise, post, deputy, today + 2 * DAY, today + 20 * DAY)

    assert office.standing(deputy, today).holdings == ()
    [held] = office.standing(deputy, today + 2 * DAY).holdings
    assert (held.role, held.unit, held.deputy_for) == ("township", unit, "holder 同志")
    assert office.standing(deputy, today + 10 * DAY).holdings == ()
    doing(platform, posts.finish, post, today + 5 * DAY)
    assert office.standing(deputy, today + 5 * DAY).holdings == ()


def test_nobody_deputises_for_himself_or_for_a_deputy(
    platform: Platform, office: Office, unit: int, today: datetime.date
) -> None:
    holder, deputy, third = (office.person(name) for name in ("h", "d", "t"))
    post = office.appoint(holder, "township", unit)
    standing_in = doing(platform, posts.deputise, post, deputy, today, today + DAY)

    with pytest.raises(posts.DeputyRefused):
        doing(platform, posts.deputise, post, holder, today, today + DAY)
    with pytest.raises(posts.DeputyRefused):
        doing(platform, posts.deputise, standing_in, third, today, today + DAY)


def test_the_same_post_is_not_held_twice_at_a_time(
    platform: Platform, office: Office, unit: int, today: datetime.date
) -> None:
    number = office.person("p")
    office.appoint(number, "township", unit, until=today)

    with pytest.raises(posts.PostTaken):
        office.appoint(number, "township", unit, since=today - DAY)
    office.appoint(number, "township", unit, since=today)
    office.appoint(number, "dept", unit)


def test_a_post_that_cannot_be_is_refused(
    platform: Platform, office: Office, unit: int, today: datetime.date
) -> None:
    number = office.person("p")
    ended = office.found("ended")
    doing(platform, units.end, ended, today)

    with pytest.raises(roles.RoleNotFound):
        office.appoint(number, "emperor", unit)
    with pytest.raises(NotInForce):
        office.appoint(number, "township", ended, since=today)
    with pytest.raises(posts.PersonUnknown):
        office.appoint(99, "township", unit)
    with pytest.raises(posts.DatesRefused):
        office.appoint(number, "township", unit, since=today, until=today)


def test_what_is_over_stays_as_it_was(
    platform: Platform, office: Office, unit: int, today: datetime.date
) -> None:
    number = office.person("p")
    post = office.appoint(number, "township", unit)

    with pytest.raises(posts.DatesRefused):
        doing(platform, posts.finish, post, today - DAY)
    doing(platform, posts.finish, post, today)
    with pytest.raises(posts.AlreadyOver):
        doing(platform, posts.finish, post, today + DAY)

    with platform.reading(ME) as work:
        assert posts.get(work, post).state(today) == posts.OVER
        assert posts.get(work, post).since == LONG_AGO


def test_posts_are_found_by_person_unit_role_and_state(
    platform: Platform, office: Office, unit: int, today: datetime.date
) -> None:
    other = office.found("other")
    one = office.person("one", ("township", unit), ("dept", other))
    two = office.person("two")
    office.appoint(two, "township", unit, since=today + DAY)
    office.appoint(two, "leader", other, until=today)

    def found(**wanted: Any) -> list[tuple[int, str]]:
        with platform.reading(ME) as work:
            return sorted((p.account, p.role) for p in posts.listed(work, Filter(**wanted))[0])

    assert found(text="ONE") == [(one, "dept"), (one, "township")]
    assert found(unit=unit) == [(one, "township"), (two, "township")]
    assert found(role="leader") == [(two, "leader")]
    assert found(state="now") == [(one, "dept"), (one, "township")]
    assert found(state="later") == [(two, "township")]
    assert found(state="over") == [(two, "leader")]
    assert found(text="%") == []


def test_a_right_that_is_revoked_is_gone_with_the_next_request(
    platform: Platform, office: Office, unit: int, published: Callable[..., Any],
    add: Callable[..., Any], another_process: Callable[[], Platform], today: datetime.date,
) -> None:  # fmt: skip
    published(definition(register=FILL))
    add("demo", name="甲厂")
    leader = office.person("p")
    post = office.appoint(leader, "leader", unit)
    elsewhere, actor = another_process(), office.acting(leader)

    def may_see(where: Platform) -> bool:
        with where.reading(actor) as work:
            return access.of(work, "demo").can("see")

    assert may_see(platform)
    assert may_see(elsewhere)
    doing(platform, posts.finish, post, today)
    assert not may_see(platform)
    assert not may_see(elsewhere)


@pytest.fixture
def filled(
    platform: Platform, office: Office, unit: int, published: Callable[..., Any]
) -> Callable[[], None]:
    """Three records, two of them of the unit."""
    published(definition(register=FILL))
    for name, where in (("甲厂", unit), ("乙厂", unit), ("丙厂", None)):
        with platform.writing(ME) as work:
            made = records.create(work, "demo", {"name": name})
            main = work.published("demo").tables.main
            work.tx.execute(main.update().where(main.c["_id"] == made.id).values(_unit=where))
    return lambda: None


def appointed(work: Work, wanted: Wanted, day: datetime.date) -> effects.Change:
    return effects.Change([wanted.account], day, lambda: posts.appoint(work, wanted))


def lines(effect: effects.Effect) -> dict[tuple[str, str], tuple[int, int]]:
    return {(x.slug, x.action): (x.before, x.after) for x in effect.lines}


def test_a_preview_shows_what_changes_and_changes_nothing(
    platform: Platform, office: Office, unit: int, filled: Any, today: datetime.date
) -> None:
    number = office.person("p")
    wanted = Wanted(number, unit, "township", LONG_AGO)

    with platform.writing(ME) as work:
        effect = effects.preview(work, appointed(work, wanted, today))

    assert lines(effect)["demo", "see"] == (0, 2)
    assert lines(effect)["demo", "change"] == (0, 2)
    assert lines(effect)["demo", "create"] == (0, 1)
    assert lines(effect)["demo", "fields"] == (0, 4)
    assert ("demo", "review") not in lines(effect)
    assert office.standing(number).holdings == ()


def test_what_was_shown_is_what_is_done(
    platform: Platform, office: Office, unit: int, filled: Any, today: datetime.date,
    add: Callable[..., Any],
) -> None:  # fmt: skip
    number = office.person("p")
    wanted = Wanted(number, unit, "leader", LONG_AGO)

    def carry_out(digest: str) -> effects.Effect:
        with platform.writing(ME) as work:
            return effects.carry_out(work, appointed(work, wanted, today), digest)

    with platform.writing(ME) as work:
        shown = effects.preview(work, appointed(work, wanted, today))
    add("demo", name="丁厂")
    with pytest.raises(effects.EffectMoved) as moved:
        carry_out(shown.digest)
    assert lines(moved.value.effect)["demo", "see"] == (0, 4)
    assert office.standing(number).holdings == ()

    carry_out(moved.value.effect.digest)
    assert office.standing(number).roles == {"leader"}


def test_a_preview_of_a_post_to_come_is_as_of_its_first_day(
    platform: Platform, office: Office, unit: int, filled: Any, today: datetime.date
) -> None:
    number = office.person("p")
    wanted = Wanted(number, unit, "leader", today + 5 * DAY)

    with platform.writing(ME) as work:
        effect = effects.preview(work, appointed(work, wanted, wanted.since))

    assert effect.day == today + 5 * DAY
    assert lines(effect)["demo", "see"] == (0, 3)


def test_a_power_over_the_platform_is_part_of_the_difference(
    platform: Platform, office: Office, unit: int, filled: Any, today: datetime.date
) -> None:
    number = office.person("p")
    wanted = Wanted(number, unit, "security_administrator", LONG_AGO)

    with platform.writing(ME) as work:
        effect = effects.preview(work, appointed(work, wanted, today))

    assert lines(effect) == {("", "grant"): (0, 1)}


def test_a_pairing_opens_its_record_for_a_time(
    platform: Platform, office: Office, unit: int, published: Callable[..., Any],
    add: Callable[..., Any], today: datetime.date,
) -> None:  # fmt: skip
    grant = {"role": ["cadre"], "may": ["see"], "rows": "paired"}
    published(definition(register={"permissions": [grant]}))
    mine, other = add("demo", name="甲厂"), add("demo", name="乙厂")
    number = office.person("p", ("cadre", unit))
    actor = office.acting(number)
    wanted = pairings.Wanted("demo", mine.id, number, None, LONG_AGO)

    def sees() -> list[int]:
        with platform.reading(actor) as work:
            found = []
            for record in (mine.id, other.id):
                try:
                    access.require_row(
                        work, work.published("demo"), "see", {"_id": record, "name": ""}
                    )
                except RecordNotFound:
                    continue
                found.append(record)
            return found

    assert sees() == []
    made = doing(platform, pairings.pair, wanted)
    assert sees() == [mine.id]
    with pytest.raises(pairings.PairingTaken):
        doing(platform, pairings.pair, wanted)
    doing(platform, pairings.finish, made, today)
    assert sees() == []
    doing(platform, pairings.pair, pairings.Wanted("demo", other.id, None, unit, today))
    assert sees() == [other.id]


def test_a_pairing_needs_a_record_and_one_partner(
    platform: Platform, office: Office, unit: int, published: Callable[..., Any]
) -> None:
    published(definition(register=FILL))
    number = office.person("p")

    with pytest.raises(pairings.PairingIncomplete):
        doing(platform, pairings.pair, pairings.Wanted("demo", 1, number, unit, LONG_AGO))
    with pytest.raises(RecordNotFound):
        doing(platform, pairings.pair, pairings.Wanted("demo", 1, number, None, LONG_AGO))


def test_a_role_nobody_ever_held_is_removed_and_no_other(
    platform: Platform, office: Office, unit: int, published: Callable[..., Any],
    today: datetime.date,
) -> None:  # fmt: skip
    published(definition(register={"permissions": {"read": ["inspector"]}}))
    doing(platform, roles.add, "inspector", "督查员")
    doing(platform, roles.add, "guest", "来访")
    doing(platform, roles.add, "former", "曾任")
    post = office.appoint(office.person("p"), "former", unit)
    doing(platform, posts.finish, post, today)

    doing(platform, roles.remove, "guest")
    for slug in ("inspector", "former", "administrator"):
        with pytest.raises(roles.RoleInUse):
            doing(platform, roles.remove, slug)
    doing(platform, roles.rename, "former", "前任", "说明")

    with platform.reading(ME) as work:
        found = {role.slug: role for role in roles.listed(work)}
        assert "guest" not in found
        assert (found["former"].title, found["former"].held, found["former"].ever) == ("前任", 0, 1)
        assert [name for name, _, _ in roles.grants(work, "inspector")] == ["demo"]


@pytest.mark.parametrize(("slug", "title"), [("A", "x"), ("1a", "x"), ("ok", " "), ("", "x")])
def test_a_role_that_cannot_be_is_refused(platform: Platform, slug: str, title: str) -> None:
    with pytest.raises(roles.RoleRefused):
        doing(platform, roles.add, slug, title)


def test_only_who_grants_writes_posts_roles_and_pairings(
    platform: Platform, office: Office, unit: int
) -> None:
    number = office.person("p", ("system_administrator", unit))
    actor: Actor = office.acting(number)

    for act in (
        lambda work: posts.appoint(work, Wanted(number, unit, "leader", LONG_AGO)),
        lambda work: posts.finish(work, 1, LONG_AGO),
        lambda work: roles.add(work, "x", "x"),
        lambda work: roles.rename(work, "leader", "x", ""),
        lambda work: roles.remove(work, "leader"),
        lambda work: pairings.pair(work, pairings.Wanted("demo", 1, number, None, LONG_AGO)),
        lambda work: pairings.finish(work, 1, LONG_AGO),
    ):
        with pytest.raises(NotAllowed), platform.writing(actor) as work:
            act(work)


def test_a_chosen_unit_counts_as_long_as_a_post_is_held_there(
    platform: Platform, office: Office, unit: int
) -> None:
    other, foreign = office.found("other"), office.found("foreign")
    number = office.person("p", ("township", unit), ("dept", other))

    def unit_for(chosen: int | None) -> int | None:
        with platform.reading(Actor(number, "p", "web", unit=chosen)) as work:
            return work.unit

    assert unit_for(None) == unit
    assert unit_for(other) == other
    assert unit_for(foreign) == unit


def test_a_closed_account_is_not_appointed(platform: Platform, office: Office, unit: int) -> None:
    number = office.person("gone")
    with platform.writing(ME) as work:
        identity.disable(work.tx, "gone")

    with pytest.raises(posts.PersonUnknown):
        office.appoint(number, "township", unit)
