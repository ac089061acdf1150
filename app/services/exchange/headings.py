"""Which column of a file belongs to which field."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.definitions.register import Field, Register
from app.services.exchange.cells import unguard
from app.services.exchange.refusals import Reason, refused_for

#: Columns of an export that are the platform's own; ``_id`` also finds a record.
ID, VERSION = "_id", "_version"

#: Columns of office ledgers that carry nothing of the record.
_IGNORED = frozenset({"序号", "no."})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file that is read: its position, its field, and its unit's factor."""

    at: int
    name: str
    field: Field
    from_cell: Callable[[Any], Any]
    #: whether a long number in it has been a code
    code: bool
    factor: Decimal | None = None
    #: the unit that the factor converts from
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Headings:
    """The heading row as understood: the columns to read and where ``_id`` stands."""

    columns: tuple[Column, ...]
    #: how many columns there are, and those that have a heading
    width: int
    named: frozenset[int]
    id_at: int | None = None
    #: where ``_version`` stands: a row made from an older version is refused
    version_at: int | None = None
    #: headings of fields that the platform computes, or that a file cannot carry
    ignored: tuple[str, ...] = ()


def normal(heading: Any) -> str:
    """Return a heading as it is compared: half-width, without blanks, stars and line breaks."""
    if not isinstance(heading, str):
        return ""
    text = unicodedata.normalize("NFKC", unguard(heading))
    return "".join(text.split()).strip("*").casefold()


class Vocabulary:
    """The headings that a register knows."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._known: dict[str, tuple[Field, Decimal | None, str]] = {}
        titles = Counter(normal(field.title) for field in register.fields)
        self._bare = Counter(normal(h) for field in register.fields for h in field.factors)
        for field in register.fields:
            self._add(field.name, field)
        for field in register.fields:
            if titles[normal(field.title)] == 1:
                self._add_titles(field)

    def _add(self, heading: str, field: Field, factor: str = "", unit: str = "") -> None:
        meaning = (field, Decimal(factor) if factor else None, unit)
        self._known.setdefault(normal(heading), meaning)

    def _add_titles(self, field: Field) -> None:
        self._add(field.title, field)
        if field.unit:
            self._add(f"{field.title}({field.unit})", field)
        for heading, factor in field.factors.items():
            unit = _in_brackets(heading) or heading
            if self._bare[normal(heading)] == 1:
                self._add(heading, field, factor, unit)
            self._add(f"{field.title}({heading})", field, factor, unit)

    def knows(self, heading: Any) -> bool:
        """Return whether ``heading`` names something of the register."""
        text = normal(heading)
        return text in self._known or text == ID

    def score(self, row: Sequence[Any]) -> int:
        """Return how many cells of ``row`` are known headings."""
        return sum(map(self.knows, row))

    def read(self, row: Sequence[Any], needed: Iterable[str] = ()) -> Headings:
        """Return what the heading row says.

        Raises:
            FileRefused: a heading is unknown, stands twice, or a ``needed`` field is missing;
                its problems name all of them, and the headings the register knows.
        """
        columns: list[Column] = []
        ignored: list[str] = []
        unknown: list[str] = []
        named: set[int] = set()
        places: dict[str, int] = {}
        for at, cell in enumerate(row):
            text = normal(cell)
            if text:
                named.add(at)
            if text in (ID, VERSION):
                places[text] = at
            elif text in self._known:
                found = _column(at, *self._known[text])
                if unreadable(found.field):
                    ignored.append(str(cell))
                else:
                    columns.append(found)
            elif text and text not in _IGNORED:
                unknown.append(str(cell).strip())
        self._refuse(columns, unknown, needed)
        return Headings(
            tuple(columns), len(row), frozenset(named), places.get(ID),
            places.get(VERSION), tuple(ignored),
        )  # fmt: skip

    def _refuse(self, columns: list[Column], unknown: list[str], needed: Iterable[str]) -> None:
        counted = Counter(column.field.name for column in columns)
        twice = [self._register[name].title for name, count in counted.items() if count > 1]
        missing = [self._register[name].title for name in needed if name not in counted]
        reasons = [
            Reason("", code, text, {"headings": ", ".join(headings)})
            for code, text, headings in (
                ("file.unknown_headings", "The register has no field {headings}.", unknown),
                ("file.repeated_headings", "More than one column is headed {headings}.", twice),
                ("file.missing_headings", "There is no column {headings}.", missing),
            )
            if headings
        ]
        if not reasons and not columns:
            reasons = [Reason("", "file.no_headings", "No heading row was found.")]
        if reasons:
            known = ", ".join(f.title for f in self._register.fields if not unreadable(f))
            text = "Known headings: {headings}."
            reasons.append(Reason("", "file.known_headings", text, {"headings": known}))
            raise refused_for(reasons)


def _column(at: int, field: Field, factor: Decimal | None, unit: str) -> Column:
    kind = field.kind
    code = kind.formula_type == "string" and not field.reference
    return Column(at, field.name, field, kind.from_cell, code, factor, unit)


def _in_brackets(heading: str) -> str:
    found = re.search(r"\(([^()]+)\)$", normal(heading))
    return found[1] if found else ""


def unreadable(field: Field) -> bool:
    """Return whether a file cannot supply the field: it is derived, or holds attachments."""
    return field.derived or field.kind.name == "attachment"


def heading_of(register: Register, field: Field) -> str:
    """Return the heading an export gives to a field: its title, unless two share it."""
    shared = sum(normal(other.title) == normal(field.title) for other in register.fields) > 1
    taken = any(
        normal(other.name) == normal(field.title) for other in register.fields if other is not field
    )
    return field.name if shared or taken or not normal(field.title) else field.title
