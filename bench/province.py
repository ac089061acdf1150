"""Every register of the plan at once: a district's rows, and a province of 200 such districts."""

from __future__ import annotations

import copy
import csv
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Field
from app.services import demo, publishing
from app.services.exchange import import_file
from app.storage import rows as stored
from app.storage.catalog import Published
from app.storage.points import points_table
from bench.figures import Figure, middle
from bench.measures import Setting, fetching, rounds, served
from bench.world import ME, Browser, World
from tests.support.register import ROOT, shipped

COUNTED, BY = "enterprise_month", "enterprise"
#: rows of one month's returns, and of a page of a list
RETURNS, PAGE = 20_000, 20
LARGEST = 5
PERIODS = ("month", "quarter")
FOLDER = ROOT / "schemas" / "registers"


def measure_province(setting: Setting) -> Iterator[Figure]:
    """Lists of the largest registers at both sizes, a month's returns, a changed definition."""
    copies = setting.large // 5000
    with setting.make(register=False) as world:
        documents = shipped()
        with world.platform.writing(ME, publishing=True) as work:
            publishing.publish_together(work, documents, confirmed=True)
        demo.generate(world.platform, ME, 1)
        world.analyze()
        yield check(world)
        yield change(world, documents)
        largest = sorted(counts(world).items(), key=lambda one: -one[1])[:LARGEST]
        before = lists(world, [slug for slug, _ in largest])
        multiply(world, copies)
        total = sum(counts(world).values())
        after = lists(world, [slug for slug, _ in largest])
        for (slug, count), small, large in zip(largest, before, after, strict=True):
            ratio = large / small
            yield Figure(
                f"list of {slug}, {count * copies:,} rows of {total:,}", world.engine,
                f"{large:.1f} ms ({ratio:.2f} ×)", f"{count:,} rows {small:.1f} ms",
                "≤ 2 × the smaller", ratio <= 2,
            )  # fmt: skip
        yield returns(world)


def check(world: World) -> Figure:
    """Return how long the command takes that checks every definition."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "register", "check", str(FOLDER)],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, "TAIZHANG_DATA_DIR": str(world.folder),
             "TAIZHANG_DATABASE_URL": world.url},
    )  # fmt: skip
    took = time.perf_counter() - begun
    said = f"{took:.2f} s"
    return Figure("check every definition", world.engine, said, "", "≤ 3 s", took <= 3)


def change(world: World, documents: list[dict[str, Any]]) -> Figure:
    """Return how long it takes to publish a change of the register others refer to most: a field,
    a computed one for every row, and a choice that others look up."""
    document = copy.deepcopy(next(one for one in documents if one["$id"] == BY))
    added = document["properties"]
    added["bench_note"] = {"title": "测速备注", "type": "string", "maxLength": 20}
    added["bench_double"] = {"title": "测速翻倍", "computed": "registered_capital * 2.0"}
    # a choice that others look up: each of them is compiled again, to see whether it still can be
    added["stat_kind"]["oneOf"].append({"const": "bench", "title": "测速"})
    begun = time.perf_counter()
    with world.platform.writing(ME, publishing=True) as work:
        publishing.publish(work, document, confirmed=True)
    took = time.perf_counter() - begun
    said = f"{took:.2f} s"
    return Figure(f"publish a change of {BY}", world.engine, said, "", "≤ 1 s", took <= 1)


def counts(world: World) -> dict[str, int]:
    """Return how many rows each register has."""
    with world.platform.reading(ME) as work:
        return {s: stored.count(work.tx, work.published(s)) for s in work.snapshot.entries}


def lists(world: World, slugs: list[str]) -> list[float]:
    """Return the median milliseconds of the first page of each list, as an administrator."""
    with served(world) as server:
        visitor = Browser(server.port)
        visitor.sign_in()
        jobs = [fetching(visitor, f"/registers/{slug}/", b"<tr", PAGE) for slug in slugs]
        taken = [middle(t) for t in rounds(jobs, 10)]
        visitor.close()
    return taken


def returns(world: World) -> Figure:
    """Return how fast a month's returns come in, every total kept in step."""
    path = world.folder / "returns.csv"
    write_returns(world, path)
    begun = time.perf_counter()
    with world.platform.writing(ME) as work:
        report = import_file(work, COUNTED, path)
    speed = report.created / (time.perf_counter() - begun)
    if report.created != RETURNS:
        raise RuntimeError(f"only {report.created} rows were imported: {report.refused[:3]}")
    what = f"a month of {RETURNS:,} enterprises, totals kept"
    goal = "≥ 4,000 rows/s"
    return Figure(what, world.engine, f"{speed:,.0f} rows/s", "", goal, speed >= 4000)


