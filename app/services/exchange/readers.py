"""Reading tables: csv and xlsx, a row at a time, in memory that does not grow with the file."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import IO, Any

from app.errors import FileRefused
from app.kinds.numerals import is_number
from app.services.exchange import worksheet
from app.services.exchange.cells import unguard
from app.services.exchange.guard import Package
from app.services.exchange.refusals import refused
from app.services.exchange.workbook import open_workbook

CSV, XLSX, JSONL = "csv", "xlsx", "jsonl"

#: what stands in the line of sums, as we write it and as others do
TOTAL = "合计"
_TOTALS = frozenset({TOTAL, "总计", "total", "totals"})
_NUMERAL = re.compile(r"-?[0-9][0-9,]*(\.[0-9]+)?")

#: Rows among which the heading row is looked for: ledgers begin with a title and a unit line.
_TITLES = 5

_CHUNK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Row = tuple[int, Sequence[Any]]
Score = Callable[[Sequence[Any]], int]


@dataclass(frozen=True, slots=True)
class Table:
    """A file as a table: its heading row, and the rows below as they are read.

    Row numbers are those a spreadsheet program shows. Rows without any content are left out.
    """

    heading_row: int
    heading: Sequence[Any]
    rows: Iterator[Row]
    #: the encoding of a csv, ``""`` for a worksheet
    encoding: str = ""


def read_table(stream: IO[bytes], format: str, score: Score, sheet: str | None = None) -> Table:
    """Open the csv or xlsx in ``stream``, which must be seekable.

    ``score`` counts the known headings in a row: it finds the heading row and the delimiter.

    Raises:
        FileRefused: the file is of another kind, damaged, hostile, or holds no rows.
    """
    if format == XLSX:
        package = Package(stream)
        return _table(worksheet.rows(package, open_workbook(package, sheet)), score)
    if format == CSV:
        encoding = detect(stream)
        delimiter = _delimiter(stream, encoding, score)
        return _table(_csv_rows(stream, encoding, delimiter), score, encoding)
    raise refused("format", "Files of the kind {format} cannot be imported.", format=format)


def detect(stream: IO[bytes]) -> str:
    """Return the encoding of the text in ``stream``: the first that reads all of it.

    UTF-8 is tried before GB 18030, which would accept most UTF-8 text as other characters.
    """
    stream.seek(0)
    start = stream.read(4)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise refused("not_text", "This is a workbook, not a csv. Import it as xlsx.")
    encodings = [name for bom, name in _BOMS if start.startswith(bom)] or ["utf-8", "gb18030"]
    for encoding in encodings:
        if _decodes(stream, encoding):
            return encoding
    raise refused("encoding", "The text is neither UTF-8 nor GB 18030. Save it as csv UTF-8.")


def _decodes(stream: IO[bytes], encoding: str) -> bool:
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := stream.read(_CHUNK):
            if "\x00" in decoder.decode(chunk):
                raise refused("nul", "The file holds NUL characters: it is no text.")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(stream: IO[bytes], encoding: str, score: Score) -> str:
    """Return the delimiter under which most headings are known; a comma when none helps."""
    best, found = ",", 0
    for delimiter in (",", ";", "\t"):
        with closing(_csv_rows(stream, encoding, delimiter)) as rows, suppress(FileRefused):
            known = max((score(cells) for _, cells in itertools.islice(rows, _TITLES)), default=0)
            if known > found:
                best, found = delimiter, known
    return best


def _csv_rows(stream: IO[bytes], encoding: str, delimiter: str) -> Generator[Row, None, None]:
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding, newline="")
    try:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        yield from enumerate(reader, 1)
    except csv.Error as error:
        sentence = "Line {line} cannot be read as csv: a quotation mark is missing or out of place."
        if "limit" in str(error):
            sentence = "A text in line {line} is too long. Is a quotation mark missing before it?"
        raise refused("csv", sentence, line=reader.line_num) from error
    finally:
        if not stream.closed:
            text.detach()


def unguarded(rows: Iterable[Row]) -> Iterator[Row]:
    """Take off the apostrophes that our own csv export puts before formula-like texts."""
    for number, cells in rows:
        yield number, [unguard(c) if c[:1] == "'" else c for c in cells]


def _table(rows: Iterator[Row], score: Score, encoding: str = "") -> Table:
    first = list(itertools.islice(rows, _TITLES))
    if not any(map(_filled, first)):
        raise refused("empty", "The file holds no rows.")
    best = max(range(len(first)), key=lambda at: (score(first[at][1]), -at))
    number, heading = first[best]
    rest: Iterator[Row] = itertools.chain(first[best + 1 :], rows)
    if encoding:
        rest = unguarded(rest)
    return Table(number, heading, filter(_holds_record, rest), encoding)


def _holds_record(row: Row) -> bool:
    """Return whether a row is about a record: it is neither blank nor a line of sums."""
    cells = row[1]
    first = next((cell for cell in cells if cell is not None and cell != ""), None)
    if first is None:
        return False
    if first.__class__ is not str or "".join(first.split()).casefold() not in _TOTALS:
        return True
    rest = [cell for cell in cells if cell is not None and cell != "" and cell is not first]
    return not rest or not all(is_number(cell) or _NUMERAL.fullmatch(str(cell)) for cell in rest)


def _filled(row: Row) -> bool:
    return any(cell is not None and cell != "" for cell in row[1])
