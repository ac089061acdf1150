"""The tab of a state finds its records through an index, whatever stands in other states."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.services import lists, states
from app.services.work import Platform
from tests.support.flows import Desk, flow_definition
from tests.support.register import ME

MANY = 4000


@pytest.fixture
def desk(platform: Platform) -> Desk:
    """A register with many drafts and few records that were handed in."""
    desk = Desk(platform, flow_definition())
    desk.enter()
    with platform.writing(ME) as work:
        main = work.published("demo").tables.main
        row = dict(work.tx.execute(sa.select(main)).mappings().one())
        rows = [
            {**row, "_id": n, "name": f"{n}", "_state": "submitted" if n % 400 == 0 else "draft"}
            for n in range(2, MANY)
        ]
        for start in range(0, len(rows), 500):
            work.tx.execute(main.insert(), rows[start : start + 500])
        work.tx.execute(main.update().where(main.c["_id"] == 3).values(_state=None))
    return desk


def count(desk: Desk, state: str) -> int:
    with desk.platform.reading(ME) as work:
        found = lists.stream(work, "demo", lists.Query(state=state))
        return sum(len(batch) for batch in found)


def test_a_row_without_a_state_stands_in_the_first(desk: Desk) -> None:
    assert count(desk, "submitted") == 9
    assert count(desk, "draft") == MANY - 1 - 9
    assert count(desk, "paid") == 0


def test_a_state_that_few_stand_in_is_read_from_the_index(desk: Desk) -> None:
    with desk.platform.database.writing() as tx:
        tx.exec_driver_sql("ANALYZE")
    with desk.platform.reading(ME) as work:
        published = work.published("demo")
        main = published.tables.main
        query = sa.select(main.c["_id"]).where(
            main.c["_deleted_at"].is_(None), states.stands_in(published, "submitted")
        )
        text = query.compile(work.tx.engine, compile_kwargs={"literal_binds": True})
        word = "EXPLAIN QUERY PLAN" if work.tx.dialect.name == "sqlite" else "EXPLAIN"
        plan = " ".join(str(row) for row in work.tx.exec_driver_sql(f"{word} {text}"))
        names = [n for n, (columns, _) in published.layout.indexes.items() if "_state" in columns]

    assert len(names) == 1 and names[0] in plan, plan
