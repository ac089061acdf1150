"""Bring the public source files into the columns of the registers; see README.md beside it.

Usage: python convert.py DIRECTORY, where DIRECTORY holds the two source files.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
REGISTERS = HERE.parent / "registers"
TESTS = HERE.parents[1] / "tests" / "data"

#: field of the register -> column of the source; the order is the order of the columns
ENTERPRISE = {
    "name": "name",
    "uscc": "uscc",
    "stat_kind": "",
    "industry": "industry_code",
    "address": "production_address",
    "registered_address": "registered_address",
    "main_product": "product_scope",
    "licence_no": "licence_no",
    "licence_issued": "licence_issued",
    "licence_valid_to": "licence_valid_to",
    "licence_authority": "issuing_authority",
    "remark": "",
}
REMARK = "来源：2019 年 7 月公开的生产许可登记；行业小类按产品推断。"
KINDS = {"街道": "street", "镇": "town", "乡": "country", "功能区": "scenic"}

Row = Mapping[str, str]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headings)
        writer.writerows(rows)


def titles(register: str) -> dict[str, str]:
    """Return the title of every field of ``register``."""
    document = json.loads((REGISTERS / f"{register}.json").read_text("utf-8"))
    return {name: prop.get("title", name) for name, prop in document["properties"].items()}


def enterprise(row: Row) -> list[str]:
    """Return a source row in the order of ``ENTERPRISE``; a wrong code stays wrong."""
    given = {name: row[column] for name, column in ENTERPRISE.items() if column}
    given["stat_kind"] = "未入统"
    given["industry"] = given["industry"].lstrip("ABCDEFGHIJKLMNOPQRST")
    given["remark"] = REMARK
    return [given[name] for name in ENTERPRISE]


def main(source: Path) -> None:
    makers = rows_of(source / "enterprises_nmpa_2019.csv")
    named = titles("enterprise")
    headings = [named[name] for name in ENTERPRISE]
    write(TESTS / "enterprises_nmpa_2019.csv", headings, map(enterprise, makers))

    right = [enterprise(row) for row in makers if row["uscc_valid"] == "1"]
    invented = rows_of(HERE / "invented_enterprises.csv")
    fields = [*ENTERPRISE, *(name for name in invented[0] if name not in ENTERPRISE)]
    rows = [[*row, *[""] * (len(fields) - len(row))] for row in right]
    rows += [[row.get(name, "") for name in fields] for row in invented]
    write(HERE / "enterprise.csv", fields, rows)

    places = rows_of(source / "townships_411303.csv")
    lines = [[row["name"], row["code9"], KINDS[row["kind"]]] for row in places]
    write(HERE / "township.csv", ["name", "code", "kind"], lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
