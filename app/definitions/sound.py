"""Sound: is this JSON of a size and depth that we look into at all?"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from app.definitions.findings import Findings

#: bytes of a definition
MOST_BYTES = 256 * 1024
#: levels of JSON in a definition
MOST_LEVELS = 40
#: numbers in a definition are smaller than this
MOST_NUMBER = 10**18

_UNCLEAN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
Path_ = tuple[str | int, ...]


def is_sound(document: object, source: bytes | None, findings: Findings) -> bool:
    """Note what makes ``document`` unreadable as a whole; return whether it can be looked into."""
    before = len(findings)
    if not isinstance(document, dict):
        findings.add(
            (), "not_an_object", "A definition is a JSON object, not {value}.", value=document
        )
        return False
    for path, text, values in _unsound(document):
        findings.add(path, "not_json", text, **values)
    if len(findings) == before:
        _measure(document, source, findings)
    return len(findings) == before


def _unsound(document: object) -> Iterator[tuple[Path_, str, dict[str, Any]]]:
    """Yield what is not JSON, or too deep or too large to be meant. Needs no recursion."""
    rest: list[tuple[Path_, object]] = [((), document)]
    while rest:
        path, node = rest.pop()
        if len(path) >= MOST_LEVELS:
            text = "The definition is nested more than {most} levels deep."
            yield path[:6], text, {"most": MOST_LEVELS}
            return
        if isinstance(node, dict):
            if not all(isinstance(key, str) for key in node):
                yield path, "A name in this object is not text.", {}
                return
            rest.extend((path + (str(key),), part) for key, part in node.items())
            rest.extend((path, key) for key in node if not _is_clean(key))
        elif isinstance(node, list):
            rest.extend((path + (place,), part) for place, part in enumerate(node))
        else:
            yield from ((path, *found) for found in _bad_leaf(node))


def _bad_leaf(node: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, str):
        if not _is_clean(node):
            yield "The text {value} has characters that cannot be stored.", {"value": node}
    elif isinstance(node, int | float | Decimal) and not isinstance(node, bool):
        if not isinstance(node, int) and not math.isfinite(node):
            yield "{value} is not a number that JSON has.", {"value": str(node)}
        elif not -MOST_NUMBER < node < MOST_NUMBER:
            yield "The number here has more than {most} digits.", {"most": 18}
    elif node is not None and not isinstance(node, bool):
        yield "{value} is not JSON.", {"value": type(node).__name__}


def _is_clean(text: str) -> bool:
    """Return whether ``text`` can be stored and shown: no control character but line breaks and
    tabs, no half of a character pair."""
    return not _UNCLEAN.search(text)


def _measure(document: dict[str, Any], source: bytes | None, findings: Findings) -> None:
    if source is None:
        source = json.dumps(document, ensure_ascii=False, default=str).encode()
    else:
        _check_twice(source, findings)
    if len(source) > MOST_BYTES:
        text = "The definition has {bytes} bytes, at most {most} are allowed."
        findings.add((), "too_large", text, bytes=len(source), most=MOST_BYTES)


def _check_twice(source: bytes, findings: Findings) -> None:
    """Note names that one object of the file has twice: reading it kept the last one only."""
    twice: dict[str, None] = {}

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                twice[name] = None
            seen.add(name)
        return dict(pairs)

    try:
        json.loads(source, object_pairs_hook=collect)
    except (ValueError, RecursionError):
        return  # a source that is not this document's: what was read of it is judged
    for name in twice:
        text = "The name {name} stands twice in one object of the file: the first is lost."
        findings.add((), "name_twice", text, name=name)
