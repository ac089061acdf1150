"""Desk: what a page has at hand – the platform, the person, the reading of this request."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

from flask import current_app, g, url_for

from app.errors import NotAllowed
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
        except NotAllowed as refused:
            g.not_allowed = refused
            raise
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
    """Give a unit of work: leaving it well commits, an exception rolls back.

    Whoever may not is noted in the audit log after the request (``failures``), also where a
    page answers the refusal itself.
    """
    actor = replace(current_actor(), face=face)
    try:
        with platform().writing(actor, publishing=publishing) as work:
            yield work
    except NotAllowed as refused:
        g.not_allowed = refused
        raise


def moment(at: datetime.datetime | None) -> str:
    """Return a stored moment (UTC) as people here read it."""
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""


def local(at: datetime.datetime) -> datetime.datetime:
    """Return a stored moment as the office's clocks show it."""
    return platform().office.local(at)


def record_url(slug: str, number: int) -> str:
    """Return the address of a record's page. A page names many records of few registers, and
    building an address costs as much as a line of a list."""
    roots: dict[str, str] = g.setdefault("roots", {})
    if slug not in roots:
        roots[slug] = url_for("register.index_view", slug=slug)
    return f"{roots[slug]}{number}"


def person(name: str | None) -> str:
    """Return who did something; what came with the product was nobody's deed."""
    if name in ("command line", "background job"):
        return _(name)
    return _("the system") if name == "seed" else name or ""
