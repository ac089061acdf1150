"""The registers that are shipped: they compile, their examples agree, and no rule is unproved."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.definitions.compile import compile_all
from app.definitions.gate import Gate
from app.definitions.library import common_parts, example_problems, judge_example
from app.definitions.permissions import BELOW, OWN_UNIT, SELF
from app.definitions.register import Register
from app.definitions.world import Alone
from app.errors import Problem
from tests.support.covering import found_by

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "schemas" / "registers").glob("*.json"))
FOR_TESTS = sorted((ROOT / "tests" / "data" / "registers").glob("*.json"))
DEMO = ROOT / "schemas" / "demo"
UNITS = DEMO / "people" / "units.csv"
REAL = ROOT / "tests" / "data" / "enterprises_nmpa_2019.csv"
#: the registers with rows of a demonstration; the invented enterprises are among the enterprises
DEMONSTRATED = sorted({path.stem for path in DEMO.glob("*.csv")} - {"invented_enterprises"})
SLUGS = [path.stem for path in (*SHIPPED, *FOR_TESTS)]


@cache
def compiled() -> tuple[Mapping[str, Register], Mapping[str, list[Problem]]]:
    texts = [path.read_text("utf-8") for path in (*SHIPPED, *FOR_TESTS)]
    return compile_all([json.loads(text) for text in texts], Alone(), common_parts())


def register_of(slug: str) -> Register:
    return compiled()[0][slug]


def sentences(problems: list[Problem]) -> list[str]:
    return [f"{problem.at}: {problem.sentence()}" for problem in problems]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def judged(register: Register, row: Mapping[str, Any]) -> list[Problem]:
    return judge_example(Gate(register), row, {}, None)[1]


@pytest.mark.parametrize("slug", SLUGS)
def test_definition_has_no_problems(slug: str) -> None:
    assert sentences(compiled()[1].get(slug, [])) == []


@pytest.mark.parametrize("slug", SLUGS)
def test_examples_agree_with_the_gate(slug: str) -> None:
    assert sentences(example_problems(register_of(slug))) == []


@pytest.mark.parametrize("slug", SLUGS)
def test_every_rule_is_broken_by_an_example(slug: str) -> None:
    register = register_of(slug)

    assert {rule.code for rule in register.rules} - found_by(register) == set()


@pytest.mark.parametrize("slug", SLUGS)
def test_every_computed_field_is_expected_by_an_example(slug: str) -> None:
    register = register_of(slug)
    expected = {name for example in register.examples for name in example.expect}

    assert {f.name for f in register.fields if f.computed} - expected == set()


@pytest.mark.parametrize("slug", [path.stem for path in SHIPPED])
def test_shipped_definition_is_complete(slug: str) -> None:
    register = register_of(slug)
    laid_out = [name for section in register.sections for name in section.fields]

    assert sorted(laid_out) == sorted(register.names)
    assert register.description and register.category and register.key and register.label
    assert register.list and register.search and register.filters and register.sort
    assert sum(example.valid for example in register.examples) >= 3
    assert sum(not example.valid for example in register.examples) >= 5


def test_four_of_the_real_enterprises_are_refused_at_their_code() -> None:
    register = register_of("enterprise")
    names = {field.title: field.name for field in register.fields}
    rows = [{names[title]: cell for title, cell in row.items()} for row in rows_of(REAL)]

    refused = {row["uscc"]: judged(register, row) for row in rows if judged(register, row)}

    assert len(rows) == 210
    assert set(refused) == {
        "320682000293863",
        "440111000777258",
        "510681000018582（1-1）",
        "91610722MA6YN2BOXN",
    }
    assert {problem.at for problems in refused.values() for problem in problems} == {"/uscc"}


@pytest.mark.parametrize("slug", DEMONSTRATED)
def test_demonstration_row_passes_without_a_warning(slug: str) -> None:
    register = register_of(slug)
    rows = rows_of(DEMO / f"{slug}.csv")

    refused = {n: sentences(judged(register, row)) for n, row in enumerate(rows, start=2)}

    assert rows and {n: found for n, found in refused.items() if found} == {}


def test_demonstration_order_names_every_shipped_register() -> None:
    order = json.loads((DEMO / "order.json").read_text("utf-8"))

    assert sorted(order) == [path.stem for path in SHIPPED]


def test_every_file_of_the_demonstration_is_of_a_register_in_the_order() -> None:
    order = json.loads((DEMO / "order.json").read_text("utf-8"))

    assert len(DEMONSTRATED) >= 12
    assert set(DEMONSTRATED) - set(order) == set()


def test_demonstration_order_has_every_required_reference_before_it() -> None:
    order = json.loads((DEMO / "order.json").read_text("utf-8"))
    documents = {path.stem: json.loads(path.read_text("utf-8")) for path in SHIPPED}

    late = {
        (slug, name)
        for slug in order
        for name in documents[slug].get("required", [])
        if (means := documents[slug]["properties"][name].get("reference"))
        and order.index(means) >= order.index(slug)
    }

    assert late == set()


def test_invented_enterprises_are_the_last_of_the_enterprises() -> None:
    invented = rows_of(DEMO / "invented_enterprises.csv")
    enterprises = rows_of(DEMO / "enterprise.csv")[-len(invented) :]

    assert [{name: row[name] for name in invented[0]} for row in enterprises] == invented


@pytest.mark.parametrize("slug", SLUGS)
def test_whoever_enters_a_record_may_fill_in_what_is_required(slug: str) -> None:
    register = register_of(slug)
    state = register.workflow.field if register.workflow else ""
    required = {
        field.name
        for field in register.fields
        if field.required and field.default is None and not field.serial and field.name != state
    }
    creating = [grant for grant in register.permissions if "create" in grant.may]

    stuck = {}
    for role in {role for grant in creating for role in grant.roles}:
        grants = [grant for grant in creating if role in grant.roles]
        if not any(grant.change is None and not grant.by_source for grant in grants):
            open_to = {name for grant in grants for name in grant.change or ()}
            stuck[role] = sorted(required - open_to)

    assert [role for role, missing in stuck.items() if missing] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_a_unit_is_named_by_its_code_or_by_the_record_that_stands_for_it(slug: str) -> None:
    register, stands = register_of(slug), {row["对应台账"] for row in rows_of(UNITS)}
    flow = register.workflow
    of_units = [
        one.by
        for one in (*register.permissions, *(flow.transitions if flow else ()))
        if one.by and one.by != SELF and {OWN_UNIT, BELOW} & set(one.rows)
    ]

    named = {register[by].reference for by in of_units} - {""}

    assert named <= stands
