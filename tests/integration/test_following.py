"""What a step asks of people: tasks in their inbox, notices, answers from there."""

from __future__ import annotations

from typing import Any

import pytest

from app.services import answering, inbox, notices, reviewing, tasks, workflow
from app.services.moves import Order
from app.services.work import Platform
from app.services.workflow import move_many
from tests.integration.test_joint_review import Review, reviewed
from tests.support.flows import STEPS, Desk, flow_definition


@pytest.fixture
def desk(platform: Platform) -> Desk:
    flow = {
        **STEPS,
        "transitions": [
            {**way, "notify": NOTIFIED.get(way["name"], [])} if way["name"] in NOTIFIED else way
            for way in STEPS["transitions"]
        ],
    }
    return Desk(platform, flow_definition(flow=flow))


NOTIFIED = {"submit": ["next"], "return": ["owner"], "approve": ["owner", "next"]}


def waiting(desk: Desk, login: str) -> list[tuple[str, str]]:
    """Return (kind, state) of what waits for somebody."""
    with desk.platform.reading(desk.who(login)) as work:
        page = inbox.waiting(work, inbox.Query())
        assert tasks.count_waiting(work) == page.total
        return [(one.kind, str(one.facts["state"])) for one in page.tasks]


def told(desk: Desk, login: str) -> list[str]:
    with desk.platform.reading(desk.who(login)) as work:
        return [f"{one.kind} {one.title} {one.text}".strip() for one in notices.listed(work)]


def test_a_record_waits_for_whoever_may_take_it_on(desk: Desk) -> None:
    record = desk.enter(name="甲厂")
    desk.move("clerk-a", record.id, "submit")

    assert waiting(desk, "staff") == [("transition", "已报送")]
    assert waiting(desk, "clerk-a") == waiting(desk, "clerk-b") == []
    assert told(desk, "staff") == ["task 示例台账：甲厂 — 报送"]

    desk.move("staff", record.id, "return", "金额不对")

    assert waiting(desk, "staff") == []
    assert waiting(desk, "clerk-a") == [("transition", "草稿")]
    assert told(desk, "clerk-a") == ["decision 示例台账：甲厂 — 退回修改 金额不对"]


def test_what_is_rolled_back_tells_nobody(desk: Desk) -> None:
    record = desk.enter(name="甲厂")
    with pytest.raises(ZeroDivisionError), desk.platform.writing(desk.who("clerk-a")) as work:
        workflow.move(work, "demo", record.id, None, "submit")
        raise ZeroDivisionError

    assert waiting(desk, "staff") == []
    assert told(desk, "staff") == []


def test_a_step_is_taken_from_the_inbox(desk: Desk) -> None:
    record = desk.enter(name="甲厂")
    desk.move("clerk-a", record.id, "submit")

    with desk.platform.writing(desk.who("staff")) as work:
        [task] = inbox.waiting(work, inbox.Query()).tasks
        offered = {a.value: a.needs_comment for a in answering.answers_of(work, task)}
        answering.answer(work, task.id, "reject", "不符合条件")

    # to approve, a field must be filled in: that is done on the record's page
    assert offered == {"return": True, "reject": True}
    assert desk.get(record.id).state == "rejected"
    assert waiting(desk, "staff") == []


def test_many_records_are_told_of_by_their_number(desk: Desk) -> None:
    ids = [desk.enter(name=f"甲厂{n}").id for n in range(25)]
    with desk.platform.writing(desk.who("clerk-a")) as work:
        moved, refused = move_many(work, "demo", ids, "submit", Order())

    assert (moved, refused) == (25, [])
    assert len(told(desk, "staff")) == 1
    assert len(waiting(desk, "staff")) == 25


@pytest.fixture
def review(platform: Platform) -> Review:
    return Review(platform, reviewed())


def test_every_unit_of_a_joint_review_finds_it_in_its_inbox(review: Review) -> None:
    review.ask("a1", "b")

    assert waiting(review, "clerk-a1") == waiting(review, "clerk-b") == [("joint_answer", "review")]
    assert waiting(review, "staff") == []

    review.answer("clerk-a1", "a1")
    with review.platform.writing(review.who("clerk-b")) as work:
        [task] = inbox.waiting(work, inbox.Query()).tasks
        answering.answer(work, task.id, "agree")

    assert waiting(review, "clerk-a1") == waiting(review, "clerk-b") == []
    assert waiting(review, "staff") == [("transition", "review")]


def test_a_unit_that_is_urged_is_told(review: Review) -> None:
    review.ask("a1", "b")
    review.answer("clerk-a1", "a1")
    with review.platform.writing(review.who("staff")) as work:
        assert reviewing.urge(work, review.slug, review.record) == 1

    said: list[Any] = told(review, "clerk-b")
    assert any("waits for your answer" in one for one in said)
    assert not any("waits for your answer" in one for one in told(review, "clerk-a1"))
