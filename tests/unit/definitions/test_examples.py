"""An example that disagrees with the judge is a problem at that example."""

from __future__ import annotations

from typing import Any

import pytest

from app.definitions.examples import disagreements
from app.definitions.gate import Gate
from app.definitions.library import compile_with_examples, judge_example
from app.errors import Problem
from tests.unit.definitions.conftest import PUBLISHED

YEAR = Problem("/year", "x", "The year is missing.")
REVENUE = Problem("/revenue", "x", "Too little.")
UNUSUAL = Problem("/revenue", "x", "Unusual.", severity="warning")


def judged_as(*problems: Problem, **values: Any):
    """Return a judge that finds ``problems`` in every record that has no year."""

    def judge(raw: Any, given: Any, old: Any) -> tuple[dict[str, Any], list[Problem]]:
        return values, [] if "year" in raw else [*problems]

    return judge


def test_examples_that_agree_give_no_problem(compiled):
    assert disagreements(compiled(), judged_as(YEAR)) == []


def test_a_warning_refuses_nothing_and_may_be_named(compiled):
    assert disagreements(compiled(), judged_as(YEAR, UNUSUAL)) == []


@pytest.mark.parametrize(
    ("problems", "at", "words"),
    [
        ([], "/register/examples/1/valid", "must be refused, but passes"),
        ([REVENUE], "/register/examples/1/at/0", "refused at: /revenue"),
        ([YEAR, REVENUE], "/register/examples/1/at", "refused at /revenue as well"),
    ],
)
def test_an_example_refused_otherwise_is_named(compiled, problems, at, words):
    found = {one.at: one.sentence() for one in disagreements(compiled(), judged_as(*problems))}

    assert words in found[at]


def test_an_example_that_should_pass_says_why_it_did_not(compiled):
    def change(document: dict[str, Any]) -> None:
        document["register"]["examples"] = [{"record": {}, "valid": True}]

    (problem,) = disagreements(compiled(change), judged_as(YEAR))

    assert problem.at == "/register/examples/0/record"
    assert problem.sentence().endswith("refused at /year: The year is missing.")


def test_a_computed_value_is_compared_as_a_value_of_its_kind(compiled):
    def change(document: dict[str, Any]) -> None:
        expect = {"growth": "12.5", "tier": "A"}
        example = {"record": {"year": 2024}, "valid": True, "expect": expect}
        document["register"]["examples"] = [example]

    register = compiled(change)
    growth = register["growth"].kind.reader().deserialize("12.50")

    assert disagreements(register, judged_as(growth=growth, tier="A")) == []
    (problem,) = disagreements(register, judged_as(growth=growth, tier="B"))
    assert problem.at == "/register/examples/0/expect/tier"
    assert problem.sentence() == "tier must be A, but is B."


def test_any_text_stands_in_for_a_reference_in_child_rows_too():
    rows = {
        "title": "任务",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "town": {"title": "乡镇", "reference": "town"},
                "work": {"title": "工作", "type": "string"},
            },
            "required": ["town"],
        },
    }
    record = {"name": "一", "tasks": [{"town": "东街", "work": "12"}, {"town": "7"}, {"town": 8}]}
    wrong = {"name": "一", "tasks": [{"town": "东街"}, {"work": "东街"}]}
    register = compile_with_examples(
        {
            "$schema": "urn:taizhang:register:1",
            "$id": "plan",
            "title": "计划",
            "type": "object",
            "properties": {"name": {"title": "名称", "type": "string"}, "tasks": rows},
            "register": {
                "examples": [
                    {"record": record, "valid": True},
                    {"record": {"name": "二"}, "old": record, "valid": True},
                    {"record": wrong, "valid": False, "at": ["/tasks/1/town"]},
                ]
            },
        },
        PUBLISHED,
    )

    values, problems = judge_example(Gate(register), record, {}, None)

    assert problems == []
    towns = [row["town"] for row in values["tasks"]]
    assert all(type(town) is int for town in towns)
    assert (towns[1:], values["tasks"][0]["work"]) == ([7, 8], "12")
    for odd in ("东街", ["东街"], [None], {"town": "东街"}):
        _, problems = judge_example(Gate(register), {"name": "一", "tasks": odd}, {}, None)
        assert [p.at for p in problems] == ["/tasks"], odd
