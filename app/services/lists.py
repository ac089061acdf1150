"""Lists: what a page, a filter, a sort and an export ask of a register."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.definitions.gate import shorten
from app.definitions.register import Field
from app.errors import QueryRefused, because
from app.kinds.base import ANY_OF, EMPTY, PRESENT, Unreadable
from app.services import access, states
from app.services.reading import Record, as_records, resolve_references
from app.services.work import Work
from app.storage import models, rows
from app.storage.catalog import Published

SIZES = (20, 50, 100, 200)
#: A search text longer than this finds nothing anyway.
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: a field, an operator of its kind, and the value as people write it."""

    field: str
    operator: str = "eq"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """What a list shows. ``sort`` is a field with ``-`` first for descending; ``""`` is the
    register's own order."""

    search: str = ""
    filters: tuple[Filter, ...] = ()
    sort: str = ""
    page: int = 1
    size: int = 50
    #: the state of the workflow they stand in; ``""`` for any
    state: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list with the exact number of records it has in all."""

    rows: list[Record]
    total: int
    query: Query
    pages: int


def page(work: Work, slug: str, query: Query, fields: tuple[str, ...] = ()) -> Page:
    """Return one page; a page after the last is the last. Only ``fields`` (default: the
    register's list) are read. Raises ``QueryRefused``, naming what is unknown or unreadable."""
    access.require(work, "see", slug)
    published = work.published(slug)
    main = published.tables.main
    where = condition(work, published, query)
    total = counted(work, published, query, where)
    size = query.size if query.size in SIZES else 50
    pages = max(1, -(-total // size))
    number = min(max(1, query.page), pages)
    wanted = fields or published.register.list
    reads = access.of(work, slug).reads
    names = [n for n in dict.fromkeys((*wanted, *sorted(reads))) if n in main.c]
    system = [c for c in main.c if c.key.startswith("_")]
    statement = sa.select(*system, *[main.c[n] for n in names])
    statement = statement.where(main.c["_deleted_at"].is_(None))
    if where is not None:
        statement = statement.where(where)
    statement = statement.order_by(*order(work, published, query.sort))
    statement = statement.limit(size).offset((number - 1) * size)
    keys = [*(c.key for c in system), *names]
    found = [dict(zip(keys, row, strict=True)) for row in work.tx.execute(statement)]
    if any(n in published.tables.children for n in wanted):
        rows.add_children(work.tx, published, found)
    records = as_records(work, published, found, names)
    return Page(records, total, replace(query, page=number, size=size), pages)


def stream(work: Work, slug: str, query: Query) -> Iterator[list[Record]]:
    """Give every record of a list in batches, in the order of the list, in constant memory."""
    access.require(work, "export", slug)
    published = work.published(slug)
    main = published.tables.main
    where = condition(work, published, query, "export")
    statement = sa.select(main).where(main.c["_deleted_at"].is_(None))
    if where is not None:
        statement = statement.where(where)
    statement = statement.order_by(*order(work, published, query.sort))
    options = {"stream_results": True, "max_row_buffer": rows.BATCH, "yield_per": rows.BATCH}
    result = work.tx.execute(statement, execution_options=options)
    for part in result.partitions(rows.BATCH):
        found = [rows.as_row(main, row) for row in part]
        rows.add_children(work.tx, published, found)
        yield as_records(work, published, found)


def total(work: Work, slug: str, query: Query) -> int:
    """Return how many records a list has."""
    access.require(work, "see", slug)
    published = work.published(slug)
    return counted(work, published, query, condition(work, published, query))


def counted(
    work: Work, published: Published, query: Query, where: sa.ColumnElement[bool] | None
) -> int:
    """Return the exact number of records a list has.

    A count is kept until somebody writes to the register: the number of its changes is read in
    the same view of the database as the count. What asks other registers is counted anew.
    """
    table = models.register
    register = published.register
    elsewhere = any(register[f.field].reference and not f.value.isdecimal() for f in query.filters)
    asked = access.of(work, published.slug)
    moving = any("referred" in grant.rows for grant in register.permissions)
    if query.search.strip() or elsewhere or (moving and not asked.everything):
        return rows.count(work.tx, published, where)
    changes = work.tx.scalar(sa.select(table.c.changes).where(table.c.slug == published.slug))
    # whoever sees the same rows shares a count
    scope = spelled(work, asked.rows("see"))
    key = (published.slug, published.revision, changes, query.filters, query.state, scope)
    kept = work.catalog.counts.get(key)
    if kept is None:
        kept = rows.count(work.tx, published, where)
        work.catalog.keep_count(key, kept)
    return kept


def spelled(work: Work, where: sa.ColumnElement[bool] | None) -> str:
    """Return a condition as text with its values: the same for the same rows."""
    if where is None:
        return ""
    made = where.compile(dialect=work.tx.dialect)
    return f"{made} {sorted(made.params.items())} {work.snapshot.people} {work.today}"


def condition(
    work: Work, published: Published, query: Query, action: str = "see"
) -> sa.ColumnElement[bool] | None:
    """Return the rows somebody may see (or export), the filters and the search as one
    condition."""
    asked = access.of(work, published.slug)
    parts = [filtered(work, published, f) for f in query.filters]
    # a filter on a field that is concealed in some rows finds none of those
    shown = [asked.shown_where(name) for name in dict.fromkeys(f.field for f in query.filters)]
    parts += [part for part in (asked.rows(action), *shown) if part is not None]
    if query.state and published.register.workflow is not None:
        parts.append(states.stands_in(published, query.state))
    if query.search.strip():
        parts.append(searched(work, published, query.search.strip()))
    return sa.and_(*parts) if parts else None


def filtered(work: Work, published: Published, wanted: Filter) -> sa.ColumnElement[bool]:
    """Return one filter as a condition; its value is read by the field's own kind."""
    register = published.register
    if wanted.field not in register or not access.of(work, published.slug).ever_shows(
        wanted.field, whole=True
    ):
        raise QueryRefused(reason=because("There is no field {name}.", name=shorten(wanted.field)))
    field = register[wanted.field]
    if wanted.operator not in field.kind.filters or field.columns:
        known = ", ".join(field.kind.filters)
        text = "{field} cannot be asked {operator}; it can be asked: {known}."
        shown = {"field": field.title, "operator": shorten(wanted.operator), "known": known}
        raise QueryRefused(reason=because(text, **shown))
    value = None
    if wanted.operator not in (EMPTY, PRESENT):
        value = filter_value(work, published, field, wanted)
    return field.kind.condition(published.tables.main.c[field.name], wanted.operator, value)


def filter_value(work: Work, published: Published, field: Field, wanted: Filter) -> Any:
    """Read a filter's value; a reference may be named by its id or by what people write.

    Raises ``QueryRefused`` with the reader's own sentence.
    """
    reader = field.kind.filter_reader()
    if wanted.operator == ANY_OF:
        return [read_one(work, published, field, reader, v) for v in wanted.value.split(",")]
    return read_one(work, published, field, reader, wanted.value)


def read_one(work: Work, published: Published, field: Field, reader: Any, text: str) -> Any:
    try:
        value = reader.deserialize(text)
    except Unreadable as error:
        if field.reference:
            found = resolve_references(work, published, field, [text])[text]
            if isinstance(found, int):
                return found
        why = because(error.text, **{"value": shorten(text), **error.values})
        reason = because("{field}: {why}", field=field.title, why=why)
        raise QueryRefused(reason=reason) from error
    if value is None:
        raise QueryRefused(
            reason=because("{field}: the value to look for is missing.", field=field.title)
        )
    return value


def searched(work: Work, published: Published, text: str) -> sa.ColumnElement[bool]:
    """Return the condition that one of the searched fields contains ``text``."""
    register, main = published.register, published.tables.main
    asked = access.of(work, published.slug)
    text = text[:LONGEST_SEARCH]
    parts = [main.c["_label"].icontains(text, autoescape=True)]
    for name in register.search:
        field = register[name]
        if asked.shown_where(name) is not None:
            continue
        if field.reference:
            target = work.published(field.reference).tables.main
            named = sa.select(target.c["_id"]).where(
                target.c["_label"].icontains(text, autoescape=True)
            )
            parts.append(main.c[name].in_(named))
        elif field.kind.searchable:
            parts.append(main.c[name].icontains(text, autoescape=True))
    return sa.or_(*parts)


def order(work: Work, published: Published, sort: str) -> list[sa.UnaryExpression[Any]]:
    """Return the order of a list. Empty values count as smallest on every engine; the id
    settles ties, so that pages do not overlap."""
    register, main = published.register, published.tables.main
    wanted = (sort,) if sort else register.sort
    parts: list[sa.UnaryExpression[Any]] = []
    descending = True
    for name in wanted:
        plain = name.removeprefix("-")
        descending = name.startswith("-")
        if plain == "_id":
            continue
        if plain not in register or not register[plain].kind.sortable:
            raise unsortable(plain)
        if access.of(work, published.slug).shown_where(plain) is not None:
            if sort:
                raise unsortable(plain)
            continue
        column: Any = main.c[plain]
        if register[plain].reference:
            target = work.published(register[plain].reference).tables.main
            labelled = sa.select(target.c["_label"]).where(target.c["_id"] == column)
            column = labelled.scalar_subquery()
        parts.append(directed(work, column, descending))
    parts.append(main.c["_id"].desc() if descending else main.c["_id"].asc())
    return parts


def unsortable(name: str) -> QueryRefused:
    """Return the refusal to sort by a field: unknown, without order, or not everywhere shown."""
    text = "The list cannot be sorted by {name}."
    return QueryRefused(reason=because(text, name=shorten(name)))


def directed(work: Work, column: Any, descending: bool) -> sa.UnaryExpression[Any]:
    """Return a column's direction; SQLite's own order already has empty values smallest."""
    part = column.desc() if descending else column.asc()
    if work.tx.dialect.name == "sqlite":
        return part
    return part.nulls_last() if descending else part.nulls_first()
