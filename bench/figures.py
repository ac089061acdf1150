"""A figure beside its goal, and the table of them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HEADINGS = ("what", "engine", "ours", "beside", "goal", "verdict")


@dataclass(slots=True)
class Figure:
    """One measured number; ``reached`` is None where there is no goal."""

    what: str
    engine: str
    ours: str
    beside: str = ""
    goal: str = ""
    reached: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = {True: "reached", False: "MISSED", None: ""}[self.reached]
        return (self.what, self.engine, self.ours, self.beside, self.goal, verdict)


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(f.cells for f in figures)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(figures: Sequence[Figure], path: Path, *, quick: bool) -> None:
    """Write the figures as JSON with what is needed to read them."""
    about = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "quick": quick,
        "figures": [asdict(f) for f in figures],
    }
    path.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", "utf-8")


def middle(seconds: Sequence[float]) -> float:
    """Return the median in milliseconds."""
    return statistics.median(seconds) * 1000
