"""Pairings from a file; the same file again changes nothing."""

from __future__ import annotations

from typing import IO

from app.services import access, identity, pairings, units
from app.services.exchange.report import ImportReport
from app.services.intake import records
from app.services.intake.sheet import Line, attempt, read_sheet, told
from app.services.pairings import Wanted
from app.services.people import day_after
from app.services.work import Work

WHAT = "pairings"


def import_pairings(
    work: Work, source: IO[bytes], name: str, *, dry_run: bool = False
) -> ImportReport:
    """Pair the records of a csv or xlsx file with people or units.

    Raises ``FileRefused``, ``ImportStopped``.
    """
    access.require(work, "grant")
    lines = read_sheet(source, name, WHAT)
    report = ImportReport(total=len(lines), dry_run=dry_run)
    codes = {unit.code: unit.id for unit in units.tree(work, units.EVER).units.values()}
    with work.trial(dry_run):
        for line in lines:
            wanted = read(work, line, codes)
            if wanted is None:
                continue
            if pairings.same(work, wanted) is not None:
                report.unchanged += 1
            elif attempt(work, line, "record", lambda: str(pairings.pair(work, wanted))):  # noqa: B023
                report.created += 1
        told(report, WHAT, lines)
    return report


def read(work: Work, line: Line, codes: dict[str, int]) -> Wanted | None:
    """Return the pairing a row says, None where it cannot be, which is noted."""
    link = records.linked(work, line)
    if link is None and not line.problems:
        line.refuse("record", "value.missing", "This cell must not be empty.")
    person = unit = None
    if line.has("login"):
        try:
            person = identity.find(work.tx, line.text("login"))
        except identity.AccountNotFound as error:
            line.refuse_for("login", error)
    if line.has("unit"):
        unit = codes.get(line.text("unit"))
        if unit is None:
            text = "There is no unit {value}. Enter it first, or correct the code."
            line.refuse("unit", "unit.not_found", text, value=line.text("unit"))
    since, until = line.day("since") or work.today, day_after(line.day("until"))
    if not line.problems and (person is None) == (unit is None):
        line.refuse_for("login", pairings.PairingIncomplete())
    if line.problems or link is None:
        return None
    return Wanted(link[0], link[1], person, unit, since, until)
