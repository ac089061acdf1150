"""Deterministic rows of the measured register, as a csv file would hold them."""

from __future__ import annotations

import csv
import datetime
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

DEFINITION = json.loads(Path(__file__).with_name("enterprise.json").read_text("utf-8"))
SLUG = DEFINITION["$id"]
PROPERTIES = DEFINITION["properties"]
NAMES = tuple(PROPERTIES)
TOWNSHIPS = tuple(item["const"] for item in PROPERTIES["township"]["oneOf"])
GRADES = tuple(item["const"] for item in PROPERTIES["grade"]["oneOf"])
SCALES = {n: p["scale"] for n, p in PROPERTIES.items() if "scale" in p}
FILTERED, SORTED = "T07", "output_value_2025"

_FAMILY = "王李张刘陈杨黄赵吴周徐孙"
_GIVEN = "伟芳娜敏静丽强磊军洋"
_TRADE = ("机械", "电子", "化工", "纺织", "食品", "建材", "模具", "五金")
_REMARKS = ("", "", "重点企业", "规上工业企业，已纳入亩均评价", "待复核")
_FIRST_DAY = datetime.date(1985, 1, 1)


def generate(count: int, start: int = 0) -> Iterator[tuple[str, ...]]:
    """Give ``count`` rows of text in the order of ``NAMES``, the same every time."""
    chance = random.Random(f"rows from {start}")
    pick, whole, part = chance.choice, chance.randrange, chance.random
    for number in range(start, start + count):
        output = 10 ** (1.5 + 4 * part())
        yield (
            f"91330281{number:010d}",
            f"{pick(_FAMILY)}{pick(_GIVEN)}{pick(_TRADE)}有限公司{number}",
            pick(TOWNSHIPS),
            f"C{whole(1311, 4390)}",
            (_FIRST_DAY + datetime.timedelta(whole(14600))).isoformat(),
            f"{10 + 20000 * part():.2f}",
            f"{1 + 300 * part():.2f}",
            str(whole(3, 3000)),
            f"{output * (0.7 + 0.4 * part()):.2f}",
            f"{output * (0.8 + 0.4 * part()):.2f}",
            f"{output:.2f}",
            f"{output * 0.04 * part():.2f}",
            f"{output * 0.05 * part():.2f}",
            f"{output * 0.06 * part():.2f}",
            f"{output * 0.1 * part():.3f}",
            f"{output * 0.05 * part():.2f}",
            "true" if output > 2000 else "false",
            pick(GRADES),
            pick(_FAMILY) + pick(_GIVEN),
            f"139{whole(10**8):08d}",
            pick(_REMARKS),
        )


def values(row: tuple[str, ...]) -> dict[str, Any]:
    """Return a row as Python values, without any check."""
    found: dict[str, Any] = dict(zip(NAMES, row, strict=True))
    for name in SCALES:
        found[name] = Decimal(found[name])
    found["employees"] = int(found["employees"])
    found["established_date"] = datetime.date.fromisoformat(found["established_date"])
    found["is_above_scale"] = found["is_above_scale"] == "true"
    found["remark"] = found["remark"] or None
    return found


def write_csv(path: Path, count: int) -> Path:
    """Write ``count`` rows under their field names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(NAMES)
        out.writerows(generate(count))
    return path
