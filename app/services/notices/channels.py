"""Where notices go besides the application: a person's own settings, and the office's webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from app.errors import AppError
from app.services import access, audit
from app.services.notices.inbox import KINDS, me, rhythm_of
from app.services.notices.recipes import Recipe, recipes
from app.services.notices.times import DIGEST, OFF, ONCE, Rhythm, clean
from app.services.office import ADDRESS
from app.services.vault import SealBroken
from app.services.work import Work
from app.storage.models_notices import notice_setting, webhook

MODES = (OFF, ONCE, DIGEST)
LONGEST_URL, LONGEST_SECRET, LONGEST_TITLE = 2000, 200, 60
#: characters a secret of our own signature must have
SHORTEST_SECRET = 16


class ChannelRefused(AppError):
    code = "notice.channel_refused"
    text = "{reason}"


class EmailRefused(ChannelRefused):
    text = "{value} is not an address mail can be sent to. Write it as name@office.example.cn."


class ModeRefused(ChannelRefused):
    text = "{value} is no way to be told: choose off, at once or digest."


class UrlRefused(ChannelRefused):
    text = "{value} is not an address messages can be sent to: it begins with http:// or https://."


class SecretRefused(ChannelRefused):
    text = "{recipe} needs a secret of {least} to {most} characters."


class TitleMissing(ChannelRefused):
    text = "The webhook needs a name of 1 to {most} characters."


class RecipeUnknown(ChannelRefused):
    text = "There is no recipe {value}."


class WebhookNotFound(AppError):
    code = "notice.webhook_not_found"
    status = 404
    text = "There is no webhook {value}."


class WebhookSealed(AppError):
    code = "notice.webhook_sealed"
    text = (
        "The address and the secret of this webhook were stored with another secret key and "
        "cannot be read. Enter them again."
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """How a person wants to be told outside the application."""

    email: str = ""
    rhythm: Rhythm = field(default_factory=lambda: Rhythm(mode=OFF))
    muted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as it is sent to; pages show ``shown`` instead of the address. Both are blank
    where they were sealed with another key."""

    id: int
    title: str
    recipe: Recipe
    url: str
    secret: str = field(repr=False)
    rhythm: Rhythm
    slugs: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The address without what may be a key: its query, and the path's last part."""
        parts = urlsplit(self.url)
        path = parts.path.rpartition("/")[0] + "/…" if parts.path.count("/") > 1 else parts.path
        if parts.query:
            path = parts.path + "?…"
        return f"{parts.scheme}://{parts.netloc}{path}"


def setting(work: Work) -> Setting:
    """Return the settings of who asks."""
    query = sa.select(notice_setting).where(notice_setting.c.account_id == me(work))
    row = work.tx.execute(query).one_or_none()
    if row is None:
        return Setting()
    return Setting(row.email, rhythm_of(row), tuple(json.loads(row.muted)))


def change_setting(work: Work, email: str, rhythm: Rhythm, muted: Sequence[str]) -> None:
    """Keep how the person wants to be told. Raises what names the entry that is wrong."""
    email = email.strip()
    rhythm = checked(rhythm)
    if (email or rhythm.mode != OFF) and not (ADDRESS.fullmatch(email) and len(email) <= 254):
        raise EmailRefused(value=email[:100] or "–")
    number = me(work)
    work.tx.execute(notice_setting.delete().where(notice_setting.c.account_id == number))
    work.tx.execute(
        notice_setting.insert().values(
            account_id=number, email=email, **columns(rhythm),
            muted=json.dumps([kind for kind in KINDS if kind in muted]),
        )
    )  # fmt: skip


def checked(rhythm: Rhythm) -> Rhythm:
    """Return a rhythm with its times as they are kept. Raises ``TimeRefused``, ``ModeRefused``."""
    if rhythm.mode not in MODES:
        raise ModeRefused(value=rhythm.mode[:20] or "–")
    quiet_from, quiet_to = clean(rhythm.quiet_from), clean(rhythm.quiet_to)
    if bool(quiet_from) != bool(quiet_to):
        # one without the other would mean a day without an end
        clean(quiet_from or "?"), clean(quiet_to or "?")
    return Rhythm(rhythm.mode, clean(rhythm.digest_at) or "08:30", quiet_from, quiet_to)


def columns(rhythm: Rhythm) -> dict[str, str]:
    return {
        "mode": rhythm.mode, "digest_at": rhythm.digest_at,
        "quiet_from": rhythm.quiet_from, "quiet_to": rhythm.quiet_to,
    }  # fmt: skip


