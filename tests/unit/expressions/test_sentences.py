"""Every sentence of the room is there in Chinese, with the same places."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app.expressions import sentences

ALL = {value for name, value in vars(sentences).items() if name.isupper()}
FILE = Path(sentences.__file__).parents[1] / "translations" / "expressions.zh.json"
CHINESE = json.loads(FILE.read_text("utf-8"))


def test_the_chinese_catalogue_has_exactly_our_sentences() -> None:
    assert set(CHINESE) == ALL


@pytest.mark.parametrize("english", sorted(ALL))
def test_a_translation_has_the_same_places(english: str) -> None:
    places = re.compile(r"\{\w+\}")

    assert sorted(places.findall(CHINESE[english])) == sorted(places.findall(english))
