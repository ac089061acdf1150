"""What is installed is pinned, and what is pinned says why."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: needed with an extra, on another system or with another Python only
OTHERWISE = re.compile(r"extra ==|(platform|implementation|version)\w* *[<=!]")
FILES = ("requirements.txt", "requirements-dev.txt")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.split("[")[0]).lower()


def pins(file: str) -> dict[str, str]:
    """Return name → version of a file; every line must pin exactly."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    given = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert all(re.fullmatch(r"[\w.\[\]-]+==[\w.]+", line) for line in given)
    return {canonical(line.split("==")[0]): line.split("==")[1] for line in given}


def direct(file: str) -> set[str]:
    """Return the names between ``# direct`` and the next remark."""
    text = (ROOT / file).read_text("utf-8")
    found = re.search(r"^# direct\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return {canonical(line.split("==")[0]) for line in found[1].split()}


def test_every_direct_dependency_says_why() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    named = {canonical(name) for name in re.findall(r"^\| ([\w.\[\]-]+) \| \w", page, re.MULTILINE)}

    assert named - {"package"} == set().union(*map(direct, FILES))


def test_whatever_a_dependency_needs_is_pinned_too() -> None:
    pinned = pins(FILES[0]) | pins(FILES[1])

    for name in pinned:
        for line in metadata.requires(name) or []:
            if "extra ==" in line or re.search(
                r"(platform|implementation|version)\w* *[<=!]", line
            ):
                continue
            needed = re.split(r"[^\w.-]", line)[0]
            assert canonical(needed) in pinned, f"{name} needs {needed}"


@pytest.mark.parametrize("file", FILES)
def test_what_is_installed_is_what_is_pinned(file: str) -> None:
    assert {name: metadata.version(name) for name in pins(file)} == pins(file)
