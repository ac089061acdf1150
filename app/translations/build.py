"""Collect ``*.zh.json`` (English sentence → 中文) into ``zh_Hans.po``: ``make words``."""

from __future__ import annotations

import datetime
import json
import re
import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from app.translations.harvest import sentences

HERE = Path(__file__).parent
CATALOGUE = HERE / "zh_Hans.po"
_PLACE = re.compile(r"\{(\w+)\}|%\((\w+)\)")


def collect() -> tuple[dict[str, str], list[str]]:
    """Return all translations and, as sentences, what is wrong with them."""
    words: dict[str, str] = {}
    wrong: list[str] = []
    for path in sorted(HERE.glob("*.zh.json")):
        for english, chinese in json.loads(path.read_text("utf-8")).items():
            if words.get(english, chinese) != chinese:
                wrong.append(f"{path.name}: two translations of: {english}")
            if places(english) != places(chinese):
                wrong.append(f"{path.name}: other {{places}} in the translation of: {english}")
            words.setdefault(english, chinese)
    return words, wrong


def places(text: str) -> set[str]:
    """Return the names of the places values are filled into."""
    return {first or second for first, second in _PLACE.findall(text)}


def render(words: Mapping[str, str]) -> bytes:
    """Return the catalogue file: sorted, so that two branches seldom collide."""
    catalogue = Catalog(
        locale="zh_Hans_CN",
        project="Taizhang",
        creation_date=datetime.datetime(2026, 11, 23),
        revision_date=datetime.datetime(2026, 11, 23),
        fuzzy=False,
    )
    for english, chinese in words.items():
        catalogue.add(english, chinese)
    file = BytesIO()
    write_po(file, catalogue, sort_output=True, width=0, omit_header=False)
    return file.getvalue()


def main() -> int:
    """Write the catalogue; return 1 when a sentence has no translation or a wrong one."""
    words, wrong = collect()
    CATALOGUE.write_bytes(render(words))
    wrong += [
        f"{place}: no translation of: {text}"
        for text, place in sentences().items()
        if text not in words
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(words)} sentences in {CATALOGUE.name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
