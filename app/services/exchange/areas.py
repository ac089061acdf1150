"""Merged areas of a worksheet. They stand at the end of a sheet, after its cells."""

from __future__ import annotations

from dataclasses import dataclass

from app.services.exchange.guard import Package, intact
from app.services.exchange.refusals import refused
from app.services.exchange.workbook import local


@dataclass(frozen=True, slots=True)
class Area:
    """A merged area, by its first and last row and column."""

    top: int
    bottom: int
    left: int
    right: int


def area_of(reference: str) -> Area:
    first, _, last = reference.partition(":")
    last = last or first
    top, bottom = (row_of(corner) for corner in (first, last))
    return Area(top, bottom, max(column_of(first), 1), column_of(last))


def row_of(reference: str) -> int:
    """Return the row number of a reference such as ``AB12``; 0 when it has none."""
    digits = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return int(digits) if is_index(digits) else 0


def is_index(text: str | None) -> bool:
    """Return whether ``text`` is a whole number short enough to be a position in a workbook."""
    return text is not None and text.isascii() and text.isdigit() and len(text) <= 7


def merged_areas(package: Package, part: str) -> list[Area]:
    """Return the merged areas, which stand at the end of a sheet, after its cells."""
    if not _mentions(package, part, b"mergeCell "):
        return []
    areas: list[Area] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if local(name) == "mergeCell":
            areas.append(area_of(attributes.get("ref", "")))
        if len(areas) > package.limits.merged:
            raise refused(
                "merged",
                "The sheet has more than {limit} merged areas.",
                limit=package.limits.merged,
            )

    package.read(part, start, limit=package.limits.total)
    return areas


def _mentions(package: Package, part: str, wanted: bytes) -> bool:
    tail = b""
    with package.open(part) as stream, intact():
        while chunk := stream.read(1 << 18):
            if wanted in tail + chunk:
                return True
            tail = chunk[-len(wanted) :]
    return False


def column_of(reference: str) -> int:
    """Return the column that the letters of a reference mean, from 1."""
    column = 0
    for letter in reference[:4]:
        if "A" <= letter <= "Z":
            column = column * 26 + ord(letter) - 64
        else:
            break
    return column
