"""Sheet: the columns a file of units, people or pairings may have, and its rows as texts."""

from __future__ import annotations

import datetime
import functools
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from app.errors import AppError, Problem
from app.kinds.base import Unreadable
from app.kinds.date import Date, read_date
from app.services.exchange.cells import Spoiled
from app.services.exchange.importing import format_of
from app.services.exchange.readers import read_table
from app.services.exchange.refusals import refused
from app.services.exchange.report import KEPT, ImportReport, ImportStopped, Refusal
from app.services.work import Work

HEADINGS = Path(__file__).parents[3] / "schemas" / "people" / "headings.json"
#: rows a file may have; faulty rows after which reading stops
MOST, WORST = 20_000, 100


@dataclass(frozen=True, slots=True)
class Column:
    """A column a file may have. The first of ``titles`` stands in the template."""

    name: str
    titles: tuple[str, ...]
    required: bool = False

    @property
    def title(self) -> str:
        return self.titles[0]


@dataclass(slots=True)
class Line:
    """One row of a file: its number, and its cells by the name of the column."""

    row: int
    cells: Mapping[str, Any]
    #: what the row says that cannot be, by column; "" for the row as a whole
    problems: list[tuple[str, Problem]] = field(default_factory=list)

    def has(self, name: str) -> bool:
        return self.text(name) != ""

    def text(self, name: str) -> str:
        """Return a cell as text without blanks around it."""
        cell = self.cells.get(name)
        if cell is None:
            return ""
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        return " ".join(unicodedata.normalize("NFKC", str(cell)).split())

    def day(self, name: str) -> datetime.date | None:
        """Return a cell as a day; what is none is noted."""
        cell = self.cells.get(name)
        if cell is None or cell == "":
            return None
        try:
            return read_date(Date().from_cell(cell))
        except Unreadable as error:
            problem = Problem(f"/{name}", "value.unreadable", error.text, error.values)
            self.problems.append((name, problem))
            return None

    def refuse(self, name: str, code: str, text: str, **values: Any) -> None:
        self.problems.append((name, Problem(f"/{name}", code, text, values)))

    def refuse_for(self, name: str, error: AppError) -> None:
        """Note a refusal of a service as what is wrong with the row."""
        self.problems.append((name, Problem(f"/{name}", error.code, error.text, error.values)))


@functools.cache
def columns_of(what: str) -> tuple[Column, ...]:
    """Return the columns of a file of units, people or pairings."""
    said = json.loads(HEADINGS.read_text("utf-8"))[what]
    return tuple(Column(c["name"], tuple(c["titles"]), c.get("required", False)) for c in said)


@functools.cache
def kinds() -> Mapping[str, str]:
    """Return what a kind of unit may be called in a file → the kind."""
    said = json.loads(HEADINGS.read_text("utf-8"))["kinds"]
    return {name: kind for kind, names in said.items() for name in (kind, *names)}


def read_sheet(source: IO[bytes], name: str, what: str) -> list[Line]:
    """Return the rows of a file. Raises ``FileRefused``: no such file, or a column is missing."""
    columns = columns_of(what)
    known = {normal(title): column.name for column in columns for title in column.titles}
    table = read_table(source, format_of(name), lambda cells: score(known, cells))
    places: dict[int, str] = {}
    for at, cell in enumerate(table.heading):
        found = known.get(normal(cell))
        if found is not None and found not in places.values():
            places[at] = found
    missing = [c.title for c in columns if c.required and c.name not in places.values()]
    if missing:
        text = "The file lacks the column {columns}. Its first line names the columns."
        raise refused("columns", text, columns="、".join(missing))
    lines: list[Line] = []
    for row, cells in table.rows:
        if len(lines) >= MOST:
            raise refused("rows", "The file has more than {most} rows. Divide it.", most=MOST)
        lines.append(line_of(row, cells, places))
    return lines


def line_of(row: int, cells: Sequence[Any], places: Mapping[int, str]) -> Line:
    line = Line(row, {name: cells[at] for at, name in places.items() if at < len(cells)})
    for name, cell in line.cells.items():
        if isinstance(cell, Spoiled):
            line.refuse(name, cell.code, cell.text, **cell.values)
    return line


def normal(cell: Any) -> str:
    text = unicodedata.normalize("NFKC", str(cell or "")).casefold()
    return "".join(text.split()).rstrip("*")


def score(known: Mapping[str, str], cells: Sequence[Any]) -> int:
    return sum(normal(cell) in known for cell in cells)


# ── storing all rows or none


def attempt(work: Work, line: Line, name: str, act: Callable[[], str]) -> str:
    """Do what a row says and return what became of it; a refusal is noted and taken back."""
    try:
        with work.tx.begin_nested():
            return act()
    except AppError as error:
        line.refuse_for(name, error)
        return ""


def told(report: ImportReport, what: str, lines: Sequence[Line]) -> None:
    """Put what is wrong into a report. Raises ``ImportStopped`` when something is."""
    titles = {column.name: column.title for column in columns_of(what)}
    for line in lines:
        if line.problems:
            report.faulty += 1
        for name, problem in line.problems:
            if len(report.refused) < KEPT:
                cell = str(line.cells.get(name) or "")[:200]
                at = f"/{line.row}/{name}".rstrip("/")
                placed = Problem(at, problem.code, problem.text, problem.values)
                report.refused.append(Refusal(line.row, titles.get(name, ""), cell, placed))
    report.refused.sort(key=lambda refusal: refusal.row)
    if report.faulty:
        raise ImportStopped(report)
