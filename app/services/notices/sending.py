"""The jobs that send: one message, a digest; and what an administrator sees of them.

A message leaves at least once: who is killed between sending it and noting that sends it again.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import AppError, Problem
from app.services import access, jobs
from app.services.jobs import GiveUp, Run
from app.services.jobs.job import ACTOR, pause, read, written
from app.services.notices import mail, posting
from app.services.notices.channels import Webhook, WebhookSealed, find
from app.services.office import Office
from app.services.work import Actor, Platform, Work
from app.storage.models_identity import account
from app.storage.models_notices import delivery, notice, notice_setting, webhook

TRIES = 10
#: messages of one digest, and of the page
MOST = 100
#: how long notices that were read, and deliveries that ended, are kept
KEPT = datetime.timedelta(days=365)


class DeliveryNotFound(AppError):
    code = "notice.delivery_not_found"
    status = 404
    text = "There is no delivery {value} that could be tried again."


class MailOff(AppError):
    code = "notice.mail_off"
    text = "No mail is sent: the setting TAIZHANG_SMTP_HOST names no mail server."


class AddressGone(AppError):
    code = "notice.address_gone"
    text = "The person has no mail address any more, or the account is disabled."


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, to one target."""

    ids: tuple[int, ...]
    kind: str
    title: str
    text: str
    link: str
    webhook: Webhook | None
    #: the person's mail address, "" for a webhook and where there is none any more
    email: str = ""


@jobs.job("send-notice", title="Send a notice", whole=False, tries=TRIES)
def send_notice(platform: Platform, run: Run) -> str | None:
    """Send one message by mail or to a webhook."""
    with platform.reading(ACTOR) as work:
        found = waiting(work, delivery.c.id == run.payload.get("delivery"))
        message = gathered(work, found) if found else None
    if message is not None:
        deliver(platform, message, run)
    return None


@jobs.job("send-digest", title="Send a digest", whole=False, tries=TRIES)
def send_digest(platform: Platform, run: Run) -> str | None:
    """Send all that waits for one person's, or one webhook's, digest."""
    # run by hand it is nobody's
    [(name, owner)] = run.payload.items() or (("account_id", None),)
    due = sa.and_(
        delivery.c[name] == owner, delivery.c.digest.is_(True), delivery.c.created_at <= run.due
    )
    while True:
        with platform.reading(ACTOR) as work:
            found = waiting(work, due)
            message = gathered(work, found) if found else None
        if message is None:
            return None
        deliver(platform, message, run)


@jobs.job("tidy-notices", cron="40 3 * * *", title="Remove old notices")
def tidy_notices(work: Work, run: Run) -> str | None:
    """Remove notices read, and deliveries ended, a year ago."""
    old = work.now - KEPT
    work.tx.execute(notice.delete().where(notice.c.read_at < old))
    ended = sa.and_(delivery.c.state != "waiting", delivery.c.created_at < old)
    work.tx.execute(delivery.delete().where(ended))
    return None


