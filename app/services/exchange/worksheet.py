"""The rows of one worksheet, read as a stream: memory does not grow with the sheet.

A reader of our own, and not a library's: the usual ones believe the claimed extent or hold the
whole sheet, show an error value as an empty cell, hide formulas, or lose a row that comes out
of order. Here every cell that exists is seen once; one that must not be taken is ``Spoiled``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from app.services.exchange.areas import Area, column_of, is_index, merged_areas
from app.services.exchange.cells import FORMULA, MERGED, Spoiled, rewritten
from app.services.exchange.guard import DAMAGED, Package, Walk
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
    sheet = _Sheet(package, workbook, merged_areas(package, workbook.part))
    walk = Walk(package, workbook.part, sheet.start, end=sheet.end, text=sheet.data)
    more = True
    while more:
        more = walk.step()
        yield from sheet.ready
        sheet.ready.clear()


class _Sheet:
    """Collects cells while the parser walks; ``ready`` holds the finished rows."""

    __slots__ = (
        "_areas", "_attributes", "_cell", "_cells", "_collecting", "_column", "_columns",
        "_formula", "_known", "_limits", "_merged", "_number", "_reading", "_row",
        "_seen", "_suffix", "_text", "_value_name", "_text_name", "_workbook", "ready",
    )  # fmt: skip

    def __init__(self, package: Package, workbook: Workbook, merged: list[Area]) -> None:
        self.ready: list[Row] = []
        self._limits = package.limits
        self._workbook = workbook
        self._merged = sorted(merged, key=lambda area: area.top, reverse=True)
        self._areas: list[Area] = []
        self._cell, self._row, self._value_name, self._text_name = "c", "row", "v", "t"
        #: columns by their letters
        self._columns: dict[str, int] = {}
        self._known = False
        self._number, self._suffix = 0, "0"
        self._cells: list[Any] = []
        self._attributes: dict[str, str] = {}
        self._text: str | None = None
        self._collecting = self._formula = self._reading = False
        self._seen = self._column = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._cell:
            self._attributes = attributes
            self._text, self._formula = None, False
        elif name == self._value_name or name == self._text_name:
            self._collecting = not self._reading
        elif name == self._row:
            self._begin_row(attributes)
        elif not self._known:
            self._begin_sheet(name)
        elif name.endswith("f") and local(name) == "f":
            self._formula = True
        elif name.endswith("rPh"):
            self._reading = True

    def data(self, piece: str) -> None:
        if self._collecting:
            text = self._text = piece if self._text is None else self._text + piece
            if len(text) > self._limits.token:
                raise refused("text", "The sheet holds a text of more than {limit} characters.",
                              limit=self._limits.token)  # fmt: skip

    def end(self, name: str) -> None:
        if name == self._cell:
            self._end_cell()
        elif name == self._value_name or name == self._text_name:
            self._collecting = False
        elif name == self._row:
            self._end_row()
        elif name.endswith("rPh"):
            self._reading = False

    def _begin_sheet(self, name: str) -> None:
        """Learn the prefix that the elements of this sheet have."""
        prefix = name[: len(name) - len(local(name))]
        names = (f"{prefix}{own}" for own in ("c", "row", "v", "t"))
        self._cell, self._row, self._value_name, self._text_name = names
        self._known = True

    def _begin_row(self, attributes: dict[str, str]) -> None:
        given = attributes.get("r")
        number = int(given) if given and is_index(given) else self._number + 1
        if number <= self._number:
            raise refused(
                "order", "The rows of the sheet are out of order at row {row}.", row=number
            )
        if number > self._limits.rows:
            raise refused("rows", "The sheet has more than {limit} rows.", limit=self._limits.rows)
        self._number, self._column, self._cells = number, 0, []
        self._suffix = str(number)

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
        attributes, text = self._attributes, self._text
        self._seen += 1
        reference = attributes.get("r")
        column = self._column + 1 if reference is None else self._place(reference)
        if column <= self._column or self._seen > self._limits.cells:
            self._refuse_cell()
        self._column = column
        value: Any = FORMULA if self._formula else None
        if value is None and text is not None:
            value = self._value(text, attributes)
        if value is None:
            return
        cells = self._cells
        if column > self._limits.columns:
            raise refused(
                "columns",
                "Row {row} of the sheet reaches column {column}; {limit} columns can be read.",
                row=self._number,
                column=column,
                limit=self._limits.columns,
            )
        while len(cells) < column - 1:
            cells.append(None)
        cells.append(value)

    def _place(self, reference: str) -> int:
        """Return the column of a reference such as ``AB12``; 0 when it is of another row."""
        letters = reference.removesuffix(self._suffix)
        column = self._columns.get(letters)
        if column is None:
            column = column_of(letters) if letters.isalpha() and letters != reference else 0
            if column:
                self._columns[letters] = column
        return column

    def _refuse_cell(self) -> None:
        if self._seen > self._limits.cells:
            text = "The sheet has more than {limit} cells."
            raise refused("cells", text, limit=self._limits.cells)
        text = "The rows of the sheet are out of order at row {row}."
        raise refused("order", text, row=self._number)

    def _value(self, text: str, attributes: dict[str, str]) -> Any:
        kind = attributes.get("t", "n")
        if kind == "n":
            return self._numeric(text, attributes.get("s", "0"))
        if kind == "inlineStr" or kind == "str":
            return unescape(text) or None
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
            return self._workbook.strings[int(text) if text.isdigit() else -1 << 40] or None
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
