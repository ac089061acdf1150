"""Limits: accepted at the limit, refused one above it with the number in the sentence."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.definitions import patterns
from app.definitions.compile import check_definition, compile_register
from app.definitions.world import Alone
from tests.unit.definitions.conftest import COMMON, PUBLISHED, firm

BARE = {key: firm()[key] for key in ("$schema", "$id", "title", "type")}


def with_fields(count: int, columns: int = 0) -> dict[str, Any]:
    properties: dict[str, Any] = {f"f{number}": {"type": "string"} for number in range(count)}
    if columns:
        inner = {f"c{number}": {"type": "integer"} for number in range(columns)}
        items = {"type": "object", "properties": inner}
        properties["rows"] = {"type": "array", "items": items}
    return {**BARE, "properties": properties}


def padded(size: int) -> bytes:
    import json

    written = json.dumps(firm(), ensure_ascii=False).encode()
    return written + b" " * (size - len(written))


PAIRS = {
    "fields": (lambda more: with_fields(200 + more), "201 fields"),
    "fields and columns": (lambda more: with_fields(100, 99 + more), "201 fields"),
    "choices": (
        lambda more: {
            **BARE,
            "properties": {"a": {"enum": [f"c{number}" for number in range(2000 + more)]}},
        },
        "more than 2000",
    ),
    "pattern": (
        lambda more: {
            **BARE,
            "properties": {"a": {"type": "string", "pattern": "x" * (500 + more)}},
        },
        "at most 500",
    ),
    "expression": (
        lambda more: {
            **BARE,
            "properties": {"a": {"computed": "1" + " " * (1999 + more)}},
        },
        "longer than 2000",
    ),
    "rules": (
        lambda more: {
            **with_fields(1),
            "register": {"rules": [{"check": "true", "at": "f0", "message": "m"}] * (100 + more)},
        },
        "more than 100",
    ),
    "examples": (
        lambda more: {
            **with_fields(1),
            "register": {"examples": [{"record": {}, "valid": True}] * (50 + more)},
        },
        "more than 50",
    ),
    "conditions in conditions": (
        lambda more: {**with_fields(1), **_nots(5 + more)},
        "more than 6 levels",
    ),
}


def _nots(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"required": ["f0"]}
    for _ in range(levels):
        condition = {"not": condition}
    return condition if "not" in condition else {}


@pytest.mark.parametrize("limit", PAIRS)
def test_limit_is_accepted_and_one_more_is_refused(limit):
    build, words = PAIRS[limit]

    assert check_definition(build(0), Alone(), COMMON) == []
    refused = check_definition(build(1), Alone(), COMMON)

    assert any(words in problem.sentence() for problem in refused), refused


def test_bytes_are_counted_in_the_source():
    most = 256 * 1024

    assert check_definition(firm(), PUBLISHED, COMMON, padded(most)) == []
    (refused,) = check_definition(firm(), PUBLISHED, COMMON, padded(most + 1))

    assert refused.code == "definition.too_large"
    assert "262145 bytes, at most 262144" in refused.sentence()


def test_5000_fields_are_refused_within_a_second():
    start = time.perf_counter()

    assert check_definition(with_fields(5000), Alone(), COMMON)
    assert time.perf_counter() - start < 5


CATASTROPHIC = [
    *("^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*a){20}$", "(.*,){20}", r"^(\w+\s?)*$"),
    *("^([a-zA-Z]+)*$", "(x+x+)+y", "^(a*)*$", "^((a|b)*)*c$", r"^(\d+)*$", "(a?){50}a{50}"),
]
REAL = {
    r"^[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])\d{2}\d{3}[\dX]$": "411303199001011234",
    r"^1[3-9]\d{9}$": "13800138000",
    r"^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$": "91411300MA40000000",
    "^[\\u4e00-\\u9fa5]{2,20}$": "卧龙区",
    r"^20\d{2}(Q[1-4])?$": "2024Q1",
    r"^\d{3,4}-\d{7,8}$": "0377-63200000",
    "^豫[A-Z][A-Z0-9]{5}$": "豫R12345",
    r"^宛政办〔\d{4}〕\d+号$": "宛政办〔2024〕12号",
    r"\.(pdf|jpg)$": "a.pdf",
    r"^\S+@\S+\.cn$": "a@b.cn",
}


@pytest.mark.parametrize("pattern", CATASTROPHIC)
def test_catastrophic_pattern_is_refused_or_linear(pattern):
    if patterns.refusal(pattern):
        return
    document = {**BARE, "properties": {"a": {"type": "string", "pattern": pattern}}}
    register = compile_register(document, Alone(), COMMON)
    judge = patterns.judge(register.schema)
    start = time.perf_counter()

    judge.is_valid({"a": "a" * 10_000 + "!"})

    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("pattern", REAL)
def test_real_pattern_is_accepted_and_matches(pattern):
    document = {**BARE, "properties": {"a": {"type": "string", "pattern": pattern}}}
    judge = patterns.judge(compile_register(document, Alone(), COMMON).schema)

    assert judge.is_valid({"a": REAL[pattern]})
    assert not judge.is_valid({"a": "\n" + REAL[pattern] + "\n\n"}) or "$" not in pattern


def test_digits_of_a_pattern_are_ascii_and_its_end_is_strict():
    document = {**BARE, "properties": {"a": {"type": "string", "pattern": r"^\d$"}}}
    judge = patterns.judge(compile_register(document, Alone(), COMMON).schema)

    assert judge.is_valid({"a": "3"})
    assert not judge.is_valid({"a": "３"})
    assert not judge.is_valid({"a": "3\n"})