def write_returns(world: World, path: Path) -> None:
    """Write a file in which each of many enterprises reports the month we are in."""
    with world.platform.reading(ME) as work, path.open("w", encoding="utf-8", newline="") as file:
        firm = work.published(BY).tables.main
        query = sa.select(firm.c["_label"]).where(firm.c["_deleted_at"].is_(None))
        sheet = csv.writer(file)
        sheet.writerow(["enterprise", "month", "output", "revenue", "employees", "state"])
        month = f"{work.today:%Y-%m}"
        for number, name in enumerate(
            work.tx.scalars(query.order_by(firm.c["_id"]).limit(RETURNS))
        ):
            output = 100 + number % 900
            sheet.writerow([name, month, output, output - 7, 10 + number % 90, "normal"])


# ── one district, many times over


def multiply(world: World, copies: int) -> None:
    """Put ``copies`` - 1 more of everything into the database, each referring to its own."""
    with world.platform.writing(ME) as work:
        published = [work.published(slug) for slug in work.snapshot.entries]
        steps = {p.slug: last(work.tx, p.tables.main) + 1 for p in published}
        again = points_table(work.tx, [sa.Integer()], [(k,) for k in range(1, copies)])
        for one in published:
            register, step = one.register, steps[one.slug]
            parted = frozenset(told_apart(one))
            put(work.tx, one.tables.main, register.fields, again, steps, step, parted)
            for name, child in one.tables.children.items():
                put(work.tx, child, register[name].columns, again, steps, step, frozenset())
            stored.note_change(work.tx, one)
    world.analyze()


def put(
    tx: sa.Connection, table: sa.Table, fields: Sequence[Field], again: sa.FromClause,
    steps: Mapping[str, int], step: int, parted: Collection[str],
) -> None:  # fmt: skip
    """Copy every row of ``table`` once for each row of ``again``: ids and references moved on,
    what must be unique told apart."""
    number = again.c.p0
    known = {field.name: field for field in fields}
    cells: dict[str, sa.ColumnElement[Any]] = {}
    for column in table.c:
        field = known.get(column.key)
        if column.key in ("_id", "_parent"):
            move = (
                step if column.key == "_parent" or "_parent" not in table.c else last(tx, table) + 1
            )
            cells[column.key] = column + number * move
        elif field is not None and field.reference:
            cells[column.key] = column + number * steps[field.reference]
        elif column.key == "_label" or column.key in parted:
            cells[column.key] = column + "·" + sa.cast(number, sa.Text)
        else:
            cells[column.key] = column
    query = sa.select(*cells.values()).select_from(table.join(again, sa.true()))
    tx.execute(table.insert().from_select([*cells], query.order_by(number, table.c["_id"])))
    if tx.dialect.name != "sqlite":
        sequence = sa.func.pg_get_serial_sequence(table.name, "_id")
        tx.execute(sa.select(sa.func.setval(sequence, last(tx, table) + 1)))


def told_apart(published: Published) -> Iterator[str]:
    """Give the fields whose text gets an ending, so that what must be unique is so again."""
    register, main = published.register, published.tables.main
    for names in [(f.name,) for f in register.fields if f.unique] + [register.key]:
        fields = [register[name] for name in names]
        texts = [
            f for f in fields
            if isinstance(main.c[f.name].type, sa.String) and f.kind.name not in PERIODS
        ]  # fmt: skip
        free = [f for f in texts if not getattr(f.kind, "options", ())]
        if texts and not any(f.reference for f in fields):
            yield (free or texts)[0].name


def last(tx: sa.Connection, table: sa.Table) -> int:
    return tx.scalar(sa.select(sa.func.max(table.c["_id"]))) or 0
