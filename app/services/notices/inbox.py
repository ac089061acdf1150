"""Telling people: notices in the application, and what leaves it by their settings."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError, NotAllowed
from app.services import jobs
from app.services.notices.times import DIGEST, OFF, Rhythm
from app.services.standing import valid_on
from app.services.work import Work
from app.storage.base import insert_or_leave
from app.storage.models_identity import account
from app.storage.models_notices import delivery, notice, notice_setting, webhook
from app.storage.models_people import post
from app.storage.rows import chunks

#: what a notice may be about, so that people may choose what is sent to them
KINDS: Mapping[str, str] = {
    "task": "Waiting for me",
    "decision": "Decided or returned",
    "deadline": "Deadlines and urging",
    "comment": "Comments and mentions",
    "return": "Periodic returns",
    "system": "The system",
}
#: notices on the page
MOST = 200
LONGEST_TITLE, LONGEST_TEXT = 200, 4000
#: notices of one statement
BATCH = 500


class NoticeNotFound(AppError):
    code = "notice.not_found"
    status = 404
    text = "There is no notice {value} for you."


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as its reader sees it."""

    id: int
    at: datetime.datetime
    kind: str
    title: str
    text: str
    link: str
    read_at: datetime.datetime | None


def notify(
    work: Work, to: Iterable[int], kind: str, title: str, text: str = "", link: str = "",
    *, key: str | None = None, slug: str = "",
) -> int:  # fmt: skip
    """Tell the accounts ``to`` something, and return how many had not been told already.

    All in the caller's unit of work: nobody is told of what is rolled back. ``kind`` is one of
    ``KINDS``; ``link`` a path of this application; with a ``key`` each person is told once.
    ``slug`` is the register it is about: its webhooks are told once for all persons.
    """
    if kind not in KINDS:
        raise ValueError(kind)
    message = {
        "kind": kind, "title": " ".join(title.split())[:LONGEST_TITLE],
        "text": text[:LONGEST_TEXT], "link": link,
    }  # fmt: skip
    told = write(work, sorted(set(to)), message, key)
    if not told:
        return 0
    to_mail(work, told, message)
    to_webhooks(work, message, slug)
    return len(told)


def write(work: Work, to: list[int], message: Mapping[str, Any], key: str | None) -> list[int]:
    """Write the notices; return whom: who has one with the same key, from whatever transaction,
    gets no second one."""
    insert = insert_or_leave(work.tx, notice)
    told: list[int] = []
    for part in chunks(to, BATCH):
        rows = [{**message, "account_id": n, "at": work.now, "key": key} for n in part]
        statement = insert.values(rows).on_conflict_do_nothing(index_elements=["account_id", "key"])
        told += work.tx.scalars(statement.returning(notice.c.account_id))
    return sorted(told)


def to_mail(work: Work, told: list[int], message: Mapping[str, Any]) -> None:
    """Have it sent to those who want mail, as they want it."""
    if work.office.mail is None:
        return
    query = (
        sa.select(notice_setting)
        .join(account, account.c.id == notice_setting.c.account_id)
        .where(
            notice_setting.c.account_id.in_(told), notice_setting.c.mode != OFF,
            notice_setting.c.email != "", account.c.disabled_at.is_(None),
        )
        .order_by(notice_setting.c.account_id)
    )  # fmt: skip
    for row in work.tx.execute(query):
        if message["kind"] not in json.loads(row.muted):
            put(work, message, rhythm_of(row), account_id=row.account_id)


def to_webhooks(work: Work, message: Mapping[str, Any], slug: str) -> None:
    """Have the webhooks told that want notices of this register and kind."""
    query = sa.select(webhook).where(webhook.c.mode != OFF).order_by(webhook.c.id)
    for row in work.tx.execute(query):
        slugs, kinds = json.loads(row.slugs), json.loads(row.kinds)
        if (not slugs or slug in slugs) and (not kinds or message["kind"] in kinds):
            put(work, message, rhythm_of(row), webhook_id=row.id)


def rhythm_of(row: Any) -> Rhythm:
    return Rhythm(row.mode, row.digest_at, row.quiet_from, row.quiet_to)


def put(work: Work, message: Mapping[str, Any], rhythm: Rhythm, **target: int) -> None:
    """Put one message on its way, together with the job that sends it."""
    moment = rhythm.send_at(work.office, work.now)
    digest = rhythm.mode == DIGEST
    values = {
        **message, **target, "channel": "mail" if "account_id" in target else "webhook",
        "created_at": work.now, "digest": digest, "state": "waiting", "attempts": 0,
        "next_at": moment, "error": "",
    }  # fmt: skip
    statement = delivery.insert().values(**values).returning(delivery.c.id)
    number = work.tx.scalar(statement)
    if digest:
        [(kind, owner)] = target.items()
        key = f"{kind} {owner} {moment.isoformat()}"
        jobs.enqueue(work, "send-digest", target, moment, key)
    else:
        jobs.enqueue(work, "send-notice", {"delivery": number}, moment, f"{number}")


def me(work: Work) -> int:
    """Return the account that asks. Raises ``NotAllowed`` for the command line and for nobody."""
    if work.actor.id is None:
        raise NotAllowed(action="see")
    return work.actor.id


def unread(work: Work) -> int:
    """Return how many notices the person has not read: one look into an index of those."""
    query = sa.select(sa.func.count()).where(
        notice.c.account_id == work.actor.id, notice.c.read_at.is_(None)
    )
    return int(work.tx.scalar(query) or 0)


def listed(work: Work) -> list[Notice]:
    """Return the person's notices, those not read first, then the newest first."""
    query = (
        sa.select(
            notice.c.id, notice.c.at, notice.c.kind, notice.c.title, notice.c.text,
            notice.c.link, notice.c.read_at,
        )
        .where(notice.c.account_id == me(work))
        .order_by(notice.c.read_at.is_not(None), notice.c.id.desc())
        .limit(MOST)
    )  # fmt: skip
    return [Notice(*row) for row in work.tx.execute(query)]


def mark_read(work: Work, number: int) -> str:
    """Note that the person has read a notice; return where it leads. Raises ``NoticeNotFound``."""
    mine = sa.and_(notice.c.id == number, notice.c.account_id == me(work))
    link = work.tx.scalar(sa.select(notice.c.link).where(mine))
    if link is None:
        raise NoticeNotFound(value=number)
    work.tx.execute(
        notice.update().where(mine, notice.c.read_at.is_(None)).values(read_at=work.now)
    )
    return str(link)


def mark_all_read(work: Work) -> int:
    """Note that the person has read everything there is."""
    mine = sa.and_(notice.c.account_id == me(work), notice.c.read_at.is_(None))
    return work.tx.execute(notice.update().where(mine).values(read_at=work.now)).rowcount


def holders(work: Work, role: str, unit: int | None = None) -> list[int]:
    """Return the accounts that hold a role today, in a unit where one is named (and in those
    that were merged into it); who stands in for one of them is among them."""
    there = [post.c.role == role, post.c.deputy_of.is_(None), valid_on(post, work.today)]
    if unit is not None:
        there.append(post.c.unit_id.in_(sorted(work.tree.own(unit))))
    posts = list(work.tx.execute(sa.select(post.c.id, post.c.account_id).where(*there)))
    deputies = sa.select(post.c.account_id).where(
        post.c.deputy_of.in_([row.id for row in posts]), valid_on(post, work.today)
    )
    found = {row.account_id for row in posts} | set(work.tx.scalars(deputies))
    active = sa.select(account.c.id).where(account.c.id.in_(found), account.c.disabled_at.is_(None))
    return sorted(work.tx.scalars(active))
