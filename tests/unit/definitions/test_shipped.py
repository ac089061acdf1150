"""The shipped definitions: whole, proved by their examples, and answering every passage."""

from __future__ import annotations

import pytest

from app.definitions.library import example_problems
from docs.build_coverage import TARGET, answers, build, plan
from tests.support.covering import documents, gaps, shipped

REGISTERS, PROBLEMS = shipped()
#: what the state enters once, and nobody reviews
WITHOUT_WORKFLOW = {"township"}


def test_every_shipped_definition_compiles():
    assert documents()[1] == {}
    assert PROBLEMS == {}
    assert set(REGISTERS) == set(documents()[0])


@pytest.mark.parametrize("slug", sorted(REGISTERS))
def test_its_examples_agree_and_touch_every_rule_and_choice(slug):
    register = REGISTERS[slug]

    assert [(p.at, p.sentence()) for p in example_problems(register)] == []
    assert [*gaps(register)] == []


@pytest.mark.parametrize("slug", sorted(REGISTERS))
def test_it_can_be_used_by_an_office(slug):
    """It stands in the menu, says who may do what, has a workflow and columns for its export."""
    register = REGISTERS[slug]

    assert register.description
    assert register.category
    assert register.permissions
    assert register.workflow is not None or slug in WITHOUT_WORKFLOW
    assert register.document["register"]["export"]
    assert register.basis


def test_every_passage_of_the_plan_is_answered():
    answered, passages = answers(), {one["id"]: one for one in plan()["passages"]}

    assert {p for p, one in passages.items() if p not in answered and "waits" not in one} == set()
    assert set(answered) <= set(passages)


def test_the_table_of_passages_is_up_to_date():
    assert TARGET.read_text("utf-8") == build(), "run: python -m docs.build_coverage"
