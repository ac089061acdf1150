"""What permission costs: a list among many units, and the check of one record."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.services import access, identity, people
from app.services.work import Actor
from app.storage import models_people
from app.storage import rows as stored
from bench.figures import Figure, middle
from bench.measures import Setting, fetching, rounds, served
from bench.rows import DEFINITION, SLUG, SORTED
from bench.world import ME, PASSWORD, Browser, World

UNITS = 200
CLERK = "township"
GRANTS = [
    {"role": ["township"], "may": ["see", "create", "change"], "rows": "unit-and-below"},
    {"role": ["leader"], "may": ["see", "export"]},
]
CHECKS = 20_000
PAGE = f"/registers/{SLUG}/?sort=-{SORTED}"


def measure_rights(setting: Setting) -> Iterator[Figure]:
    """The list of somebody in one unit of 200, beside the administrator's; one record's check."""
    with setting.make(register=False) as world:
        document: dict[str, Any] = copy.deepcopy(DEFINITION)
        document["register"]["permissions"] = GRANTS
        world.publish(document)
        account = populate(world, setting.large)
        with served(world) as server:
            visitors = []
            for login in ("", CLERK):
                visitors.append(Browser(server.port))
                visitors[-1].sign_in(*([login] if login else []))
            jobs = [fetching(v, PAGE, b"91330281") for v in visitors]
            whole, part = (middle(t) for t in rounds(jobs, 10))
            for visitor in visitors:
                visitor.close()
        ratio = part / whole
        what = f"list of one unit of {UNITS}, {setting.large:,} rows"
        beside = f"administrator {whole:.1f} ms"
        yield Figure(
            what, world.engine, f"{part:.1f} ms ({ratio:.2f} ×)", beside, "≤ 1.2 ×", ratio <= 1.2
        )
        took = check(world, account)
        yield Figure(
            "may one record be changed", world.engine, f"{took:.2f} µs", "", "≤ 50 µs", took <= 50
        )


def populate(world: World, count: int) -> int:
    """Fill the register, spread its rows over the units, make a clerk of one; return whom."""
    world.fill(count)
    with world.database.writing() as tx:
        root = people.ensure_root(tx)
        units = [
            {"code": f"u{n}", "title": f"单位{n}", "kind": "township", "parent_id": root,
             "valid_from": people.BEGINNING}
            for n in range(UNITS)
        ]  # fmt: skip
        tx.execute(models_people.unit.insert(), units)
        first = tx.scalar(
            sa.select(models_people.unit.c.id).where(models_people.unit.c.code == "u0")
        )
        account, _ = identity.create_account(tx, CLERK, "经办", PASSWORD)
        people.appoint(tx, account, first, "township")
    with world.platform.writing(ME) as work:
        published = work.published(SLUG)
        main = published.tables.main
        work.tx.execute(main.update().values(_unit=main.c["_id"] % UNITS + first))
        stored.note_change(work.tx, published)
    world.analyze()
    return account


def check(world: World, account: int) -> float:
    """Return the microseconds it takes to say whether a stored record may be changed."""
    with world.platform.reading(Actor(account, "经办", "web")) as work:
        published = work.published(SLUG)
        rows = stored.get_many(work.tx, published, list(range(1, 101)))
        asked = access.of(work, SLUG)
        begun = time.perf_counter()
        for number in range(CHECKS):
            asked.allows("change", rows[number % len(rows)])
        return (time.perf_counter() - begun) / CHECKS * 1e6
