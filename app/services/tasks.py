"""Tasks: what waits for whom, opened and closed by whatever makes people wait.

A task waits for one *addressee*, written as one word, so that everything that waits for a person
with all their posts is one look into one index: ``a:5`` the person, ``u:12`` anybody of a unit,
``role@12`` whoever holds a role there, ``role^12`` there or in a unit above it, ``role@*``
anywhere. Whoever takes a task becomes its addressee; put back, it waits for all again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.kinds import dump_json, load_json
from app.services import access
from app.services.standing import Standing
from app.services.work import Work
from app.storage import rows
from app.storage.base import insert_or_leave
from app.storage.models_together import task as table

TRANSITION, JOINT_ANSWER, RETURN_DUE, ORDER, MENTION, OTHER = KINDS = (
    "transition", "joint_answer", "return_due", "order", "mention", "other",
)  # fmt: skip
#: what has no due date is sorted behind everything that has one
NEVER = datetime.date.max
CHUNK = 400
#: what the facts of a task say of who handed it over, beside the places of its title
HANDED = ("handed_by", "handed_why")


class TaskNotFound(AppError):
    code = "task.not_found"
    status = 404
    text = "No task {id} waits for you. It may have been done, or taken by somebody else."


class TaskMoved(AppError):
    code = "task.moved"
    status = 409
    text = "Task {id} was taken or done by somebody else this very moment."


@dataclass(frozen=True, slots=True)
class To:
    """For whom a task is opened: a person; a unit; a role, in a unit, there ``or above``."""

    account: int | None = None
    unit: int | None = None
    role: str = ""
    above: bool = False

    @property
    def word(self) -> str:
        if self.account is not None:
            return f"a:{self.account}"
        if not self.role:
            if self.unit is None:
                raise ValueError(self)
            return f"u:{self.unit}"
        if self.unit is None:
            return f"{self.role}@*"
        return f"{self.role}{'^' if self.above else '@'}{self.unit}"


@dataclass(frozen=True, slots=True)
class New:
    """A task to be opened. ``key`` names its cause: under one key there is one task, ever.
    ``title`` is an English sentence with ``{places}``, or words of the definition."""

    slug: str
    record: int
    kind: str
    title: str
    to: To
    key: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    due_on: datetime.date | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task that waits."""

    id: int
    key: str
    slug: str
    record: int
    kind: str
    title: str
    facts: Mapping[str, Any]
    to: To
    addressee: str
    due_on: datetime.date | None
    created_at: datetime.datetime
    opened_by: str

    @property
    def taken(self) -> bool:
        return self.addressee != self.to.word


# ── opening and closing


def open_task(work: Work, new: New) -> bool:
    """Open a task; False where one was opened under its key before, done or not."""
    return open_tasks(work, [new]) == 1


def open_tasks(work: Work, wanted: Iterable[New]) -> int:
    """Open many tasks at once and return how many were not there yet."""
    waiting, opened = list(wanted), 0
    for part in rows.chunks(waiting, CHUNK):
        written = [as_row(work, new) for new in part]
        # many rows of one statement: put together once, not for each number of rows
        statement = insert_or_leave(work.tx, table).on_conflict_do_nothing(index_elements=["key"])
        opened += len(work.tx.scalars(statement.returning(table.c.id), written).all())
    return opened


def as_row(work: Work, new: New) -> dict[str, Any]:
    if new.kind not in KINDS:
        raise ValueError(new.kind)
    return {
        "key": new.key, "slug": new.slug, "record": new.record, "kind": new.kind,
        "title": new.title, "facts": dump_json(dict(new.facts)), "account_id": new.to.account,
        "unit_id": new.to.unit, "role": new.to.role, "above": new.to.above,
        "addressee": new.to.word, "due_on": new.due_on, "ranked": new.due_on or NEVER,
        "created_at": work.now, "opened_by": work.actor.name,
    }  # fmt: skip


def close_tasks(
    work: Work,
    slug: str,
    record: int,
    kind: str | None = None,
    outcome: str = "",
    *,
    key: str | None = None,
) -> int:
    """Close what waits because of a record, all of it or of one ``kind`` or ``key``; return how
    many tasks it was."""
    wanted = [table.c.slug == slug, table.c.record == record, table.c.done_at.is_(None)]
    if kind is not None:
        wanted.append(table.c.kind == kind)
    if key is not None:
        wanted.append(table.c.key == key)
    done = {"done_at": work.now, "done_by": work.actor.name, "outcome": outcome}
    return work.tx.execute(table.update().where(*wanted).values(done)).rowcount


def close_many(
    work: Work, slug: str, records: Sequence[int], kinds: Sequence[str], outcome: str
) -> None:
    """Close what waits because of many records, of some kinds."""
    done = {"done_at": work.now, "done_by": work.actor.name, "outcome": outcome}
    for part in rows.chunks(records, CHUNK):
        wanted = [table.c.slug == slug, table.c.record.in_(part), table.c.done_at.is_(None)]
        work.tx.execute(table.update().where(*wanted, table.c.kind.in_(kinds)).values(done))


