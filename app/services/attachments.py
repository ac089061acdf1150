"""Attachments: files kept beside the database under the digest of their content.

A file is named by its SHA-256, so the same content is kept once, a name people gave never
reaches a path, and a backup can prove what it holds. The row says what it was called.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from app.definitions.gate import shorten
from app.errors import FileRefused, RecordNotFound, because
from app.services import access
from app.services.work import Work
from app.storage import models

PIECE = 1 << 16
LONGEST_NAME = 200
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
    access.require(work, "upload", slug)
    register = work.published(slug).register
    if field not in register or register[field].kind.name != "attachment":
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


def find(work: Work, number: int) -> Attachment:
    """Return a file's row. Raises ``RecordNotFound``."""
    table = models.attachment
    row = None
    if 0 < number < 2**63:
        row = work.tx.execute(sa.select(table).where(table.c.id == number)).one_or_none()
    if row is None:
        raise RecordNotFound(id=number, register="attachments")
    access.require(work, "see", row.slug)
    return Attachment(row.id, row.name, row.type, row.size, row.sha256, row.slug)


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
