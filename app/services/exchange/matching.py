"""Which stored record a row of a file is about, by mode: insert, update or upsert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.definitions.register import Register
from app.errors import Problem
from app.services import access
from app.services.exchange.entries import Entry
from app.services.exchange.headings import ID, Headings
from app.services.exchange.refusals import refused
from app.services.judging import occupied
from app.services.work import Work
from app.storage import rows as stored_rows
from app.storage.catalog import Published

INSERT, UPDATE, UPSERT = "insert", "update", "upsert"
MODES = (INSERT, UPDATE, UPSERT)


@dataclass(slots=True)
class Matcher:
    """Finds the records that rows are about, and rows about the same record twice."""

    mode: str
    #: the fields that name a record; none when only ``_id`` does
    names: tuple[str, ...]
    id_at: int | None
    version_at: int | None = None
    _rows: dict[Any, int] = field(default_factory=dict)

    def match(self, work: Work, published: Published, entries: Sequence[Entry]) -> None:
        """Give every entry its stored record, and a problem where the mode forbids it."""
        points = [self._point(entry) for entry in entries]
        numbered = [self._number(entry) for entry in entries]
        taken: dict[tuple[Any, ...], int] = {}
        if self.names and self.mode != INSERT:
            taken = occupied(work, published, self.names, [p for p in points if p])
        for entry, point, number in zip(entries, points, numbered, strict=True):
            if self.mode != INSERT:
                entry.record = number or (taken.get(point) if point else None)
        wanted = {entry.record for entry in entries if entry.record is not None}
        found = stored_rows.get_many(work.tx, published, sorted(wanted)) if wanted else []
        asked = access.of(work, published.slug)
        # what may not be seen is not there
        hidden = {row["_id"] for row in found if not asked.allows("see", row)}
        stored = {
            row["_id"]: row
            for row in found
            if row["_deleted_at"] is None and row["_id"] not in hidden
        }
        for entry, number in zip(entries, numbered, strict=True):
            if entry.record in hidden and number is None:
                entry.record = None
        for entry, point in zip(entries, points, strict=True):
            self._settle(published.register, entry, point, stored)

    def _settle(
        self,
        register: Register,
        entry: Entry,
        point: tuple[Any, ...] | None,
        stored: dict[int, dict[str, Any]],
    ) -> None:
        entry.old = stored.get(entry.record) if entry.record is not None else None
        first = self._first(entry, point)
        if first != entry.row:
            text = "The row is about the same record as row {row}."
            entry.problems.append(Problem(self._at(), "row.repeated", text, {"row": first}))
        elif entry.record is not None and entry.old is None:
            entry.problems.append(_no_record(register, {"cell": entry.record}))
        elif entry.record is None and self.mode == UPDATE and not self._open(entry):
            shown = {"cell": self._shown(register, point)}
            entry.problems.append(_no_record(register, shown, self._at()))
        if entry.old is not None:
            self._compare_versions(entry, entry.old)

    def _compare_versions(self, entry: Entry, old: Mapping[str, Any]) -> None:
        """Refuse a row made from an older version of its record, where the file tells which."""
        said = str(entry.cell(self.version_at) or "").strip()
        if said and said != str(old["_version"]):
            text = (
                "{who} saved this record after the file was made (version {current}, the file has "
                "{version}). Export it again and make the change there."
            )
            shown = {"who": old["_updated_by"], "current": old["_version"], "version": said}
            entry.problems.append(Problem("", "record.moved", text, shown))

    def _first(self, entry: Entry, point: tuple[Any, ...] | None) -> int:
        """Return the first row about the same record, by its id and by what names it."""
        rows = self._rows
        return min(
            rows.setdefault(same, entry.row) if same is not None else entry.row
            for same in (entry.record, point)
        )

    def _open(self, entry: Entry) -> bool:
        """Return whether the naming cells have problems of their own."""
        return bool(entry.open.keys() & set(self.names)) or any(
            p.name in self.names for p in (*entry.problems, *entry.unread)
        )

    def _at(self) -> str:
        return f"/{self.names[-1]}" if self.names else ""

    def _point(self, entry: Entry) -> tuple[Any, ...] | None:
        if not self.names:
            return None
        point = tuple(entry.values.get(name) for name in self.names)
        return None if None in point else point

    def _number(self, entry: Entry) -> int | None:
        cell = entry.cell(self.id_at)
        if cell is None or cell == "" or self.mode == INSERT:
            return None
        text = str(cell).strip()
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            problem = Problem("", "row.id", "{cell} in column _id names no record.", {"cell": text})
            entry.problems.append(problem)
            return None
        return int(text)

    def _shown(self, register: Register, point: tuple[Any, ...] | None) -> str:
        if point is None:
            return ""
        pairs = zip(self.names, point, strict=True)
        return " ".join(register[name].kind.show(value) for name, value in pairs)


def make_matcher(register: Register, headings: Headings, mode: str) -> Matcher:
    """Return the matcher for a file with these headings.

    A record is named by ``_id`` where the file has it, else by the register's key, else by a
    unique field. Raises ``FileRefused`` when an update has none of them.
    """
    present = {column.name for column in headings.columns}
    names = register.key if register.key and present.issuperset(register.key) else ()
    if not names:
        names = next(((f.name,) for f in register.fields if f.unique and f.name in present), ())
    if mode != INSERT and not names and headings.id_at is None:
        wanted = [register[name].title for name in register.key]
        wanted += [f.title for f in register.fields if f.unique and not f.derived]
        raise refused(
            "no_key",
            "To change records, the file needs a column that names them: {headings}.",
            headings=", ".join(dict.fromkeys((*wanted, ID))),
        )
    return Matcher(mode, names, headings.id_at, headings.version_at)


def _no_record(register: Register, shown: dict[str, Any], at: str = "") -> Problem:
    text = "There is no record {cell} in {register} to change."
    return Problem(at, "row.no_record", text, {**shown, "register": register.title})
