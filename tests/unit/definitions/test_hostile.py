"""Whatever a definition is, checking it gives sentences and never an exception."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.definitions.compile import check_definition, check_together
from app.definitions.world import Alone
from tests.unit.definitions.conftest import COMMON, PUBLISHED, firm

WORDS = st.sampled_from(
    "name year town firm revenue growth visits $ref $id type string number array object title "
    "computed lookup rollup sum count via where enum oneOf const pattern items properties required "
    "#/$defs/money common.json#/$defs/mobile town.people firm.revenue $name old.stage growth+1.0 "
    "(((( [a-z __ -revenue {name} / if then 0".split()
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**20)
    | st.floats(allow_nan=True)
    | st.text(max_size=8)
    | WORDS
    | st.just(Decimal("0.1"))
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


def _paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = node.items() if isinstance(node, dict) else enumerate(node)
    found = []
    for key, part in parts:
        found.append((*path, key))
        if isinstance(part, dict | list):
            found += _paths(part, (*path, key))
    return found


PATHS = _paths(firm())


def _change(document: Any, path: tuple[Any, ...], action: str, value: Any) -> None:
    for step in path[:-1]:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return
    try:
        if action == "delete":
            del document[path[-1]]
        elif action == "rename" and isinstance(document, dict):
            document[str(value)] = document.pop(path[-1])
        else:
            document[path[-1]] = value
    except (KeyError, IndexError, TypeError):
        return


CHANGES = st.lists(
    st.tuples(st.sampled_from(PATHS), st.sampled_from(["delete", "rename", "replace"]), JSON),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHANGES)
def test_a_damaged_definition_gives_problems_or_a_register_and_never_an_exception(changes):
    document = firm()
    for path, action, value in changes:
        _change(document, path, action, value)

    checked = check_together([document], PUBLISHED, COMMON)[0]

    assert bool(checked.problems) != (checked.register is not None)
    for problem in checked.problems:
        assert problem.code.startswith("definition.")
        assert problem.at == "" or problem.at.startswith("/")
        assert problem.sentence()


@pytest.mark.parametrize(
    "document", [None, [], "x", 1, True, float("nan"), {}, {1: 2}, {"properties": []}, object()]
)
def test_what_is_not_a_definition_is_refused_in_a_sentence(document):
    assert check_definition(document, Alone(), COMMON)


def _nested(levels: int, key: str = "not") -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels):
        inner = {key: inner}
    return inner


@pytest.mark.parametrize("levels", [100, 100_000])
def test_deep_nesting_is_refused_without_a_recursion_error(levels):
    document = firm(lambda d: d.update(_nested(levels)))

    (problem,) = check_definition(document, PUBLISHED, COMMON)

    assert problem.code == "definition.not_json"
    assert "40 levels" in problem.sentence()


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (10**5000, "18 digits"),
        (-(10**18), "18 digits"),
        (Decimal("NaN"), "NaN"),
        ({1, 2}, "set"),
        ("a\x00", "characters"),
        ("\ud800", "characters"),
    ],
    ids=range(8),
)
def test_what_json_cannot_hold_is_refused_at_its_place(value, word):
    document = firm(lambda d: d["properties"]["year"].update(minimum=value))

    (problem,) = check_definition(document, PUBLISHED, COMMON)

    assert problem.at == "/properties/year/minimum"
    assert word in problem.sentence()


def test_a_name_with_a_character_that_cannot_be_stored_is_refused():
    document = firm(lambda d: d["properties"].update({"a\x00": {"type": "string"}}))

    assert check_definition(document, PUBLISHED, COMMON)


def test_a_long_chain_of_inferred_fields_is_followed_without_recursion():
    chain = {f"f{number}": {"computed": f"f{number + 1}"} for number in range(190)}
    document = {
        **{key: firm()[key] for key in ("$schema", "$id", "title", "type")},
        "properties": {**chain, "f190": {"type": "integer"}},
    }

    assert check_definition(document, Alone(), COMMON) == []


def test_the_same_name_written_twice_in_the_file_is_found_in_its_source():
    written = json.dumps(firm(), ensure_ascii=False)
    source = written.replace('"$id": "firm"', '"$id": "x", "$id": "firm"')

    found = check_definition(json.loads(source), PUBLISHED, COMMON, source.encode())

    assert [(problem.at, problem.code) for problem in found] == [("", "definition.name_twice")]
