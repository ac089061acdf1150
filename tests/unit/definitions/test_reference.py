"""The language, its reference and the kinds of field say the same."""

from __future__ import annotations

from typing import Any

import pytest

from app.definitions.compile import check_definition, compile_all
from app.definitions.property import EVERY_KIND
from app.definitions.shape import FORBIDDEN, meta_schema
from app.definitions.workflow import templates
from app.definitions.world import Alone
from app.kinds import KINDS
from docs.build_reference import TARGET, build
from tests.unit.definitions.conftest import COMMON, FIRM, PUBLISHED, TOWN, firm
from tests.unit.definitions.test_compile import DEFINITIONS
from tests.unit.definitions.test_permissions import WHOLE
from tests.unit.definitions.test_problems import CASES
from tests.unit.definitions.test_returns import WHOLE_PERIODS

FIELD = meta_schema()["$defs"]["field"]["properties"]


def keywords(part: Any) -> dict[str, Any]:
    """Return every keyword the meta-schema describes, by its pointer."""
    found: dict[str, Any] = {}

    def walk(schema: Any, path: str) -> None:
        for name, inner in schema.get("properties", {}).items():
            found[f"{path}/{name}"] = inner
            walk(inner, f"{path}/{name}")
        for name in ("items", "additionalProperties"):
            if isinstance(schema.get(name), dict):
                walk(schema[name], f"{path}/{name}")

    walk(part, "")
    for name, inner in part["$defs"].items():
        walk(inner, f"/$defs/{name}")
    return found


def test_the_reference_is_up_to_date():
    assert TARGET.read_text("utf-8") == build(), "run: python -m docs.build_reference"


@pytest.mark.parametrize("pointer", keywords(meta_schema()))
def test_keyword_has_a_title_and_stands_in_the_reference(pointer):
    part = keywords(meta_schema())[pointer]

    assert part.get("title"), pointer
    assert f"| `{pointer.rpartition('/')[2]}` |" in TARGET.read_text("utf-8")


def names_in(node: Any) -> set[str]:
    if isinstance(node, dict):
        return {*node, *(name for part in node.values() for name in names_in(part))}
    return {name for part in node for name in names_in(part)} if isinstance(node, list) else set()


def test_every_keyword_is_used_by_a_definition_or_a_test():
    used = names_in([FIRM, TOWN, *DEFINITIONS, COMMON, [dict(kind.example) for kind in KINDS]])
    used |= names_in([firm(change) for change, *_ in CASES.values()])
    used |= names_in([*USED_ALONE.values(), *CONDITIONS.values(), *ROLLUPS, KEPT, WHOLE_PERIODS])
    used |= names_in([EVERYTHING_OF_A_STEP, templates(), DEFINITIONS])
    used |= names_in([WHOLE, {"in": ["draft"], "see": ["name"], "totals": ["amount"]}])

    described = {pointer.rpartition("/")[2] for pointer in keywords(meta_schema())}

    assert described - used == set()


#: keywords that no definition above needs, each with a register of its own
USED_ALONE: dict[str, dict[str, Any]] = {
    "/deprecated": {"type": "string", "deprecated": True},
    "/placeholder": {"type": "string", "placeholder": "如 2024"},
    "/serial": {"type": "string", "serial": "WL-{year}-{0000}"},
    "/begin": {"type": "integer", "format": "year", "begin": "year(today())"},
    "/source": {"type": "number", "source": "税务局"},
    "/editable": {"type": "string", "editable": "a == ''"},
    "/index": {"type": "string", "index": True},
    "/$comment": {"type": "string", "$comment": "x"},
    "/uniqueItems": {"type": "array", "uniqueItems": True, "items": {"enum": ["a"]}},
    "/minItems": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"enum": ["a", "b"]}},
    "/maxSize": {"type": "string", "format": "attachment", "maxSize": 5},
    "/minLength": {"type": "string", "minLength": 2},
    "/exclusiveMinimum": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "/multipleOf": {"type": "integer", "multipleOf": 5},
}


@pytest.mark.parametrize("keyword", USED_ALONE)
def test_keyword_is_accepted(keyword):
    document = {**TOWN, "properties": {"a": USED_ALONE[keyword]}}

    assert check_definition(document, Alone(), COMMON) == []


