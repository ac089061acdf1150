"""Tasks, comments, orders and watching: who finds what, and what stays hidden."""

from __future__ import annotations

import datetime
import random
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from app.errors import NotAllowed, RecordNotFound
from app.services import answering, audience, inbox, records, tasks
from app.services.inbox import Query
from app.services.tasks import New, To
from app.services.together import comments, orders, watchers, watching
from app.services.work import Actor, Platform
from app.storage import rows
from app.storage.models_together import task
from tests.support.office import Office
from tests.support.register import ME, definition, publish

GRANTS = [
    {"role": ["township"], "may": ["see", "create", "change"], "rows": "own-unit"},
    {"role": ["giib_staff"], "may": ["see", "review"]},
]


@pytest.fixture
def office(platform: Platform) -> Office:
    office = Office(platform)
    publish(platform, definition(register={"permissions": GRANTS}))
    return office


def enter(office: Office, login: str, name: str) -> int:
    with office.platform.writing(office.actor(login)) as work:
        return records.create(work, "demo", {"name": name}).id


def open_one(office: Office, record: int, to: To, key: str, **more: Any) -> bool:
    with office.platform.writing(ME) as work:
        return tasks.open_task(work, New("demo", record, tasks.OTHER, "Look", to, key, **more))


def take(office: Office, login: str, key: str) -> int:
    with office.platform.writing(office.actor(login)) as work:
        number = int(work.tx.scalar(sa.select(task.c.id).where(task.c.key == key)) or 0)
        return tasks.take(work, number).id


def keys(office: Office, login: str, **query: Any) -> list[str]:
    with office.platform.reading(office.actor(login)) as work:
        page = inbox.waiting(work, Query(**query))
        assert tasks.count_waiting(work) == min(100, inbox.waiting(work, Query()).total)
        return [t.key for t in page.tasks]


def test_a_task_waits_for_whom_it_is_addressed_to(office: Office) -> None:
    mine = enter(office, "clerk-a", "甲厂")
    a, a1 = office.units["a"], office.units["a1"]
    open_one(office, mine, To(account=office.accounts["clerk-a"]), "person")
    open_one(office, mine, To(unit=a), "unit")
    open_one(office, mine, To(unit=a, role="township"), "role here")
    open_one(office, mine, To(unit=a1, role="giib_staff", above=True), "role above")
    open_one(office, mine, To(role="giib_staff"), "role anywhere")

    assert sorted(keys(office, "clerk-a")) == ["person", "role here", "unit"]
    assert keys(office, "clerk-a", whose=inbox.MINE) == ["person"]
    assert keys(office, "clerk-b") == keys(office, "outsider") == []
    assert sorted(keys(office, "staff")) == ["role above", "role anywhere"]


def test_a_task_about_a_record_that_is_not_seen_waits_for_nobody(office: Office) -> None:
    mine = enter(office, "clerk-a", "甲厂")
    open_one(office, mine, To(account=office.accounts["clerk-b"]), "foreign")

    assert keys(office, "clerk-b") == []
    with office.platform.reading(office.actor("clerk-b")) as work:
        number = work.tx.scalar(sa.select(task.c.id))
        with pytest.raises(tasks.TaskNotFound):
            tasks.get(work, number)


def test_under_one_key_there_is_one_task_ever(office: Office) -> None:
    mine = enter(office, "clerk-a", "甲厂")
    to = To(unit=office.units["a"])

    assert open_one(office, mine, to, "k") is True
    assert open_one(office, mine, to, "k") is False
    with office.platform.writing(ME) as work:
        assert tasks.close_tasks(work, "demo", mine, tasks.OTHER, "done") == 1
    assert open_one(office, mine, to, "k") is False
    assert keys(office, "clerk-a") == []


def test_who_takes_a_task_has_it_alone_until_it_is_put_back(office: Office) -> None:
    mine = enter(office, "clerk-a", "甲厂")
    open_one(office, mine, To(role="giib_staff"), "k")
    number = take(office, "staff", "k")
    with office.platform.writing(office.actor("staff")) as work:
        assert tasks.get(work, number).taken
        tasks.put_back(work, number)
        assert not tasks.get(work, number).taken


def oracle(work: Any, wanted: Query) -> list[str]:
    """Return the keys of everything that waits, told naively: every task, row by row."""
    found = []
    for row in work.tx.execute(sa.select(task)).mappings().all():
        one = tasks.as_task(row)
        try:
            records.get(work, one.slug, one.record)
        except RecordNotFound:
            continue
        own = one.to.account == work.actor.id
        for_me = own or any(
            (one.to.unit is None or h.unit == one.to.unit
             or (one.to.above and h.unit in work.tree.above(one.to.unit)))
            and one.to.role in ("", h.role)
            for h in work.standing.holdings
            if one.to.account is None
        )  # fmt: skip
        fits = {"mine": own, "unit": not own}.get(wanted.whose, True)
        if for_me and fits and row["done_at"] is None and wanted.kind in ("", one.kind):
            found.append((row["ranked"], one.id, one.key))
    return [key for _day, _id, key in sorted(found)]