def close_of_unit(work: Work, slug: str, record: int, unit: int, outcome: str) -> None:
    """Close what waits for a unit's answer to a joint review of a record."""
    done = {"done_at": work.now, "done_by": work.actor.name, "outcome": outcome}
    wanted = [table.c.slug == slug, table.c.record == record, table.c.done_at.is_(None)]
    wanted += [table.c.kind == JOINT_ANSWER, table.c.unit_id == unit]
    work.tx.execute(table.update().where(*wanted).values(done))


# ── what waits


def addresses(standing: Standing) -> tuple[str, ...]:
    """Return every word under which something may wait for somebody."""
    found: dict[str, None] = {}
    if standing.account is not None:
        found[f"a:{standing.account}"] = None
    for held in standing.holdings:
        found[f"{held.role}@*"] = None
        for unit in sorted(standing.tree.own(held.unit)):
            found[f"u:{unit}"] = found[f"{held.role}@{unit}"] = None
        for unit in sorted(standing.tree.below(held.unit)):
            found[f"{held.role}^{unit}"] = None
    return tuple(found)


def for_words(words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a task waits under one of ``words``."""
    return sa.and_(table.c.done_at.is_(None), table.c.addressee.in_(words))


def seen(work: Work, slugs: Iterable[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a task is about a record, not deleted, that may be seen."""
    found: list[sa.ColumnElement[bool]] = []
    for slug in slugs:
        if slug not in work.snapshot:
            continue
        asked = access.of(work, slug)
        if not asked.can("see"):
            continue
        main = work.published(slug).tables.main
        there = [main.c["_id"] == table.c.record, main.c["_deleted_at"].is_(None)]
        if (rows_seen := asked.rows("see")) is not None:
            there.append(rows_seen)
        # with an offset PostgreSQL looks row by row until there are enough, instead of joining all
        exists = sa.exists(sa.select(sa.literal(1)).select_from(main).where(*there).offset(0))
        found.append(sa.and_(table.c.slug == slug, exists.correlate(table)))
    return sa.or_(sa.false(), *found)


def waits(work: Work, words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition of the tasks that wait under ``words`` and may be seen."""
    slugs = {slug for _word, slug in piles(work, words)}
    return sa.and_(for_words(words), seen(work, sorted(slugs)))


def piles(work: Work, words: Sequence[str]) -> list[tuple[str, str]]:
    """Return under which of ``words`` something waits, and because of which register."""
    query = sa.select(table.c.addressee, table.c.slug).where(for_words(words)).distinct()
    return sorted((word, slug) for word, slug in work.tx.execute(query))


def count_waiting(work: Work, most: int = 100) -> int:
    """Return how many tasks wait for who asks, counted no further than ``most``: it stands in
    the menu of every page."""
    words = addresses(work.standing)
    if not words:
        return 0
    first = sa.select(table.c.id).where(waits(work, words)).limit(most).subquery()
    return int(work.tx.scalar(sa.select(sa.func.count()).select_from(first)) or 0)


def get(work: Work, number: int) -> Task:
    """Return a task that waits for who asks. Raises ``TaskNotFound``."""
    words = addresses(work.standing)
    row = None
    if 0 < number < 2**63 and words:
        query = sa.select(table).where(table.c.id == number, waits(work, words))
        row = work.tx.execute(query).mappings().one_or_none()
    if row is None:
        raise TaskNotFound(id=number)
    return as_task(row)


def by_number(work: Work, numbers: Sequence[int]) -> tuple[Task, ...]:
    """Return tasks that are known to wait for who asks, in the order of ``numbers``."""
    found = work.tx.execute(sa.select(table).where(table.c.id.in_(numbers))).mappings()
    by_id = {row["id"]: as_task(row) for row in found}
    return tuple(by_id[number] for number in numbers if number in by_id)


def as_task(row: sa.RowMapping) -> Task:
    to = To(row["account_id"], row["unit_id"], row["role"], bool(row["above"]))
    return Task(
        row["id"], row["key"], row["slug"], row["record"], row["kind"], row["title"],
        load_json(row["facts"]), to, row["addressee"], row["due_on"], row["created_at"],
        row["opened_by"],
    )  # fmt: skip


# ── who does it


def take(work: Work, number: int) -> Task:
    """Take a task that waits for several people; it waits for who asks alone from now on."""
    found = get(work, number)
    if work.actor.id is None:
        raise TaskNotFound(id=number)
    readdress(work, found, f"a:{work.actor.id}")
    return found


def put_back(work: Work, number: int) -> Task:
    """Let a task wait again for those for whom it was opened."""
    found = get(work, number)
    readdress(work, found, found.to.word)
    return found


def readdress(work: Work, found: Task, word: str, handed: Mapping[str, str] | None = None) -> None:
    """Let a task wait under another word, if it still waits as it was read; ``handed`` says who
    handed it over, and why. Raises ``TaskMoved``."""
    facts = {name: value for name, value in found.facts.items() if name not in HANDED}
    changed = work.tx.execute(
        table.update()
        .where(
            table.c.id == found.id,
            table.c.addressee == found.addressee,
            table.c.done_at.is_(None),
        )
        .values(addressee=word, facts=dump_json({**facts, **(handed or {})}))
    )
    if changed.rowcount != 1:
        raise TaskMoved(id=found.id)
