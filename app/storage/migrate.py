"""Bring a database's platform tables to the newest migration."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.storage.session import Database

SCRIPTS = Path(__file__).parents[2] / "migrations"


def upgrade(database: Database) -> tuple[str | None, str | None]:
    """Run every migration that is missing, in one transaction; return (before, after).

    Safe to call at every start and from several processes: the second waits for the first and
    finds nothing to do.
    """
    config = configuration()
    with database.writing() as tx:
        if not database.sqlite:
            tx.exec_driver_sql("SELECT pg_advisory_xact_lock(31258)")
        before = MigrationContext.configure(tx).get_current_revision()
        if before != head():
            config.attributes["connection"] = tx
            command.upgrade(config, "head")
        return before, MigrationContext.configure(tx).get_current_revision()


def head() -> str | None:
    """Return the newest migration there is."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def configuration() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(SCRIPTS))
    return config