def webhooks(work: Work) -> list[Webhook]:
    """Return every webhook."""
    access.require(work, "administer")
    rows = work.tx.execute(sa.select(webhook).order_by(webhook.c.id))
    return [made(work, row) for row in rows]


def find(work: Work, number: int) -> Webhook:
    """Return one webhook. Raises ``WebhookNotFound``."""
    row = work.tx.execute(sa.select(webhook).where(webhook.c.id == number)).one_or_none()
    if row is None:
        raise WebhookNotFound(value=number)
    return made(work, row)


def made(work: Work, row: Any) -> Webhook:
    url, secret = opened(work, row.url, row.secret)
    return Webhook(
        row.id, row.title, recipes()[row.recipe], url, secret, rhythm_of(row),
        tuple(json.loads(row.slugs)), tuple(json.loads(row.kinds)),
    )  # fmt: skip


def opened(work: Work, url: str, secret: str) -> tuple[str, str]:
    """Return address and secret as they are sent with. An address as it is typed was stored by an
    earlier release, which sealed nothing."""
    if is_sendable(url):
        return url, secret
    try:
        return work.vault.open(url), work.vault.open(secret)
    except SealBroken:
        return "", ""


def seal_all(work: Work) -> int:
    """Seal what an earlier release stored in the clear; return of how many webhooks."""
    rows = [row for row in work.tx.execute(sa.select(webhook)) if is_sendable(row.url)]
    for row in rows:
        values = sealed(work, {"url": row.url, "secret": row.secret})
        work.tx.execute(webhook.update().where(webhook.c.id == row.id).values(values))
    return len(rows)


def sealed(work: Work, values: Mapping[str, str]) -> dict[str, str]:
    """Return what is kept of a webhook: its address, which may hold a key, and its secret are
    read by nobody who has the database alone."""
    return {**values, **{name: work.vault.seal(values[name]) for name in ("url", "secret")}}


def save_webhook(
    work: Work, number: int | None, given: Mapping[str, str], slugs: Sequence[str],
    kinds: Sequence[str],
) -> int:  # fmt: skip
    """Keep a webhook, a new one without ``number``; an address or a secret that is left empty
    stays as it was. Raises what names the entry that is wrong."""
    access.require(work, "administer")
    before = find(work, number) if number is not None else None
    rhythm = checked(
        Rhythm(given["mode"], given["digest_at"], given["quiet_from"], given["quiet_to"])
    )
    values = {
        **columns(rhythm), **sealed(work, entries(given, before)),
        "slugs": json.dumps([slug for slug in slugs if slug in work.snapshot.entries]),
        "kinds": json.dumps([kind for kind in KINDS if kind in kinds]),
    }  # fmt: skip
    note(work, "changed" if before else "created", values["title"], values["recipe"])
    if before is None:
        statement = webhook.insert().values(**values, created_at=work.now)
        return int(work.tx.scalar(statement.returning(webhook.c.id)) or 0)
    work.tx.execute(webhook.update().where(webhook.c.id == before.id).values(**values))
    return before.id


def note(work: Work, *words: str) -> None:
    """Put a change of a webhook into the audit log, without its address and its key."""
    about = audit.About("setting", id="webhook")
    audit.note(work, "setting.changed", about, {"title": "webhook", "change": " ".join(words)})


def entries(given: Mapping[str, str], before: Webhook | None) -> dict[str, str]:
    """Return name, recipe, address and secret, each checked."""
    title = " ".join(given["title"].split())
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise TitleMissing(most=LONGEST_TITLE)
    recipe = recipes().get(given["recipe"])
    if recipe is None:
        raise RecipeUnknown(value=given["recipe"][:40] or "–")
    url = given["url"].strip() or (before.url if before else "")
    if not is_sendable(url):
        raise UrlRefused(value=url[:60] or "–")
    secret = given["secret"].strip() or (before.secret if before else "")
    if recipe.needs_secret and not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        raise SecretRefused(recipe=recipe.title, least=SHORTEST_SECRET, most=LONGEST_SECRET)
    return {"title": title, "recipe": recipe.name, "url": url, "secret": secret[:LONGEST_SECRET]}


def is_sendable(url: str) -> bool:
    """Return whether ``url`` may be sent to: the office's own network included, only http(s)."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    named = parts.scheme in ("http", "https") and bool(parts.hostname)
    return named and port_is_fine and "@" not in parts.netloc and not parts.fragment


def remove_webhook(work: Work, number: int) -> None:
    """Take out a webhook and what waits for it."""
    access.require(work, "administer")
    note(work, "removed", find(work, number).title)
    work.tx.execute(webhook.delete().where(webhook.c.id == number))
