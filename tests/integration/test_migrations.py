"""The platform's tables come from migrations, and from nothing else."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import app.storage.models
import app.storage.models_audit
import app.storage.models_calendar
import app.storage.models_identity
import app.storage.models_jobs
import app.storage.models_notices
import app.storage.models_people
import app.storage.models_returns
import app.storage.models_together  # noqa: F401  (fills the metadata)
from app.storage.base import metadata
from app.storage.migrate import head, upgrade
from app.storage.session import Database


def test_migrations_make_exactly_the_declared_tables(database: Database) -> None:
    with database.reading() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        found = compare_metadata(context, metadata)

    assert found == []


def test_upgrading_twice_changes_nothing(blank_url: str) -> None:
    database = Database(blank_url)
    try:
        assert upgrade(database) == (None, head())
        assert upgrade(database) == (head(), head())
    finally:
        database.dispose()
