"""Units from a file: found, renamed, moved and ended as the rows say; the same file again
changes nothing."""

from __future__ import annotations

import datetime
from typing import IO

from app.services import access, units
from app.services.exchange.report import ImportReport
from app.services.intake import records
from app.services.intake.sheet import WORST, Line, attempt, kinds, read_sheet, told
from app.services.people import BEGINNING, day_after
from app.services.tree import Unit
from app.services.units import Facts
from app.services.work import Work

WHAT = "units"
CREATED, CHANGED, SAME = "created", "changed", "unchanged"


def import_units(
    work: Work, source: IO[bytes], name: str, *, dry_run: bool = False
) -> ImportReport:
    """Enter the units of a csv or xlsx file, or change those that are there.

    A unit is known by its code. A blank parent leaves a known unit where it is; a new one
    stands at the top.

    Raises:
        FileRefused: the file cannot be read.
        ImportStopped: rows were refused; let the unit of work roll back.
    """
    access.require(work, "administer")
    lines = read_sheet(source, name, WHAT)
    report = ImportReport(total=len(lines), dry_run=dry_run)
    with work.trial(dry_run):
        _Import(work, lines, report).run()
        told(report, WHAT, lines)
    return report


class _Import:
    """One run over the rows, those whose parent is there first."""

    def __init__(self, work: Work, lines: list[Line], report: ImportReport) -> None:
        self.work, self.lines, self.report = work, lines, report
        tree = units.tree(work, units.EVER)
        self.known: dict[str, Unit] = {unit.code: unit for unit in tree.units.values()}
        self.named: dict[str, list[str]] = {}
        for unit in tree.units.values():
            self.named.setdefault(unit.title, []).append(unit.code)
        for line in lines:
            if line.text("title"):
                self.named.setdefault(line.text("title"), []).append(line.text("code"))

    def run(self) -> None:
        waiting = self.distinct()
        codes = {line.text("code") for line in waiting}
        faulty = sum(bool(line.problems) for line in self.lines)
        while waiting:
            ready, held = list[Line](), list[Line]()
            for line in waiting:
                (held if self.waits(line, codes) else ready).append(line)
            if not ready:
                for line in waiting:
                    text = "{value} stands below itself in this file."
                    line.refuse("parent", "unit.cycle", text, value=line.text("parent"))
                return
            for line in ready:
                codes.discard(line.text("code"))
                before = bool(line.problems)
                self.take(line)
                faulty += bool(line.problems) - before
                if faulty >= WORST:
                    return
            waiting = held

    def distinct(self) -> list[Line]:
        """Return the rows, each code once; a repeated one is refused."""
        first: dict[str, int] = {}
        found = []
        for line in self.lines:
            seen = first.setdefault(line.text("code"), line.row)
            if seen != line.row:
                text = "The row is about the same unit as row {row}."
                line.refuse("code", "row.repeated", text, row=seen)
            else:
                found.append(line)
        return found

    def waits(self, line: Line, codes: set[str]) -> bool:
        above = self.parent_code(line)
        alone = above in ("", line.text("code"))
        return not alone and above in codes and above not in self.known

    def parent_code(self, line: Line) -> str:
        """Return the code of the unit above, which a file may also name by its name."""
        said = line.text("parent")
        if said and said not in self.known:
            named = set(self.named.get(said, ()))
            if len(named) == 1:
                return named.pop()
        return said

    def take(self, line: Line) -> None:
        kind = kinds().get(line.text("kind") or "other", "")
        if not kind:
            text = "{value} is no kind of unit. Kinds: {listed}."
            shown = {"value": line.text("kind"), "listed": "、".join(kinds())}
            line.refuse("kind", "unit.kind_refused", text, **shown)
        since, until = line.day("since"), day_after(line.day("until"))
        above = self.parent_code(line)
        parent = self.known.get(above)
        if above and parent is None:
            text = "There is no unit {value}. Enter it first, or correct the code."
            line.refuse("parent", "unit.not_found", text, value=line.text("parent"))
        link = records.linked(self.work, line)
        if line.problems:
            return
        facts = Facts(
            line.text("code"), line.text("title"), kind, parent.id if parent else None,
            since or (parent.since if parent else BEGINNING), until,
        )  # fmt: skip
        outcome = attempt(self.work, line, "code", lambda: self.store(line, facts, link))
        if outcome:
            setattr(self.report, outcome, getattr(self.report, outcome) + 1)

    def store(self, line: Line, facts: Facts, link: tuple[str, int] | None) -> str:
        old = self.known.get(facts.code)
        if old is None:
            number = units.found(self.work, facts)
            outcome = CREATED
        else:
            number = old.id
            outcome = CHANGED if self.change(line, old, facts) else SAME
        if link is not None and (old is None or (old.slug, old.record) != link):
            units.link(self.work, number, *link)
            outcome = outcome if outcome == CREATED else CHANGED
        self.known[facts.code] = units.get(self.work, number)
        return outcome

    def change(self, line: Line, old: Unit, facts: Facts) -> bool:
        """Bring a known unit to what the row says, with effect of today."""
        work = self.work
        day: datetime.date = max(work.today, old.since)
        kind = facts.kind if line.has("kind") else old.kind
        changed = False
        if (facts.title, kind) != (old.title, old.kind):
            units.rename(work, old.id, facts.title, day, kind=kind)
            changed = True
        if facts.parent is not None and facts.parent != old.parent:
            units.move(work, old.id, facts.parent, day)
            changed = True
        if facts.until is not None and facts.until != old.until:
            units.end(work, old.id, facts.until)
            changed = True
        return changed
