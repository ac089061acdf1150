"""Pairings (包联): which records a person or a unit is paired with, from when until when."""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError, RecordNotFound
from app.services import access, audit, people, posts, powers, units
from app.services.work import Work
from app.storage import models_people as tables
from app.storage import rows as stored
from app.storage.models_identity import account

PAGE = 100


class PairingNotFound(AppError):
    code = "pairing.not_found"
    status = 404
    text = "There is no pairing {pairing}."


class PairingIncomplete(AppError):
    code = "pairing.incomplete"
    text = "A pairing is with one person or with one unit: choose either."


class PairingTaken(AppError):
    code = "pairing.taken"
    status = 409
    text = "This pairing is in force already, or will be in that time."


@dataclass(frozen=True, slots=True)
class Pairing:
    """A record and whom it is paired with. ``label`` is empty for who may not see the record."""

    id: int
    slug: str
    record: int
    account: int | None
    name: str
    unit: int | None
    since: datetime.date
    until: datetime.date | None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    slug: str
    record: int
    account: int | None
    unit: int | None
    since: datetime.date
    until: datetime.date | None = None


def listed(
    work: Work, *, slug: str = "", text: str = "", page: int = 1, over: bool = False
) -> tuple[list[Pairing], int]:
    """Return one page of pairings, those in force unless ``over``, and how many there are."""
    table = tables.pairing
    query = sa.select(
        table.c.id, table.c.slug, table.c.record, table.c.account_id,
        sa.func.coalesce(account.c.name, ""), table.c.unit_id, table.c.valid_from,
        table.c.valid_until,
    ).select_from(table.outerjoin(account, account.c.id == table.c.account_id))  # fmt: skip
    if slug:
        query = query.where(table.c.slug == slug)
    if text:
        query = query.where(account.c.name.icontains(text, autoescape=True))
    ended = table.c.valid_until <= work.today
    query = query.where(ended if over else sa.or_(table.c.valid_until.is_(None), sa.not_(ended)))
    total = work.tx.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    query = query.order_by(table.c.slug, table.c.record, table.c.id)
    found = work.tx.execute(query.limit(PAGE).offset((page - 1) * PAGE)).all()
    labels = labels_of(work, [(row[1], row[2]) for row in found])
    return [Pairing(*row, labels.get((row[1], row[2]), "")) for row in found], total


def labels_of(work: Work, wanted: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the labels of records, as far as the actor may see them."""
    by_slug: dict[str, set[int]] = defaultdict(set)
    for slug, record in wanted:
        by_slug[slug].add(record)
    found: dict[tuple[str, int], str] = {}
    for slug, numbers in by_slug.items():
        if slug not in work.snapshot.entries:
            continue
        published = work.published(slug)
        asked = access.of(work, slug)
        for row in stored.get_many(work.tx, published, sorted(numbers)):
            if asked.allows("see", row):
                found[slug, row["_id"]] = row["_label"]
    return found


def pair(work: Work, wanted: Wanted) -> int:
    """Pair a record with a person or a unit for a time; return the pairing's id."""
    access.require(work, "grant")
    people.touch(work.tx)
    check(work, wanted)
    values: dict[str, Any] = {
        "slug": wanted.slug, "record": wanted.record, "account_id": wanted.account,
        "unit_id": wanted.unit, "valid_from": wanted.since, "valid_until": wanted.until,
        "created_at": work.now, "created_by": work.actor.name,
    }  # fmt: skip
    statement = tables.pairing.insert().returning(tables.pairing.c.id)
    number = int(work.tx.execute(statement, values).scalar_one())
    note(work, wanted.slug, wanted.record, "+")
    return number


def note(work: Work, slug: str, record: int, change: str) -> None:
    """Put a change of who is paired with a record into the audit log."""
    about = audit.About("record", slug, record)
    facts = {"title": f"{slug} #{record}", "change": f"{change} pairing"}
    audit.note(work, "permission.changed", about, facts)


def check(work: Work, wanted: Wanted) -> None:
    """Refuse a pairing that cannot be."""
    if (wanted.account is None) == (wanted.unit is None):
        raise PairingIncomplete()
    if wanted.account is not None:
        posts.check_person(work, wanted.account)
    if wanted.unit is not None:
        units.check_in_force(work, wanted.unit, wanted.since)
    if wanted.until is not None and wanted.until <= wanted.since:
        raise posts.DatesRefused(since=wanted.since, until=wanted.until)
    published = work.published(wanted.slug)
    row = stored.get(work.tx, published, wanted.record)
    if row is None or row["_deleted_at"] is not None:
        raise RecordNotFound(id=wanted.record, register=published.register.title)
    if same(work, wanted) is not None:
        raise PairingTaken()


def same(work: Work, wanted: Wanted) -> int | None:
    """Return the pairing of the same record and partner that is in force meanwhile."""
    table = tables.pairing
    query = sa.select(table.c.id).where(
        table.c.slug == wanted.slug, table.c.record == wanted.record,
        table.c.account_id == wanted.account, table.c.unit_id == wanted.unit,
        powers.meanwhile(table, wanted.since, wanted.until),
    )  # fmt: skip
    return work.tx.scalar(query.limit(1))


def partner(work: Work, number: int) -> tuple[int | None, int | None]:
    """Return the account or the unit a record is paired with. Raises ``PairingNotFound``."""
    table = tables.pairing
    query = sa.select(table.c.account_id, table.c.unit_id).where(table.c.id == number)
    found = work.tx.execute(query).one_or_none() if 0 < number < 2**63 else None
    if found is None:
        raise PairingNotFound(pairing=number)
    return found.account_id, found.unit_id


def finish(work: Work, number: int, day: datetime.date) -> None:
    """Let a pairing end on a day."""
    access.require(work, "grant")
    people.touch(work.tx)
    table = tables.pairing
    columns = (table.c.valid_from, table.c.valid_until, table.c.slug, table.c.record)
    query = sa.select(*columns).where(table.c.id == number)
    found = work.tx.execute(query).one_or_none() if 0 < number < 2**63 else None
    if found is None:
        raise PairingNotFound(pairing=number)
    if found.valid_until is not None and found.valid_until <= work.today:
        raise posts.AlreadyOver(day=found.valid_until)
    ending = max(day, found.valid_from)
    work.tx.execute(table.update().where(table.c.id == number).values(valid_until=ending))
    note(work, found.slug, found.record, "–")
