"""From the rows of a table to values: cells, units and references, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.definitions.gate import Values, round_half_up
from app.definitions.register import Field
from app.errors import Problem
from app.kinds.base import Unreadable
from app.kinds.numerals import exact, is_number, numeral
from app.services.exchange.cells import Spoiled, looks_rewritten, rewritten
from app.services.exchange.headings import Column, Headings
from app.services.reading import resolve_references
from app.services.work import Work
from app.storage import rows as stored_rows
from app.storage.catalog import Published


@dataclass(slots=True)
class Entry:
    """One row of a file on its way into the register."""

    row: int
    cells: Sequence[Any]
    raw: dict[str, Any] = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    #: what the gate found while reading, and what was found before it
    unread: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    #: the stored record that the row is about, with its id
    record: int | None = None
    old: Mapping[str, Any] | None = None
    #: texts of references that name nothing yet: field -> (text, its problem)
    open: dict[str, tuple[str, Problem]] = field(default_factory=dict)

    def cell(self, at: int | None) -> Any:
        """Return a cell; the end of a row may be missing."""
        return None if at is None or at >= len(self.cells) else self.cells[at]


def read_entries(
    work: Work, published: Published, headings: Headings, rows: Iterable[tuple[int, Sequence[Any]]]
) -> list[Entry]:
    """Return a batch of rows, read by the gate; references are looked up together."""
    entries = [Entry(number, cells) for number, cells in rows]
    strays = _positions_without_heading(headings)
    plan = [(c.at, c.name, c.from_cell, c.code, c) for c in headings.columns]
    for entry in entries:
        _fill(entry, plan)
        if len(entry.cells) > headings.width or strays:
            _find_strays(entry, headings.width, strays)
    for column in headings.columns:
        if column.field.reference:
            _resolve(work, published, column.field, entries)
    read = published.gate.read
    for entry in entries:
        entry.values, entry.unread = read(entry.raw)
    return entries


def _fill(entry: Entry, plan: Sequence[tuple[Any, ...]]) -> None:
    """Turn cells into raw values; what must not be taken is a problem. Runs for every cell."""
    cells, raw = entry.cells, entry.raw
    width = len(cells)
    for at, name, from_cell, code, column in plan:
        cell = cells[at] if at < width else None
        if cell is None or cell == "":
            raw[name] = None
        elif cell.__class__ is Spoiled:
            entry.problems.append(_spoiled(column, cell))
        elif code and cell.__class__ is str and cell[1:2] in ".Ee" and looks_rewritten(cell):
            entry.problems.append(_spoiled(column, rewritten(cell)))
        elif column.factor is None:
            raw[name] = from_cell(cell)
        else:
            _convert(entry, column, cell)


def _spoiled(column: Column, cell: Spoiled) -> Problem:
    shown = {"field": column.field.title, **cell.values}
    return Problem(f"/{column.name}", cell.code, cell.text, shown)


def _convert(entry: Entry, column: Column, cell: Any) -> None:
    """Multiply by the heading's factor, exactly, and round half up to the field's scale."""
    try:
        digits = cell if is_number(cell) else numeral(str(cell), column.unit)
        if digits is not None and column.factor is not None:
            number = exact(digits) if isinstance(digits, float) else Decimal(digits)
            number *= column.factor
            scale = getattr(column.field.kind, "scale", None)
            entry.raw[column.name] = number if scale is None else round_half_up(number, scale)
    except Unreadable as error:
        shown = {"value": str(cell)[:60], **error.values}
        entry.problems.append(Problem(f"/{column.name}", "value.unreadable", error.text, shown))
    except ArithmeticError:
        text = "{value} has too many digits."
        shown = {"value": str(cell)[:60]}
        entry.problems.append(Problem(f"/{column.name}", "value.unreadable", text, shown))


def _positions_without_heading(headings: Headings) -> list[int]:
    return [at for at in range(headings.width) if at not in headings.named]


def _find_strays(entry: Entry, width: int, positions: Sequence[int]) -> None:
    cells = entry.cells
    beyond = range(width, len(cells))
    for at in (*(p for p in positions if p < len(cells)), *beyond):
        if cells[at] is not None and cells[at] != "":
            text = "Column {column} has no heading, but holds {cell}."
            shown = {"column": at + 1, "cell": str(cells[at])[:60]}
            entry.problems.append(Problem("", "row.no_heading", text, shown))
            return


def _resolve(work: Work, published: Published, field: Field, entries: Sequence[Entry]) -> None:
    name = field.name
    texts = {id(e): _text(e.raw[name]) for e in entries if e.raw.get(name) is not None}
    wanted = set(filter(None, texts.values()))
    if not wanted:
        return
    found = resolve_references(work, published, field, wanted)
    for entry in entries:
        text = texts.get(id(entry))
        if text is None:
            continue
        target = found.get(text)
        if isinstance(target, Problem):
            entry.open[name] = (text, target)
            del entry.raw[name]
        else:
            entry.raw[name] = target


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).split())


def settle_references(work: Work, published: Published, entries: Sequence[Entry]) -> None:
    """Decide the references that name nothing: one that repeats the label of the record the
    row refers to already (it may have been deleted, or share its label) stays as it is."""
    for entry in entries:
        for name, (text, problem) in entry.open.items():
            stored = entry.old.get(name) if entry.old else None
            if stored is not None:
                target = work.published(published.register[name].reference)
                if stored_rows.labels(work.tx, target, [stored]).get(stored) == text:
                    entry.values[name] = stored
                    continue
            entry.problems.append(problem)
