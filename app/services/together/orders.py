"""Orders (批示): what somebody who reviews a record asks of units and people, until it is answered.

Everybody an order is for has a task. It is closed when all have answered, or by who gave it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from app.errors import AppError
from app.services import audience, tasks
from app.services.audience import Party
from app.services.reading import visible_row
from app.services.together.comments import checked
from app.services.together.telling import TASK, link, tell
from app.services.work import Work
from app.storage.models_together import instruction, receipt, recipient

MOST_RECIPIENTS = 40


class OrderNeedsRecipients(AppError):
    code = "order.no_recipient"
    text = "Choose the units or people the order is for, at most {most}."


class RecipientUnseeing(AppError):
    code = "order.recipient_unseeing"
    text = "{name} may not see this record. Choose from the names offered."


class OrderNotFound(AppError):
    code = "order.not_found"
    status = 404
    text = "There is no order {id} here."


class OrderNotYours(AppError):
    code = "order.not_yours"
    status = 403
    text = "Order {id} is not for you, or is closed already."


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom an order is for, and the answer."""

    id: int
    party: Party
    answered_at: datetime.datetime | None
    answered_by: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands."""

    id: int
    account: int | None
    who: str
    at: datetime.datetime
    text: str
    due_on: datetime.date | None
    closed_at: datetime.datetime | None
    closed_by: str | None
    recipients: tuple[Recipient, ...]
    #: who has read it and when; who has not
    read: tuple[tuple[str, datetime.datetime], ...]
    unread: tuple[str, ...]
    #: whether who asks may still say that they read it, answer it, close it
    readable: bool
    answerable: bool
    closable: bool


def give(
    work: Work,
    slug: str,
    record: int,
    text: str,
    to: Iterable[Party],
    due_on: datetime.date | None = None,
) -> int:
    """Give an order about a record one may review; everybody it is for gets a task."""
    published = work.published(slug)
    row = visible_row(work, published, record, "review")
    said, parties = checked(text), list(to)
    if not 0 < len(parties) <= MOST_RECIPIENTS:
        raise OrderNeedsRecipients(most=MOST_RECIPIENTS)
    told = set()
    for party in parties:
        people = [party.account] if party.account is not None else members_of(work, party)
        seeing = audience.seeing(work, published, row, people)
        if not seeing:
            raise RecipientUnseeing(name=name_of(work, party))
        told |= set(seeing)
    written = {
        "slug": slug, "record": record, "account_id": work.actor.id, "who": work.actor.name,
        "at": work.now, "text": said, "due_on": due_on,
    }  # fmt: skip
    statement = instruction.insert().returning(instruction.c.id)
    number = int(work.tx.execute(statement, written).scalar_one())
    facts = {"who": work.actor.name, "label": row["_label"] or f"#{record}"}
    for party in parties:
        whom = {"instruction_id": number, "account_id": party.account, "unit_id": party.unit}
        own = work.tx.execute(recipient.insert().returning(recipient.c.id), whom).scalar_one()
        task = tasks.New(
            slug, record, tasks.ORDER, "{who} ordered: {label}",
            tasks.To(account=party.account, unit=party.unit), key_of(own), facts, due_on,
        )  # fmt: skip
        tasks.open_task(work, task)
    tell(work, told, TASK, f"{facts['who']}：{said[:60]}", link(slug, record))
    return number


def key_of(number: int) -> str:
    return f"order:{number}"


def name_of(work: Work, party: Party) -> str:
    """Return how a party is called to who asks: one that is not there, by its number."""
    return work.tree.title(party.unit) if party.unit is not None else f"#{party.account}"


def members_of(work: Work, party: Party) -> list[int]:
    """Return the people of a unit; of one that is not there, nobody."""
    if party.unit is None or party.unit not in work.tree.units:
        return []
    return audience.members(work, party.unit)


def read(work: Work, slug: str, record: int, number: int) -> None:
    """Keep that who asks has read an order that is for them; the first time counts."""
    found = get(work, slug, record, number)
    if not found.readable or work.actor.id is None:
        raise OrderNotYours(id=number)
    note_read(work, number)


def note_read(work: Work, number: int) -> None:
    mine = {"instruction_id": number, "account_id": work.actor.id}
    known = sa.select(receipt.c.read_at).where(*[receipt.c[k] == v for k, v in mine.items()])
    if work.actor.id is not None and work.tx.scalar(known) is None:
        work.tx.execute(receipt.insert(), {**mine, "read_at": work.now})


def answer(work: Work, slug: str, record: int, number: int, text: str) -> None:
    """Answer an order for every recipient one stands for; with the last answer it is closed."""
    found = get(work, slug, record, number)
    own = [r for r in found.recipients if r.answered_at is None and is_for(work, r.party)]
    if found.closed_at is not None or not own:
        raise OrderNotYours(id=number)
    for one in own:
        answer_one(work, slug, record, one.id, text)


def answer_one(work: Work, slug: str, record: int, number: int, text: str) -> None:
    """Store the answer of one recipient, close its task, and the order when it was the last."""
    words = checked(text)
    said = {"answered_at": work.now, "answered_by": work.actor.name, "answer": words}
    stored = recipient.update().where(recipient.c.id == number, recipient.c.answered_at.is_(None))
    order = work.tx.scalar(sa.select(recipient.c.instruction_id).where(recipient.c.id == number))
    if work.tx.execute(stored.values(said)).rowcount != 1 or order is None:
        raise OrderNotYours(id=order or number)
    note_read(work, order)
    tasks.close_tasks(work, slug, record, tasks.ORDER, "answered", key=key_of(number))
    still = sa.select(recipient.c.id).where(
        recipient.c.instruction_id == order, recipient.c.answered_at.is_(None)
    )
    if work.tx.scalar(still.limit(1)) is None:
        set_closed(work, order)
    giver = work.tx.scalar(sa.select(instruction.c.account_id).where(instruction.c.id == order))
    if giver is not None:
        told = f"{work.actor.name}：{words[:60]}"
        tell(work, [giver], TASK, told, link(slug, record))


def close(work: Work, slug: str, record: int, number: int) -> None:
    """Close an order one gave, answered or not."""
    found = get(work, slug, record, number)
    if not found.closable:
        raise OrderNotYours(id=number)
    for one in found.recipients:
        tasks.close_tasks(work, slug, record, tasks.ORDER, "closed", key=key_of(one.id))
    set_closed(work, number)


def set_closed(work: Work, number: int) -> None:
    closed = {"closed_at": work.now, "closed_by": work.actor.name}
    work.tx.execute(instruction.update().where(instruction.c.id == number).values(closed))


def get(work: Work, slug: str, record: int, number: int) -> Order:
    """Return one order about a record. Raises ``OrderNotFound``, ``RecordNotFound``."""
    visible_row(work, work.published(slug), record)
    table, row = instruction, None
    if 0 < number < 2**63:
        query = sa.select(table).where(
            table.c.id == number, table.c.slug == slug, table.c.record == record
        )
        row = work.tx.execute(query).mappings().one_or_none()
    if row is None:
        raise OrderNotFound(id=number)
    return as_order(work, row)


def of_record(work: Work, slug: str, record: int) -> list[Order]:
    """Return the orders about a record, newest first."""
    visible_row(work, work.published(slug), record)
    table = instruction
    query = sa.select(table).where(table.c.slug == slug, table.c.record == record)
    found = work.tx.execute(query.order_by(table.c.id.desc())).mappings().all()
    return [as_order(work, row) for row in found]


def as_order(work: Work, row: sa.RowMapping) -> Order:
    recipients = recipients_of(work, row["id"])
    people = set()
    for one in recipients:
        party = one.party
        people |= {party.account} if party.account is not None else set(members_of(work, party))
    query = sa.select(receipt).where(receipt.c.instruction_id == row["id"])
    when = {r.account_id: r.read_at for r in work.tx.execute(query.order_by(receipt.c.read_at))}
    names = audience.named(work, {n for n in people if n is not None} | set(when))
    mine, is_open = [r for r in recipients if is_for(work, r.party)], row["closed_at"] is None
    waits = any(r.answered_at is None for r in mine)
    own = work.actor.id is not None and row["account_id"] == work.actor.id
    return Order(
        row["id"], row["account_id"], row["who"], row["at"], row["text"], row["due_on"],
        row["closed_at"], row["closed_by"], recipients,
        tuple((names.get(n, f"#{n}"), at) for n, at in when.items()),
        tuple(names[n] for n in sorted(names) if n not in when),
        bool(mine) and work.actor.id not in when, is_open and waits, is_open and own,
    )  # fmt: skip


def recipients_of(work: Work, number: int) -> tuple[Recipient, ...]:
    query = sa.select(recipient).where(recipient.c.instruction_id == number)
    found = work.tx.execute(query.order_by(recipient.c.id)).all()
    names = audience.named(work, {r.account_id for r in found if r.account_id is not None})
    return tuple(
        Recipient(
            r.id,
            Party(
                r.account_id, r.unit_id,
                names.get(r.account_id, "") if r.unit_id is None else work.tree.title(r.unit_id),
            ),
            r.answered_at, r.answered_by, r.answer,
        )
        for r in found
    )  # fmt: skip


def is_for(work: Work, party: Party) -> bool:
    """Return whether who asks stands for a party."""
    if party.account is not None:
        return party.account == work.actor.id
    return party.unit in work.standing.units
