"""The worked examples of the manual: whole, beside what is shipped, and never published unasked."""

from __future__ import annotations

import json

import pytest

from app.definitions.compile import compile_all
from app.definitions.library import common_parts, example_problems
from app.definitions.world import Alone
from app.services.seeding import definition_paths
from tests.support.covering import FOLDER, documents, gaps

SAMPLES = FOLDER.parent / "samples"
DOCUMENTS, BROKEN = documents(SAMPLES)
REGISTERS, PROBLEMS = compile_all(
    [*documents()[0].values(), *DOCUMENTS.values()], Alone(), common_parts()
)
MANUAL = (FOLDER.parents[1] / "docs" / "manual" / "afternoon.md").read_text("utf-8")


def test_every_sample_compiles_beside_the_shipped_registers():
    assert BROKEN == {}
    assert PROBLEMS == {}
    assert set(DOCUMENTS) == {"allowance", "car_trip", "car_year", "official_car", "petition"}


def test_no_sample_is_published_unasked():
    assert not set(DOCUMENTS) & {path.stem for path in definition_paths()}


@pytest.mark.parametrize("slug", sorted(DOCUMENTS))
def test_its_examples_agree_and_touch_every_rule_and_choice(slug):
    register = REGISTERS[slug]

    assert [(p.at, p.sentence()) for p in example_problems(register)] == []
    assert [*gaps(register)] == []


@pytest.mark.parametrize("slug", sorted(DOCUMENTS))
def test_it_can_be_used_by_an_office(slug):
    register = REGISTERS[slug]

    assert register.description
    assert register.category
    assert register.permissions
    assert register.sections
    assert register.filters


def test_the_manual_and_the_notes_name_every_sample():
    notes = (SAMPLES / "README.md").read_text("utf-8")

    for slug in DOCUMENTS:
        assert f"{slug}.json" in notes
        assert f"{slug}.json" in MANUAL


def test_what_the_manual_shows_of_a_sample_stands_in_it():
    """Every block that begins with the name of a keyword is quoted from allowance.json."""
    sample = json.dumps(DOCUMENTS["allowance"], ensure_ascii=False, sort_keys=True)
    blocks = [block.split("```")[0] for block in MANUAL.split("```json\n")[1:]]
    shown = [json.loads("{" + block.strip().rstrip(",") + "}") for block in blocks]

    assert shown
    for one in shown:
        for name, value in one.items():
            quoted = json.dumps({name: value}, ensure_ascii=False, sort_keys=True)[1:-1]
            assert quoted in sample, name
