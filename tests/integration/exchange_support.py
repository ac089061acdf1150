"""What the tests of files share: a platform with the test registers, and short words."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.services import exchange, publishing
from app.services.lists import Query
from app.services.work import Actor, Platform
from app.storage.session import Database
from tests.support.register import platform_on

REGISTERS = Path(__file__).parents[1] / "data" / "registers"
CLERK = Actor(None, "张三", "cli")


def platform_with(database: Database, folder: Path, *slugs: str) -> Platform:
    """Return a platform in which the test registers ``slugs`` are published."""
    platform = platform_on(database, folder)
    documents = [json.loads((REGISTERS / f"{slug}.json").read_text("utf-8")) for slug in slugs]
    with platform.writing(CLERK, publishing=True) as work:
        publishing.publish_together(work, documents, confirmed=True)
    return platform


def bring_in(platform: Platform, slug: str, file: str | bytes | io.BytesIO, **options: Any) -> Any:
    """Import csv text, or a workbook, in a unit of work of its own; return the report."""
    if isinstance(file, str):
        file = file.encode()
    if isinstance(file, bytes):
        file = io.BytesIO(file)
    options.setdefault("format", "xlsx" if file.getvalue().startswith(b"PK") else "csv")
    with platform.writing(CLERK) as work:
        return exchange.import_file(work, slug, file, **options)


def take_out(platform: Platform, slug: str, format: str, query: Query | None = None) -> io.BytesIO:
    """Export a register; return the file."""
    out = io.BytesIO()
    with platform.reading(CLERK) as work:
        exchange.export(work, slug, query or Query(), format, out)
    out.seek(0)
    return out


def counts(report: Any) -> tuple[int, int, int, int]:
    """Return (created, changed, unchanged, refused)."""
    return report.created, report.changed, report.unchanged, report.faulty


def told(report: Any) -> list[tuple[str, str, str]]:
    """Return (pointer, code, cell) of every refused cell."""
    return [(r.problem.at, r.problem.code, r.cell) for r in report.refused]


def csv_of(heading: str, rows: Iterable[str]) -> str:
    """Return csv text."""
    return "\n".join((heading, *rows)) + "\n"
