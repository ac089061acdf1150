"""The floor of an import: a loop written for this one register, without history."""

from __future__ import annotations

import csv
import datetime
import json
import re
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bench.memory import peak
from bench.peers.stock_admin import REQUIRED, columns
from bench.rows import NAMES, PROPERTIES, SCALES

BATCH = 5000


def checker(name: str) -> Callable[[str], Any]:
    """Return the function that reads one cell or raises ``ValueError``."""
    prop = PROPERTIES[name]
    pattern = re.compile(prop["pattern"]) if "pattern" in prop else None
    longest, choices = prop.get("maxLength", 10**6), {c["const"] for c in prop.get("oneOf", ())}
    step = Decimal(1).scaleb(-SCALES.get(name, 0))

    def text(cell: str) -> Any:
        if len(cell) > longest or (pattern and not pattern.match(cell)):
            raise ValueError(name)
        if choices and cell not in choices:
            raise ValueError(name)
        return cell

    def number(cell: str) -> Any:
        value = Decimal(cell)
        if value < 0 or value != value.quantize(step) or value.adjusted() > 15:
            raise ValueError(name)
        return value

    if name in SCALES:
        return number
    if prop["type"] == "integer":
        return int
    if prop["type"] == "boolean":
        return lambda cell: cell == "true"
    return datetime.date.fromisoformat if prop.get("format") == "date" else text


def run(url: str, path: str) -> int:
    """Import the file at ``path``; return the number of rows."""
    made = sa.make_url(url)
    if made.get_backend_name() == "postgresql":
        made = made.set(drivername="postgresql+psycopg")
    table = sa.Table("loop_enterprise", sa.MetaData(), *columns())
    checks = [(name, checker(name), name in REQUIRED) for name in NAMES]
    count, batch = 0, []
    with sa.create_engine(made).begin() as tx, open(path, newline="", encoding="utf-8") as file:
        table.create(tx)
        for row in csv.DictReader(file):
            found: dict[str, Any] = {}
            for name, check, required in checks:
                cell = row[name]
                if not cell and required:
                    raise ValueError(name)
                found[name] = check(cell) if cell else None
            batch.append(found)
            if len(batch) == BATCH:
                tx.execute(table.insert(), batch)
                count, batch = count + len(batch), []
        if batch:
            tx.execute(table.insert(), batch)
    return count + len(batch)


if __name__ == "__main__":
    begun = time.perf_counter()
    rows = run(sys.argv[1], sys.argv[2])
    seconds = time.perf_counter() - begun
    print(json.dumps({"rows": rows, "seconds": seconds, "peak": peak()}))
