"""Writing tables: csv with guarded texts, xlsx with typed cells; a row at a time."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import IO, Any, BinaryIO, cast

import rustpy_xlsxwriter

from app.services.exchange.cells import guard
from app.services.exchange.readers import CSV, XLSX
from app.services.exchange.refusals import refused

#: What a worksheet's cell holds, and how many digits of a number it keeps.
LONGEST_CELL = 32_767
DIGITS = 15
LONGEST_SHEET = 1_048_576
LONGEST_SHEET_NAME = 31

_BAD_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_BAD_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_WIDEST = 60


def write_table(
    out: IO[bytes],
    format: str,
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    formats: Sequence[str] = (),
) -> None:
    """Write ``rows`` under ``headings`` to ``out``; cells are text, numbers, dates or None.

    ``formats`` are Excel's number formats of the columns.

    Raises:
        FileRefused: a text or the table is longer than a worksheet can hold.
    """
    if format == XLSX:
        _write_xlsx(out, title, headings, rows, formats or ["@"] * len(headings))
    elif format == CSV:
        _write_csv(out, headings, rows)
    else:
        raise refused("export", "There is no export as {format}.", format=format)


def _write_csv(out: IO[bytes], headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow([guard(heading) for heading in headings])
        writer.writerows([plain(cell) for cell in row] for row in rows)
    finally:
        text.detach()


def plain(cell: Any) -> Any:
    """Return a cell as csv has it: numbers with all digits, texts made harmless."""
    if isinstance(cell, str):
        return guard(cell)
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ", "seconds")
    return cell


def _write_xlsx(
    out: IO[bytes],
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    formats: Sequence[str],
) -> None:
    columns = list(zip(headings, formats, strict=True))
    shape = rustpy_xlsxwriter.Format
    rustpy_xlsxwriter.write_worksheet(
        _records(headings, rows),
        cast(BinaryIO, out),
        sheet_name=sheet_name(title),
        freeze_row=1,
        autofilter=True,
        bold_headers=True,
        column_formats={heading: shape().set_num_format(code) for heading, code in columns},
        column_widths={heading: _width(heading, code) for heading, code in columns},
    )


def _records(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows as the library wants them; without any row, a blank one carries the headings."""
    number = 1
    for number, row in enumerate(rows, 2):
        if number > LONGEST_SHEET:
            raise refused(
                "long", "A worksheet holds {limit} rows. Export as csv.", limit=LONGEST_SHEET
            )
        yield {
            heading: _typed(cell, heading, number)
            for heading, cell in zip(headings, row, strict=True)
        }
    if number == 1:
        yield dict.fromkeys(headings)


def _typed(cell: Any, heading: str, row: int) -> Any:
    if isinstance(cell, str):
        if len(cell) > LONGEST_CELL:
            text = (
                "{heading} in row {row} has {count} characters, a worksheet's cell holds {limit}. "
                "Export as csv."
            )
            raise refused(
                "cell", text, heading=heading, row=row, count=len(cell), limit=LONGEST_CELL
            )
        return cell
    if isinstance(cell, Decimal):
        exact = len(cell.as_tuple().digits) <= DIGITS
        return float(cell) if exact else format(cell, "f")
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) >= 10**DIGITS:
        return str(cell)
    return cell


def sheet_name(title: str) -> str:
    """Return ``title`` as a worksheet may be called."""
    name = " ".join(_BAD_IN_SHEET_NAMES.sub(" ", title).split()).strip("' ")
    return name[:LONGEST_SHEET_NAME].strip("' ") or "Sheet1"


def file_name(title: str, day: datetime.date, format: str) -> str:
    """Return the name under which an export is offered: title, day and ending."""
    name = " ".join(_BAD_IN_FILE_NAMES.sub(" ", title).split()).strip(". ")
    return f"{name[:80] or 'export'}_{day:%Y%m%d}.{format}"


def _width(heading: str, code: str) -> float:
    """Return a width in characters; a Chinese one takes two."""
    wanted = sum(2 if ord(letter) > 255 else 1 for letter in heading) + 2
    least = 12 if code == "@" else 14
    return float(min(max(wanted, least), _WIDEST))
