"""Platform and Work: what every service is given, and the only way a face gets it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Register
from app.expressions import clock
from app.services.office import Office
from app.services.standing import EVERYTHING, NOBODY, Directory, Standing, Tree
from app.services.vault import WEBHOOK, Vault
from app.storage.catalog import Catalog, Published, Snapshot
from app.storage.session import Database

#: PostgreSQL's advisory lock on the catalogue of registers.
CATALOGUE_LOCK = 0x7A1B


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from which face (web, cli, import, seed).

    ``standing`` is what the person may do, where it is known already; else it is read from
    the posts the account holds.
    """

    id: int | None
    name: str
    face: str
    #: the address asked from, the request's id, the row of the session
    address: str = ""
    request: str = ""
    session: int | None = None
    #: the unit the person acts for, where several are possible
    unit: int | None = None
    standing: Standing | None = None


@dataclass(slots=True)
class Work:
    """One unit of work, or one consistent reading: a transaction and the registers as of it."""

    tx: sa.Connection
    catalog: Catalog
    snapshot: Snapshot
    actor: Actor
    now: datetime.datetime
    files: Path
    directory: Directory
    #: registers being published in this very transaction
    fresh: dict[str, Published] = field(default_factory=dict)
    #: what the actor may do in the registers asked about so far (``access.Access``)
    accesses: dict[str, Any] = field(default_factory=dict)
    office: Office = field(default_factory=Office)
    #: seals what is kept of webhooks
    vault: Vault = field(default_factory=lambda: Vault("", WEBHOOK))

    def published(self, slug: str) -> Published:
        """Return a register, compiled. Raises ``RegisterNotFound``."""
        if slug in self.fresh:
            return self.fresh[slug]
        return self.catalog.published(self.tx, self.snapshot, slug)

    def hold(self, slug: str) -> None:
        """Let nobody else write to ``slug``, or to a register it is connected with, until this
        unit of work ends: what is read here (versions, keys, references, rows that are rolled
        up) stays true until it is stored. SQLite has one writer at a time anyway."""
        if self.tx.dialect.name != "sqlite":
            statement = sa.text("SELECT pg_advisory_xact_lock(:room, hashtext(:family))")
            family = self.snapshot.families.get(slug, slug)
            self.tx.execute(statement, {"room": CATALOGUE_LOCK, "family": family})

    def register(self, slug: str) -> Register:
        return self.published(slug).register

    @property
    def today(self) -> datetime.date:
        """Return the day it is in the office."""
        return self.office.local(self.now).date()

    @property
    def tree(self) -> Tree:
        """Return the units of the office."""
        return self.directory.tree(self.tx, self.snapshot.people, self.today)

    @property
    def unit(self) -> int | None:
        """Return the unit the actor acts for: the one chosen, as long as a post is held there."""
        chosen, held = self.actor.unit, self.standing.holdings
        if chosen is not None and (not held or chosen in {one.unit for one in held}):
            return chosen
        return self.standing.home

    @contextmanager
    def trial(self, trial: bool = True) -> Iterator[None]:
        """Take back what is written inside, however it ends; with ``trial`` false, keep it."""
        point = self.tx.begin_nested() if trial else None
        try:
            yield
        finally:
            if point is not None:
                point.rollback()

    @property
    def standing(self) -> Standing:
        """Return what the actor holds: read from the account's posts, kept while no post moves."""
        actor = self.actor
        if actor.standing is not None:
            return actor.standing
        if actor.id is None:
            return EVERYTHING if actor.face in ("cli", "seed") else NOBODY
        return self.directory.standing(self.tx, self.snapshot.people, actor.id, self.today)


class Platform:
    """The database, the catalogue and the folder of files of this process."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        data_dir: Path,
        secret: str = "",
        office: Office | None = None,
    ) -> None:
        """``secret`` is the key that what is written outside the database is signed with."""
        self.secret = secret
        self.vault = Vault(secret, WEBHOOK)
        self.database = database
        self.catalog = catalog
        self.data_dir = data_dir
        self.directory = Directory()
        self.office = office or Office()

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[Work]:
        """Give a consistent view in which nothing is written."""
        with self.database.reading() as tx:
            yield self._work(tx, actor)

    @contextmanager
    def writing(self, actor: Actor, *, publishing: bool = False) -> Iterator[Work]:
        """Give a unit of work: leaving it well commits, an exception rolls everything back.

        Whoever writes records shares the catalogue, whoever publishes has it alone, so no
        record is judged by a revision that is replaced before the record is stored. (SQLite
        has one writer at a time anyway.)
        """
        with self.database.writing() as tx:
            if not self.database.sqlite:
                lock = "pg_advisory_xact_lock" if publishing else "pg_advisory_xact_lock_shared"
                tx.execute(sa.text(f"SELECT {lock}(:key)"), {"key": CATALOGUE_LOCK})
            yield self._work(tx, actor)

    def _work(self, tx: sa.Connection, actor: Actor) -> Work:
        snapshot = self.catalog.snapshot(tx)
        # today() in an expression is the office's day, not the machine's
        clock.set(lambda: self.office.local(now()).date())
        return Work(
            tx, self.catalog, snapshot, actor, now(), self.data_dir / "files", self.directory,
            office=self.office, vault=self.vault,
        )  # fmt: skip


def now() -> datetime.datetime:
    """Return the present moment as it is stored: UTC, without a zone."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
