"""Which record of which register a row of a file names."""

from __future__ import annotations

from app.definitions.register import Field
from app.errors import AppError, Problem
from app.kinds.reference import Reference
from app.services.intake.sheet import Line
from app.services.reading import resolve_references
from app.services.work import Work


def linked(work: Work, line: Line) -> tuple[str, int] | None:
    """Return (register, id) of the record a row names in its columns slug and record; None where
    it names none or what it names is not there, which is noted."""
    said, text = line.text("slug"), line.text("record")
    if not said and not text:
        return None
    slug = next(
        (
            entry.slug
            for entry in work.snapshot.entries.values()
            if said in (entry.slug, entry.title)
        ),
        "",
    )
    if not slug:
        line.refuse("slug", "register.not_found", "There is no register {slug}.", slug=said)
        return None
    if not text:
        line.refuse("record", "value.missing", "The record is missing: write its key or its name.")
        return None
    found = find(work, slug, text)
    if isinstance(found, Problem):
        line.problems.append(("record", found))
        return None
    return slug, found


def find(work: Work, slug: str, text: str) -> int | Problem:
    """Return the id of the record with this key, label or number ("#12"), or what is wrong."""
    published = work.published(slug)
    if text.startswith("#") and text[1:].isascii() and text[1:].isdigit() and len(text) < 19:
        return int(text[1:])
    title = published.register.title
    asking = Field("record", title, Reference(slug), {})
    try:
        return resolve_references(work, published, asking, [text])[text]
    except AppError as error:
        return Problem("/record", error.code, error.text, error.values)
