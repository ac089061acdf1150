"""Catalog: which registers there are, and everything derived from each, made once a revision.

A request reads one number (the stamp). When it has moved, the light index of registers is read
again; a ``Published`` is compiled when somebody asks for it and kept while its revision and
those of the registers it reads stay the same.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from app.definitions.gate import Gate
from app.definitions.register import Field, Register
from app.errors import RegisterNotFound, RevisionNotFound
from app.kinds import load_json
from app.storage import models
from app.storage.layout import Layout, load_layout
from app.storage.tables import Tables, build_tables

#: How many registers a process keeps compiled, and how many counts of lists.
KEPT = 64
COUNTS = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """What a menu knows of a register. ``reads`` are the registers its derived fields read."""

    slug: str
    title: str
    category: str
    position: int
    revision: int
    neighbours: frozenset[str]
    reads: frozenset[str]
    #: roles that a grant of the register names
    roles: frozenset[str] = frozenset()
    #: and those that may enter records
    creators: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Published:
    """A register at one revision, with everything derived from it; made and dropped together."""

    register: Register
    revision: int
    gate: Gate
    layout: Layout
    tables: Tables
    #: revision of each register it reads, when it was compiled
    basis: tuple[tuple[str, int], ...] = ()

    @property
    def slug(self) -> str:
        return self.register.slug


Compiler = Callable[[Mapping[str, Any], Any], Register]

#: rows of ``catalog_stamp``: one number for registers, one for people and what they hold
REGISTERS, PEOPLE = 1, 2
#: read with every request: put together once
STAMP = sa.select(models.catalog_stamp.c.id, models.catalog_stamp.c.value)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All registers at one stamp. Immutable, but for the compiled registers it fills in."""

    stamp: int
    entries: Mapping[str, Entry] = field(default_factory=dict)
    #: slug -> registers whose derived fields read it
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: slug -> the first slug of those it is connected with, however far
    families: Mapping[str, str] = field(default_factory=dict)
    #: the number that grows with units, posts, roles, pairings and settings
    people: int = 0

    def __contains__(self, slug: object) -> bool:
        return slug in self.entries

    def menu(self) -> list[tuple[str, list[Entry]]]:
        """Return the registers by category, in the order of their positions and titles."""
        shelves: dict[str, list[Entry]] = {}
        for entry in sorted(self.entries.values(), key=lambda e: (e.position, e.slug)):
            shelves.setdefault(entry.category, []).append(entry)
        return list(shelves.items())


class Catalog:
    """Holds the newest snapshot and the compiled registers of this process."""

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler
        self._snapshot = Snapshot(-1)
        self._compiled: OrderedDict[str, Published] = OrderedDict()
        self._lock = threading.Lock()
        #: (register, revision, changes, filters) -> how many records
        self.counts: OrderedDict[Hashable, int] = OrderedDict()

    def snapshot(self, tx: sa.Connection) -> Snapshot:
        """Return the snapshot at the database's stamp. Costs one one-row read.

        Two threads may both rebuild; each returns what it built, so no lock is needed. Never
        ask after moving the stamp in the same transaction: the number may be rolled back.
        """
        held = self._snapshot
        stamps = {row[0]: row[1] for row in tx.execute(STAMP)}
        stamp, people = stamps.get(REGISTERS, 0), stamps.get(PEOPLE, 0)
        if stamp != held.stamp:
            held = self._snapshot = load_snapshot(tx, stamp, people)
        elif people != held.people:
            held = self._snapshot = replace(held, people=people)
        return held

    def published(self, tx: sa.Connection, snapshot: Snapshot, slug: str) -> Published:
        """Return ``slug`` compiled, from what is kept or from its newest revision.

        Raises ``RegisterNotFound``.
        """
        kept = self.kept(snapshot, slug)
        if kept is not None:
            return kept
        if slug not in snapshot.entries:
            raise RegisterNotFound(slug=slug)
        made = self.compile(tx, snapshot, slug)
        self._touch(slug, made)
        return made

    def kept(self, snapshot: Snapshot, slug: str) -> Published | None:
        """Return ``slug`` when this process has it compiled as of ``snapshot``."""
        entry, kept = snapshot.entries.get(slug), self._compiled.get(slug)
        if entry is None or kept is None or kept.revision != entry.revision:
            return None
        if kept.basis != basis(snapshot, entry):
            return None
        self._touch(slug, kept)
        return kept

    def compile(self, tx: sa.Connection, snapshot: Snapshot, slug: str) -> Published:
        """Compile the newest revision of ``slug`` and keep nothing."""
        entry = snapshot.entries[slug]
        document = read_document(tx, slug, entry.revision)
        layout = read_layout(tx, slug)
        register = self.compiler(document, CatalogNeighbours(tx, snapshot))
        return publish_value(register, entry.revision, layout, basis(snapshot, entry))

    def keep_count(self, key: Hashable, count: int) -> None:
        """Keep a count for the next who asks the same of the same state."""
        with self._lock:
            self.counts[key] = count
            while len(self.counts) > COUNTS:
                self.counts.popitem(last=False)

    def _touch(self, slug: str, published: Published) -> None:
        compiled = self._compiled
        with self._lock:
            compiled[slug] = published
            compiled.move_to_end(slug)
            while len(compiled) > KEPT:
                compiled.popitem(last=False)


