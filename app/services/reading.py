"""Reading: one record as it is or as it was, and references by what people write."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Field
from app.errors import Problem, RecordNotFound
from app.services import access, history
from app.services.concealing import conceal
from app.services.work import Work
from app.storage import rows
from app.storage.catalog import Published
from app.storage.points import among


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is shown to who asks. ``references`` names the records it refers to;
    ``values`` has no ``hidden`` field, and the ``masked`` ones as they are masked."""

    id: int
    version: int
    revision: int
    label: str
    values: Mapping[str, Any]
    created_at: datetime.datetime
    created_by: str
    updated_at: datetime.datetime
    updated_by: str
    deleted_at: datetime.datetime | None = None
    deleted_by: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    unit: int | None = None
    owner: int | None = None
    state: str | None = None
    state_since: datetime.datetime | None = None
    hidden: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()


def get(work: Work, slug: str, record: int, *, deleted: bool = False) -> Record:
    """Return one record. Raises ``RecordNotFound``, also for a deleted one unless asked for, and
    for one that may not be seen."""
    published = work.published(slug)
    row = visible_row(work, published, record, deleted=deleted)
    return as_records(work, published, [row])[0]


def exists(work: Work, slug: str, record: int) -> None:
    """Raise ``RecordNotFound`` unless there is such a record, deleted or not."""
    published = work.published(slug)
    row = rows.get(work.tx, published, record)
    if row is None:
        raise RecordNotFound(id=record, register=published.register.title)
    access.require_row(work, published, "see", row)


def visible_row(
    work: Work, published: Published, record: int, action: str = "see", *, deleted: bool = False
) -> dict[str, Any]:
    """Return a stored row to which ``action`` may be done.

    Raises ``RecordNotFound`` where there is none or it may not be seen, else ``NotAllowed``.
    """
    row = stored_row(work, published, record, deleted=deleted)
    access.require_row(work, published, action, row)
    return row


def stored_row(
    work: Work, published: Published, record: int, *, deleted: bool = False
) -> dict[str, Any]:
    """Return a stored row with its child rows. Raises ``RecordNotFound``."""
    row = rows.get(work.tx, published, record)
    if row is None or (row["_deleted_at"] is not None) is not deleted:
        raise RecordNotFound(id=record, register=published.register.title)
    return row


def as_records(
    work: Work,
    published: Published,
    found: Sequence[Mapping[str, Any]],
    only: Collection[str] | None = None,
) -> list[Record]:
    """Return rows as records, without what is concealed from who asks; each reference field
    (of ``only``) is named with one query."""
    asked = access.of(work, published.slug)
    named: dict[str, dict[int, str]] = {}
    for entry in published.register.fields:
        if entry.reference and (only is None or entry.name in only):
            wanted = {row[entry.name] for row in found if row.get(entry.name) is not None}
            if wanted:
                target = work.published(entry.reference)
                named[entry.name] = rows.labels(work.tx, target, wanted)
    names = published.register.names
    records = []
    for row in found:
        values = {n: row[n] for n in names if n in row}
        hidden, masked = conceal(asked, row, values)
        references = {
            name: labels.get(row[name], f"#{row[name]}")
            for name, labels in named.items()
            if values.get(name) is not None
        }
        records.append(
            Record(
                row["_id"], row["_version"], row["_revision"], row["_label"], values,
                row["_created_at"], row["_created_by"], row["_updated_at"], row["_updated_by"],
                row["_deleted_at"], row["_deleted_by"], references, row["_unit"], row["_owner"],
                row["_state"], row["_state_since"], hidden, masked,
            )
        )  # fmt: skip
    return records


def as_of(work: Work, slug: str, record: int, version: int) -> dict[str, Any]:
    """Return the JSON of a record as it was at ``version``, from its history.

    Raises ``RecordNotFound`` when the record never had that version.
    """
    entries = history.of_record(work, slug, record)  # concealed, and asked for the right
    if not any(e.version == version for e in entries):
        raise RecordNotFound(id=f"{record} v{version}", register=work.register(slug).title)
    published = work.published(slug)
    json: dict[str, Any] = {}
    for entry in reversed(entries):
        if entry.version > version:
            break
        for former, _, after in entry.changes:
            name = published.layout.name_today(former, published.register)
            if after is None:
                json.pop(name, None)
            else:
                json[name] = after
    return json


