"""Desk: what a page has at hand – the platform, the person, the reading of this request."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

from flask import current_app, g

from app.faces.admin.session import current_actor
from app.services.work import Actor, Platform, Work
from app.storage.catalog import Published
from app.words import gettext as _


def actor() -> Actor:
    """Return who asks, and that it is from a page."""
    return current_actor()


def platform() -> Platform:
    return cast(Platform, current_app.extensions["taizhang"])


@contextmanager
def reading() -> Iterator[Work]:
    """Give the one consistent reading of this request; asked again inside, the same one."""
    if "reading" in g:
        yield g.reading
        return
    with platform().reading(current_actor()) as work:
        g.reading = work
        g.snapshot = work.snapshot
        try:
            yield work
        finally:
            g.pop("reading", None)


def published(slug: str) -> Published:
    """Return a register as of the moment the account was looked up: a request that is going to
    write needs no reading of its own for it. Raises ``RegisterNotFound``."""
    if "seen" in g:
        kept = platform().catalog.kept(g.seen, slug)
        if kept is not None:
            g.snapshot = g.seen
            return kept
    with reading() as work:
        return work.published(slug)


@contextmanager
def writing(*, publishing: bool = False, face: str = "web") -> Iterator[Work]:
    """Give a unit of work: leaving it well commits, an exception rolls back."""
    actor = replace(current_actor(), face=face)
    with platform().writing(actor, publishing=publishing) as work:
        yield work


def moment(at: datetime.datetime | None) -> str:
    """Return a stored moment (UTC) as people here read it."""
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""


def local(at: datetime.datetime) -> datetime.datetime:
    return at.replace(tzinfo=datetime.UTC).astimezone()


def person(name: str | None) -> str:
    """Return who did something; what came with the product was nobody's deed."""
    if name == "command line":
        return _("command line")
    return _("the system") if name in ("seed", "background job") else name or ""
