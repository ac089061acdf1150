"""Joint review: units answer in parallel, all, the majority or a named one decides."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import AppError
from app.services import joint, people, reviewing
from app.services.reviewing import AnswerIncomplete, AnswerRefused, AnswerTwice, NotAsked
from app.services.workflow import TransitionIncomplete, TransitionRefused
from tests.support.flows import Desk, flow_definition
from tests.support.register import ME


def reviewed(decide: str = "all", **more: Any) -> dict[str, Any]:
    """A review of chosen units, after which the record goes on or back."""
    return {
        "states": [
            {"name": "draft"}, {"name": "review", "locked": True},
            {"name": "good", "final": True}, {"name": "bad", "final": True},
        ],
        "transitions": [
            {
                "name": "ask", "from": ["draft"], "to": "review", "role": ["giib_staff"],
                "units": "choose",
                "joint": {"decide": decide, "agreed": "pass", "refused": "fail", "days": 3, **more},
            },
            {"name": "pass", "from": ["review"], "to": "good", "role": ["giib_staff"]},
            {"name": "fail", "from": ["review"], "to": "bad", "role": ["giib_staff"]},
            {"name": "back", "from": ["review"], "to": "draft", "role": ["giib_staff"]},
        ],
    }  # fmt: skip


class Review(Desk):
    """An office in which the units a1, b and the bureau answer."""

    def __init__(self, platform: Any, flow: dict[str, Any]) -> None:
        super().__init__(platform, flow_definition(flow=flow))
        with platform.database.writing() as tx:
            for login, unit in (("clerk-a1", "a1"), ("clerk-b", "b"), ("outsider", "office")):
                people.appoint(tx, self.office.accounts[login], self.office.units[unit], "dept")
        self.record = self.enter().id

    def ask(self, *codes: str) -> None:
        units = [self.office.units[code] for code in codes]
        self.move("staff", self.record, "ask", units=units)

    def rounds(self) -> list[joint.Round]:
        with self.platform.reading(ME) as work:
            return joint.rounds(work, self.slug, self.record)

    def answer(self, login: str, code: str, said: str = "agree", reason: str = "") -> str:
        with self.platform.writing(self.who(login)) as work:
            return reviewing.answer(
                work, self.slug, self.record, self.rounds()[0].id, self.office.units[code],
                said, reason,
            )  # fmt: skip


def test_all_are_heard_before_the_round_ends(platform):
    review = Review(platform, reviewed())
    review.ask("a1", "b")
    assert review.answer("clerk-b", "b", "object", "指标不符") == ""
    assert review.answer("clerk-a1", "a1") == "refused"

    assert list(review.steps("staff", review.record)) == ["pass", "fail", "back"]
    assert review.steps("staff", review.record)["fail"] == []
    with pytest.raises(TransitionRefused, match="once the joint review has agreed"):
        review.move("staff", review.record, "pass")
    assert review.move("staff", review.record, "fail").state == "bad"


def test_a_majority_ends_the_round_as_soon_as_it_is_certain(platform):
    review = Review(platform, reviewed("majority", automatic=True))
    review.ask("a1", "b", "office")
    assert review.answer("clerk-a1", "a1") == ""
    assert review.answer("clerk-b", "b") == "agreed"

    assert review.get(review.record).state == "good", "the next step was made by itself"
    with pytest.raises(AnswerRefused):
        review.answer("outsider", "office", "object", "来晚了")


def test_a_named_unit_decides_alone(platform):
    review = Review(platform, reviewed("b"))
    review.ask("a1", "b")
    assert review.answer("clerk-a1", "a1", "ask", "请补充合同") == ""
    assert review.answer("clerk-b", "b") == "agreed"
    assert review.steps("staff", review.record)["pass"] == []


def test_an_answer_counts_once_and_only_from_who_is_asked(platform):
    review = Review(platform, reviewed())
    review.ask("a1", "b")
    with pytest.raises(AnswerIncomplete):
        review.answer("clerk-a1", "a1", "object")
    with pytest.raises(NotAsked):
        review.answer("clerk-a1", "b")
    review.answer("clerk-a1", "a1", "object", "不符")
    with pytest.raises(AnswerTwice):
        review.answer("clerk-a1", "a1", "agree")
    with pytest.raises(AppError):
        review.answer("clerk-a", "a")


def test_whoever_is_asked_sees_the_record_from_then_on(platform):
    review = Review(platform, reviewed())
    with pytest.raises(AppError):
        review.steps("outsider", review.record)
    review.ask("office")
    assert review.steps("outsider", review.record) == {}


def test_units_are_chosen_from_those_there_are(platform):
    review = Review(platform, reviewed())
    with pytest.raises(TransitionIncomplete, match="at least one unit"):
        review.ask()
    with pytest.raises(TransitionIncomplete, match="no unit 99"):
        review.move("staff", review.record, "ask", units=[99])


def test_the_missing_are_urged_and_a_new_round_begins_afresh(platform):
    review = Review(platform, reviewed())
    review.ask("a1", "b")
    old = review.rounds()[0]
    review.answer("clerk-b", "b")
    with platform.writing(review.who("staff")) as work:
        assert reviewing.urge(work, "demo", review.record) == 1
    assert [(a.urged, bool(a.answer)) for a in review.rounds()[0].answers] == [
        (1, False),
        (0, True),
    ]
    review.move("staff", review.record, "back")
    review.ask("b")
    rounds = review.rounds()
    assert [(r.result, r.closed_at is None) for r in rounds] == [("", True), ("dropped", False)]
    with platform.writing(review.who("clerk-b")) as work, pytest.raises(AnswerRefused):
        reviewing.answer(work, "demo", review.record, old.id, review.office.units["b"], "agree", "")
