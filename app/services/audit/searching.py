"""Searching the log, newest first, and writing what was found to a file."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import IO, Any

import sqlalchemy as sa

from app.kinds import dump_json
from app.services import access, audit
from app.services.exchange.readers import JSONL
from app.services.exchange.writers import write_table
from app.services.work import Platform, Work
from app.storage.models_audit import audit as entries
from app.storage.models_identity import account

FORMATS = ("xlsx", "csv", "jsonl")
#: entries on one page
PAGE = 50
BATCH = 2000
#: names in ``Search`` that are told in the log as they are
_TOLD = ("event", "slug", "kind", "id", "address", "result")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; what is left out matches everything. Times are UTC."""

    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    person: str = ""
    event: str = ""
    slug: str = ""
    kind: str = ""
    id: str = ""
    address: str = ""
    text: str = ""
    result: str = ""

    def told(self, tx: sa.Connection) -> str:
        """Return the search as the log tells of it. What was typed freely does not stand
        there: a person is named by the account's number, of a text its length is told."""
        times = [
            f"{k}={v.isoformat()}Z" for k, v in (("since", self.since), ("until", self.until)) if v
        ]
        said = [f"{k}={getattr(self, k)}" for k in _TOLD if getattr(self, k)]
        if self.person:
            ids = ",".join(str(number) for number in accounts_of(tx, self.person))
            said.append(f"person=#{ids or '?'}")
        if self.text:
            said.append(f"text=({len(self.text)})")
        return " ".join([*times, *said]) or "*"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, its detail read."""

    number: int
    at: datetime.datetime
    actor: int | None
    actor_name: str
    unit: int | None
    face: str
    address: str
    session: int | None
    request: str
    event: str
    result: str
    object_type: str
    slug: str
    object_id: str
    revision: int | None
    #: JSON as it is stored
    detail: str
    before: str
    hash: str

    @property
    def values(self) -> Mapping[str, Any]:
        """Return the values of the detail."""
        found: Mapping[str, Any] = json.loads(self.detail)
        return found


COLUMNS = tuple(field.name for field in fields(Entry))

#: where a page ends: time and number of its last entry
Position = tuple[datetime.datetime, int]


def note_reading(platform: Platform, work: Work, search: Search) -> None:
    """Record that the log is being read: once for each search, before it is answered."""
    access.require(work, "audit")
    with platform.writing(work.actor) as writing:
        audit.note(writing, "audit.read", audit.About("audit"), {"query": search.told(writing.tx)})


def page(work: Work, search: Search, after: Position | None = None) -> list[Entry]:
    """Return ``PAGE`` entries and one more if there is, newest first, older than ``after``."""
    access.require(work, "audit")
    return [as_entry(row) for row in work.tx.execute(page_query(work.tx, search, after))]


def page_query(tx: sa.Connection, search: Search, after: Position | None) -> sa.Select[Any]:
    """Return the query of a page: a walk along one index that ends when the page is full."""
    place = sa.tuple_(entries.c.at, entries.c.number)
    query = sa.select(entries).where(*conditions(tx, search))
    if after is not None:
        query = query.where(place < sa.tuple_(*map(sa.literal, after)))
    return query.order_by(entries.c.at.desc(), entries.c.number.desc()).limit(PAGE + 1)


def conditions(tx: sa.Connection, search: Search) -> Iterator[sa.ColumnElement[bool]]:
    """Give what an entry must meet; each is answered by an index but the text."""
    c = entries.c
    if search.since:
        yield c.at >= search.since
    if search.until:
        yield c.at < search.until
    if search.person:
        yield by_person(tx, search.person)
    exact = {
        c.event: search.event, c.slug: search.slug, c.object_type: search.kind,
        c.object_id: search.id, c.address: search.address, c.result: search.result,
    }  # fmt: skip
    yield from (column == value for column, value in exact.items() if value)
    if search.text:
        yield c.detail.icontains(search.text, autoescape=True)


def by_person(tx: sa.Connection, text: str) -> sa.ColumnElement[bool]:
    """Find a person by name or login name; one without an account by the name as it was noted."""
    ids = accounts_of(tx, text)
    return entries.c.actor.in_(ids) if ids else entries.c.actor_name == text


def accounts_of(tx: sa.Connection, text: str) -> list[int]:
    """Return the accounts with this name or login name."""
    same = sa.or_(account.c.name == text, account.c.login_key == text.casefold())
    return list(tx.scalars(sa.select(account.c.id).where(same).order_by(account.c.id).limit(100)))


def as_entry(row: sa.Row[Any]) -> Entry:
    return Entry(**row._mapping)


def every(work: Work, search: Search) -> Iterator[Entry]:
    """Give every entry that was looked for, in the order of the log."""
    query = sa.select(entries).where(*conditions(work.tx, search)).order_by(entries.c.number)
    with work.tx.execute(query, execution_options={"yield_per": BATCH}) as result:
        for part in result.partitions(BATCH):
            yield from map(as_entry, part)


def export(
    platform: Platform,
    work: Work,
    search: Search,
    format: str,
    out: IO[bytes],
    rows: tuple[str, Sequence[str], Callable[[Entry], Sequence[Any]]],
) -> int:
    """Write what was looked for and record that; return the number of entries.

    ``rows`` is how a table is titled, headed and each entry told in the reader's language. As
    jsonl every column is written as it is stored: the chain can be checked from the file.
    """
    access.require(work, "audit")
    title, headings, tell = rows
    count = 0

    def counted() -> Iterator[Entry]:
        nonlocal count
        for entry in every(work, search):
            count += 1
            yield entry

    if format == JSONL:
        for entry in counted():
            out.write((dump_json(as_stored(entry)) + "\n").encode())
    else:
        write_table(out, format, title, headings, (tell(entry) for entry in counted()))
    with platform.writing(work.actor) as writing:
        detail = {"count": count, "format": format, "query": search.told(writing.tx)}
        audit.note(writing, "audit.exported", audit.About("audit"), detail)
    return count


def as_stored(entry: Entry) -> dict[str, Any]:
    """Return an entry as ``chain.hash_of`` takes it, but for its time, which is text."""
    found = {name: getattr(entry, name) for name in COLUMNS}
    return {**found, "at": entry.at.isoformat() + "Z"}