CONDITIONS: dict[str, Any] = {
    "else": {"if": {"required": ["year"]}, "then": {}, "else": {"required": ["phone"]}},
    "anyOf": {"anyOf": [{"required": ["phone"]}, {"properties": {"year": {"minimum": 2000}}}]},
    "not": {"not": {"properties": {"name": {"const": "甲"}}, "required": ["name"]}},
    "values": {
        "allOf": [
            {
                "$comment": "x",
                "properties": {
                    "year": {"maximum": 1, "exclusiveMinimum": 0, "exclusiveMaximum": 2},
                    "name": {
                        "minLength": 1,
                        "maxLength": 2,
                        "pattern": "^a",
                        "not": {"enum": ["b"]},
                    },
                    "visits": {"minItems": 1, "maxItems": 3, "contains": {"minItems": 0}},
                    "stage": {"enum": ["grow", "done"]},
                },
                "dependentRequired": {"name": ["year"]},
                "allOf": [{"if": {"required": ["name"]}, "then": {"required": ["year"]}}],
                "anyOf": [{"required": ["name"]}],
            }
        ]
    },
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_condition_is_accepted(name):
    document = firm(lambda d: d.update(CONDITIONS[name]))

    assert check_definition(document, PUBLISHED, COMMON) == []


ROLLUPS: list[dict[str, Any]] = [
    {"sum": "firm.revenue", "via": "town"},
    {"avg": "firm.revenue", "via": "town", "where": {"year": {"==": "$since", "plus": -1}}},
    {"min": "firm.year", "via": "town", "where": {"year": {"!=": 2020, "<": 2030, ">": 2000}}},
    {"max": "firm.year", "via": "town", "where": {"revenue": {"<=": 5, ">=": 1}}},
    {"latest": "firm.stage", "via": "town", "by": "year", "where": {"stage": {"in": ["grow"]}}},
    {"count": "firm", "via": "town"},
]


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: next(iter(rollup)))
def test_rollup_of_another_register_is_accepted(rollup):
    year = {"type": "integer", "format": "year"}
    fields = {**TOWN["properties"], "since": year, "a": {"rollup": rollup}}
    registers, problems = compile_all([firm(), {**TOWN, "properties": fields}], Alone(), COMMON)

    assert problems == {}
    assert registers["town"]["a"].rollup.via == "town"


#: keywords of a workflow that no template needs
EVERYTHING_OF_A_STEP: dict[str, Any] = {
    "rows": "own-unit", "by": "town", "was": "a", "refused": "b", "days": 1, "guard": [],
    "open": {"register": "visit", "via": "firm", "set": {"name": "x"}}, "check": "", "message": "",
    "$ref": "workflows/simple.json", "without": ["paid"], "moves": {"a": "b"}, "initial": "draft",
    "require": ["a"], "field": "stage", "template": "simple", "states": [], "transitions": [],
}  # fmt: skip

KEPT: dict[str, Any] = {
    "order": 3,
    "period": "month",
    "permissions": {"fill": ["township"], "read": ["leader"]},
    "scope": "own-organisation-and-below",
    "workflow": {"template": "report-review", "states": [], "transitions": []},
}


def test_the_kept_parts_of_the_register_block_are_accepted():
    assert check_definition(firm(lambda d: d["register"].update(KEPT)), PUBLISHED, COMMON) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_example_of_every_kind_is_a_field(kind):
    example = dict(kind.example)
    if "reference" in example:
        example["reference"] = "town"
    document = {**TOWN, "properties": {"a": example}}

    assert check_definition(document, Alone(), COMMON) == []


def test_every_keyword_of_a_kind_is_in_the_meta_schema_and_the_other_way_round():
    of_kinds = {keyword for kind in KINDS for keyword in kind.keywords}

    assert of_kinds <= set(FIELD)
    assert set(FIELD) - of_kinds - EVERY_KIND == {
        "unit",
        "private",
        "serial",
        "properties",
        "required",
    }


def test_every_format_of_a_kind_is_in_the_meta_schema_and_the_other_way_round():
    formats = {kind.example["format"] for kind in KINDS if "format" in kind.example}
    inner = [kind.example["items"] for kind in KINDS if "items" in kind.example]
    formats |= {items["format"] for items in inner if "format" in items}

    assert formats == set(FIELD["format"]["enum"])


@pytest.mark.parametrize("keyword", FORBIDDEN)
def test_keyword_outside_the_language_is_refused_with_the_reason(keyword):
    document = firm(lambda d: d["properties"]["name"].update({keyword: {}}))

    problems = check_definition(document, PUBLISHED, COMMON)

    (problem,) = [one for one in problems if one.at == f"/properties/name/{keyword}"]
    assert problem.sentence() in (
        FORBIDDEN[keyword],
        "{} is of the wrong type; string is expected.",
    )
