"""Drafts: half-filled forms, kept as they are typed, for their owner alone.

A draft is what the controls of a form hold, never judged and never read by anything but the
form. Each saving says which page it comes from and what that page knew: a saving that was
overtaken – by a later one, by another window, by the form's being sent – stores nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.kinds import dump_json, load_json
from app.services import access
from app.services.reading import visible_row
from app.services.work import Work
from app.storage.base import insert_or_leave
from app.storage.models_together import draft as table

#: days after which a draft nobody went on with is deleted
KEPT = datetime.timedelta(days=30)
#: characters of one draft; drafts of one person
LONGEST, MOST = 1_000_000, 200
Columns = Sequence[sa.ColumnElement[Any]]
#: a draft without what it holds, which is long
HEAD: Columns = tuple(column for column in table.c if column.name != "body")


class DraftOver(AppError):
    code = "draft.over"
    status = 409
    text = "This form was sent or discarded already: what is typed here is not kept as a draft."


class DraftElsewhere(AppError):
    code = "draft.elsewhere"
    status = 409
    text = "This draft is being continued in another window."


class DraftTooLong(AppError):
    code = "draft.too_long"
    status = 413
    text = "The form holds too much to be kept as a draft. Save it."


class TooManyDrafts(AppError):
    code = "draft.too_many"
    text = "You have {most} drafts already. Discard some under “My drafts”."


class DraftNotFound(AppError):
    code = "draft.not_found"
    status = 404
    text = "There is no draft {id} of yours. It may have been sent or discarded."


@dataclass(frozen=True, slots=True)
class Form:
    """A form as a page sends it to be kept."""

    token: str
    record: int | None
    version: int
    revision: int
    pairs: Sequence[tuple[str, str]]
    #: the turn the page knows, the page, and the page's own count of its savings
    turn: int
    writer: str
    step: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as its owner finds it."""

    id: int
    slug: str
    record: int | None
    token: str
    version: int
    revision: int
    turn: int
    saved_at: datetime.datetime
    pairs: tuple[tuple[str, str], ...] = ()


def save(work: Work, slug: str, form: Form) -> Draft:
    """Keep what a form holds now. Raises ``DraftOver``, ``DraftElsewhere`` where it was overtaken,
    and what would refuse the form itself: only who may send it may keep it."""
    account = owner(work)
    if form.record is None:
        access.require(work, "create", slug)
    else:
        visible_row(work, work.published(slug), form.record, "change")
    body = dump_json([list(pair) for pair in form.pairs])
    if len(body) > LONGEST:
        raise DraftTooLong
    if not begin(work, slug, form, body):
        advance(work, slug, form, body, account)
    return found_by(work, table.c.token == form.token, columns=HEAD)


def owner(work: Work) -> int:
    if work.actor.id is None:
        raise DraftNotFound(id="")
    return work.actor.id


def begin(work: Work, slug: str, form: Form, body: str) -> bool:
    """Store the first saving of a form; False where there was one."""
    account = owner(work)
    mine = sa.select(table.c.id).where(table.c.account_id == account, table.c.ended_at.is_(None))
    known = sa.select(table.c.id).where(table.c.account_id == account, table.c.token == form.token)
    if work.tx.scalar(known) is not None:
        return False
    if len(work.tx.scalars(mine.limit(MOST)).all()) == MOST:
        raise TooManyDrafts(most=MOST)
    row = {
        "account_id": account, "token": form.token, "slug": slug, "record": form.record,
        "version": form.version, "revision": form.revision, "body": body, "turn": 1,
        "writer": form.writer, "step": form.step, "saved_at": work.now,
    }  # fmt: skip
    return insert_once(work, row)


def insert_once(work: Work, row: Mapping[str, Any]) -> bool:
    statement = insert_or_leave(work.tx, table).values(row)
    statement = statement.on_conflict_do_nothing(index_elements=["account_id", "token"])
    return work.tx.execute(statement.returning(table.c.id)).first() is not None


