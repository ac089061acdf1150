"""Comments on a record: plain text, with people mentioned."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.kinds import dump_json, load_json
from app.services import audience, tasks
from app.services.reading import visible_row
from app.services.together import watchers
from app.services.together.telling import COMMENT, link, tell
from app.services.work import Work
from app.storage.models_together import comment as table

#: how long one may mend what one said
MENDABLE = datetime.timedelta(minutes=15)
LONGEST = 4000
MOST_MENTIONS = 20


class CommentEmpty(AppError):
    code = "comment.empty"
    text = "Write something first."


class CommentTooLong(AppError):
    code = "comment.too_long"
    text = "{length} characters are too many: write at most {most}."


class CommentNotFound(AppError):
    code = "comment.not_found"
    status = 404
    text = "There is no comment {id} here."


class CommentNotYours(AppError):
    code = "comment.not_yours"
    status = 403
    text = "Only who wrote a comment can change it, within {minutes} minutes."


class CannotMention(AppError):
    code = "comment.cannot_mention"
    text = "Somebody you mentioned may not see this record. Choose from the names offered."


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said; of a deleted comment the text is gone."""

    id: int
    account: int | None
    who: str
    at: datetime.datetime
    text: str
    mentions: tuple[str, ...]
    edited_at: datetime.datetime | None
    deleted_at: datetime.datetime | None
    #: whether who asks may mend it, and may delete it
    mendable: bool
    mine: bool


def add(work: Work, slug: str, record: int, text: str, mentions: Iterable[int] = ()) -> int:
    """Store a comment; whoever is mentioned gets a task, who watches a notice."""
    published = work.published(slug)
    row = visible_row(work, published, record)
    said, asked = checked(text), sorted(set(mentions))
    if len(asked) > MOST_MENTIONS or audience.seeing(work, published, row, asked) != asked:
        raise CannotMention
    names = audience.named(work, asked)
    written = {
        "slug": slug, "record": record, "account_id": work.actor.id, "who": work.actor.name,
        "at": work.now, "text": said, "mentions": dump_json([[n, names[n]] for n in asked]),
    }  # fmt: skip
    number = int(work.tx.execute(table.insert().returning(table.c.id), written).scalar_one())
    others = [n for n in asked if n != work.actor.id]
    facts = {"who": work.actor.name, "label": row["_label"] or f"#{record}"}
    tasks.open_tasks(
        work,
        [
            tasks.New(
                slug, record, tasks.MENTION, "{who} mentioned you: {label}", tasks.To(account=n),
                f"mention:{number}:{n}", facts,
            )
            for n in others
        ],
    )  # fmt: skip
    title = f"{facts['who']}：{said[:60]}"
    told = {*others, *watchers.of_record(work, slug, record)}
    tell(work, told, COMMENT, title, link(slug, record))
    return number


def checked(text: str) -> str:
    """Return a text as it is stored. Raises ``CommentEmpty``, ``CommentTooLong``."""
    said = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not said:
        raise CommentEmpty
    if len(said) > LONGEST:
        raise CommentTooLong(length=len(said), most=LONGEST)
    return said


def edit(work: Work, slug: str, record: int, number: int, text: str) -> None:
    """Mend one's own comment while that is possible; who is mentioned stays."""
    found = own(work, slug, record, number)
    if work.now - found["at"] > MENDABLE:
        raise CommentNotYours(minutes=MENDABLE.seconds // 60)
    said = {"text": checked(text), "edited_at": work.now}
    work.tx.execute(table.update().where(table.c.id == number).values(said))


def delete(work: Work, slug: str, record: int, number: int) -> None:
    """Take back one's own comment; that there was one stays to be seen."""
    own(work, slug, record, number)
    gone = {"text": "", "mentions": "[]", "deleted_at": work.now}
    work.tx.execute(table.update().where(table.c.id == number).values(gone))
    for key in list(work.tx.scalars(open_mentions(number))):
        tasks.close_tasks(work, slug, record, tasks.MENTION, "taken back", key=key)


def open_mentions(number: int) -> sa.Select[Any]:
    task = tasks.table
    return sa.select(task.c.key).where(
        task.c.key.like(f"mention:{number}:%"), task.c.done_at.is_(None)
    )


def own(work: Work, slug: str, record: int, number: int) -> Mapping[str, Any]:
    """Return one's own comment that is not deleted."""
    visible_row(work, work.published(slug), record)
    query = sa.select(table).where(
        table.c.id == number, table.c.slug == slug, table.c.record == record
    )
    found = work.tx.execute(query).mappings().one_or_none()
    if found is None or found["deleted_at"] is not None:
        raise CommentNotFound(id=number)
    if work.actor.id is None or found["account_id"] != work.actor.id:
        raise CommentNotYours(minutes=MENDABLE.seconds // 60)
    return dict(found)


def of_record(work: Work, slug: str, record: int, most: int = 200) -> list[Comment]:
    """Return what was said about a record, oldest first; of very much the newest."""
    visible_row(work, work.published(slug), record)
    query = sa.select(table).where(table.c.slug == slug, table.c.record == record)
    query = query.order_by(table.c.id.desc()).limit(most)
    return [as_comment(work, row) for row in reversed(work.tx.execute(query).mappings().all())]


def as_comment(work: Work, row: sa.RowMapping) -> Comment:
    mine = work.actor.id is not None and row["account_id"] == work.actor.id
    mine = mine and row["deleted_at"] is None
    return Comment(
        row["id"], row["account_id"], row["who"], row["at"], row["text"],
        tuple(name for _id, name in load_json(row["mentions"])), row["edited_at"],
        row["deleted_at"], mine and work.now - row["at"] <= MENDABLE, mine,
    )  # fmt: skip