def waiting(work: Work, which: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
    query = sa.select(delivery).where(which, delivery.c.state == "waiting")
    return work.tx.execute(query.order_by(delivery.c.id).limit(MOST)).all()


def gathered(work: Work, rows: Sequence[sa.Row[Any]]) -> Message:
    """Return what is sent for some deliveries to the same target: one message."""
    first = rows[0]
    title, text, link = first.title, first.text, first.link
    if len(rows) > 1:
        title = f"{first.title}（{len(rows)}）"
        text = "\n".join(f"{n}. {row.title}" for n, row in enumerate(rows, 1))
        link = "/notices/"
    return Message(
        tuple(row.id for row in rows), first.kind, title, text, link,
        find(work, first.webhook_id) if first.webhook_id is not None else None,
        address(work, first.account_id) if first.account_id is not None else "",
    )  # fmt: skip


def address(work: Work, number: int) -> str:
    query = (
        sa.select(notice_setting.c.email)
        .join(account, account.c.id == notice_setting.c.account_id)
        .where(notice_setting.c.account_id == number, account.c.disabled_at.is_(None))
    )
    return work.tx.scalar(query) or ""


def deliver(platform: Platform, message: Message, run: Run) -> None:
    """Send a message and note it; note why when it cannot be, and raise that."""
    try:
        send(platform.office, message)
    except (AppError, GiveUp) as error:
        reason = error.reason if isinstance(error, GiveUp) else error
        final = run.last or isinstance(error, GiveUp)
        with platform.writing(ACTOR) as work:
            values = {"state": "failed"} if final else {"next_at": work.now + pause(run.attempt)}
            note(work, message.ids, error=written(reason), attempts=run.attempt, **values)
        raise
    with platform.writing(ACTOR) as work:
        note(work, message.ids, error="", attempts=run.attempt, state="done", done_at=work.now)


def note(work: Work, ids: Sequence[int], **values: Any) -> None:
    work.tx.execute(delivery.update().where(delivery.c.id.in_(ids)).values(**values))


def send(office: Office, message: Message) -> None:
    """Send one message now. Raises a refusal to try again, or ``GiveUp``."""
    link = office.site + message.link if office.site and message.link else ""
    if message.webhook is not None:
        send_to(message.webhook, message, link)
        return
    if office.mail is None:
        raise MailOff()
    if not message.email:
        raise GiveUp(AddressGone())
    body = message.text + (f"\n\n{link}" if link else "") + "\n"
    number = f"notice-{message.ids[0]}-{len(message.ids)}"
    mail.send(
        office.mail,
        mail.compose(office.mail.sender, message.email, message.title, body, number),
    )


def send_to(target: Webhook, message: Message, link: str) -> None:
    if not target.url:
        raise GiveUp(WebhookSealed())
    values = {
        "id": str(message.ids[0]) if message.ids else "test", "kind": message.kind,
        "title": message.title, "text": message.text, "link": link,
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    body = target.recipe.render(values)
    url, headers = target.recipe.signed(target.url, target.secret, body, time.time())
    headers["X-Taizhang-Delivery"] = values["id"]
    posting.post(url, body, headers, target.recipe)


def try_webhook(platform: Platform, actor: Actor, number: int, title: str, text: str) -> None:
    """Send a test message for real, now. Raises why it did not arrive."""
    with platform.reading(actor) as work:
        access.require(work, "administer")
        target = find(work, number)
    message = Message((), "system", title, text, "/notices/", target)
    try:
        send(platform.office, message)
    except GiveUp as error:
        if isinstance(error.reason, AppError):
            raise error.reason from error
        raise


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery as the page of webhooks lists it."""

    id: int
    channel: str
    target: str
    kind: str
    state: str
    attempts: int
    created_at: datetime.datetime
    next_at: datetime.datetime
    done_at: datetime.datetime | None
    error: Problem | None


def deliveries(work: Work) -> list[Sent]:
    """Return the last deliveries, those that failed first. What they say is not shown: it is
    for whom they were sent to."""
    access.require(work, "administer")
    query = (
        sa.select(delivery, webhook.c.title.label("robot"), account.c.name)
        .outerjoin(webhook, webhook.c.id == delivery.c.webhook_id)
        .outerjoin(account, account.c.id == delivery.c.account_id)
        .order_by(delivery.c.state != "failed", delivery.c.id.desc())
        .limit(MOST)
    )
    return [
        Sent(
            row.id, row.channel, row.robot or row.name or "", row.kind, row.state, row.attempts,
            row.created_at, row.next_at, row.done_at, read(row.error),
        )
        for row in work.tx.execute(query)
    ]  # fmt: skip


def send_again(work: Work, number: int) -> None:
    """Have a delivery that failed sent again, with all its tries."""
    access.require(work, "administer")
    failed = sa.and_(delivery.c.id == number, delivery.c.state == "failed")
    values = {"state": "waiting", "attempts": 0, "next_at": work.now, "digest": False}
    if not work.tx.execute(delivery.update().where(failed).values(**values)).rowcount:
        raise DeliveryNotFound(value=number)
    jobs.enqueue(work, "send-notice", {"delivery": number})