@pytest.mark.parametrize("seed", range(3))
def test_pages_of_the_inbox_agree_with_a_naive_oracle(office: Office, seed: int) -> None:
    chance = random.Random(seed)
    logins = ["clerk-a", "clerk-a1", "clerk-b", "staff"]
    stored = [enter(office, login, f"厂{seed}{n}") for n, login in enumerate(logins[:3] * 2)]
    today = datetime.date.today()
    wanted = []
    for n in range(60):
        unit = chance.choice([*office.units.values()])
        to = chance.choice(
            [
                To(account=office.accounts[chance.choice(logins)]), To(unit=unit),
                To(unit=unit, role="township", above=chance.random() < 0.5),
                To(unit=unit, role="giib_staff", above=True), To(role="township"),
            ]
        )  # fmt: skip
        due = chance.choice([None, today + datetime.timedelta(days=chance.randint(-9, 20))])
        kind = chance.choice([tasks.OTHER, tasks.MENTION])
        record = chance.choice(stored)
        wanted.append(New("demo", record, kind, "Look", to, f"k{n}", {}, due))
    with office.platform.writing(ME) as work:
        assert tasks.open_tasks(work, wanted) == 60
        for new in chance.sample(wanted, 15):
            tasks.close_tasks(work, "demo", new.record, key=new.key)
    for login in logins:
        with office.platform.reading(office.actor(login)) as work:
            for query in (Query(size=7), Query(size=7, whose="mine"), Query(size=7, kind="other"),
                          Query(size=7, whose="unit", register="demo")):  # fmt: skip
                check_pages(work, query)


@pytest.mark.parametrize("piles", [0, 40])
def test_more_than_is_counted_can_still_be_read_to_the_end(
    office: Office, monkeypatch: Any, piles: int
) -> None:
    """Beyond what is counted a page tells that there is more, and the pages hold all of it."""
    monkeypatch.setattr(inbox, "COUNTED", 10)
    monkeypatch.setattr(inbox, "PILES", piles)
    mine = enter(office, "clerk-a", "甲厂")
    units, accounts = office.units, office.accounts
    tos = [
        To(role="township"),
        To(unit=next(iter(units.values()))),
        To(account=accounts["clerk-a"]),
    ]
    days = [None, *(datetime.date(2026, 1, d) for d in range(1, 9))]
    wanted = [
        New("demo", mine, tasks.OTHER if n % 5 else tasks.MENTION, "Look", tos[n % 3], f"m{n}",
            {}, days[n % 9])
        for n in range(35)
    ]  # fmt: skip
    with office.platform.writing(ME) as work:
        tasks.open_tasks(work, wanted)
    with office.platform.reading(office.actor("clerk-a")) as work:
        for query in (Query(size=4), Query(size=4, kind=tasks.OTHER), Query(size=4, whose="unit")):
            expected, shown, number = oracle(work, query), list[str](), 1
            assert len(expected) > 10
            while number:
                page = inbox.waiting(work, replace(query, page=number))
                assert (page.total, page.more, page.page) == (10, True, number)
                shown += [t.key for t in page.tasks]
                number = number + 1 if page.pages > number else 0
            assert shown == expected
            assert inbox.waiting(work, replace(query, page=99)).tasks
        few = inbox.waiting(work, Query(kind=tasks.MENTION))
        assert (few.total, few.more) == (len(oracle(work, Query(kind=tasks.MENTION))), False)


def check_pages(work: Any, query: Query) -> None:
    """Walk all pages; they are the oracle's list, cut, and their counts add up to it."""
    expected = oracle(work, query)
    first = inbox.waiting(work, query)
    shown: list[str] = []
    for number in range(1, first.pages + 1):
        shown += [t.key for t in inbox.waiting(work, replace(query, page=number)).tasks]
    assert shown == expected
    assert first.total == sum(first.pieces.values()) == len(expected)


# ── comments


def test_nobody_is_offered_or_mentioned_who_may_not_see(office: Office) -> None:
    mine = enter(office, "clerk-a", "甲厂")
    with office.platform.writing(office.actor("clerk-a")) as work:
        published = work.published("demo")
        row = rows.get(work.tx, published, mine)
        offered = {p.account for p in audience.persons(work, published, row, "", 50)}
        assert offered == {office.accounts["clerk-a"], office.accounts["staff"]}
        units = {p.unit for p in audience.units(work, published, row, "", 50)}
        assert units == {office.units["a"], office.units["office"]}
        with pytest.raises(comments.CannotMention):
            comments.add(work, "demo", mine, "看", [office.accounts["clerk-b"]])
        comments.add(work, "demo", mine, "<b>看</b>\n第二行", [office.accounts["staff"]])
    with office.platform.reading(office.actor("staff")) as work:
        [said] = comments.of_record(work, "demo", mine)
        assert said.text == "<b>看</b>\n第二行" and said.mentions == ("股室",)
        assert [t.kind for t in inbox.waiting(work, Query()).tasks] == [tasks.MENTION]
    with office.platform.reading(office.actor("clerk-b")) as work:
        with pytest.raises(RecordNotFound):
            comments.of_record(work, "demo", mine)
        with pytest.raises(RecordNotFound):
            comments.add(work, "demo", mine, "看")


