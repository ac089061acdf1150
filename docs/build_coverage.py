"""Write ``plan-coverage.md`` from the definitions: ``python -m docs.build_coverage``.

Each passage of the plan stands with the registers whose ``basis`` names it, and with what still
waits for the computed parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PLAN = ROOT / "schemas" / "plan" / "wolong-2024.json"
REGISTERS = ROOT / "schemas" / "registers"
TARGET = Path(__file__).parent / "plan-coverage.md"
HEAD = """# 方案条目与台账对照表

*由 `docs/build_coverage.py` 根据 `schemas/plan/wolong-2024.json` 和各台账定义的 `basis` 生成，
请勿手改。*

{title}

| 条目 | 位置 | 内容 | 台账 | 待建 |
|---|---|---|---|---|
"""


def plan() -> dict[str, Any]:
    """Return the plan: its title and its passages in order."""
    found: dict[str, Any] = json.loads(PLAN.read_text("utf-8"))
    return found


def answers() -> dict[str, list[tuple[str, str]]]:
    """Return passage → (slug, title) of the registers that answer it, in the menu's order."""
    documents = [json.loads(path.read_text("utf-8")) for path in REGISTERS.glob("*.json")]
    found: dict[str, list[tuple[str, str]]] = {}
    for document in sorted(documents, key=place):
        for passage in document["register"].get("basis", ()):
            found.setdefault(passage, []).append((document["$id"], document["title"]))
    return found


def place(document: Mapping[str, Any]) -> tuple[int, str]:
    return document["register"].get("order", 0), document["$id"]


def build() -> str:
    """Return the table."""
    found, told = answers(), plan()
    lines = []
    for one in told["passages"]:
        registers = "、".join(f"{title}（`{slug}`）" for slug, title in found.get(one["id"], ()))
        waits = one.get("waits", "")
        lines.append(f"| {one['id']} | {one['where']} | {one['title']} | {registers} | {waits} |")
    return HEAD.format(title=told["title"]) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(build(), "utf-8")
