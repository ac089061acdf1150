"""A definition that points somewhere is refused naming the place, and nobody goes there."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.definitions.compile import check_definition
from tests.unit.definitions.conftest import COMMON, PUBLISHED, firm

_SEEN: list[str] = []
_WATCHING = [False]


def _hook(event: str, given: tuple[Any, ...]) -> None:
    if _WATCHING[0] and (event == "open" or event.startswith("socket.")):
        _SEEN.append(f"{event} {given[:2]}")


sys.addaudithook(_hook)


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[list[str]]:
    """What is opened and connected to from now on; what a first check loads is loaded before."""
    check_definition(firm(), PUBLISHED, COMMON)
    _SEEN.clear()
    _WATCHING[0] = True
    yield _SEEN
    _WATCHING[0] = False


TARGETS = {
    "http": "http://127.0.0.1:{port}/a.json",
    "https": "https://127.0.0.1:{port}/a.json",
    "ftp": "ftp://127.0.0.1:{port}/a.json",
    "file": "file://{file}",
    "path": "{file}",
    "relative": "../common.json",
    "up and down": "../meta/../common.json#/$defs/mobile",
    "data": "data:application/json,{{}}",
    "scheme of none": "//127.0.0.1:{port}/a.json#/$defs/a",
    "other part": "#/properties/name",
    "whole document": "#",
    "anchor": "#place",
    "urn": "urn:taizhang:register:1",
    "encoded": "%2e%2e/common.json#/$defs/mobile",
    "hidden in the fragment": "common.json#/$defs/../../http://127.0.0.1:{port}/",
}
PLACES: dict[str, tuple[str, ...]] = {
    "field": ("properties", "name"),
    "child column": ("properties", "visits", "items"),
    "condition": ("if",),
    "consequence": ("allOf", "0"),
    "shared part": ("$defs", "mine"),
    "document": (),
}
KEYWORDS = ("$ref", "$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor", "$schema")


def pointed(place: tuple[str, ...], keyword: str, address: str) -> dict[str, Any]:
    def change(document: dict[str, Any]) -> None:
        document.setdefault("$defs", {"mine": {"type": "string"}})
        document.setdefault("if", {})
        document.setdefault("allOf", [{}])
        node: Any = document
        for step in place:
            node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
        node[keyword] = address

    return firm(change)


POINTING = [
    (place, keyword)
    for place in PLACES
    for keyword in KEYWORDS
    # a definition has these; see below
    if (place, keyword) not in (("document", "$schema"), ("document", "$id"))
]


@pytest.mark.parametrize(("place", "keyword"), POINTING)
def test_address_is_refused_at_its_place_and_never_followed(
    place: str, keyword: str, listener: socket.socket, watched: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "canary.json"
    for name, text in TARGETS.items():
        address = text.format(port=listener.getsockname()[1], file=file)

        found = check_definition(pointed(PLACES[place], keyword, address), PUBLISHED, COMMON)

        wanted = "/".join(("", *PLACES[place]))
        assert found, (place, keyword, name)
        assert any(p.at.startswith(wanted) for p in found), (name, [p.at for p in found])
        said = " ".join(f"{p.at} {p.sentence()}" for p in found)
        assert keyword in said, (name, said)
    assert watched == []
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("keyword", ["$schema", "$id"])
def test_document_of_another_kind_is_refused(
    keyword: str, listener: socket.socket, watched: list[str], tmp_path: Path
) -> None:
    for name, text in TARGETS.items():
        address = text.format(port=listener.getsockname()[1], file=tmp_path / "canary.json")
        if (keyword, name) == ("$schema", "urn"):
            continue

        found = check_definition(pointed((), keyword, address), PUBLISHED, COMMON)

        assert any(p.at == f"/{keyword}" for p in found), (name, [p.at for p in found])
    assert watched == []
    with pytest.raises(BlockingIOError):
        listener.accept()
