"""What is said of a definition can be said in Chinese, whole, and is filled after translation."""

from __future__ import annotations

from typing import Any

import pytest

from app.definitions.compile import check_definition
from app.errors import AppError, Problem
from app.translations.build import collect
from app.words import CHINESE, say
from tests.unit.definitions.conftest import COMMON, PUBLISHED, firm
from tests.unit.definitions.test_problems import CASES


def texts(said: AppError | Problem) -> list[str]:
    """Return the sentences in ``said``, one inside the other."""
    inner = [value for value in said.values.values() if isinstance(value, AppError | Problem)]
    return [said.text, *(text for value in inner for text in texts(value))]


@pytest.mark.parametrize("case", CASES)
def test_sentence_has_its_chinese(case):
    known, _ = collect()

    for problem in check_definition(firm(CASES[case][0]), PUBLISHED, COMMON):
        assert [text for text in texts(problem) if text not in known] == []
        assert "{" not in say(problem, CHINESE).replace("{}", "") or "{" in str(problem.values)


def test_sentence_inside_a_sentence_is_translated_too():
    def change(document: Any) -> None:
        document["properties"]["growth"]["computed"] = "1.0 + revenu"

    (problem,) = check_definition(firm(change), PUBLISHED, COMMON)

    assert say(problem, CHINESE) == "这里没有字段 revenu。是不是 revenue？（第 7 个字符）"
