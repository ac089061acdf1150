"""Three powers apart: who may be which, and how the separation is switched on and off."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import NotAllowed
from app.services import access, identity, posts, powers, roles, units
from app.services.posts import Wanted
from app.services.units import Facts
from app.services.work import Platform
from tests.support.appointing import LONG_AGO, Office
from tests.support.register import ME, definition

DAY = datetime.timedelta(days=1)
THREE = ("system_administrator", "security_administrator", "audit_administrator")


@pytest.fixture
def office(platform: Platform) -> Office:
    return Office(platform)


@pytest.fixture
def unit(office: Office) -> int:
    return office.found("u")


@pytest.fixture
def three(office: Office, unit: int) -> dict[str, int]:
    """Three people, each with one of the powers."""
    return {role: office.person(role, (role, unit)) for role in THREE}


def doing(platform: Platform, number: int, office: Office, act: Callable[..., Any]) -> Any:
    with platform.writing(office.acting(number)) as work:
        return act(work)


def test_two_of_the_three_are_never_one_person(
    office: Office, unit: int, three: dict[str, int]
) -> None:
    for held in THREE:
        for other in set(THREE) - {held}:
            with pytest.raises(powers.PowersTogether):
                office.appoint(three[held], other, unit)


def test_one_after_the_other_is_allowed(
    office: Office, unit: int, three: dict[str, int], platform: Platform
) -> None:
    number = office.person("p")
    today = datetime.date(2024, 1, 1)
    office.appoint(number, "system_administrator", unit, until=today)

    office.appoint(number, "audit_administrator", unit, since=today)
    with pytest.raises(powers.PowersTogether):
        office.appoint(number, "security_administrator", unit, since=today - DAY)


def test_a_deputy_holds_no_second_power(
    office: Office, unit: int, three: dict[str, int], platform: Platform
) -> None:
    with platform.reading(ME) as work:
        post = posts.listed(work, posts.Filter(account=three[THREE[0]]))[0][0]
        today = work.today

    with pytest.raises(powers.PowersTogether), platform.writing(ME) as work:
        posts.deputise(work, post.id, three[THREE[1]], today, today + DAY)


def test_switching_on_needs_three_people_who_can_sign_in(
    office: Office, unit: int, platform: Platform
) -> None:
    for role in THREE[:2]:
        office.person(role, (role, unit))
    with pytest.raises(powers.PowersIncomplete), platform.writing(ME) as work:
        powers.switch_on(work)
    audit = office.person("auditor", (THREE[2], unit))
    with platform.writing(ME) as work:
        identity.disable(work.tx, "auditor")
    with pytest.raises(powers.PowersIncomplete) as refused, platform.writing(ME) as work:
        powers.switch_on(work)
    assert "audit" in str(refused.value.values["reasons"])

    office.person("another", (THREE[2], unit))
    with platform.writing(ME) as work:
        powers.switch_on(work)
        assert powers.state(work).on
    assert office.standing(audit).powers == {"audit"}


def test_switching_on_is_refused_while_one_of_them_works_in_the_business(
    office: Office, unit: int, three: dict[str, int], platform: Platform
) -> None:
    office.appoint(three["audit_administrator"], "leader", unit)

    with pytest.raises(powers.PowersIncomplete), platform.writing(ME) as work:
        powers.switch_on(work)
    with platform.reading(ME) as work:
        assert len(powers.state(work).reasons) == 1


@pytest.fixture
def apart(platform: Platform, three: dict[str, int]) -> dict[str, int]:
    """The three powers, kept apart."""
    with platform.writing(ME) as work:
        powers.switch_on(work)
    return three


def test_kept_apart_the_administrator_has_no_effect(
    office: Office, unit: int, platform: Platform, three: dict[str, int]
) -> None:
    number = office.person("admin", ("administrator", unit))
    assert office.standing(number).everything

    with platform.writing(ME) as work:
        powers.switch_on(work)

    assert not office.standing(number).everything
    assert office.standing(number).powers == set()


def test_kept_apart_none_holds_a_role_of_the_business(
    office: Office, unit: int, apart: dict[str, int]
) -> None:
    for role in THREE:
        with pytest.raises(powers.PowersTogether):
            office.appoint(apart[role], "leader", unit)
    clerk = office.person("clerk", ("township", unit))
    with pytest.raises(powers.PowersTogether):
        office.appoint(clerk, "audit_administrator", unit)


#: what is tried → the one power that may
ACTS: dict[str, tuple[str, Callable[[Any, int, int], Any]]] = {
    "a unit": ("system", lambda work, _n, u: units.rename(work, u, "x", work.today)),
    "another unit": (
        "system",
        lambda work, _n, u: units.found(work, Facts("n", "n", "other", None, LONG_AGO)),
    ),
    "a post": ("security", lambda work, n, u: posts.appoint(work, Wanted(n, u, "dept", LONG_AGO))),
    "a role": ("security", lambda work, _n, u: roles.add(work, "new", "新")),
    "publishing": ("system", lambda work, _n, u: access.require(work, "publish")),
    "the log": ("audit", lambda work, _n, u: access.require(work, "audit")),
}


@pytest.mark.parametrize("act", ACTS)
def test_none_does_the_part_of_another(
    office: Office, unit: int, apart: dict[str, int], platform: Platform, act: str
) -> None:
    power, does = ACTS[act]
    number = office.person("someone")

    for role, account in apart.items():
        if role == f"{power}_administrator":
            doing(platform, account, office, lambda work: does(work, number, unit))
        else:
            with pytest.raises(NotAllowed):
                doing(platform, account, office, lambda work: does(work, number, unit))


def test_none_of_them_sees_data(
    office: Office, apart: dict[str, int], platform: Platform, published: Callable[..., Any]
) -> None:
    published(definition(register={"permissions": {"fill": ["township"], "read": ["leader"]}}))

    for number in apart.values():
        with platform.reading(office.acting(number)) as work:
            asked = access.of(work, "demo")
            assert not any(asked.can(action) for action in access.GRANTED)
            with pytest.raises(NotAllowed):
                access.require(work, "see", "demo")


def test_switching_off_takes_two(office: Office, apart: dict[str, int], platform: Platform) -> None:
    system, security, audit = (apart[role] for role in THREE)

    with pytest.raises(powers.PowersNotAsked):
        doing(platform, security, office, powers.confirm_off)
    with pytest.raises(NotAllowed):
        doing(platform, audit, office, powers.ask_off)
    with pytest.raises(NotAllowed), platform.writing(ME) as work:
        powers.ask_off(work)
    doing(platform, system, office, powers.ask_off)
    with pytest.raises(powers.PowersNotAsked):
        doing(platform, system, office, powers.confirm_off)
    doing(platform, security, office, powers.withdraw_off)
    with pytest.raises(powers.PowersNotAsked):
        doing(platform, security, office, powers.confirm_off)
    doing(platform, security, office, powers.ask_off)
    doing(platform, system, office, powers.confirm_off)

    with platform.reading(ME) as work:
        assert not powers.state(work).on
        assert powers.state(work).asked is None


def test_whoever_asked_must_still_hold_the_power(
    office: Office, unit: int, apart: dict[str, int], platform: Platform
) -> None:
    system, security = apart["system_administrator"], apart["security_administrator"]
    doing(platform, system, office, powers.ask_off)
    with platform.writing(office.acting(security)) as work:
        post = posts.listed(work, posts.Filter(account=system))[0][0]
        posts.finish(work, post.id, work.today)

    with pytest.raises(powers.PowersNotAsked):
        doing(platform, security, office, powers.confirm_off)
