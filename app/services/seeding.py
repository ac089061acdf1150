"""Seeding: the definitions and the demonstration data that come with the product."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.errors import FileRefused, because
from app.kinds import load_json
from app.services import calendar, publishing
from app.services.exchange import import_file
from app.services.work import Actor, Platform, Work

SCHEMAS = Path(__file__).parents[2] / "schemas"
SEED = Actor(None, "seed", "seed")

#: told what is going on, a sentence with its values
Tell = Callable[[str, dict[str, Any]], None]


def definition_paths(path: Path | None = None) -> list[Path]:
    """Return the definition files at ``path``: itself, or those of a folder; by default ours."""
    path = path or SCHEMAS / "registers"
    if path.is_dir():
        return sorted(path.glob("*.json"))
    return [path]


def read_definition(path: Path) -> Any:
    """Return the JSON of a definition file. Raises ``FileRefused`` with the place of a mistake."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(reason=because("{name} is not UTF-8 text.", name=path.name)) from error
    except OSError as error:
        raise FileRefused(
            reason=because("{name}: {why}", name=path.name, why=error.strerror)
        ) from error
    return parse_definition(text, path.name)


def parse_definition(text: str, name: str) -> Any:
    """Return ``text`` as JSON. Raises ``FileRefused`` with line and column of a mistake."""
    try:
        return load_json(text)
    except RecursionError as error:
        why = because("{name} is nested too deeply.", name=name)
        raise FileRefused(reason=why) from error
    except ValueError as error:
        raise FileRefused(
            reason=because("{name} is not JSON: {why}.", name=name, why=error)
        ) from error


def seed_definitions(platform: Platform) -> list[tuple[str, int]]:
    """Publish every definition that comes with the product and is not published yet."""
    with platform.reading(SEED) as work:
        published = set(work.snapshot.entries)
    documents = [read_definition(path) for path in definition_paths()]
    fresh = [d for d in documents if d["$id"] not in published]
    if not fresh:
        return []
    with platform.writing(SEED, publishing=True) as work:
        return [(p.slug, p.revision) for p in publishing.publish_together(work, fresh)]


def seed_calendar(platform: Platform) -> list[int]:
    """Store the working-day calendars that come with the product; return the years added."""
    return calendar.seed(platform, SCHEMAS / "calendar", SEED)


def seed_demo(platform: Platform, tell: Tell | None = None) -> dict[str, int]:
    """Import the demonstration files into registers that are still empty; return how many
    records each got. Running it again adds nothing."""
    folder = SCHEMAS / "demo"
    order = json.loads((folder / "order.json").read_text("utf-8"))
    made: dict[str, int] = {}
    for slug in order:
        path = folder / f"{slug}.csv"
        if not path.exists():
            continue
        with platform.writing(SEED) as work:
            if slug not in work.snapshot.entries or not is_empty(work, slug):
                continue
            with path.open("rb") as source:
                report = import_file(work, slug, source, format="csv", mode="insert")
            made[slug] = report.created
        if tell:
            tell("{count} records in {slug}", {"count": made[slug], "slug": slug})
    return made


def is_empty(work: Work, slug: str) -> bool:
    """Return whether a register never had a record."""
    main = work.published(slug).tables.main
    return work.tx.scalar(sa.select(main.c["_id"]).limit(1)) is None
