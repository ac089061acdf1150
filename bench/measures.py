"""The measurements themselves. Each takes a world maker and gives figures."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from bench.figures import Figure, middle
from bench.rows import DEFINITION, FILTERED, NAMES, SLUG, SORTED, generate, write_csv
from bench.world import Browser, World
from tests.support.server import ROOT, Server, serving

LIST = f"/registers/{SLUG}/?f.township={FILTERED}&sort=-{SORTED}"
STOCK_LIST = f"/admin/stock0/?flt0_township_equals={FILTERED}&sort={NAMES.index(SORTED)}&desc=1"
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Setting:
    """How large to measure."""

    make: Callable[..., AbstractContextManager[World]]
    small: int
    large: int
    many: int


@contextmanager
def served(world: World, app: str = "app:create_app", workers: int = 1) -> Iterator[Server]:
    """Serve an application on the world's database, with the product's own server."""
    settings = {"DATABASE_URL": world.url, "DEMO": "no", "WORKERS": str(workers)}
    with serving(world.folder, app, **settings) as server:
        yield server


@contextmanager
def visitors(world: World, *peers: str) -> Iterator[list[Browser]]:
    """Give a signed-in visitor of the product, and one of each peer."""
    with ExitStack() as stack:
        ours = Browser(stack.enter_context(served(world)).port)
        ours.sign_in()
        found = [ours]
        for peer in peers:
            visitor = Browser(stack.enter_context(served(world, f"bench.peers.{peer}")).port)
            visitor.ask("/sign-in?user=bench")
            found.append(visitor)
        yield found
        for visitor in found:
            visitor.close()


def rounds(jobs: Sequence[Callable[[int], float]], each: int) -> list[list[float]]:
    """Run jobs in turns, forwards and backwards; return the seconds of each."""
    taken: list[list[float]] = [[] for _ in jobs]
    for job in jobs:
        for number in range(3):
            job(-1 - number)
    for turn in range(ROUNDS):
        order = range(len(jobs)) if turn % 2 == 0 else reversed(range(len(jobs)))
        for position in order:
            for number in range(each):
                taken[position].append(jobs[position](turn * each + number))
    return taken


def fetching(visitor: Browser, path: str, needed: bytes, times: int = 50) -> Callable[[int], float]:
    """Return the job of reading one page, which must hold ``needed`` so many ``times``."""

    def job(_: int) -> float:
        status, page, seconds = visitor.ask(path)
        if status != 200 or page.count(needed) < times:
            raise RuntimeError(f"{path} was answered {status}: {page[:300]!r}")
        return seconds

    return job


def measure_list(setting: Setting) -> Iterator[Figure]:
    """The list page at two sizes, beside a stock Flask-Admin and bare SQL."""
    times: dict[int, float] = {}
    with setting.make() as world:
        for size, start in ((setting.small, 0), (setting.large, setting.small)):
            world.fill(size - start, start)
            world.copy_for_stock()
            with visitors(world, "stock_admin:create_app", "floor:create_app") as found:
                ours, stock, floor = found
                jobs = [
                    fetching(ours, LIST, b"91330281"),
                    fetching(stock, STOCK_LIST, b"91330281"),
                    fetching(floor, f"/list?township={FILTERED}", b"91330281"),
                ]
                taken = [middle(t) for t in rounds(jobs, 15 if size <= 100_000 else 6)]
                length = len(ours.ask(LIST)[1])
            times[size] = taken[0]
            beside = f"stock {taken[1]:.1f} ms, bare SQL {taken[2]:.1f} ms"
            goal, reached = "≤ ⅓ of stock", taken[0] <= taken[1] / 3
            if start:
                goal = "≤ 1.5 × the smaller"
                reached = taken[0] <= times[setting.small] * 1.5
            what = f"list page, {size:,} rows"
            yield Figure(what, world.engine, f"{taken[0]:.1f} ms", beside, goal, reached)
    ours_length = f"{length / 1000:.0f} KB"
    yield Figure("list page, size", world.engine, ours_length, "", "< 100 KB", length < 100_000)


def measure_save(setting: Setting) -> Iterator[Figure]:
    """One record through the form, in turns with a stock Flask-Admin."""
    with setting.make() as world:
        world.fill(setting.small)
        world.copy_for_stock()
        with visitors(world, "stock_admin:create_app") as (ours, stock):
            ours.take_token(f"/registers/{SLUG}/new")
            stock.take_token("/admin/stock0/new/")
            jobs = [
                sending(ours, f"/registers/{SLUG}/new", "f_", 10**8),
                sending(stock, "/admin/stock0/new/", "", 2 * 10**8),
            ]
            taken = [middle(t) for t in rounds(jobs, 30)]
        with world.platform.reading(_actor()) as work:
            from app.storage import rows

            stored = rows.count(work.tx, work.published(SLUG))
        if stored < setting.small + ROUNDS * 30:
            raise RuntimeError("the form stored too little")
        ratio = taken[0] / taken[1]
        ours_text = f"{taken[0]:.1f} ms ({ratio:.2f} ×)"
        beside = f"stock {taken[1]:.1f} ms"
        yield Figure("save a record", world.engine, ours_text, beside, "≤ 1.3 ×", ratio <= 1.3)


def sending(visitor: Browser, path: str, prefix: str, first: int) -> Callable[[int], float]:
    """Return the job of saving one new record; the product's controls have a prefix."""

    def job(number: int) -> float:
        row = next(generate(1, first + number + 10))
        form = {prefix + n: v for n, v in zip(NAMES, row, strict=True) if v}
        form["_token"] = f"{first}{number}"
        # A person reads "saved" on the next page; unread, the messages would pile up in a cookie.
        status, page, seconds = visitor.ask(path, form, keep=False)
        if status != 302:
            raise RuntimeError(f"{path} was answered {status}: {page[:300]!r}")
        return seconds

    return job


