"""A name that an office would choose works like any other, or is refused with the reason."""

from __future__ import annotations

import keyword

import pytest

from app.definitions.compile import check_definition, compile_register
from app.definitions.names import nearest, propose, why_not
from app.definitions.world import Alone
from tests.unit.definitions.conftest import COMMON

LIKE_ANY_OTHER = [
    *("validate", "data", "class", "id", "metadata", "query", "errors", "meta", "process"),
    *("csrf_token", "ctid", "xmin", "rowid", "order", "select", "keys", "items", "columns"),
    *("sqlite_x", "pg_x", "populate_obj", "self", "cls", "table", "group", "user", "primary"),
    *("date", "sum", "size", "int", "string", "type", "map", "all", "register", "required"),
    *(word for word in keyword.kwlist if word == word.lower() and word != "in"),
]
REFUSED = {
    "": "empty",
    "a" * 41: "41 characters",
    "a" * 300: "300 characters",
    "_id": "begins with _",
    "__proto__": "begins with _",
    "__class__": "begins with _",
    "a__b": "two underscores",
    "Name": "capital",
    "企业": "Latin",
    "ｎame": "Latin",
    "名😀": "Latin",
    "а": "Latin",
    "a-b": "small letters, digits",
    "a.b": "small letters, digits",
    "a b": "small letters, digits",
    "a'b": "small letters, digits",
    "a%(x)s": "small letters, digits",
    "name\n": "small letters, digits",
    "1a": "begin with a letter",
    "$ref": "small letters, digits",
    "old": "meaning of its own",
    "in": "meaning of its own",
    "true": "meaning of its own",
}


def with_field(name: str) -> dict:
    return {
        "$schema": "urn:taizhang:register:1",
        "$id": "firm",
        "title": "企业",
        "type": "object",
        "properties": {name: {"type": "integer"}, "other": {"type": "integer"}},
        "required": [name],
        "register": {"list": [name], "key": [name], "label": f"{{{name}}}"},
    }


@pytest.mark.parametrize("name", LIKE_ANY_OTHER)
def test_name_works_like_any_other(name):
    register = compile_register(with_field(name), Alone(), COMMON)

    assert register[name].required
    assert register.list == (name,)


@pytest.mark.parametrize("name", LIKE_ANY_OTHER)
def test_register_may_be_called_so_too(name):
    document = {**with_field("x"), "$id": name}

    assert compile_register(document, Alone(), COMMON).slug == name


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_name_is_refused_with_the_reason(name):
    problems = check_definition(with_field(name), Alone(), COMMON)

    (problem,) = [problem for problem in problems if problem.code == "definition.bad_name"]
    assert problem.at.startswith("/properties/")
    assert REFUSED[name] in problem.sentence()


@pytest.mark.parametrize("name", sorted({*REFUSED} - {"", "old", "in", "true"}), ids=ascii)
def test_register_name_is_refused_with_the_reason(name):
    problems = check_definition({**with_field("x"), "$id": name}, Alone(), COMMON)

    assert [problem.at for problem in problems] == ["/$id"]
    assert REFUSED[name] in problems[0].sentence()


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("annualRevenue", "annual_revenue"),
        ("Annual Revenue", "annual_revenue"),
        ("_id", "id"),
        ("a__b", "a_b"),
        ("2024", ""),
        ("企业", ""),
        ("ｎame", "name"),
        ("old", "old_value"),
        ("x" * 50, "x" * 40),
    ],
)
def test_a_name_that_is_allowed_is_proposed(name, proposal):
    assert propose(name) == proposal
    assert not proposal or not why_not(proposal)


def test_a_taken_name_is_not_proposed():
    assert propose("Name", ["name"]) == ""


def test_the_nearest_name_is_found_whatever_its_case():
    assert nearest("Revenue", ["revenue", "last"]) == "revenue"
    assert nearest("revnue", ["revenue", "last"]) == "revenue"
    assert nearest("x", ["revenue", "last"]) == ""
    assert nearest(7, ["revenue"]) == ""
