"""Alembic's environment: the platform's own tables only.

Registers' tables are made by publishing and begin with ``r_``; they are none of Alembic's
business. The connection, or the database, is handed in by ``app.storage.migrate``.
"""

from __future__ import annotations

from typing import Any

from alembic import context

import app.storage.models
import app.storage.models_audit
import app.storage.models_calendar
import app.storage.models_identity
import app.storage.models_jobs
import app.storage.models_notices
import app.storage.models_people
import app.storage.models_returns
import app.storage.models_together
import app.storage.models_workflow  # noqa: F401  (fills the metadata)
from app.storage.base import metadata


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Return whether Alembic may look at something the database has."""
    return not (kind == "table" and (name or "").startswith("r_"))


def run(connection: Any) -> None:
    # The caller's transaction carries the DDL: SQLite's too, once it has begun explicitly.
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=ours,
        compare_type=True,
        transactional_ddl=True,
        transaction_per_migration=False,
    )
    context.run_migrations()


held = context.config.attributes.get("connection")
if held is None:
    raise SystemExit("Run «flask db upgrade»: it brings the database with it.")
run(held)
