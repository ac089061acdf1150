"""The parts of a workbook beside its cells: sheets, shared texts, and which formats are dates."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.services.exchange.guard import Package
from app.services.exchange.refusals import refused

#: Number formats built into Excel, with the Chinese ones (27 to 58).
_DATES = {14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58}
_TIMES = {18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47, 55, 56}
_PERCENT = {9, 10}

_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]')
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")

DATE, TIME, PERCENT = "date", "time", "percent"


@dataclass(frozen=True, slots=True)
class Workbook:
    """What the cells of one sheet need to be understood."""

    part: str
    strings: Sequence[str]
    #: cell format number -> DATE, TIME or PERCENT; other formats are absent
    formats: dict[str, str]
    epoch_1904: bool


def open_workbook(package: Package, sheet: str | None = None) -> Workbook:
    """Return the first visible worksheet of ``package``, or the one named ``sheet``."""
    links = _links(package, "_rels/.rels", "")
    main = next((to for kind, to in links.values() if kind == "officeDocument"), "xl/workbook.xml")
    folder, base = posixpath.split(main)
    if main not in package:
        raise refused("kind", "This is not an .xlsx workbook. Save it as .xlsx or .csv.")
    sheets, epoch_1904 = _sheets(package, main)
    links = _links(package, f"{folder}/_rels/{base}.rels", folder)
    by_kind = {kind: to for kind, to in links.values()}
    return Workbook(
        _choose(package, sheets, links, sheet),
        _strings(package, by_kind.get("sharedStrings", "")),
        _formats(package, by_kind.get("styles", "")),
        epoch_1904,
    )


def unescape(text: str) -> str:
    """Return ``text`` with the characters that a worksheet writes as ``_x000D_``."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def local(name: str) -> str:
    """Return an element's name without its prefix."""
    return name.rpartition(":")[2]


def _choose(
    package: Package,
    sheets: list[tuple[str, str, bool]],
    links: dict[str, tuple[str, str]],
    wanted: str | None,
) -> str:
    parts = [
        (name, links[link][1], shown)
        for name, link, shown in sheets
        if link in links and links[link][0] == "worksheet" and links[link][1] in package
    ]
    if wanted is not None:
        parts = [part for part in parts if part[0] == wanted]
        if not parts:
            names = ", ".join(name for name, _, _ in sheets)
            raise refused(
                "sheet",
                "The workbook has no sheet {sheet}. It has: {names}.",
                sheet=wanted,
                names=names,
            )
    visible = [part for part in parts if part[2] or wanted is not None]
    if not visible:
        raise refused("sheets", "The workbook has no visible worksheet.")
    return visible[0][1]


def _links(package: Package, part: str, folder: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if local(name) == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = (kind, target.lstrip("/"))

    if part in package:
        package.read(part, start)
    return found


def _sheets(package: Package, part: str) -> tuple[list[tuple[str, str, bool]], bool]:
    sheets: list[tuple[str, str, bool]] = []
    epochs: list[bool] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if local(name) == "sheet":
            link = next((v for k, v in attributes.items() if local(k) == "id"), "")
            shown = attributes.get("state", "visible") == "visible"
            sheets.append((attributes.get("name", ""), link, shown))
        elif local(name) == "workbookPr":
            epochs.append(attributes.get("date1904", "0") in ("1", "true"))

    package.read(part, start)
    return sheets, any(epochs)


class _Texts:
    """Collects the shared texts, without their readings (phonetic runs)."""

    def __init__(self, limit: int) -> None:
        self.found: list[str] = []
        self._limit = limit
        self._pieces: list[str] = []
        self._text = self._reading = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        name = local(name)
        if name == "rPh":
            self._reading = True
        elif name == "t":
            self._text = not self._reading

    def text(self, piece: str) -> None:
        if self._text:
            self._pieces.append(piece)

    def end(self, name: str) -> None:
        name = local(name)
        if name == "t":
            self._text = False
        elif name == "rPh":
            self._reading = False
        elif name == "si":
            self.found.append(unescape("".join(self._pieces)))
            self._pieces.clear()
            if len(self.found) > self._limit:
                text = "The workbook holds more than {limit} texts."
                raise refused("strings", text, limit=self._limit)


def _strings(package: Package, part: str) -> list[str]:
    texts = _Texts(package.limits.string_count)
    if part in package:
        limit = package.limits.strings
        package.read(part, texts.start, end=texts.end, text=texts.text, limit=limit)
    return texts.found


def _formats(package: Package, part: str) -> dict[str, str]:
    """Return what the cell formats mean, by their position in the list of formats."""
    codes: dict[str, str] = {}
    used: list[str] = []
    inside = {"cells": False}
    limit = package.limits.styles

    def start(name: str, attributes: dict[str, str]) -> None:
        name = local(name)
        if name == "numFmt":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            inside["cells"] = True
        elif name == "xf" and inside["cells"]:
            used.append(attributes.get("numFmtId", "0"))
            if len(used) > limit:
                raise refused("styles", "The workbook has more than {limit} formats.", limit=limit)

    def end(name: str) -> None:
        if local(name) == "cellXfs":
            inside["cells"] = False

    if part in package:
        package.read(part, start, end=end)
    meanings = ((str(at), _meaning(number, codes)) for at, number in enumerate(used))
    return {at: meaning for at, meaning in meanings if meaning}


def _meaning(number: str, codes: dict[str, str]) -> str:
    if number not in codes:
        known = int(number) if number.isdecimal() and len(number) < 7 else 0
        if known in _DATES:
            return DATE
        return TIME if known in _TIMES else PERCENT if known in _PERCENT else ""
    code = _LITERAL.sub("", codes[number].partition(";")[0]).lower()
    if "general" in code:
        return ""
    if "y" in code or "d" in code or ("m" in code and not re.search("[hs]", code)):
        return DATE
    return TIME if re.search("[hs]", code) else PERCENT if "%" in code else ""
