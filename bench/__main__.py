"""``python -m bench``: measure on SQLite and PostgreSQL, print a table, write results.json."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.figures import HEADINGS, Figure, table, write
from bench.measures import MEASURES as OF_REGISTERS
from bench.measures import Setting
from bench.province import measure_province
from bench.rights import measure_rights
from bench.waiting import measure_waiting
from bench.world import postgresql, world

MEASURES = {
    **OF_REGISTERS,
    "rights": measure_rights,
    "waiting": measure_waiting,
    "province": measure_province,
}
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 and 100,000 rows")
    parser.add_argument("--only", choices=MEASURES, action="append", help="one of the measures")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    given = parser.parse_args()
    # leave well when told to end, so that no server stays behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sizes = (10_000, 100_000, 100) if given.quick else (100_000, 1_000_000, 500)
    engines = given.engine or ["sqlite", "postgresql"]
    figures: list[Figure] = []
    print("| " + " | ".join(HEADINGS) + " |", flush=True)
    with ExitStack() as stack:
        server = stack.enter_context(postgresql()) if "postgresql" in engines else None
        for name in given.only or MEASURES:
            for engine in engines:
                make = partial(world, server if engine == "postgresql" else None)
                for figure in MEASURES[name](Setting(make, *sizes)):
                    figures.append(figure)
                    print("| " + " | ".join(figure.cells) + " |", flush=True)
    print("\n" + table(figures))
    write(figures, RESULTS, quick=given.quick)


if __name__ == "__main__":
    main()
