"""Showing: one record as its page shows it, today's or as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import url_for

from app.definitions.register import Field, Register, Section
from app.faces.admin import entry, files
from app.faces.admin.listing import number
from app.faces.admin.telling import tell
from app.services import records
from app.services.work import Work
from app.words import gettext as _


@dataclass(slots=True)
class Fact:
    """One field of the record: a text, a link, files, or a table of child rows."""

    title: str
    text: str = ""
    unit: str = ""
    url: str = ""
    wide: bool = False
    #: where to ask for the private value whole
    reveal: str = ""
    files: list[dict[str, Any]] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[tuple[dict[str, Any], str]]] | None = None


def sections_of(register: Register) -> list[Section]:
    """Return the sections, with what no section names in one at the end."""
    named = {name for section in register.sections for name in section.fields}
    rest = tuple(name for name in register.names if name not in named)
    if not rest:
        return list(register.sections)
    title = _("Other") if register.sections else _("Record")
    return [*register.sections, Section(title, rest)]


def sections(
    work: Work, register: Register, values: Mapping[str, Any], references: Mapping[str, str],
    visible: Mapping[str, bool], record: int, revealable: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the facts of a record by section; what the definition hides is left out."""
    found = []
    for section in sections_of(register):
        facts = []
        for name in section.fields:
            if name in register and visible.get(name) is not False:
                label = references.get(name, "")
                facts.append(fact(work, register[name], values.get(name), label, record))
                if name in revealable and facts[-1].text:
                    facts[-1].reveal = url_for("register.reveal_view", id=record, field=name)
        if facts:
            found.append({"title": section.title, "facts": facts})
    return found


def fact(work: Work, shown: Field, value: Any, reference: str, record: int) -> Fact:
    """Return one field as the page shows it."""
    made = Fact(shown.title, unit=shown.unit)
    if shown.columns:
        made.wide = True
        made.columns = [
            {"title": c.title, "unit": c.unit, "number": number(c)} for c in shown.columns
        ]
        made.rows = [rows(work, shown, made, row) for row in value or ()]
    elif entry.has_files(shown):
        made.wide, made.files = (
            bool(value),
            files.facts(work, [str(n) for n in value or ()], record),
        )
    elif shown.reference and value is not None:
        made.text = reference or tell(work, shown, value)
        if records.may_see(work, shown.reference, value):
            made.url = url_for("register.details_view", slug=shown.reference, id=value)
    else:
        made.text = shown.kind.show(value)
        made.wide = len(made.text) > 60
    return made


def rows(
    work: Work, shown: Field, made: Fact, row: Mapping[str, Any]
) -> list[tuple[dict[str, Any], str]]:
    texts = [tell(work, column, row.get(column.name)) for column in shown.columns]
    return list(zip(made.columns, texts, strict=True))


def used_by(work: Work, found: Sequence[tuple[Any, Field, Sequence[int]]], record: int) -> list[
    tuple[str, str]
]:  # fmt: skip
    """Return (words, address) of the lists of records that refer to this one."""
    links = []
    for other, reference, ids in found:
        words = _("{register}: {count} records", register=other.register.title, count=len(ids))
        address = url_for("register.index_view", slug=other.slug)
        links.append((words, f"{address}?f.{reference.name}={record}"))
    return links
