"""The databases tests stand on: each test has its own, on both engines."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.storage.session import Database


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_begins_with_a_database_of_its_own(database: Database, turn: int) -> None:
    with database.writing() as tx:
        tx.execute(sa.text("CREATE TABLE mine (id INTEGER)"))

    assert sa.inspect(database.engine).has_table("history")


def test_an_empty_database_has_no_tables(blank_url: str) -> None:
    database = Database(blank_url)
    try:
        assert sa.inspect(database.engine).get_table_names() == []
    finally:
        database.dispose()