class CatalogNeighbours:
    """Answers a compiler's questions about other registers from their layouts alone, so that
    registers which read each other can be compiled one at a time."""

    def __init__(
        self, tx: sa.Connection, snapshot: Snapshot, planned: Mapping[str, Layout] | None = None
    ) -> None:
        self._tx, self._snapshot = tx, snapshot
        self._layouts: dict[str, Layout] = dict(planned or {})

    def exists(self, slug: str) -> bool:
        return slug in self._snapshot.entries

    @property
    def titles(self) -> Mapping[str, str]:
        return {slug: entry.title for slug, entry in self._snapshot.entries.items()}

    def field(self, slug: str, name: str) -> Field | None:
        if slug not in self._snapshot.entries:
            return None
        if slug not in self._layouts:
            self._layouts[slug] = read_layout(self._tx, slug)
        place = self._layouts[slug].places.get(name)
        if place is None or not place.active:
            return None
        return Field(name, name, place.kind, {})


def move(tx: sa.Connection, which: int) -> None:
    """Let a stamp grow by one: every process sees it with its next request."""
    table = models.catalog_stamp
    step = table.update().where(table.c.id == which).values(value=table.c.value + 1)
    if not tx.execute(step).rowcount:
        tx.execute(table.insert(), {"id": which, "value": 1})


def publish_value(
    register: Register, revision: int, layout: Layout, on: tuple[tuple[str, int], ...] = ()
) -> Published:
    """Return everything derived from ``register``, made together."""
    return Published(register, revision, Gate(register), layout, build_tables(register, layout), on)


def basis(snapshot: Snapshot, entry: Entry) -> tuple[tuple[str, int], ...]:
    """Return the revisions of the registers ``entry`` reads."""
    return tuple(
        (slug, snapshot.entries[slug].revision)
        for slug in sorted(entry.neighbours)
        if slug in snapshot.entries and slug != entry.slug
    )


def load_snapshot(tx: sa.Connection, stamp: int, people: int = 0) -> Snapshot:
    """Read the light index of registers."""
    table = models.register
    columns = (
        table.c.slug, table.c.title, table.c.category, table.c.position, table.c.revision,
        table.c.neighbours, table.c.reads, table.c.roles,
    )  # fmt: skip
    entries = {
        row[0]: Entry(
            *row[:5],
            frozenset(row[5]),
            read_elsewhere(row[6]),
            frozenset(row[7]["any"]),
            frozenset(row[7]["create"]),
        )
        for row in tx.execute(sa.select(*columns))
    }
    readers: dict[str, list[str]] = {}
    for entry in entries.values():
        for slug in entry.reads:
            readers.setdefault(slug, []).append(entry.slug)
    sorted_readers = {s: tuple(sorted(r)) for s, r in readers.items()}
    return Snapshot(stamp, entries, sorted_readers, families(entries), people)


def families(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Return, for each register, the first slug of those it is connected with by references."""
    near: dict[str, set[str]] = {slug: set() for slug in entries}
    for entry in entries.values():
        for other in entry.neighbours & near.keys():
            near[entry.slug].add(other)
            near[other].add(entry.slug)
    found: dict[str, str] = {}
    for first in sorted(near):
        waiting = [] if first in found else [first]
        while waiting:
            slug = waiting.pop()
            if slug not in found:
                found[slug] = first
                waiting += near[slug]
    return found


def read_elsewhere(edges: Iterable[Sequence[str]]) -> frozenset[str]:
    """Return the registers whose rows derived fields or the label read."""
    return frozenset(edge[1] for edge in edges if edge[3] != "computed")


def read_document(tx: sa.Connection, slug: str, revision: int) -> dict[str, Any]:
    """Return the definition of one revision. Raises ``RevisionNotFound``."""
    table = models.revision
    text = tx.scalar(
        sa.select(table.c.document).where(table.c.slug == slug, table.c.revision == revision)
    )
    if text is None:
        raise RevisionNotFound(slug=slug, revision=revision)
    return load_json(text)


def read_layout(tx: sa.Connection, slug: str) -> Layout:
    """Return the layout of a published register, or an empty one."""
    table = models.register
    found = tx.scalar(sa.select(table.c.layout).where(table.c.slug == slug))
    if found is None:
        return Layout.for_register(slug)
    return load_layout(json.loads(found) if isinstance(found, str) else found)