def advance(work: Work, slug: str, form: Form, body: str, account: int) -> None:
    """Store a later saving, unless it was overtaken. The condition stands in the statement, so
    that of two that arrive together one is refused."""
    same = sa.and_(table.c.writer == form.writer, table.c.step < form.step)
    taken_up = sa.and_(table.c.writer != form.writer, table.c.turn == form.turn)
    mine = sa.and_(table.c.account_id == account, table.c.token == form.token)
    kept = {
        "version": form.version, "revision": form.revision, "body": body,
        "turn": table.c.turn + 1, "writer": form.writer, "step": form.step,
        "saved_at": work.now,
    }  # fmt: skip
    place = sa.and_(table.c.slug == slug, table.c.record.is_not_distinct_from(form.record))
    statement = table.update().where(
        mine, place, table.c.ended_at.is_(None), sa.or_(same, taken_up)
    )
    if work.tx.execute(statement.values(kept)).rowcount == 1:
        return
    over = sa.select(table.c.ended_at).where(mine)
    raise DraftOver if work.tx.scalar(over) is not None else DraftElsewhere


def end(work: Work, slug: str, token: str, record: int | None = None) -> None:
    """End the draft of a form that was saved; of a record that was changed, all one's drafts of
    it: what was sent counts. A saving that comes late finds that the form is over."""
    if work.actor.id is None:
        return
    over = {"ended_at": work.now, "body": "[]"}
    mine = [table.c.account_id == work.actor.id, table.c.ended_at.is_(None)]
    same = table.c.token == token
    if record is not None:
        same = sa.or_(same, sa.and_(table.c.slug == slug, table.c.record == record))
    work.tx.execute(table.update().where(*mine, same).values(over))
    if token:
        row = {
            "account_id": work.actor.id, "token": token, "slug": slug, "record": record,
            "version": 0, "revision": 0, "turn": 1, "writer": "", "step": 0,
            "saved_at": work.now, **over,
        }  # fmt: skip
        insert_once(work, row)


def discard(work: Work, number: int) -> Draft:
    """Throw a draft away; a page that still has it open keeps nothing more."""
    found = get(work, number)
    over = {"ended_at": work.now, "body": "[]"}
    work.tx.execute(table.update().where(table.c.id == number).values(over))
    return found


def get(work: Work, number: int) -> Draft:
    """Return one's own draft. Raises ``DraftNotFound``, also for anybody else's."""
    if not 0 < number < 2**63:
        raise DraftNotFound(id=number)
    return found_by(work, table.c.id == number, number)


def found_by(
    work: Work, which: sa.ColumnElement[bool], number: int = 0, columns: Columns = tuple(table.c)
) -> Draft:
    query = sa.select(*columns).where(
        which, table.c.account_id == work.actor.id, table.c.ended_at.is_(None)
    )
    row = work.tx.execute(query).mappings().one_or_none()
    if row is None:
        raise DraftNotFound(id=number)
    return as_draft(row)


def latest(work: Work, slug: str, record: int | None) -> Draft | None:
    """Return the newest of one's drafts of a record, or of a new one, without what it holds."""
    same = (table.c.slug == slug, table.c.record.is_not_distinct_from(record))
    row = work.tx.execute(mine(work, HEAD).where(*same).limit(1)).mappings().first()
    return as_draft(row) if row is not None else None


def listed(work: Work) -> list[Draft]:
    """Return one's drafts, newest first."""
    return [as_draft(row) for row in work.tx.execute(mine(work).limit(MOST)).mappings()]


def turn_of(work: Work, token: str) -> int:
    """Return how often the form of a token was kept so far; 0 for never."""
    query = sa.select(table.c.turn).where(
        table.c.account_id == work.actor.id, table.c.token == token
    )
    return int(work.tx.scalar(query) or 0)


def count(work: Work) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(table)
        .where(table.c.account_id == work.actor.id, table.c.ended_at.is_(None))
    )
    return int(work.tx.scalar(query) or 0)


def mine(work: Work, columns: Columns = tuple(table.c)) -> sa.Select[Any]:
    own = (table.c.account_id == work.actor.id, table.c.ended_at.is_(None))
    query = sa.select(*columns).where(*own)
    return query.order_by(table.c.saved_at.desc(), table.c.id.desc())


def as_draft(row: sa.RowMapping) -> Draft:
    body = load_json(row["body"]) if "body" in row else ()
    pairs = tuple((str(name), str(text)) for name, text in body)
    return Draft(
        row["id"], row["slug"], row["record"], row["token"], row["version"], row["revision"],
        row["turn"], row["saved_at"], pairs,
    )  # fmt: skip


def purge_drafts(tx: sa.Connection, now: datetime.datetime) -> int:
    """Delete drafts nobody touched for ``KEPT``, private values with them; return how many."""
    return tx.execute(table.delete().where(table.c.saved_at < now - KEPT)).rowcount
