"""Noting: what the audit log says of files in and out – how many rows, never what is in them."""

from __future__ import annotations

from typing import Any

from app.services import audit, lists
from app.services.exchange.report import ImportReport, ImportStopped
from app.services.work import Actor, Platform, Work
from app.storage.catalog import Published


def note_export(work: Work, slug: str, query: lists.Query, format: str, count: int) -> None:
    """Note an export, before anybody is given the file. Of filters their fields are named."""
    published = work.published(slug)
    told = {
        "title": published.register.title,
        "count": count,
        "format": format,
        "filters": sorted({one.field for one in query.filters}),
        "searched": bool(query.search),
    }
    audit.note(work, "export.made", about(published), told)


def note_import(work: Work, published: Published, report: ImportReport, mode: str) -> None:
    """Note an import, in its own transaction."""
    audit.note(work, "import.made", about(published), {**numbers(published, report), "mode": mode})


def note_stopped(
    platform: Platform, actor: Actor, published: Published, stopped: ImportStopped
) -> None:
    """Note an import that stored nothing."""
    told = numbers(published, stopped.report)
    audit.note_refusal(platform.database, "import.refused", about(published), told, actor=actor)


def about(published: Published) -> audit.About:
    return audit.About("register", published.slug, revision=published.revision)


def numbers(published: Published, report: ImportReport) -> dict[str, Any]:
    names = ("total", "created", "changed", "unchanged", "faulty")
    counts = {name: getattr(report, name) for name in names}
    return {"title": published.register.title, **counts}
