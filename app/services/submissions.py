"""Submissions: a form sent twice gets its first answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.errors import SubmissionReused
from app.kinds import dump_json
from app.services.work import Work
from app.storage import models


def digest_of(raw: Mapping[str, Any]) -> str:
    """Return what tells two sendings of a form apart."""
    return hashlib.sha256(dump_json(dict(sorted(raw.items()))).encode()).hexdigest()


def answered(work: Work, slug: str, token: str, raw: Mapping[str, Any]) -> int | None:
    """Return the record a form's token already made, if it did. Raises ``SubmissionReused``."""
    table = models.submission
    if work.tx.dialect.name != "sqlite":
        # The second of two sendings waits here for the first, then finds its answer.
        lock = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:token, 0))")
        work.tx.execute(lock, {"token": token})
    row = work.tx.execute(sa.select(table).where(table.c.token == token)).one_or_none()
    if row is None:
        return None
    if row.slug != slug or row.digest != digest_of(raw):
        raise SubmissionReused
    return row.record


def remember(work: Work, slug: str, token: str, raw: Mapping[str, Any], record: int) -> None:
    """Keep a form's token with the record it made, in the same transaction."""
    work.tx.execute(
        models.submission.insert(),
        {
            "token": token,
            "slug": slug,
            "record": record,
            "digest": digest_of(raw),
            "at": work.now,
        },
    )
