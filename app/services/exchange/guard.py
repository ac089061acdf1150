"""The door before a worksheet: what an archive may hold, and XML read without entities.

Everything is decided from the directory of the archive and, while reading, from what has
really been read; nothing a file claims about its own size is believed. Python's zip reader
gives at most the size that the directory states, so the sum of these is a true bound.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

from app.services.exchange.refusals import refused

_CHUNK = 1 << 16
_OLE = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
_ARCHIVES = (".zip", ".xlsx", ".xlsm", ".xls", ".docx", ".pptx", ".gz", ".7z", ".rar")

DAMAGED = "The file is damaged or was cut off. Save it again."

Start = Callable[[str, dict[str, str]], None]
Text = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an uploaded worksheet file may be. The defaults hold 100,000 rows of 60 columns."""

    entries: int = 2000
    total: int = 400 << 20
    #: an entry larger than ``dense`` may not have been packed better than this
    ratio: int = 200
    dense: int = 8 << 20
    strings: int = 64 << 20
    string_count: int = 1_000_000
    styles: int = 65_536
    part: int = 16 << 20
    columns: int = 500
    rows: int = 1_048_576
    cells: int = 20_000_000
    merged: int = 1000
    #: characters of one text, bytes of one tag
    token: int = 1 << 20


LIMITS = Limits()


class Package:
    """The parts of an ``.xlsx`` file, opened after its directory has been judged."""

    def __init__(self, stream: IO[bytes], limits: Limits = LIMITS) -> None:
        """Judge the archive.

        Raises:
            FileRefused: it is no archive, is encrypted, is too large, or hides an archive.
        """
        self.limits = limits
        _check_magic(stream)
        with intact():
            self._zip = zipfile.ZipFile(stream)
        self._check_directory()

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def size(self, name: str) -> int:
        """Return the unpacked size of a part."""
        return self._zip.getinfo(name).file_size

    def read(
        self,
        name: str,
        start: Start,
        *,
        end: Callable[[str], None] | None = None,
        text: Text | None = None,
        limit: int = 0,
    ) -> None:
        """Walk through the elements of the XML part ``name``."""
        if self.size(name) > (limit or self.limits.part):
            raise refused("part", "{part} of the file is too large.", part=name)
        walk = Walk(self, name, start, end=end, text=text)
        while walk.step():
            pass

    def open(self, name: str) -> IO[bytes]:
        """Open a part for reading as bytes."""
        with intact():
            return self._zip.open(name)

    def _check_directory(self) -> None:
        entries = self._zip.infolist()
        limits = self.limits
        if len(entries) > limits.entries:
            raise refused(
                "entries",
                "The file has {count} parts; a worksheet file has at most {limit}.",
                count=len(entries),
                limit=limits.entries,
            )
        if len({entry.filename.casefold() for entry in entries}) < len(entries):
            raise refused("broken", DAMAGED)
        total = sum(entry.file_size for entry in entries)
        if total > limits.total:
            raise refused(
                "size",
                "Unpacked, the file has {size} MB; {limit} MB can be read. Split it.",
                size=total >> 20,
                limit=limits.total >> 20,
            )
        for entry in entries:
            self._check_entry(entry)

    def _check_entry(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename.casefold()
        if entry.flag_bits & 1:
            raise refused("encrypted", "The file has a password. Save it without one.")
        if name.endswith("vbaproject.bin"):
            raise refused("macros", "The file holds macros. Save it as an ordinary .xlsx workbook.")
        if name.endswith(_ARCHIVES) or self._starts_like_zip(entry):
            raise refused(
                "nested", "The file holds another file inside ({part}).", part=entry.filename
            )
        packed_too_well = entry.file_size > self.limits.ratio * max(entry.compress_size, 1)
        if entry.file_size > self.limits.dense and packed_too_well:
            raise refused(
                "ratio",
                "{part} of the file unpacks to {times} times its size, which no worksheet does.",
                part=entry.filename,
                times=entry.file_size // max(entry.compress_size, 1),
            )

    def _starts_like_zip(self, entry: zipfile.ZipInfo) -> bool:
        if entry.filename.casefold().endswith((".xml", ".rels", "/")):
            return False
        with self.open(entry.filename) as part:
            return _first_bytes(part) == _ZIP


class Walk:
    """One pass over an XML part, a chunk at a time. Entities and document types are refused."""

    def __init__(
        self,
        package: Package,
        name: str,
        start: Start,
        *,
        end: Callable[[str], None] | None = None,
        text: Text | None = None,
    ) -> None:
        self._part, self._name, self._fed = package.open(name), name, 0
        self._limit = package.limits.token
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.XmlDeclHandler = self._declaration

    def step(self) -> bool:
        """Read on; return whether there is more."""
        with intact():
            chunk = self._part.read(_CHUNK)
        if self._fed == 0 and b"\x00" in chunk[:64]:
            self._declaration("1.0", "utf-16", 0)
        self._fed += len(chunk)
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise refused(
                "xml", "{part} of the file cannot be read: it is not well-formed.", part=self._name
            ) from error
        if self._fed - self._parser.CurrentByteIndex > self._limit:
            raise refused(
                "token", "{part} of the file holds an oversized element.", part=self._name
            )
        return bool(chunk)

    def _doctype(self, *_: object) -> None:
        raise refused(
            "doctype",
            "{part} of the file declares a document type, which no worksheet does.",
            part=self._name,
        )

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() != "utf-8":
            raise refused("encoding", "{part} of the file is not UTF-8.", part=self._name)


def _check_magic(stream: IO[bytes]) -> None:
    stream.seek(0)
    first = _first_bytes(stream)
    stream.seek(0)
    if first == _OLE:
        raise refused(
            "old",
            "This is an old .xls workbook, or one with a password. Save it as .xlsx without one.",
        )
    if first != _ZIP:
        raise refused("kind", "This is not an .xlsx workbook. Save it as .xlsx or .csv.")


def _first_bytes(stream: IO[bytes]) -> bytes:
    with intact():
        return stream.read(4)


@contextmanager
def intact() -> Iterator[None]:
    """Refuse the file when reading the archive finds it damaged."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as error:
        raise refused("broken", DAMAGED) from error