def search_reference(work: Work, slug: str, text: str, limit: int = 20) -> list[tuple[int, str]]:
    """Return (id, label) of records whose label or searched fields contain ``text``.

    Labels that begin with the text come first; never more than ``limit`` are read.
    """
    published = work.published(slug)
    asked = access.of(work, slug)
    main = published.tables.main
    query = sa.select(main.c["_id"], main.c["_label"]).where(main.c["_deleted_at"].is_(None))
    if (seen := asked.rows("see")) is not None:
        query = query.where(seen)
    wanted = text.strip()
    if not wanted:
        query = query.order_by(main.c["_id"].desc()).limit(limit)
        return [(row[0], row[1]) for row in work.tx.execute(query)]
    columns = [main.c["_label"]]
    for name in published.register.search:
        entry = published.register[name]
        # what is concealed in some rows is searched in none
        if entry.kind.searchable and not entry.reference and asked.shown_where(name) is None:
            columns.append(main.c[name])
    match = sa.or_(*[c.icontains(wanted, autoescape=True) for c in columns])
    starts = sa.case((main.c["_label"].istartswith(wanted, autoescape=True), 0), else_=1)
    query = query.where(match).order_by(starts, main.c["_label"]).limit(limit)
    return [(row[0], row[1]) for row in work.tx.execute(query)]


def resolve_references(
    work: Work, published: Published, entry: Field, texts: Collection[str]
) -> dict[str, int | Problem]:
    """Return what each text names in the register ``entry`` refers to: an id, or the problem.

    A text is matched, in this order, with the target's key (of one field), its unique fields
    and its label. With a few queries for any number of texts.
    """
    target = work.published(entry.reference)
    main, register = target.tables.main, target.register
    names = [f.name for f in register.fields if f.unique and f.kind.formula_type == "string"]
    if len(register.key) == 1 and register.key[0] not in names:
        names.insert(0, register.key[0])
    found: dict[str, int | Problem] = {}
    columns = [main.c[n] for n in names if register[n].kind.formula_type == "string"]
    seen = access.of(work, target.slug)
    for column in (*columns, main.c["_label"]):
        if column.key in register and seen.shown_where(column.key) is not None:
            continue
        wanted = sorted(t for t in set(texts) if t not in found)
        match_texts(work, column, wanted, found, entry, target)
    for text in texts:
        if text not in found:
            found[text] = unknown(entry, text, register.title)
    return found


def match_texts(
    work: Work,
    column: sa.Column[Any],
    wanted: Sequence[str],
    found: dict[str, int | Problem],
    entry: Field,
    target: Published,
) -> None:
    """Match ``wanted`` with one column of the records that may be seen; a text that names
    several of them is a problem."""
    main, title = column.table, target.register.title
    visible = access.seen(work, target)
    seen: dict[str, list[int]] = {}
    query = sa.select(column, main.c["_id"]).where(
        among(work.tx, column, wanted), main.c["_deleted_at"].is_(None)
    )
    if visible is not None:
        query = query.where(visible)
    for text, number in work.tx.execute(query) if wanted else ():
        seen.setdefault(text, []).append(number)
    for text, numbers in seen.items():
        if len(numbers) == 1:
            found[text] = numbers[0]
            continue
        sentence = "{field}: {value} names {count} records of {register}. Use the key instead."
        shown = {"field": entry.title, "value": text, "count": len(numbers), "register": title}
        where = frozenset((entry.name,))
        found[text] = Problem(f"/{entry.name}", "reference.ambiguous", sentence, shown, where)


def unknown(entry: Field, text: str, title: str) -> Problem:
    sentence = "{field}: there is no {value} in {register}. Enter it there first, or correct it."
    shown = {"field": entry.title, "value": text, "register": title}
    where = frozenset((entry.name,))
    return Problem(f"/{entry.name}", "reference.missing", sentence, shown, where)
