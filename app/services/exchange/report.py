"""What an import did, and the file that lists every cell it refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from app.errors import ImportRefused, Problem
from app.services.exchange.writers import write_table

#: Puts a sentence into the reader's language.
Say = Callable[[Problem], str]

#: Refused rows that a report keeps; the others are counted.
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mistake in a file: its row, the heading of its column, the cell and the reason."""

    row: int
    heading: str
    cell: str
    problem: Problem


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would have done. ``total`` counts the rows that were read."""

    total: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    #: rows that were refused
    faulty: int = 0
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[Refusal] = field(default_factory=list)
    encoding: str = ""
    #: headings whose columns were passed over: computed fields and attachments
    ignored: tuple[str, ...] = ()
    dry_run: bool = False

    def problems(self) -> list[Problem]:
        """Return the problems with pointers into the file, such as ``/148/revenue``."""
        return [refusal.problem for refusal in self.refused]

    def as_json(self) -> dict[str, Any]:
        """Return the report for scripts."""
        return {
            "total": self.total,
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "refused": self.faulty,
            "dry_run": self.dry_run,
            "encoding": self.encoding,
            "ignored": list(self.ignored),
            "problems": [_as_json(r) for r in self.refused],
            "warnings": [_as_json(r) for r in self.warnings],
        }


class ImportStopped(ImportRefused):
    """An import that stored nothing, with the report of what was wrong."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        first = report.refused[0].row if report.refused else 0
        super().__init__(report.problems(), count=report.faulty, first=first)


def write_report(
    report: ImportReport, out: IO[bytes], format: str, headings: Iterable[str], say: Say
) -> None:
    """Write the refused cells as a csv or xlsx table; ``headings`` are its four headings."""
    write_table(out, format, "report", list(headings), _lines(report, say))


def _lines(report: ImportReport, say: Say) -> Iterator[list[Any]]:
    for refusal in report.refused:
        yield [refusal.row, refusal.heading, refusal.cell, say(refusal.problem)]


def _as_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "row": refusal.row,
        "column": refusal.heading,
        "cell": refusal.cell,
        "at": refusal.problem.at,
        "code": refusal.problem.code,
        "text": refusal.problem.sentence(),
    }
