"""Our evaluation agrees with the library's own, wherever doubles are exact."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.expressions import FormulaFailed, compile_formula
from app.expressions.environment import environment

VARIABLES = {
    "a": "double",
    "b": "double",
    "no_number": "double",
    "i": "int",
    "zero": "int",
    "no_int": "int",
    "p": "bool",
    "no_bool": "bool",
    "s": "string",
    "no_text": "string",
    "early": "timestamp",
    "late": "timestamp",
    "xs": "list(int)",
    "words": "list(string)",
    "rows": "rows",
    "rows.n": "list(double)",
    "rows.k": "list(int)",
}
GIVEN: dict[str, Any] = {
    "a": 2.5,
    "b": -1.0,
    "i": 3,
    "zero": 0,
    "p": True,
    "s": "泰州ab",
    "early": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    "late": datetime.datetime(2024, 1, 1, 8, tzinfo=datetime.UTC),
    "xs": [1, 0, -2],
    "words": ["a", "泰"],
    "rows": [{"n": 0.5, "k": 1}, {"k": 2}, {"n": -3.0, "k": 0}],
}
ERROR = "error"


def theirs(text: str) -> Any:
    """Evaluate with the library; an error and a missing value are the same to it."""
    compiled = environment(tuple(sorted(VARIABLES.items()))).compile(text)
    value = compiled.eval(data=GIVEN)
    return ERROR if value.type().name() == "ERROR" else _exact(value.plain_value())


def ours(text: str) -> Any:
    """Evaluate with ours, from exact values."""
    values = {name: _exact(value) for name, value in GIVEN.items()}
    try:
        result = compile_formula(text, VARIABLES)(values)
    except FormulaFailed:
        return ERROR
    return ERROR if result is None else _exact(result)


def _exact(value: Any) -> Any:
    match value:
        case float():
            return Decimal(value)
        case list() | tuple():
            return [_exact(each) for each in value]
        case dict():
            return {key: _exact(each) for key, each in value.items()}
        case datetime.datetime():
            return value.replace(tzinfo=None)
    return value


def _joined(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda filled: template.format(*filled))


def _chain(template: str, operators: str, one: Any, other: Any = None) -> st.SearchStrategy[str]:
    return _joined(template, one, st.sampled_from(operators.split()), other or one)


NUMBERS = st.sampled_from("a b no_number 0.0 1.5 -0.5 3.0 0.25".split())
INTS = st.sampled_from("i zero no_int 0 1 -2 7".split())
TEXTS = st.sampled_from(["s", "no_text", "''", "'ab'", "'泰'", "'B'"])
BOOLS = st.sampled_from("p no_bool true false".split())
LISTS = st.sampled_from(["xs", "[]", "[1, 2]", "[no_int]", "[i, zero]", "rows.map(r, r.k)"])
_COMPARE = "< <= > >= == !="


def _deeper(level: int) -> tuple[st.SearchStrategy[str], ...]:
    """Return numbers, ints, texts, bools and lists of at most ``level`` operations."""
    if not level:
        return NUMBERS, INTS, TEXTS, BOOLS, LISTS
    numbers, ints, texts, bools, lists = _deeper(level - 1)
    return (
        st.one_of(
            numbers,
            _chain("({} {} {})", "+ - *", numbers),
            _joined("({} / 4.0)", numbers),
            _joined("-{}", numbers),
            _joined("double({})", ints),
            _joined("({} ? {} : {})", bools, numbers, numbers),
        ),
        st.one_of(
            ints,
            _chain("({} {} {})", "+ - * / %", ints),
            _joined("-({})", ints),
            _joined("int({})", numbers),
            _joined("size({})", st.one_of(texts, lists)),
            _joined("({})[0]", lists),
            _joined("({} ? {} : {})", bools, ints, ints),
        ),
        st.one_of(
            texts,
            _joined("({} + {})", texts, texts),
            _joined("string({})", st.one_of(ints, texts)),
            _joined("string({} + 0.0)", numbers),  # we have no negative zero
            _joined("({} ? {} : {})", bools, texts, texts),
        ),
        st.one_of(
            bools,
            *(_chain("({} {} {})", _COMPARE, each) for each in (numbers, ints, texts, bools)),
            _chain("({} {} {})", _COMPARE, st.sampled_from(["early", "late"])),
            _chain("({} {} {})", "&& || && || == !=", bools),
            _chain("({} {} {})", "== !=", lists),
            _joined("!{}", bools),
            _joined("({} in {})", ints, lists),
            _joined("{}.{}({})", texts, st.sampled_from(_TESTS), texts),
            _joined("{}.matches({})", texts, st.sampled_from(["'^a'", "'[a-b]$'", "''", "'州?a'"])),
            _joined("{}.{}(x, x {} {})", lists, _FOLDS, st.sampled_from(_COMPARE.split()), ints),
            _joined("{}.{}(x, x > 0 {} {})", lists, _FOLDS, st.sampled_from(["&&", "||"]), bools),
            _joined("rows.{}(r, r.n {} {})", _FOLDS, st.sampled_from(_COMPARE.split()), numbers),
            _joined("rows.{}(r, has(r.n) {} r.n < 0.0)", _FOLDS, st.sampled_from(["&&", "||"])),
        ),
        st.one_of(
            lists,
            _joined("[{}, {}]", ints, ints),
            _joined("({} + {})", lists, lists),
            _joined("{}.map(x, x + {})", lists, ints),
            _joined("{}.filter(x, x > {})", lists, ints),
            _joined("{}.map(x, x != {}, x * 2)", lists, ints),
            _joined("rows.filter(r, r.n > {}).map(r, r.k)", numbers),
            _joined("({} ? {} : {})", bools, lists, lists),
        ),
    )


_TESTS = ("startsWith", "endsWith", "contains")
_FOLDS = st.sampled_from(["all", "exists", "exists_one"])


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.one_of(*_deeper(3)))
@example("rows.exists(r, r.n > 0.0)")
@example("rows.all(r, r.n > 0.0)")
@example("(no_bool && (1 / zero > 0))")
@example("((1 / zero > 0) || p)")
@example("-i % 2")
@example("-(7) / 2")
@example("int(-2.5)")
@example("string(-0.5 + 0.0)")
@example("string(3.0 + 0.0)")
def test_both_give_the_same(text: str) -> None:
    assert ours(text) == theirs(text), text


@pytest.mark.parametrize("text", ["a / 0.0", "0.1 + 0.2", "string(-0.0)"])
def test_where_we_differ_it_is_on_purpose(text: str) -> None:
    assert ours(text) != theirs(text)
