"""The rows of one worksheet, read as a stream: memory does not grow with the sheet.

A reader of our own, and not a library's: the usual ones believe the claimed extent or hold the
whole sheet, show an error value as an empty cell, hide formulas, or lose a row that comes out
of order. Here every cell that exists is seen once; one that must not be taken is ``Spoiled``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.services.exchange.cells import FORMULA, MERGED, Spoiled, rewritten
from app.services.exchange.guard import DAMAGED, Package, Walk, intact
from app.services.exchange.refusals import refused
from app.services.exchange.workbook import DATE, PERCENT, TIME, Workbook, local, unescape

#: From here on a worksheet's number has lost digits.
_INEXACT = 10**15

_1900 = datetime.datetime(1899, 12, 30)
_1904 = datetime.datetime(1904, 1, 1)

Row = tuple[int, list[Any]]


def rows(package: Package, workbook: Workbook) -> Iterator[Row]:
    """Yield (row number, cells) of every row that holds anything.

    A cell is str, int, float, bool, date, datetime, None (nothing), or ``Spoiled``.

    Raises:
        FileRefused: the sheet is damaged, out of order, or more than may be read.
    """
    sheet = _Sheet(package, workbook, _merged(package, workbook.part))
    walk = Walk(package, workbook.part, sheet.start, end=sheet.end, text=sheet.data)
    more = True
    while more:
        more = walk.step()
        yield from sheet.ready
        sheet.ready.clear()


class _Sheet:
    """Collects cells while the parser walks; ``ready`` holds the finished rows."""

    def __init__(self, package: Package, workbook: Workbook, merged: list[_Area]) -> None:
        self.ready: list[Row] = []
        self._limits = package.limits
        self._workbook = workbook
        self._merged = sorted(merged, key=lambda area: area.top, reverse=True)
        self._areas: list[_Area] = []
        self._cell = "c"
        self._row = "row"
        self._text_names = frozenset(("v", "t"))
        self._started = False
        self._number = 0
        self._cells: list[Any] = []
        self._attributes: dict[str, str] = {}
        self._text: str | None = None
        self._collecting = self._formula = self._reading = False
        self._seen = self._column = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._cell:
            self._attributes = attributes
            self._text, self._formula = None, False
        elif name in self._text_names:
            self._collecting = not self._reading
            self._text = self._text or ""
        elif name == self._row:
            self._begin_row(attributes)
        elif not self._started:
            self._begin_sheet(name)
        elif local(name) == "f":
            self._formula = True
        elif local(name) == "rPh":
            self._reading = True

    def data(self, piece: str) -> None:
        if self._collecting:
            self._text = (self._text or "") + piece

    def end(self, name: str) -> None:
        if name == self._cell:
            self._end_cell()
        elif name in self._text_names:
            self._collecting = False
        elif name == self._row:
            self._end_row()
        elif local(name) == "rPh":
            self._reading = False

    def _begin_sheet(self, name: str) -> None:
        prefix, colon, _ = name.rpartition(":")
        self._cell, self._row = f"{prefix}{colon}c", f"{prefix}{colon}row"
        self._text_names = frozenset((f"{prefix}{colon}v", f"{prefix}{colon}t"))
        self._started = True

    def _begin_row(self, attributes: dict[str, str]) -> None:
        given = attributes.get("r")
        number = int(given) if given is not None and given.isdigit() else self._number + 1
        if number <= self._number:
            raise refused(
                "order", "The rows of the sheet are out of order at row {row}.", row=number
            )
        if number > self._limits.rows:
            raise refused("rows", "The sheet has more than {limit} rows.", limit=self._limits.rows)
        self._number, self._column, self._cells = number, 0, []

    def _end_row(self) -> None:
        if self._merged or self._areas:
            self._mark_merged()
        if self._cells:
            self.ready.append((self._number, self._cells))

    def _mark_merged(self) -> None:
        """Spoil the cells of merged areas: only the first holds what people see in all."""
        while self._merged and self._merged[-1].top <= self._number:
            self._areas.append(self._merged.pop())
        self._areas = [area for area in self._areas if area.bottom >= self._number]
        for area in self._areas if self._cells else ():
            last = min(area.right, self._limits.columns)
            self._cells.extend([None] * (last - len(self._cells)))
            for column in range(area.left, last + 1):
                self._cells[column - 1] = MERGED

    def _end_cell(self) -> None:
        attributes = self._attributes
        self._seen += 1
        reference = attributes.get("r")
        column = _column(reference) if reference else self._column + 1
        self._check(column, reference)
        self._column = column
        value: Any = FORMULA if self._formula else None
        if value is None and self._text is not None:
            value = self._value(self._text, attributes)
        if value is None:
            return
        if column > self._limits.columns:
            raise refused(
                "columns",
                "Row {row} of the sheet reaches column {column}; {limit} columns can be read.",
                row=self._number,
                column=column,
                limit=self._limits.columns,
            )
        cells = self._cells
        while len(cells) < column - 1:
            cells.append(None)
        cells.append(value)

    def _check(self, column: int, reference: str | None) -> None:
        if self._seen > self._limits.cells:
            raise refused(
                "cells", "The sheet has more than {limit} cells.", limit=self._limits.cells
            )
        misplaced = reference is not None and not reference.endswith(str(self._number))
        if column <= self._column or misplaced:
            raise refused(
                "order", "The rows of the sheet are out of order at row {row}.", row=self._number
            )

    def _value(self, text: str, attributes: dict[str, str]) -> Any:
        kind = attributes.get("t", "n")
        if kind == "n":
            return self._numeric(text, attributes.get("s", "0"))
        if kind == "s":
            return self._shared(text)
        if kind == "b":
            return text.strip() == "1"
        if kind == "e":
            return Spoiled("cell.error", "The cell shows the error {cell}.", {"cell": text})
        if kind == "d":
            return _iso(text)
        return unescape(text) or None

    def _shared(self, text: str) -> str | None:
        try:
            return self._workbook.strings[int(text)] or None
        except (ValueError, IndexError) as error:
            raise refused("broken", DAMAGED) from error

    def _numeric(self, text: str, style: str) -> Any:
        meaning = self._workbook.formats.get(style)
        try:
            number = float(text)
            whole = int(number)
        except (ValueError, OverflowError):
            if not text.strip():
                return None
            return Spoiled("cell.number", "{cell} is not a number.", {"cell": text[:40]})
        if meaning is None:
            if abs(number) >= _INEXACT:
                return rewritten(f"{number:.15g}")
            return whole if whole == number else number
        if meaning == PERCENT:
            return Spoiled(
                "cell.percent",
                "The cell shows {cell} as a percentage. Enter a plain number, so that it is clear "
                "which of the two is meant.",
                {"cell": text[:40]},
            )
        return _moment(number, meaning, self._workbook.epoch_1904)


def _moment(serial: float, meaning: str, epoch_1904: bool) -> Any:
    """Return the date, the date and time, or the time of day that a serial number means."""
    try:
        moment = (_1904 if epoch_1904 else _1900) + datetime.timedelta(
            seconds=round(serial * 86400)
        )
    except OverflowError:
        moment = datetime.datetime.min
    if meaning == TIME and 0 <= serial < 1:
        return moment.strftime("%H:%M:%S")
    if moment < (_1904 if epoch_1904 else datetime.datetime(1900, 3, 1)):
        # Excel counts a 29 February 1900 that never was: what lies before it is not certain.
        return Spoiled("cell.date", "{cell} is not a date.", {"cell": f"{serial:g}"})
    if meaning == DATE and moment.time() == datetime.time():
        return moment.date()
    return moment


def _iso(text: str) -> Any:
    try:
        moment = datetime.datetime.fromisoformat(text.strip()).replace(tzinfo=None, microsecond=0)
    except ValueError:
        return Spoiled("cell.date", "{cell} is not a date.", {"cell": text[:40]})
    return moment.date() if len(text.strip()) == 10 else moment


def _column(reference: str) -> int:
    column = 0
    for letter in reference:
        if "A" <= letter <= "Z":
            column = column * 26 + ord(letter) - 64
        else:
            break
    return column


@dataclass(frozen=True, slots=True)
class _Area:
    """A merged area, by its first and last row and column."""

    top: int
    bottom: int
    left: int
    right: int


def _area(reference: str) -> _Area:
    first, _, last = reference.partition(":")
    last = last or first
    top, bottom = (int("".join(filter(str.isdigit, corner)) or "0") for corner in (first, last))
    return _Area(top, bottom, max(_column(first), 1), _column(last))


def _merged(package: Package, part: str) -> list[_Area]:
    """Return the merged areas, which stand at the end of a sheet, after its cells."""
    if not _mentions(package, part, b"mergeCell "):
        return []
    areas: list[_Area] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if local(name) == "mergeCell":
            areas.append(_area(attributes.get("ref", "")))
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
