"""What a correct definition is compiled to."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest

from app.definitions import patterns
from app.definitions.compile import check_definition, compile_all, compile_register
from app.definitions.register import Condition, Lookup, Rollup
from app.definitions.stages import make_stages
from app.definitions.world import Alone
from app.errors import DefinitionRefused
from tests.unit.definitions.conftest import COMMON, FIRM, PUBLISHED, SCHEMAS, TOWN, firm

BARE = {key: FIRM[key] for key in ("$schema", "$id", "title", "type")}


def bare(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**BARE, "properties": properties, **more}


def test_fields_come_in_order_with_their_kinds(compiled):
    kinds = {field.name: field.kind.name for field in compiled().fields}

    assert [*kinds] == [*FIRM["properties"]]
    assert kinds["growth"] == "number"
    assert kinds["tier"] == "choice"
    assert kinds["people"] == "integer"
    assert kinds["firms"] == "integer"
    assert kinds["visits"] == "rows"


def test_shared_parts_are_filled_in_and_the_fields_own_words_win(compiled):
    register = compiled()

    assert register["revenue"].title == "收入"
    assert register["revenue"].unit == "万元"
    assert register["code"].kind.name == "credit-code"
    assert register["code"].unique
    assert register["phone"].private == "phone"
    assert register["revenue"].factors == {"收入（元）": "0.0001"}


def test_the_schema_of_a_record_has_no_word_of_ours(compiled):
    schema = compiled().schema

    words = set(json.dumps(schema, default=str).replace('"', " ").split())
    ours = {"unit", "scale", "computed", "lookup", "rollup", "title", "$ref", "register", "private"}
    assert not words & {f"{word}:" for word in ours} | (words & ours)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "year"]
    assert schema["properties"]["town"] == {"type": "integer"}
    assert schema["properties"]["visits"]["items"]["required"] == ["on"]
    assert schema["properties"]["visits"]["items"]["additionalProperties"] is False
    assert schema["then"] == {"required": ["phone"]}
    jsonschema_rs.Draft202012Validator(schema)


def test_bounds_are_judged_as_decimals():
    register = compile_register(
        bare({"a": {"type": "number", "multipleOf": 0.01, "minimum": 0.1}}), Alone(), COMMON
    )
    judge = patterns.judge(register.schema)

    assert register["a"].schema["minimum"] == Decimal("0.1")
    assert all(judge.is_valid({"a": Decimal(cents) / 100}) for cents in range(10, 2000))
    assert not judge.is_valid({"a": Decimal("0.099")})
    assert not judge.is_valid({"a": Decimal("0.105")})


def test_look_ups_and_roll_ups_say_where_they_read(compiled):
    register = compiled()

    assert register["people"].lookup == Lookup("town", "town", "people")
    same = (Condition("name", "==", None, "name"),)
    assert register["firms"].rollup == Rollup("count", "firm", "", same)
    assert register.neighbours == {"town", "firm"}


def test_conditions_of_a_roll_up_take_every_form(compiled):
    where = {
        "name": "$name",
        "stage": {"in": ["grow", "入库"]},
        "year": {">=": 2020, "<": "$year", "plus": -1},
        "revenue": 5,
    }
    rollup = {"latest": "firm.revenue", "by": "year", "where": where}

    register = compiled(lambda d: d["properties"].update(extra={"rollup": rollup}))

    assert register["extra"].kind == register["revenue"].kind
    assert register["extra"].rollup.by == "year"
    assert register["extra"].rollup.where == (
        Condition("name", "==", None, "name"),
        Condition("stage", "in", ("grow", "done")),
        Condition("year", "<", None, "year", -1),
        Condition("year", ">=", 2020, "", 0),
        Condition("revenue", "==", Decimal("5.00")),
    )


@pytest.mark.parametrize(
    ("rollup", "kind"),
    [
        ({"sum": "firm.revenue"}, "number"),
        ({"sum": "firm.year"}, "integer"),
        ({"avg": "firm.year"}, "number"),
        ({"max": "firm.year"}, "year"),
        ({"latest": "firm.stage", "by": "year"}, "choice"),
        ({"min": "firm.name"}, "text"),
        ({"count": "firm"}, "integer"),
    ],
)
def test_kind_of_a_roll_up_follows_from_what_it_gathers(compiled, rollup, kind):
    extra = {"rollup": {**rollup, "where": {"name": "$name"}}}

    register = compiled(lambda d: d["properties"].update(extra=extra))

    assert register["extra"].kind.name == kind


@pytest.mark.parametrize(
    ("formula", "kind"),
    [
        ("1.5 * 2.0", "number"),
        ("1 + 2", "integer"),
        ("'a' + 'b'", "text"),
        ("1 < 2", "yes/no"),
        ("date('2024-01-01')", "date"),
        ("year", "integer"),
    ],
)
def test_kind_of_a_computed_field_follows_from_its_formula(compiled, formula, kind):
    register = compiled(lambda d: d["properties"].update(extra={"computed": formula}))

    assert register["extra"].kind.name == kind


def test_derived_fields_are_computed_after_what_they_read():
    register = compile_register(
        bare(
            {
                "c": {"computed": "b + 1"},
                "b": {"computed": "a + 1"},
                "a": {"type": "integer"},
                "d": {"computed": "old.d + c", "type": "integer"},
            }
        ),
        Alone(),
        COMMON,
    )

    assert register.computing == ("b", "c", "d")


def test_formulas_read_columns_stored_values_and_reserved_words():
    register = compile_register(
        bare(
            {
                "import": {"type": "integer"},
                "rows": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
                },
                "parent": {"reference": "firm"},
                "a": {"computed": "this.import + sum(rows.n)"},
                "moved": {"computed": "parent != old.parent"},
            }
        ),
        Alone(),
        COMMON,
    )

    assert register["a"].computed({"import": 1, "rows": ({"n": 2}, {"n": 3})}) == 6
    assert register["moved"].computed({"parent": 1, "old.parent": 2, "old": {"parent": 2}})


def test_default_is_a_value_of_the_kind(compiled):
    register = compile_register(
        bare(
            {
                "n": {"type": "number", "scale": 1, "default": 0},
                "d": {"type": "string", "format": "date", "default": "2024年6月30日"},
                "s": {"type": "array", "items": {"enum": ["a", "b"]}, "default": ["b"]},
            }
        ),
        Alone(),
        COMMON,
    )

    assert register["n"].default == Decimal("0.0")
    assert register["d"].default.isoformat() == "2024-06-30"
    assert register["s"].default == ("b",)


def test_what_is_not_laid_out_is_laid_out_sensibly():
    properties = {
        "name": {"type": "string"},
        "year": {"type": "integer", "format": "year"},
        "stage": {"enum": ["a"]},
        "note": {"type": "string", "format": "multiline"},
        "files": {"type": "array", "items": {"type": "string", "format": "attachment"}},
        **{f"n{number}": {"type": "number"} for number in range(6)},
    }

    register = compile_register(bare(properties), Alone(), COMMON)

    assert register.list == ("name", "year", "stage", "note", "files", "n0")
    assert register.search == ("name",)
    assert register.filters == ("year", "stage")
    assert register.sort == ()
    assert register.label == "{name}"
    assert [section.fields for section in register.sections] == [tuple(properties)]
    assert register.export == tuple(properties)


def test_a_key_gives_label_search_and_order():
    properties = {"year": {"type": "integer", "format": "year"}, "name": {"type": "string"}}

    register = compile_register(
        bare(properties, register={"key": ["name", "year"]}), Alone(), COMMON
    )

    assert register.label == "{name} {year}"
    assert register.search == ("name",)
    assert register.sort == ("-year",)


def test_fields_in_no_section_stand_in_a_last_one(compiled):
    first, last = compiled().sections

    assert (first.title, first.fields) == ("基本", ("name", "year"))
    assert (last.title, last.fields[0]) == ("", "code")


def test_rules_have_stable_codes(compiled):
    rules = compiled().rules

    assert [rule.code for rule in rules] == ["rule.rising", "rule.2"]
    assert [rule.severity for rule in rules] == ["error", "warning"]
    assert rules[1].when is not None
    assert rules[0].check({"revenue": Decimal(2), "last": Decimal(1)}) is True


def test_refused_definition_carries_all_its_problems():
    document = firm(lambda d: (d.update(title=""), d["register"]["list"].append("nobody")))

    with pytest.raises(DefinitionRefused) as refused:
        compile_register(document, PUBLISHED, COMMON)

    assert [problem.at for problem in refused.value.problems] == ["/title", "/register/list/3"]
    assert "2 mistakes" in refused.value.sentence()


# --- definitions that refer to each other ------------------------------------------------------


def test_definitions_are_compiled_together_in_any_order():
    town = {**TOWN, "properties": {**TOWN["properties"], "rich": {"lookup": "firm.revenue"}}}

    for documents in ([firm(), town], [town, firm()]):
        registers, problems = compile_all(documents, Alone(), COMMON)

        assert problems == {}
        assert registers["town"]["rich"].kind == registers["firm"]["revenue"].kind
        assert registers["firm"]["people"].kind.name == "integer"


def test_stages_gather_after_what_they_compare_with():
    """Look-ups come before what is computed from them, and that before what is gathered by it."""
    document = bare(
        {
            "day": {"type": "string", "format": "date"},
            "town": {"reference": "town"},
            "above": {"rollup": {"count": "town", "where": {"people": {">": "$half"}}}},
            "half": {"computed": "same / 2"},
            "same": {"rollup": {"count": "town", "where": {"people": "$people", "since": "$day"}}},
            "people": {"lookup": "town.people"},
            "shown": {"computed": "above + 1"},
        }
    )

    plain, second, third = make_stages(compile_register(document, PUBLISHED, COMMON))

    assert [f.name for f in (*plain.computed, *plain.gathered)] == ["people"]
    assert [f.name for f in (*second.computed, *second.gathered)] == ["same"]
    assert [f.name for f in third.computed] == ["half"]
    assert [f.name for f in third.gathered] == ["above"]
    assert make_stages(compile_register(bare({"a": {"type": "string"}}), PUBLISHED, COMMON)) == ()


@pytest.mark.parametrize(
    ("name", "expression"),
    [("year", "year(day)"), ("month", "month (day)"), ("double", "double( year ( day ) )")],
)
@pytest.mark.parametrize("said", [{}, {"type": "integer"}])
def test_a_field_may_be_named_like_the_function_it_is_computed_with(name, expression, said):
    day = {"type": "string", "format": "date"}
    said = {} if name != "year" else said
    rest = {"next": {"computed": f"present({name}) && {name}(day) == {name}"}}
    rest = rest if name != "double" else {}
    document = bare({name: {**said, "computed": expression}, "day": day, **rest})

    register = compile_register(document, PUBLISHED, COMMON)

    assert register[name].computed.reads == {"day"}
    if rest:
        assert register["next"].computed.reads == {"day", name}


def test_a_circle_across_registers_is_named():
    one = bare({"b": {"reference": "two"}, "x": {"lookup": "b.y"}}, **{"$id": "one"})
    two = bare({"a": {"reference": "one"}, "y": {"lookup": "a.x"}}, **{"$id": "two"})

    registers, problems = compile_all([one, two], Alone(), COMMON)

    assert registers == {}
    assert {slug: [(p.at, p.code) for p in found] for slug, found in problems.items()} == {
        "one": [("/properties/x", "definition.circular")],
        "two": [("/properties/y", "definition.circular")],
    }
    assert "x → two.y → x" in problems["one"][0].sentence()


def test_what_reads_a_neighbours_field_that_is_not_well_is_a_finding_not_a_fault():
    """One definition that is not well does not stop the check of the others."""
    one = bare(
        {
            "all": {"rollup": {"sum": "two.broken", "via": "one"}},
            "share": {"type": "number", "computed": "all / 2.0"},
            "town": {"reference": "two"},
            "seen": {"type": "number", "lookup": "town.broken"},
            "few": {"rollup": {"count": "two", "via": "one", "where": {"broken": 1}}},
        },
        **{"$id": "one"},
    )
    two = bare(
        {"one": {"reference": "one"}, "broken": {"computed": "nothing + 1.0"}}, **{"$id": "two"}
    )
    three = bare({"name": {"type": "string"}}, **{"$id": "three"})

    registers, problems = compile_all([one, two, three], Alone(), COMMON)

    assert [*registers] == ["three"]
    assert {p.at: p.code for p in problems["one"]} == {
        "/properties/all/rollup/sum": "definition.not_well",
        "/properties/seen/lookup": "definition.not_well",
        "/properties/few/rollup/where/broken": "definition.not_well",
    }
    assert "two.broken" in problems["one"][0].sentence()
    assert [p.code for p in problems["two"]] == ["definition.expression"]


def test_conditions_hold_whatever_the_order_in_which_kinds_are_found():
    """A where may read a field whose kind follows from others, here or there, declared later."""
    one = bare(
        {
            "few": {
                "rollup": {"count": "two", "where": {"age": "$mine", "via": "$far", "ok": True}}
            },
            "mine": {"computed": "base * 2"},
            "base": {"type": "integer"},
            "far": {"lookup": "near.far"},
            "near": {"reference": "two"},
            "farther": {"lookup": "far.age"},
        },
        **{"$id": "one"},
    )
    two = bare(
        {
            "age": {"computed": "base + 1"},
            "ok": {"computed": "base > 1"},
            "base": {"type": "integer"},
            "via": {"lookup": "far.far"},
            "far": {"reference": "two"},
        },
        **{"$id": "two"},
    )

    for documents in ([one, two], [two, one]):
        registers, problems = compile_all(documents, Alone(), COMMON)

        assert problems == {}
        assert [c.field for c in registers["one"]["few"].rollup.where] == ["age", "via", "ok"]
        assert registers["one"]["farther"].kind.name == "integer"


def test_a_circle_through_a_published_register_is_named():
    one = bare({"b": {"reference": "two"}, "x": {"type": "integer"}}, **{"$id": "one"})
    two = bare({"a": {"reference": "one"}, "y": {"lookup": "a.x"}}, **{"$id": "two"})
    registers, _ = compile_all([one, two], Alone(), COMMON)
    published = type(PUBLISHED)(*registers.values())
    one["properties"]["x"] = {"type": "integer", "lookup": "b.y"}

    (problem,) = check_definition(one, published, COMMON)

    assert problem.code == "definition.circular"
    assert "x → two.y → x" in problem.sentence()


def test_one_slug_for_two_definitions_is_refused():
    _, problems = compile_all([TOWN, firm(), {**TOWN, "title": "x"}], Alone(), COMMON)

    assert [problem.code for problem in problems["town"]] == ["definition.duplicate_register"]


def test_a_definition_without_a_slug_stands_under_its_place():
    _, problems = compile_all([firm(), {"title": 1}], PUBLISHED, COMMON)

    assert [*problems] == ["#2"]


# --- ordinary tools --------------------------------------------------------------------------


def test_an_ordinary_validator_accepts_the_meta_schema_and_every_definition():
    meta = json.loads((SCHEMAS / "meta" / "register.json").read_text("utf-8"))
    draft = jsonschema_rs.Draft202012Validator(
        {"$ref": "https://json-schema.org/draft/2020-12/schema"}
    )
    ordinary = jsonschema_rs.Draft202012Validator(meta)

    draft.validate(meta)
    for document in [firm(), TOWN, *DEFINITIONS]:
        ordinary.validate(document)
        draft.validate(document)


DEFINITIONS = [
    json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.glob("registers/*.json"))
]


def test_the_definitions_of_this_project_compile():
    registers, problems = compile_all(DEFINITIONS, Alone(), COMMON)

    assert problems == {}
    assert len(registers) == len(DEFINITIONS)


def test_every_shared_part_is_a_field_that_compiles():
    parts = {
        name: {"$ref": f"common.json#/$defs/{name}", "title": name} for name in COMMON["$defs"]
    }

    assert check_definition(bare(parts), Alone(), COMMON) == []


def test_compiling_twice_is_quick():
    compile_register(firm(), PUBLISHED, COMMON)
    start = time.perf_counter()

    for _ in range(10):
        compile_register(firm(), PUBLISHED, COMMON)

    assert (time.perf_counter() - start) / 10 < 0.1
