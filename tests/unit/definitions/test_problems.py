"""Every mistake a definition can have is named at its place, with the value and a way out."""

from __future__ import annotations

from typing import Any

import pytest

from app.definitions.compile import check_definition
from tests.unit.definitions.conftest import COMMON, PUBLISHED, firm


def put(path: str, value: Any):
    """Return a change that puts ``value`` at ``path``."""

    def change(document: Any) -> None:
        *way, last = path.strip("/").split("/")
        for step in way:
            document = document[int(step)] if isinstance(document, list) else document[step]
        if isinstance(document, list):
            document.insert(int(last), value)
        else:
            document[last] = value

    return change


def cut(path: str):
    """Return a change that takes out what stands at ``path``."""

    def change(document: Any) -> None:
        *way, last = path.strip("/").split("/")
        for step in way:
            document = document[int(step)] if isinstance(document, list) else document[step]
        del document[last]

    return change


def field(value: dict[str, Any]):
    """Return a change that adds a field ``extra``."""
    return put("properties/extra", value)


EXTRA = "/properties/extra"
NUMBER = {"type": "number", "scale": 2}
TEXT = {"type": "string"}


def rollup(**parts: Any) -> Any:
    return field({"rollup": parts})


#: (change, pointer, code, words of the sentence)
CASES: dict[str, tuple[Any, str, str, str]] = {
    # --- shape
    "misspelt keyword": (
        put("properties/name/maxLenght", 5),
        "/properties/name/maxLenght",
        "unknown_keyword",
        "Did you mean maxLength?",
    ),
    "misspelt top keyword": (put("requried", []), "/requried", "unknown_keyword", "required"),
    "nothing like it": (put("zzz", 1), "/zzz", "unknown_keyword", "Known are: "),
    "wrong type": (put("title", 5), "/title", "wrong_type", "5 is of the wrong type; string"),
    "number as text": (
        put("properties/year/minimum", "2000"),
        "/properties/year/minimum",
        "wrong_type",
        "2000 is of the wrong type; number",
    ),
    "missing title": (cut("title"), "", "missing_keyword", "The keyword title is missing"),
    "rule without at": (
        cut("register/rules/0/at"),
        "/register/rules/0",
        "missing_keyword",
        "keyword at is missing",
    ),
    "rule without message": (
        cut("register/rules/0/message"),
        "/register/rules/0",
        "missing_keyword",
        "message",
    ),
    "refusing example without place": (
        cut("register/examples/1/at"),
        "/register/examples/1",
        "missing_keyword",
        "at",
    ),
    "other language": (put("$schema", "urn:x"), "/$schema", "wrong_value", "urn:taizhang"),
    "unknown format": (
        put("properties/phone/format", "cn-mobil"),
        "/properties/phone/format",
        "wrong_value",
        "Did you mean cn-mobile?",
    ),
    "boolean schema": (put("properties/name", True), "/properties/name", "wrong_type", "object"),
    "draft-04 maximum": (
        put("properties/year/exclusiveMaximum", True),
        "/properties/year/exclusiveMaximum",
        "wrong_type",
        "number",
    ),
    "required in draft-03 style": (
        put("properties/name/required", True),
        "/properties/name/required",
        "wrong_type",
        "array",
    ),
    "blank title": (put("title", "  "), "/title", "wrong_value", "blank"),
    "too many examples": (
        put("register/examples", [{"record": {}, "valid": True}] * 51),
        "/register/examples",
        "wrong_value",
        "more than 50",
    ),
    "too short": (
        put("properties/name/pattern", ""),
        "/properties/name/pattern",
        "wrong_value",
        "too short",
    ),
    "too long": (put("title", "x" * 81), "/title", "wrong_value", "longer than 80"),
    "too small": (
        put("properties/name/minLength", -1),
        "/properties/name/minLength",
        "wrong_value",
        "smaller than 0",
    ),
    "scale over 6": (
        put("properties/revenue/scale", 7),
        "/properties/revenue/scale",
        "wrong_value",
        "7 is greater than 6",
    ),
    "multiple of nothing": (
        put("properties/revenue/multipleOf", 0),
        "/properties/revenue/multipleOf",
        "wrong_value",
        "more than 0",
    ),
    "2001 choices": (
        field({"enum": [f"c{number}" for number in range(2001)]}),
        f"{EXTRA}/enum",
        "wrong_value",
        "more than 2000",
    ),
    "factor of another form": (
        put("properties/revenue/factor", {"元": "1e-4"}),
        "/properties/revenue/factor/元",
        "wrong_value",
        "form",
    ),
    "empty choices": (field({"oneOf": []}), f"{EXTRA}/oneOf", "wrong_value", "At least 1"),
    "a name twice in a list": (
        put("register/list/0", "year"),
        "/register/list",
        "wrong_value",
        "has an entry twice",
    ),
    "additionalProperties": (
        put("additionalProperties", True),
        "/additionalProperties",
        "unsupported_keyword",
        "always closed",
    ),
    "patternProperties": (
        put("patternProperties", {}),
        "/patternProperties",
        "unsupported_keyword",
        "not supported",
    ),
    # --- references to shared parts
    **{
        f"$ref to {address}": (
            field({"$ref": address}),
            f"{EXTRA}/$ref",
            "outside_ref",
            "nothing else is read",
        )
        for address in (
            "http://example.com/a.json",
            "https://example.com/a.json#/$defs/x",
            "file:///etc/passwd",
            "ftp://example.com/x",
            "data:application/json,{}",
            "../secret.json",
            "//host/x",
            "other.json#/$defs/x",
            "#/properties/name",
            "#",
            "#anchor",
            "common.json",
            "",
        )
    },
    "$ref to nothing": (
        field({"$ref": "#/$defs/mony"}),
        f"{EXTRA}/$ref",
        "unknown_ref",
        "Did you mean #/$defs/money?",
    ),
    "$ref to itself": (
        lambda d: d["$defs"].update(loop={"$ref": "#/$defs/loop"}),
        "/$defs/loop/$ref",
        "circular_ref",
        "#/$defs/loop → #/$defs/loop",
    ),
    "$ref of two": (
        lambda d: (
            d["$defs"].update(a={"$ref": "#/$defs/b"}, b={"$ref": "#/$defs/a"}),
            d["properties"].update(extra={"$ref": "#/$defs/a"}),
        ),
        f"{EXTRA}/$ref",
        "circular_ref",
        "→",
    ),
    "$ref over 3 steps": (
        lambda d: (
            d["$defs"].update({f"s{n}": {"$ref": f"#/$defs/s{(n + 1) % 3}"} for n in range(3)}),
            d["properties"].update(extra={"$ref": "#/$defs/s0"}),
        ),
        f"{EXTRA}/$ref",
        "circular_ref",
        "#/$defs/s0 → #/$defs/s1 → #/$defs/s2 → #/$defs/s0",
    ),
    "$ref at the top": (put("$ref", "http://x"), "/$ref", "unsupported_keyword", "in a field"),
    "$ref in a condition": (
        put("if/properties/stage/$ref", "file:///x"),
        "/if/properties/stage/$ref",
        "unsupported_keyword",
        "in a field",
    ),
    "$id in a field": (
        put("properties/name/$id", "http://x"),
        "/properties/name/$id",
        "unsupported_keyword",
        "at the top only",
    ),
    "$dynamicRef": (
        put("properties/name/$dynamicRef", "#x"),
        "/properties/name/$dynamicRef",
        "unsupported_keyword",
        "use $ref",
    ),
    "$anchor": (put("$anchor", "x"), "/$anchor", "unsupported_keyword", "$defs"),
    # --- names
    "slug with capitals": (put("$id", "Firm"), "/$id", "wrong_value", "capital letters"),
    "slug of an address": (put("$id", "http://x"), "/$id", "wrong_value", "small letters"),
    # --- kinds
    "no kind": (field({"title": "x"}), EXTRA, "no_kind", "neither a type"),
    "object": (field({"type": "object"}), EXTRA, "no_kind", "object"),
    "list of numbers": (
        field({"type": "array", "items": {"type": "number"}}),
        EXTRA,
        "no_kind",
        "array",
    ),
    "format of another type": (
        field({"type": "integer", "format": "date"}),
        EXTRA,
        "no_kind",
        "date",
    ),
    "scale of a text": (
        field({**TEXT, "scale": 2}),
        f"{EXTRA}/scale",
        "keyword_not_for_kind",
        "scale does not fit a field of kind text",
    ),
    "pattern of a number": (
        field({**NUMBER, "pattern": "^1"}),
        f"{EXTRA}/pattern",
        "keyword_not_for_kind",
        "pattern",
    ),
    "unit of a text": (field({**TEXT, "unit": "亩"}), f"{EXTRA}/unit", "keyword_not_for_kind", ""),
    "private number": (
        field({**NUMBER, "private": "phone"}),
        f"{EXTRA}/private",
        "keyword_not_for_kind",
        "",
    ),
    "unique rows": (
        put("properties/visits/unique", True),
        "/properties/visits/unique",
        "keyword_not_for_kind",
        "",
    ),
    "onDelete without reference": (
        field({**TEXT, "onDelete": "clear"}),
        f"{EXTRA}/onDelete",
        "keyword_not_for_kind",
        "",
    ),
    "uniqueItems of rows": (
        put("properties/visits/uniqueItems", True),
        "/properties/visits/uniqueItems",
        "keyword_not_for_kind",
        "",
    ),
    "bounds in items": (
        put("properties/visits/items/minLength", 2),
        "/properties/visits/items/minLength",
        "keyword_not_for_kind",
        "items",
    ),
    "columns of choices": (
        field({"type": "array", "items": {"enum": ["a"], "required": []}}),
        f"{EXTRA}/items/required",
        "keyword_not_for_kind",
        "required",
    ),
    "look-around": (
        put("properties/name/pattern", "^(?!x)"),
        "/properties/name/pattern",
        "pattern",
        "linear time",
    ),
    "back-reference": (
        put("properties/name/pattern", r"(a)\1"),
        "/properties/name/pattern",
        "pattern",
        "linear time",
    ),
    "pattern of another dialect": (
        put("properties/name/pattern", r"\Qx\E"),
        "/properties/name/pattern",
        "pattern",
        "JSON Schema do not have",
    ),
    "pattern too long": (
        put("properties/name/pattern", "x" * 501),
        "/properties/name/pattern",
        "pattern",
        "501 characters, at most 500",
    ),
    "minimum over maximum": (
        field({**NUMBER, "minimum": 3, "maximum": 2}),
        f"{EXTRA}/minimum",
        "range",
        "minimum 3 is greater than maximum 2",
    ),
    "bound of too many digits": (
        field({**NUMBER, "maximum": 10**16}),
        f"{EXTRA}/maximum",
        "digits",
        "more than 18 digits",
    ),
    "choices said twice": (
        field({"enum": ["a"], "oneOf": [{"const": "a"}]}),
        f"{EXTRA}/enum",
        "conflict",
        "once",
    ),
    "choice twice": (
        field({"enum": ["a", "a"]}),
        f"{EXTRA}/enum/1",
        "duplicate_choice",
        "a stands",
    ),
    "label twice": (
        field({"oneOf": [{"const": "a", "title": "甲"}, {"const": "b", "title": "甲"}]}),
        f"{EXTRA}/oneOf/1/title",
        "duplicate_choice",
        "甲",
    ),
    "label is a value": (
        field({"oneOf": [{"const": "a", "title": "b"}, {"const": "b", "title": "x"}]}),
        f"{EXTRA}/oneOf/0/title",
        "duplicate_choice",
        "which one",
    ),
    "all choices retired": (
        field({"oneOf": [{"const": "a", "deprecated": True}]}),
        f"{EXTRA}/oneOf",
        "no_choice",
        "retired",
    ),
    "heading twice": (
        field({**TEXT, "title": "名称"}),
        f"{EXTRA}/title",
        "duplicate_title",
        "名称 is that of name",
    ),
    "default of a wrong kind": (
        field({**NUMBER, "default": "x"}),
        f"{EXTRA}/default",
        "default",
        "x",
    ),
    "default below the minimum": (
        field({**NUMBER, "minimum": 0, "default": -1}),
        f"{EXTRA}/default",
        "default",
        "breaks the conditions",
    ),
    "default not matching": (
        field({**TEXT, "pattern": "^a", "default": "b"}),
        f"{EXTRA}/default",
        "default",
        "breaks the conditions",
    ),
    "default not a choice": (
        field({"enum": ["a"], "default": "z"}),
        f"{EXTRA}/default",
        "default",
        "z",
    ),
    "default retired": (
        put("properties/stage/default", "gone"),
        "/properties/stage/default",
        "default",
        "retired",
    ),
    "default blank": (field({**TEXT, "default": ""}), f"{EXTRA}/default", "default", "blank"),
    "default of a reference": (
        put("properties/town/default", 1),
        "/properties/town/default",
        "default",
        "reference",
    ),
    "required and cleared": (
        lambda d: (d["properties"]["town"].update(onDelete="clear"), d["required"].append("town")),
        "/properties/town/onDelete",
        "conflict",
        "restrict or cascade",
    ),
    "former name in use": (
        put("properties/name/was", "year"),
        "/properties/name/was",
        "former_name",
        "year",
    ),
    "former name not a name": (
        put("properties/name/was", "_x"),
        "/properties/name/was",
        "bad_name",
        "begins with _",
    ),
    # --- columns
    "rows in rows": (
        put("properties/visits/items/properties/more", firm()["properties"]["visits"]),
        "/properties/visits/items/properties/more",
        "not_for_column",
        "rows",
    ),
    "computed column": (
        put("properties/visits/items/properties/more", {"computed": "1.0"}),
        "/properties/visits/items/properties/more/computed",
        "not_for_column",
        "computed",
    ),
    "column without kind": (
        put("properties/visits/items/properties/more", {}),
        "/properties/visits/items/properties/more",
        "no_kind",
        "",
    ),
    "required column unknown": (
        put("properties/visits/items/required", ["onn"]),
        "/properties/visits/items/required/0",
        "unknown_field",
        "Did you mean on?",
    ),
    # --- computed
    "computed and required": (
        lambda d: d["required"].append("growth"),
        "/required/2",
        "conflict",
        "growth cannot be required",
    ),
    "computed and default": (
        put("properties/growth/default", 1),
        "/properties/growth/default",
        "conflict",
        "default and computed",
    ),
    "computed and unique": (
        put("properties/growth/unique", True),
        "/properties/growth/unique",
        "conflict",
        "unique",
    ),
    "computed and looked up": (
        put("properties/growth/lookup", "town.people"),
        "/properties/growth",
        "conflict",
        "computed, lookup",
    ),
    "unknown name in an expression": (
        field({"computed": "1.0 + revenu"}),
        f"{EXTRA}/computed",
        "expression",
        "revenue? (at character 7)",
    ),
    "attachment in an expression": (
        field(
            {
                "type": "array",
                "items": {"type": "string", "format": "attachment"},
                "visible": "size(extra) > 0",
            }
        ),
        f"{EXTRA}/visible",
        "expression",
        "extra is an attachment: expressions do not read it",
    ),
    "date with a sign": (
        field({"computed": "date('2026-01-01') + 15"}),
        f"{EXTRA}/computed",
        "expression",
        "add_days(start, 15)",
    ),
    "syntax of an expression": (
        field({"computed": "revenue +"}),
        f"{EXTRA}/computed",
        "expression",
        "(at character",
    ),
    "types of an expression": (
        field({"computed": "revenue + name"}),
        f"{EXTRA}/computed",
        "expression",
        "(at character",
    ),
    "Python in an expression": (
        field({"computed": "().__class__.__base__"}),
        f"{EXTRA}/computed",
        "expression",
        "(at character",
    ),
    "text into a number": (
        field({**NUMBER, "computed": "name"}),
        f"{EXTRA}/computed",
        "expression",
        "gives string, but a field of kind number takes double",
    ),
    "computed reference": (
        field({"reference": "town", "computed": "year"}),
        f"{EXTRA}/computed",
        "not_computable",
        "reference",
    ),
    "computed list": (
        field({"computed": "visits"}),
        f"{EXTRA}/computed",
        "no_kind",
        "Say a type",
    ),
    "visible not a condition": (
        put("properties/phone/visible", "year"),
        "/properties/phone/visible",
        "expression",
        "bool",
    ),
    "hides itself": (
        put("properties/phone/visible", "phone != ''"),
        "/properties/phone/visible",
        "hides_itself",
        "hide itself",
    ),
    "begins with what is not there yet": (
        put("properties/name/begin", "phone"),
        "/properties/name/begin",
        "begin",
        "empty when it begins",
    ),
    "begins with another kind": (
        put("properties/name/begin", "today()"),
        "/properties/name/begin",
        "expression",
        "timestamp",
    ),
    "begins and has a default": (
        lambda d: d["properties"]["name"].update(begin="'甲'", default="甲"),
        "/properties/name/begin",
        "keyword_not_for_kind",
        "begin does not fit",
    ),
    "circle": (
        lambda d: d["properties"].update(
            a={"type": "number", "computed": "b"}, b={"type": "number", "computed": "a"}
        ),
        "/properties/a",
        "circular",
        "a → b → a",
    ),
    "circle without types": (
        lambda d: d["properties"].update(a={"computed": "b"}, b={"computed": "a"}),
        "/properties/a",
        "circular",
        "a → b → a",
    ),
    "reads itself": (field({"computed": "extra + 1.0"}), EXTRA, "circular", "extra → extra"),
    # --- look-ups
    "reference to nothing": (
        put("properties/town/reference", "twon"),
        "/properties/town/reference",
        "unknown_register",
        "Did you mean town?",
    ),
    "look-up through nothing": (
        field({"lookup": "twon.people"}),
        f"{EXTRA}/lookup",
        "unknown_field",
        "Did you mean town?",
    ),
    "look-up through a text": (
        field({"lookup": "name.people"}),
        f"{EXTRA}/lookup",
        "not_a_reference",
        "name is not a reference",
    ),
    "look-up of nothing": (
        field({"lookup": "town.height"}),
        f"{EXTRA}/lookup",
        "unknown_field",
        "no field height in town",
    ),
    "look-up of a file": (
        field({"lookup": "town.scan"}),
        f"{EXTRA}/lookup",
        "not_plain",
        "town.scan",
    ),
    "look-up into another kind": (
        field({"type": "boolean", "lookup": "town.people"}),
        f"{EXTRA}/lookup",
        "wrong_source",
        "town.people",
    ),
    # --- roll-ups
    "two operations": (
        rollup(sum="firm.revenue", count="firm", via="x"),
        f"{EXTRA}/rollup",
        "rollup",
        "exactly one",
    ),
    "roll-up of nothing": (
        rollup(count="frim", via="x"),
        f"{EXTRA}/rollup/count",
        "unknown_register",
        "Did you mean firm?",
    ),
    "roll-up of an unknown field": (
        rollup(sum="firm.revenu", where={"name": "$name"}),
        f"{EXTRA}/rollup/sum",
        "unknown_field",
        "Did you mean revenue?",
    ),
    "sum of texts": (
        rollup(sum="firm.name", where={"name": "$name"}),
        f"{EXTRA}/rollup/sum",
        "rollup",
        "firm.name is not a number",
    ),
    "greatest of rows": (
        rollup(max="firm.visits", where={"name": "$name"}),
        f"{EXTRA}/rollup/max",
        "rollup",
        "no order",
    ),
    "latest file": (
        rollup(latest="town.scan", via="firm", by="since"),
        f"{EXTRA}/rollup/latest",
        "rollup",
        "not one value",
    ),
    "latest without order": (
        rollup(latest="town.people", via="firm"),
        f"{EXTRA}/rollup",
        "rollup",
        "needs by",
    ),
    "by for a sum": (
        rollup(sum="town.people", via="firm", by="since"),
        f"{EXTRA}/rollup/by",
        "rollup",
        "latest only",
    ),
    "ordered by rows": (
        rollup(latest="firm.year", where={"name": "$name"}, by="visits"),
        f"{EXTRA}/rollup/by",
        "rollup",
        "cannot order",
    ),
    "via another register": (
        rollup(count="firm", via="town"),
        f"{EXTRA}/rollup/via",
        "rollup",
        "does not refer to this register, so no rows are gathered through it. Leave via out",
    ),
    "same rows for all": (rollup(count="town"), f"{EXTRA}/rollup", "rollup", "every record"),
    "unknown own field": (
        rollup(count="firm", where={"name": "$nam"}),
        f"{EXTRA}/rollup/where/name",
        "unknown_field",
        "Did you mean name?",
    ),
    "kinds that differ": (
        rollup(count="firm", where={"name": "$name", "year": {"<=": "$name"}}),
        f"{EXTRA}/rollup/where/year/<=",
        "rollup",
        "year (year) cannot be compared with name (text)",
    ),
    "plus to a text": (
        rollup(count="firm", where={"name": {"==": "$name", "plus": 1}}),
        f"{EXTRA}/rollup/where/name/==",
        "rollup",
        "plus cannot be added to name (text)",
    ),
    "plus to a constant": (
        rollup(count="firm", where={"name": "$name", "year": {"==": 2024, "plus": 1}}),
        f"{EXTRA}/rollup/where/year",
        "rollup",
        "beside it",
    ),
    "no order to compare in": (
        rollup(count="firm", where={"name": "$name", "visits": {"<": 1}}),
        f"{EXTRA}/rollup/where/visits/<",
        "rollup",
        "no order",
    ),
    "constant reference": (
        rollup(count="firm", where={"name": "$name", "town": 1}),
        f"{EXTRA}/rollup/where/town",
        "rollup",
        "$field",
    ),
    "constant of a wrong kind": (
        rollup(count="firm", where={"name": "$name", "year": "soon"}),
        f"{EXTRA}/rollup/where/year",
        "rollup",
        "soon",
    ),
    "constant not a choice": (
        rollup(count="firm", where={"name": "$name", "stage": {"in": ["grow", "x"]}}),
        f"{EXTRA}/rollup/where/stage/in",
        "rollup",
        "x is not one of the choices",
    ),
    "sum into a text": (
        field({**TEXT, "rollup": {"sum": "firm.revenue", "where": {"name": "$name"}}}),
        f"{EXTRA}/rollup",
        "wrong_source",
        "firm.revenue",
    ),
    # --- register block
    "required unknown": (
        lambda d: d["required"].append("nam"),
        "/required/2",
        "unknown_field",
        "Did you mean name?",
    ),
    **{
        f"{keyword} unknown": (
            put(f"register/{keyword}/0", "revenu"),
            f"/register/{keyword}/0",
            "unknown_field",
            "Did you mean revenue?",
        )
        for keyword in ("key", "list", "search", "filters", "sort", "export")
    },
    "section of an unknown field": (
        put("register/sections/0/fields/0", "revenu"),
        "/register/sections/0/fields/0",
        "unknown_field",
        "Did you mean revenue?",
    ),
    "section twice": (
        put("register/sections/0", {"title": "甲", "fields": ["year"]}),
        "/register/sections/1/fields/1",
        "duplicate_field",
        "section 甲 already",
    ),
    "rows in the key": (put("register/key/0", "visits"), "/register/key/0", "unfit_field", "rows"),
    "rows in the list": (put("register/list/0", "visits"), "/register/list/0", "unfit_field", ""),
    "search in a number": (
        put("register/search/0", "revenue"),
        "/register/search/0",
        "unfit_field",
        "number",
    ),
    "descending list": (
        put("register/list/0", "-year"),
        "/register/list/0",
        "unknown_field",
        "for sort only",
    ),
    "sorted both ways": (
        put("register/sort", ["year", "-year"]),
        "/register/sort/1",
        "duplicate_field",
        "twice",
    ),
    "sorted by rows": (put("register/sort/0", "visits"), "/register/sort/0", "unfit_field", ""),
    "label of nothing": (put("register/label", "企业"), "/register/label", "label", "no field"),
    "label unknown": (
        put("register/label", "{nam}"),
        "/register/label",
        "unknown_field",
        "Did you mean name?",
    ),
    "label open": (put("register/label", "{name} {"), "/register/label", "label", "brace"),
    "label of rows": (put("register/label", "{visits}"), "/register/label", "unfit_field", "rows"),
    "rule at nothing": (
        put("register/rules/0/at", "revenu"),
        "/register/rules/0/at",
        "unknown_field",
        "Did you mean revenue?",
    ),
    "rule twice": (
        put("register/rules/1/name", "rising"),
        "/register/rules/1/name",
        "duplicate_rule",
        "rising",
    ),
    "rule name with a capital": (
        put("register/rules/1/name", "Rising"),
        "/register/rules/1/name",
        "wrong_value",
        "capital",
    ),
    "rule not a condition": (
        put("register/rules/0/check", "revenue"),
        "/register/rules/0/check",
        "expression",
        "bool",
    ),
    "when not a condition": (
        put("register/rules/0/when", "revenue"),
        "/register/rules/0/when",
        "expression",
        "bool",
    ),
    # --- conditions
    "condition on nothing": (
        put("if/properties/stag", {"const": "done"}),
        "/if/properties/stag",
        "unknown_field",
        "Did you mean stage?",
    ),
    "then requires nothing": (
        put("then/required/0", "phon"),
        "/then/required/0",
        "unknown_field",
        "Did you mean phone?",
    ),
    "together with nothing": (
        put("dependentRequired", {"name": ["yaer"]}),
        "/dependentRequired/name/0",
        "unknown_field",
        "Did you mean year?",
    ),
    "never equal": (
        put("if/properties/stage/const", "入库"),
        "/if/properties/stage/const",
        "condition",
        "stored as done",
    ),
    "constant of another kind": (
        put("if/properties/year", {"enum": ["soon"]}),
        "/if/properties/year/enum/0",
        "condition",
        "soon",
    ),
    "if without then": (cut("then"), "/if", "conflict", "says nothing"),
    "then without if": (cut("if"), "/then", "conflict", "says nothing"),
    "pattern in a condition": (
        put("if/properties/name", {"pattern": "(?=x)"}),
        "/if/properties/name/pattern",
        "pattern",
        "linear",
    ),
    "conditions in conditions": (
        put("not", {"not": {"not": {"not": {"not": {"not": {"required": ["name"]}}}}}}),
        "/not/not/not/not/not/not",
        "too_deep",
        "6 levels",
    ),
    # --- examples
    "example with an unknown field": (
        put("register/examples/0/record/nam", "x"),
        "/register/examples/0/record/nam",
        "unknown_field",
        "Did you mean name?",
    ),
    "example enters a computed field": (
        put("register/examples/0/record/growth", 1),
        "/register/examples/0/record/growth",
        "example",
        "supplies its value",
    ),
    "given for an entered field": (
        put("register/examples/0/given/name", 1),
        "/register/examples/0/given/name",
        "example",
        "given",
    ),
    "expected of an entered field": (
        put("register/examples/0/expect", {"name": 1}),
        "/register/examples/0/expect/name",
        "example",
        "expect",
    ),
    "refused at nothing": (
        put("register/examples/1/at/0", "/yaer"),
        "/register/examples/1/at/0",
        "unknown_field",
        "Did you mean year?",
    ),
    "passes and is refused": (
        put("register/examples/0/at", ["/year"]),
        "/register/examples/0/at",
        "example",
        "remove at",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_mistake_is_named_at_its_place(case):
    change, at, code, words = CASES[case]

    problems = check_definition(firm(change), PUBLISHED, COMMON)

    found = [(problem.at, problem.code, problem.sentence()) for problem in problems]
    match = [found for found in found if found[:2] == (at, f"definition.{code}")]
    assert match, found
    assert any(words in sentence for _, _, sentence in match), match
    assert len(found) <= 4, found


def test_every_mistake_is_reported_at_once():
    def change(document: Any) -> None:
        put("properties/name/maxLenght", 5)(document)
        put("register/list/0", "nobody")(document)
        put("register/rules/0/check", "revenue >")(document)
        put("properties/town/reference", "nowhere")(document)
        put("properties/code/$ref", "http://x")(document)

    places = [problem.at for problem in check_definition(firm(change), PUBLISHED, COMMON)]

    assert places == [
        "/properties/name/maxLenght",
        "/properties/code/$ref",
        "/properties/town/reference",
        "/register/list/0",
        "/register/rules/0/check",
    ]


def test_a_broken_field_is_named_once_and_not_where_it_is_used():
    document = firm(put("properties/revenue", {"title": "收入"}))

    problems = check_definition(document, PUBLISHED, COMMON)

    assert [problem.at for problem in problems] == ["/properties/revenue"]


def test_a_definition_without_fields_is_refused():
    problems = check_definition(firm(put("properties", {})), PUBLISHED, COMMON)

    assert ("/properties", "At least 1 entries are needed here.") in [
        (problem.at, problem.sentence()) for problem in problems
    ]
