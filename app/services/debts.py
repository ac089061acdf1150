"""Debts: stored values that break the current revision. They lock nothing; they are a list."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import replace as altered
from typing import Any

import sqlalchemy as sa

from app.definitions.gate import Judgement
from app.errors import Problem
from app.kinds import dump_json, load_json
from app.services import access
from app.services.work import Work
from app.storage import models, rows
from app.storage.catalog import Published


@dataclass(frozen=True, slots=True)
class Debt:
    """One stored value that breaks a rule, since when and since which revision."""

    record: int
    problem: Problem
    since: datetime.datetime
    revision: int


def settle(work: Work, published: Published, record: int, verdict: Judgement) -> None:
    """After a record was saved: what no longer breaks a rule is struck off, and a value that
    was parked is let go when its field was given another."""
    table = models.debt
    mine = (table.c.slug == published.slug) & (table.c.record == record)
    owed = {
        (row.at, row.code)
        for row in work.tx.execute(sa.select(table.c.at, table.c.code).where(mine))
    }
    if owed:
        still = {(p.at, p.code) for p in verdict.forgiven}
        for at, code in owed - still:
            work.tx.execute(table.delete().where(mine, table.c.at == at, table.c.code == code))
    parked = models.parked
    work.tx.execute(
        parked.delete().where(
            parked.c.slug == published.slug,
            parked.c.record == record,
            parked.c.field.in_(sorted(verdict.changed)),
        )
    )


def rows_of(
    published: Published, record: int, problems: Iterable[Problem], since: datetime.datetime
) -> list[dict[str, Any]]:
    """Return rows of the table of debts for a record's problems."""
    found = {
        (problem.at[:120], problem.code[:80]): {
            "slug": published.slug,
            "record": record,
            "at": problem.at[:120],
            "code": problem.code[:80],
            "sentence": dump_json([problem.text, dict(problem.values), problem.verbatim]),
            "since": since,
            "revision": published.revision,
        }
        for problem in problems
    }
    return list(found.values())


def summary(work: Work, slug: str) -> list[tuple[str, str, int, datetime.datetime, int]]:
    """Return (code, at, records, since, revision) of every rule that stored values break."""
    access.require(work, "see", slug)
    table = models.debt
    query = (
        sa.select(
            table.c.code, table.c.at, sa.func.count(), sa.func.min(table.c.since),
            sa.func.min(table.c.revision),
        )
        .where(table.c.slug == slug, among_seen(work, slug, table.c.record))
        .group_by(table.c.code, table.c.at)
        .order_by(sa.func.count().desc(), table.c.code)
    )  # fmt: skip
    return [tuple(row) for row in work.tx.execute(query)]


def broken(work: Work, slug: str) -> list[tuple[str, str]]:
    """Return (code, at) of every rule that stored values break, whoever sees them: what a plan
    of a publication compares with."""
    table = models.debt
    query = sa.select(table.c.code, table.c.at).where(table.c.slug == slug).distinct()
    return [(code, at) for code, at in work.tx.execute(query)]


def listed(work: Work, slug: str, limit: int = 500) -> list[Debt]:
    """Return the first ``limit`` debts of a register, by record."""
    access.require(work, "see", slug)
    table = models.debt
    columns = (
        table.c.record, table.c.at, table.c.code, table.c.sentence, table.c.since,
        table.c.revision,
    )  # fmt: skip
    query = sa.select(*columns).where(table.c.slug == slug, among_seen(work, slug, table.c.record))
    query = query.order_by(table.c.record, table.c.at).limit(limit)
    return [shown(work, slug, as_debt(*row)) for row in work.tx.execute(query)]


def among_seen(work: Work, slug: str, record: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a record is one the person sees."""
    published = work.published(slug)
    seen = access.seen(work, published)
    if seen is None:
        return sa.true()
    # asked of the few records there are debts of, not of all that are seen
    return sa.exists().where(published.tables.main.c["_id"] == record, seen)


def shown(work: Work, slug: str, debt: Debt) -> Debt:
    """Return a debt as the person may read it: of a field that is not shown to them everywhere,
    and whole, only that there is one."""
    asked, name = access.of(work, slug), debt.problem.name
    if name not in asked.register or asked.shown_where(name) is None:
        return debt
    text = "A value that you do not see breaks a rule."
    return altered(debt, problem=Problem("", debt.problem.code, text))


def as_debt(
    record: int, at: str, code: str, sentence: str, since: datetime.datetime, revision: int
) -> Debt:
    text, values, verbatim = load_json(sentence)
    problem = Problem(at, code, text, values, verbatim=verbatim)
    return Debt(record, problem, since, revision)


@dataclass(frozen=True, slots=True)
class Parked:
    """A value that did not fit its field's new kind, as it was shown before."""

    field: str
    record: int
    shown: str
    since: datetime.datetime
    revision: int


def parked_values(work: Work, slug: str, limit: int = 500) -> list[Parked]:
    """Return the values that wait for correction, by field and record."""
    access.require(work, "see", slug)
    table = models.parked
    columns = (table.c.field, table.c.record, table.c.shown, table.c.since, table.c.revision)
    query = sa.select(*columns).where(table.c.slug == slug, among_seen(work, slug, table.c.record))
    query = query.order_by(table.c.field, table.c.record).limit(limit)
    return [Parked(*row) for row in work.tx.execute(query) if is_shown(work, slug, row.field)]


def is_shown(work: Work, slug: str, name: str) -> bool:
    """Return whether a field, or a field with its column, is shown everywhere and whole."""
    asked, name = access.of(work, slug), name.partition(".")[0]
    return name not in asked.register or asked.shown_where(name) is None


def parked_of(work: Work, slug: str, record: int) -> dict[str, str]:
    """Return field → value that waits for correction, of one record."""
    table = models.parked
    query = sa.select(table.c.field, table.c.shown)
    query = query.where(table.c.slug == slug, table.c.record == record)
    found = work.tx.execute(query)
    return {row.field: row.shown for row in found if is_shown(work, slug, row.field)}


def count(work: Work, slug: str) -> int:
    """Return how many records the person sees break the current revision."""
    table = models.debt
    query = sa.select(sa.func.count(sa.distinct(table.c.record))).where(
        table.c.slug == slug, among_seen(work, slug, table.c.record)
    )
    return work.tx.scalar(query) or 0


def replace(work: Work, slug: str, found: Sequence[dict[str, Any]]) -> None:
    """Put ``found`` in place of a register's debts; what was owed before keeps its date."""
    table = models.debt
    query = sa.select(table).where(table.c.slug == slug)
    before = {(r.record, r.at, r.code): r for r in work.tx.execute(query)}
    for row in found:
        old = before.get((row["record"], row["at"], row["code"]))
        if old is not None:
            row["since"], row["revision"] = old.since, old.revision
    work.tx.execute(table.delete().where(table.c.slug == slug))
    for part in rows.chunks(found, rows.BATCH):
        work.tx.execute(table.insert(), part)
