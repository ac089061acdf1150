"""Attachments: files kept beside the database under the digest of their content.

A file is named by its SHA-256, so the same content is kept once, a name people gave never
reaches a path, and a backup can prove what it holds. The row says what it was called.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from app.definitions.gate import shorten
from app.errors import FileRefused, RecordNotFound, because
from app.services import access, history
from app.services.work import Work
from app.storage import models, rows

PIECE = 1 << 16
LONGEST_NAME = 200
#: so long an uploaded file is given to its uploader before it stands in a record
FRESH = datetime.timedelta(hours=12)
#: what the first bytes of a file must be, for the types that say so
SIGNATURES: tuple[tuple[str, bytes], ...] = (
    ("application/pdf", b"%PDF-"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it was uploaded."""

    id: int
    name: str
    type: str
    size: int
    sha256: str
    slug: str


def store(
    work: Work, slug: str, field: str, name: str, media_type: str, source: BinaryIO
) -> Attachment:
    """Keep an uploaded file for a field of a register.

    The file is written and synced before the row is; if the transaction is rolled back it stays
    behind unnamed, which harms nothing.

    Raises ``FileRefused``: too large, of a type the field does not accept, or empty.
    """
    asked = access.of(work, slug)
    if not asked.can("create"):
        access.require(work, "upload", slug)
    register = work.published(slug).register
    if (
        field not in register
        or not asked.ever_shows(field)
        or register[field].kind.name != "attachment"
    ):
        raise FileRefused(
            reason=because("There is no attachment field {name}.", name=shorten(field))
        )
    kind = register[field].kind
    largest = getattr(kind, "max_mb", 20)
    name = clean_name(name)
    digest, size, head = receive(work.files, source, largest)
    media_type = media_type.split(";")[0].strip().lower() or "application/octet-stream"
    if not accepted(getattr(kind, "accept", ()), media_type, head):
        text = "{field} does not take {name} ({type}): choose a file of another type."
        shown = {"field": register[field].title, "name": name, "type": media_type}
        raise FileRefused(reason=because(text, **shown))
    row = {
        "sha256": digest,
        "name": name,
        "type": media_type[:100],
        "size": size,
        "created_at": work.now,
        "created_by": work.actor.name,
        "account_id": work.actor.id,
        "slug": slug,
    }
    statement = models.attachment.insert().returning(models.attachment.c.id)
    number = work.tx.execute(statement, row).scalar_one()
    return Attachment(number, name, media_type, size, digest, slug)


def receive(folder: Path, source: BinaryIO, largest: int) -> tuple[str, int, bytes]:
    """Write a stream under its digest; return (digest, size, first bytes)."""
    folder.mkdir(parents=True, exist_ok=True)
    digest, size, head = hashlib.sha256(), 0, b""
    handle, temporary = tempfile.mkstemp(dir=folder, prefix="part-")
    try:
        with os.fdopen(handle, "wb") as target:
            while piece := source.read(PIECE):
                head = head or piece[:16]
                size += len(piece)
                if size > largest << 20:
                    raise FileRefused(reason=because("It is larger than {most} MB.", most=largest))
                digest.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        if not size:
            raise FileRefused(reason=because("It is empty."))
        final = path_of(folder, digest.hexdigest())
        final.parent.mkdir(exist_ok=True)
        os.replace(temporary, final)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size, head


def path_of(folder: Path, sha256: str) -> Path:
    """Return where the content with this digest is kept."""
    return folder / sha256[:2] / sha256


def accepted(accept: tuple[str, ...], media_type: str, head: bytes) -> bool:
    """Return whether a field takes a file: by its type, and by what it begins with."""
    if accept and not any(fnmatch(media_type, pattern) for pattern in accept):
        return False
    return all(head.startswith(mark) for kind, mark in SIGNATURES if kind == media_type)


def clean_name(name: str) -> str:
    """Return an uploaded file's name as text: no folders, no control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    text = "".join(c for c in last if c.isprintable()).strip(". ")
    return text[-LONGEST_NAME:] or "file"


def find(work: Work, number: int, record: int | None = None) -> Attachment:
    """Return a file's row for somebody who sees it in ``record``, as it is or as it was, or who
    uploaded it a moment ago. Raises ``RecordNotFound``."""
    table = models.attachment
    row = None
    if 0 < number < 2**63:
        row = work.tx.execute(sa.select(table).where(table.c.id == number)).one_or_none()
    if row is None or not (is_fresh(work, row) or is_seen(work, row, record)):
        raise RecordNotFound(id=number, register="attachments")
    return Attachment(row.id, row.name, row.type, row.size, row.sha256, row.slug)


def is_fresh(work: Work, row: sa.Row[Any]) -> bool:
    """Return whether the person uploaded the file a moment ago and may still be filling in."""
    mine = work.actor.id is not None and row.account_id == work.actor.id
    return mine and work.now - row.created_at < FRESH


def is_seen(work: Work, row: sa.Row[Any], record: int | None) -> bool:
    """Return whether the person sees the file in a record, today or in its history."""
    if work.standing.everything:
        return True
    if record is None or row.slug not in work.snapshot:
        return False
    published = work.published(row.slug)
    stored = rows.get(work.tx, published, record)
    asked = access.of(work, row.slug)
    if stored is None or not asked.allows("see", stored):
        return False
    fields = [f.name for f in published.register.fields if f.kind.name == "attachment"]
    shown = set(fields) - asked.hidden(stored)
    if any(row.id in (stored[name] or ()) for name in shown):
        return True
    return any(
        row.id in (json or ())
        for entry in history.of_record(work, row.slug, record)
        for name, before, after in entry.changes
        if name in shown
        for json in (before, after)
    )


def named(work: Work, ids: tuple[int, ...]) -> dict[int, Attachment]:
    """Return the rows of files by id."""
    table = models.attachment
    query = sa.select(table).where(table.c.id.in_(ids))
    return {
        r.id: Attachment(r.id, r.name, r.type, r.size, r.sha256, r.slug)
        for r in work.tx.execute(query)
    }


def open_file(work: Work, attachment: Attachment) -> Path:
    """Return where a file's content is. Raises ``RecordNotFound`` when it is gone."""
    path = path_of(work.files, attachment.sha256)
    if not path.is_file():
        raise RecordNotFound(id=attachment.id, register="attachments")
    return path