def test_a_comment_is_mended_by_its_writer_for_a_while_and_deletion_leaves_a_mark(
    office: Office,
) -> None:
    mine = enter(office, "clerk-a", "甲厂")
    actor, staff = office.actor("clerk-a"), office.actor("staff")
    with office.platform.writing(actor) as work:
        number = comments.add(work, "demo", mine, "看", [office.accounts["staff"]])
        comments.edit(work, "demo", mine, number, "再看")
    with office.platform.writing(staff) as work, pytest.raises(comments.CommentNotYours):
        comments.edit(work, "demo", mine, number, "不看")
    with office.platform.writing(actor) as work:
        work.now += datetime.timedelta(minutes=16)
        with pytest.raises(comments.CommentNotYours):
            comments.edit(work, "demo", mine, number, "晚了")
        comments.delete(work, "demo", mine, number)
        [left] = comments.of_record(work, "demo", mine)
        assert (left.text, left.mentions, left.deleted_at) == ("", (), work.now)
    assert keys(office, "staff") == []


def test_an_order_is_given_by_who_reviews_read_answered_and_closed(office: Office) -> None:
    mine = enter(office, "clerk-a", "甲厂")
    clerk, staff = office.actor("clerk-a"), office.actor("staff")
    to = list(audience.parties([f"u:{office.units['a']}", f"a:{office.accounts['clerk-a']}"]))
    with office.platform.writing(clerk) as work, pytest.raises(NotAllowed):
        orders.give(work, "demo", mine, "速办", to)
    with office.platform.writing(staff) as work:
        foreign = list(audience.parties([f"u:{office.units['b']}"]))
        with pytest.raises(orders.RecipientUnseeing):
            orders.give(work, "demo", mine, "速办", foreign)
        number = orders.give(work, "demo", mine, "速办", to, datetime.date(2026, 12, 1))
        [order] = orders.of_record(work, "demo", mine)
        assert order.unread == ("甲",) and order.read == ()
    with office.platform.writing(clerk) as work:
        orders.read(work, "demo", mine, number)
        assert orders.get(work, "demo", mine, number).read[0][0] == "甲"
        first, second = inbox.waiting(work, Query()).tasks
        with pytest.raises(answering.AnswerNeedsComment):
            answering.answer(work, first.id, "done")
        answering.answer(work, first.id, "done", "已整改")
        assert orders.get(work, "demo", mine, number).closed_at is None
        answering.answer(work, second.id, "done", "已整改")
        assert orders.get(work, "demo", mine, number).closed_at is not None
    assert keys(office, "clerk-a") == []


def test_watchers_are_told_of_a_change_as_long_as_they_may_see(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[list[int], str]] = []

    def note(_work: Any, accounts: Any, _kind: str, title: str, _link: str) -> None:
        told.append((sorted(accounts), title))

    monkeypatch.setattr(watchers, "tell", note)
    mine = enter(office, "clerk-a", "甲厂")
    with office.platform.writing(office.actor("staff")) as work:
        watching.watch(work, "demo", mine, on=True)
    with office.platform.writing(office.actor("clerk-b")) as work, pytest.raises(RecordNotFound):
        watching.watch(work, "demo", mine, on=True)
    change_one(office, mine, 1)
    assert told == [([office.accounts["staff"]], "A record you watch was changed: 甲厂")]
    with office.platform.writing(office.actor("staff")) as work:
        watching.watch(work, "demo", mine, on=False)
    change_one(office, mine, 2)
    assert len(told) == 1


def change_one(office: Office, record: int, version: int) -> None:
    with office.platform.writing(office.actor("clerk-a")) as work:
        records.change(work, "demo", record, version, {"amount": str(version)})


def test_what_waits_is_found_by_one_look_into_one_index(office: Office) -> None:
    mine = enter(office, "clerk-a", "甲厂")
    with office.platform.reading(office.actor("staff")) as work:
        if work.tx.dialect.name != "sqlite":
            pytest.skip("the plan is read from SQLite")
        query = sa.select(task.c.id).where(tasks.waits(work, tasks.addresses(work.standing)))
        compiled = query.compile(work.tx.engine, compile_kwargs={"literal_binds": True})
        plan = work.tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
    assert any("ix_task_waiting" in str(step) for step in plan), plan
    assert mine


OUTSIDE = Actor(None, "", "web")


def test_nobody_has_nothing_waiting(office: Office) -> None:
    with office.platform.reading(OUTSIDE) as work:
        assert tasks.count_waiting(work) == 0
        assert inbox.waiting(work, Query()).total == 0