def _actor() -> Any:
    from bench.world import ME

    return ME


def measure_import(setting: Setting) -> Iterator[Figure]:
    """A csv file with every check and history, beside a loop written for it."""
    with setting.make() as world:
        path = write_csv(world.folder / "rows.csv", setting.small)
        ours = child("bench.bring", world.url, str(path))
        loop = child("bench.peers.loop", world.url, str(path))
    speed, floor = (run["rows"] / run["seconds"] for run in (ours, loop))
    if ours["rows"] != setting.small or loop["rows"] != setting.small:
        raise RuntimeError(f"not every row was stored: {ours} {loop}")
    what = f"import {setting.small:,} rows (csv)"
    beside = f"loop without history {floor:,.0f} rows/s"
    yield Figure(
        what, world.engine, f"{speed:,.0f} rows/s", beside, "≥ 8,000 rows/s", speed >= 8000
    )
    memory, beside = f"{ours['peak']:.0f} MB", f"loop {loop['peak']:.0f} MB"
    yield Figure(f"{what}, peak memory", world.engine, memory, beside, "≤ 200 MB",
                 ours["peak"] <= 200)  # fmt: skip


def child(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module in a process of its own; return the JSON it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_publish(setting: Setting) -> Iterator[Figure]:
    """A new register until both processes answer with its page."""
    with setting.make() as world, served(world, workers=2) as server:
        time.sleep(1.5)
        first = Browser(server.port)
        first.sign_in()
        found = connections(server, first)
        for visitor in found:
            visitor.ask(LIST)
        taken = []
        for number in range(5):
            document = renamed(f"bench_{number}")
            begun = time.perf_counter()
            world.publish(document)
            for visitor in found:
                while visitor.ask(f"/registers/bench_{number}/")[0] != 200:
                    time.sleep(0.002)
            taken.append(time.perf_counter() - begun)
        for visitor in found:
            visitor.close()
    seconds = middle(taken) / 1000
    what, beside = "publish a register, until 2 processes serve it", "–"
    yield Figure(what, world.engine, f"{seconds:.2f} s", beside, "≤ 0.25 s", seconds <= 0.25)


def connections(server: Server, first: Browser) -> list[Browser]:
    """Return open connections, of which every worker holds at least one."""
    found = [first]
    while len(found) < 60:
        first.ask("/")
        held = {worker for worker in server.workers() if holds(worker, server.port)}
        if held == server.workers():
            return found
        again = Browser(server.port)
        again.cookies = first.cookies
        again.ask("/")
        found.append(again)
    raise RuntimeError("one worker takes every connection")


def holds(pid: int, port: int) -> bool:
    every = psutil.Process(pid).net_connections("tcp")
    return any(c.status == "ESTABLISHED" and c.laddr.port == port for c in every)


def renamed(slug: str) -> dict[str, Any]:
    """Return the measured register under another slug."""
    document = copy.deepcopy(DEFINITION)
    document["$id"] = slug
    document["title"] = f"台账 {slug}"
    return document


def measure_field(setting: Setting) -> Iterator[Figure]:
    """A new field, without and with a value for the rows that are there."""
    with setting.make() as world:
        world.fill(setting.large)
        document = copy.deepcopy(DEFINITION)
        for name, extra in (("plain", {}), ("filled", {"default": 5})):
            document["properties"][name] = {"title": name, "type": "integer", **extra}
            begun = time.perf_counter()
            world.publish(document)
            seconds = time.perf_counter() - begun
            with_default = " with a default" if extra else ""
            what = f"add a field{with_default} to {setting.large:,} rows"
            yield Figure(what, world.engine, f"{seconds:.2f} s", "", "≤ 2 s", seconds <= 2)


def measure_start(setting: Setting) -> Iterator[Figure]:
    """Start and memory of a process with few and with many registers."""
    sizes: dict[int, float] = {}
    with setting.make() as world:
        world.fill(10_000)
        world.copy_for_stock()
        with served(world):
            pass
        published = 1
        for count, stock in ((10, "create_ten"), (setting.many, "create_five_hundred")):
            for number in range(published, count):
                world.publish(renamed(f"bench_{number}"))
            published = count
            begun = [started(world, "app:create_app") for _ in range(3)]
            seconds, sizes[count] = sorted(begun)[1][0], sorted(b[1] for b in begun)[1]
            peer = started(world, f"bench.peers.stock_admin:{stock}")
            what = f"start with {count} registers"
            beside = f"stock {peer[0]:.1f} s"
            yield Figure(what, world.engine, f"{seconds:.2f} s", beside, "≤ 2 s", seconds <= 2)
            beside, goal = f"stock {peer[1]:.0f} MB", ""
            memory = f"{sizes[count]:.0f} MB"
            yield Figure(
                f"memory of a process with {count} registers", world.engine, memory, beside
            )
        growth = sizes[setting.many] / sizes[10] - 1
        what, goal = f"memory, growth from 10 to {setting.many} registers", "within 10 %"
        yield Figure(what, world.engine, f"{growth:+.1%}", "", goal, growth <= 0.1)


def started(world: World, app: str) -> tuple[float, float]:
    """Start one worker, read 40 lists; return the seconds to its first page and its memory."""
    begun = time.perf_counter()
    with served(world, app) as server:
        visitor = Browser(server.port)
        visitor.ask("/sign-in?user=bench")
        seconds = time.perf_counter() - begun
        stock = app != "app:create_app"
        if not stock:
            visitor.sign_in()
        for _ in range(40):
            visitor.ask(STOCK_LIST if stock else LIST)
        memory = sum(psutil.Process(pid).memory_info().rss for pid in server.workers())
        visitor.close()
    return seconds, memory / 1e6


MEASURES: dict[str, Callable[[Setting], Iterator[Figure]]] = {
    "list": measure_list,
    "save": measure_save,
    "import": measure_import,
    "publish": measure_publish,
    "field": measure_field,
    "start": measure_start,
}
