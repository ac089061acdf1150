"""Export: the records of a list as csv, xlsx or jsonl, streamed in batches.

What is exported can be imported again unchanged: references are written by a text that names
exactly their record, codes as text, numbers with all their digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from app.definitions.register import Field, Register
from app.kinds import dump_json
from app.services import access, lists
from app.services.exchange.headings import ID, VERSION, heading_of
from app.services.exchange.readers import CSV, JSONL, TOTAL, XLSX
from app.services.exchange.refusals import refused
from app.services.exchange.writers import write_table
from app.services.reading import Record, resolve_references
from app.services.work import Work
from app.storage import models
from app.storage import rows as stored_rows
from app.storage.catalog import Published

FORMATS = (CSV, XLSX, JSONL)

Progress = Callable[[int], None]


def export(
    work: Work,
    slug: str,
    query: lists.Query,
    format: str,
    out: Path | IO[bytes],
    progress: Progress | None = None,
) -> int:
    """Write every record of the list ``query`` to ``out`` and return their number.

    Memory does not grow with the records. Raises ``QueryRefused``, and ``FileRefused`` for an
    unknown format or a text that no worksheet can hold.
    """
    if format not in FORMATS:
        raise refused("export", "There is no export as {format}.", format=format)
    if isinstance(out, Path):
        with out.open("wb") as stream:
            return export(work, slug, query, format, stream, progress)
    published = work.published(slug)
    job = _Export(work, published, query, progress)
    if format == JSONL:
        for batch in job.batches():
            out.write("".join(dump_json(line) + "\n" for line in job.objects(batch)).encode())
    else:
        write_table(out, format, published.register.title, job.headings, job.rows(), job.formats)
    return job.count


def exported_fields(register: Register) -> list[Field]:
    """Return the fields of an export: those the register lists, or all; the key always."""
    names = register.export or register.names
    key = [name for name in register.key if name not in names]
    return [register[name] for name in (*key, *names)]


def named_by_fields(register: Register) -> bool:
    """Return whether every record of an export can be found again by its own fields."""
    exported = {field.name for field in exported_fields(register)}
    keys = [register.key] if register.key else []
    keys += [(f.name,) for f in register.fields if f.unique and not register.key]
    return any(all(n in exported and register[n].required for n in key) for key in keys)


class _Export:
    """One run over the records of a list."""

    def __init__(
        self, work: Work, published: Published, query: lists.Query, progress: Progress | None
    ) -> None:
        register = published.register
        self._work, self._published, self._query = work, published, query
        self._progress = progress
        asked = access.of(work, published.slug)
        self._fields = [f for f in exported_fields(register) if asked.ever_shows(f.name)]
        self._with_id = not named_by_fields(register)
        own = [ID] if self._with_id else []
        self.headings = own + [heading_of(register, field) for field in self._fields]
        self.formats = ["0"] * len(own) + [field.kind.cell_format for field in self._fields]
        self.count = 0

    def batches(self) -> Iterator[list[Record]]:
        """Give the records in batches and count them."""
        for batch in lists.stream(self._work, self._published.slug, self._query):
            yield batch
            self.count += len(batch)
            if self._progress:
                self._progress(self.count)

    def rows(self) -> Iterator[list[Any]]:
        """Give the cells of every record, and at last the sums."""
        totals = self._published.register.totals
        sums = {field.name: Decimal() for field in self._fields if field.name in totals}
        for batch in self.batches():
            named = {f.name: self._named(f, batch) for f in self._fields}
            for record in batch:
                cells: list[Any] = [record.id] if self._with_id else []
                for field in self._fields:
                    value, names = record.values.get(field.name), named[field.name]
                    cells.append(names.get(value) if names is not None else _cell(field, value))
                    if field.name in sums and value is not None:
                        sums[field.name] += value
                yield cells
        if sums and self.count:
            yield self._total(sums)

    def _total(self, sums: Mapping[str, Decimal]) -> list[Any]:
        """Return the last line: the sums, and what they are in the first column that has none."""
        first = next((field.name for field in self._fields if field.name not in sums), "")
        own: list[Any] = [None] if self._with_id else []
        return own + [sums.get(f.name, TOTAL if f.name == first else None) for f in self._fields]

    def objects(self, batch: Sequence[Record]) -> Iterator[dict[str, Any]]:
        """Give the records as JSON objects, with every field that has a value."""
        named = {f.name: self._named(f, batch) for f in self._published.register.fields}
        to_json = self._published.gate.to_json
        for record in batch:
            json = to_json(record.values)
            for name, names in named.items():
                if names is not None and name in json:
                    json[name] = names.get(record.values[name])
            yield {ID: record.id, VERSION: record.version, **json}

    def _named(self, field: Field, batch: Sequence[Record]) -> dict[Any, str] | None:
        """Return value → text for references and attachments of a batch; None for others."""
        values = {r.values.get(field.name) for r in batch} if _is_named(field) else set()
        values.discard(None)
        if field.reference:
            return _reference_texts(self._work, self._published, field, values)
        if field.kind.name == "attachment":
            return _file_names(self._work, values)
        return None


def _is_named(field: Field) -> bool:
    return bool(field.reference) or field.kind.name == "attachment"


def _cell(field: Field, value: Any) -> Any:
    """Return a value for a file: numbers with all their digits, the rest as the kind says."""
    exact = isinstance(value, Decimal) or type(value) is int
    return value if exact else field.kind.to_cell(value)


def _reference_texts(
    work: Work, published: Published, field: Field, ids: set[Any]
) -> dict[Any, str]:
    """Return what to write for each referenced record: its label, or its key where the label
    would be read back as another record or as none."""
    target = work.published(field.reference)
    texts = stored_rows.labels(work.tx, target, ids)
    read = resolve_references(work, published, field, set(texts.values()))
    doubtful = [number for number, text in texts.items() if read.get(text) != number]
    if doubtful and len(target.register.key) == 1:
        [name] = target.register.key
        keys = {
            row["_id"]: row.get(name) for row in stored_rows.get_many(work.tx, target, doubtful)
        }
        written = {number: key for number, key in keys.items() if isinstance(key, str)}
        read = resolve_references(work, published, field, set(written.values()))
        texts |= {number: key for number, key in written.items() if read.get(key) == number}
    return texts


def _file_names(work: Work, values: set[Any]) -> dict[Any, str]:
    """Return the names of the files in each tuple of attachment ids."""
    table = models.attachment
    ids = sorted({number for value in values for number in value})
    names: dict[int, str] = {}
    for part in stored_rows.chunks(ids):
        query = sa.select(table.c.id, table.c.name).where(table.c.id.in_(part))
        names.update({row.id: row.name for row in work.tx.execute(query)})
    return {value: "、".join(names.get(n, f"#{n}") for n in value) for value in values}
