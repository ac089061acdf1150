"""What waiting costs: the inbox with many tasks, and a step taken with many records at once."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.services import inbox as listed_tasks
from app.services import tasks, workflow
from app.services.moves import Order
from app.services.work import Actor
from bench.figures import Figure, middle
from bench.measures import Setting, fetching, rounds, served
from bench.rights import CLERK, GRANTS, populate
from bench.rows import DEFINITION, SLUG, SORTED
from bench.world import ME, Browser, World

WAITING, DONE, MOVED = 10_000, 40_000, 1_000
FLOW = {"template": "report-review"}


def measure_waiting(setting: Setting) -> Iterator[Figure]:
    """The inbox beside the list page of the same person; a step of 1,000 records."""
    with setting.make(register=False) as world:
        document: dict[str, Any] = copy.deepcopy(DEFINITION)
        document["register"] |= {"permissions": GRANTS, "workflow": FLOW}
        world.publish(document)
        account = populate(world, setting.small)
        fill(world, account)
        with served(world) as server:
            visitor = Browser(server.port)
            visitor.sign_in(CLERK)
            page = f"/registers/{SLUG}/?sort=-{SORTED}"
            jobs = [
                fetching(visitor, "/inbox/", b"task-main", listed_tasks.SIZE),
                fetching(visitor, page, b"91330281"),
            ]
            inbox, listed = (middle(t) for t in rounds(jobs, 10))
            visitor.close()
        ratio, beside = inbox / listed, f"list page of 50 rows {listed:.1f} ms"
        what = f"inbox with {WAITING:,} waiting tasks, {listed_tasks.SIZE} on a page"
        said = f"{inbox:.1f} ms ({ratio:.2f} ×)"
        yield Figure(what, world.engine, said, beside, "≤ the list page", ratio <= 1)
        took = step(world)
        goal = "≤ 2 s"
        yield Figure(
            f"a step of {MOVED:,} records", world.engine, f"{took:.2f} s", "", goal, took <= 2
        )


def fill(world: World, account: int) -> None:
    """Let tasks wait for the clerk's unit, beside many that are done."""
    with world.platform.writing(Actor(account, "经办", "cli")) as work:
        main = work.published(SLUG).tables.main
        [unit] = {held.unit for held in work.standing.holdings}
        mine = list(work.tx.scalars(sa.select(main.c["_id"]).where(main.c["_unit"] == unit)))
        wanted = [
            tasks.New(
                SLUG, mine[n % len(mine)], tasks.TRANSITION, "{label}", tasks.To(unit=unit),
                f"bench:{n}", {"label": f"事项 {n}"},
            )
            for n in range(WAITING + DONE)
        ]  # fmt: skip
        tasks.open_tasks(work, wanted)
        done = tasks.table.update().where(tasks.table.c.id > WAITING)
        work.tx.execute(done.values(done_at=work.now, done_by="bench", outcome="done"))
    world.analyze()


def step(world: World) -> float:
    """Return the seconds in which many records take a step together, with all that follows."""
    with world.platform.reading(ME) as work:
        main = work.published(SLUG).tables.main
        ids = list(work.tx.scalars(sa.select(main.c["_id"]).order_by(main.c["_id"]).limit(MOVED)))
    begun = time.perf_counter()
    with world.platform.writing(ME) as work:
        moved, _ = workflow.move_many(work, SLUG, ids, "submit", Order())
    taken = time.perf_counter() - begun
    if moved != MOVED:
        raise RuntimeError(f"only {moved} records were moved")
    return taken
