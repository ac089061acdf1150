"""Import: every row of a file passes the same gate as a form, then all are stored or none."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from app.definitions.gate import Judgement, Values
from app.errors import Problem
from app.services import access, records, rights, states
from app.services.cascade import refresh
from app.services.concealing import unmask
from app.services.exchange.entries import Entry, read_entries, settle_references
from app.services.exchange.headings import Headings, Vocabulary, heading_of
from app.services.exchange.matching import INSERT, MODES, UPDATE, Matcher, make_matcher
from app.services.exchange.noting import note_import
from app.services.exchange.readers import CSV, XLSX, Table, read_table
from app.services.exchange.refusals import refused
from app.services.exchange.report import KEPT, ImportReport, ImportStopped, Refusal
from app.services.judging import judge_many
from app.services.work import Work
from app.storage.catalog import Published

STOP, SKIP = "stop", "skip"
#: Rows that are judged and written together.
BATCH = 1000
#: Faulty rows after which an import that will store nothing stops reading.
WORST = 100

NOT_YOURS = "record.not_yours"

Progress = Callable[[int], None]


def import_file(
    work: Work,
    slug: str,
    source: Path | IO[bytes],
    *,
    format: str = "",
    mode: str = INSERT,
    on_error: str = STOP,
    dry_run: bool = False,
    sheet: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Store the rows of a csv or xlsx file.

    ``mode``: insert (a known key is refused), update (an unknown one is), upsert. A blank cell
    clears its field; a column that the file does not have keeps its values. ``on_error``: stop
    stores all rows or none, skip stores the good ones. Warnings count as confirmed, and are
    recorded. ``dry_run`` does everything and takes it back.

    Raises:
        FileRefused: the file or its headings cannot be read.
        ImportStopped: rows were refused and nothing may be stored: let the unit of work roll
            back. Reading stops after ``WORST`` faulty rows.
    """
    access.require(work, "import", slug)
    if mode not in MODES or on_error not in (STOP, SKIP):
        raise ValueError(mode, on_error)
    if isinstance(source, Path):
        with source.open("rb") as stream:
            return import_file(
                work, slug, stream, format=format or format_of(source.name), mode=mode,
                on_error=on_error, dry_run=dry_run, sheet=sheet, progress=progress,
            )  # fmt: skip
    work.hold(slug)
    published = work.published(slug)
    vocabulary = Vocabulary(published.register)
    table = read_table(source, format or CSV, vocabulary.score, sheet)
    headings = vocabulary.read(table.heading, needed_fields(published, mode))
    matcher = make_matcher(published.register, headings, mode)
    job = _Import(work, published, headings, matcher, on_error == STOP)
    job.report.encoding, job.report.dry_run = table.encoding, dry_run
    with work.trial(dry_run):
        report = job.run(table, progress)
    if not dry_run:
        note_import(work, published, report, mode)
    return report


def format_of(name: str) -> str:
    """Return the format that a file's name states. Raises ``FileRefused`` for others."""
    ending = Path(name).suffix.lower().lstrip(".")
    if ending in ("csv", "txt", "tsv"):
        return CSV
    if ending == XLSX:
        return XLSX
    raise refused("format", "Files of the kind {format} cannot be imported.", format=ending or name)


def needed_fields(published: Published, mode: str) -> list[str]:
    """Return the fields a file must have a column for: what a new record cannot do without."""
    register = published.register
    if mode == UPDATE:
        return []
    defaults = published.gate.defaults()
    return [
        field.name
        for field in register.fields
        if field.required and not field.derived and defaults.get(field.name) is None
        and field.kind.name != "attachment"
    ]  # fmt: skip


class _Import:
    """One run over a file."""

    def __init__(
        self, work: Work, published: Published, headings: Headings, matcher: Matcher, stop: bool
    ) -> None:
        self._work, self._published, self._headings = work, published, headings
        self._matcher, self._stop = matcher, stop
        self._names = published.register.names
        self._blank = dict.fromkeys(self._names) | published.gate.defaults()
        self._asked = access.of(work, published.slug)
        self._shown: dict[str, str] = {}
        self.report = ImportReport(ignored=headings.ignored)

    def run(self, table: Table, progress: Progress | None) -> ImportReport:
        """Read, judge and store batch after batch."""
        report = self.report
        for batch in _batches(table.rows):
            with calm():
                entries = read_entries(self._work, self._published, self._headings, batch)
                report.total += len(entries)
                self._take(entries)
            if progress:
                progress(report.total)
            if self._stop and report.faulty >= WORST:
                break
        if self._stop and report.faulty:
            raise ImportStopped(report)
        return report

    def _take(self, entries: list[Entry]) -> None:
        work, published = self._work, self._published
        self._matcher.match(work, published, entries)
        settle_references(work, published, entries)
        if not self._asked.everything:
            for entry in entries:
                self._hold_to_rights(entry)
        known = [e for e in entries if not (e.record is not None and e.old is None)]
        read = [(e.record, self._whole(e), list(e.unread), self._stored(e.old)) for e in known]
        good: list[tuple[Entry, Judgement]] = []
        for entry, verdict in zip(known, judge_many(work, published, read), strict=True):
            if not self._asked.everything:
                row = entry.old or rights.ownership(work)
                action = "change" if entry.old is not None else "create"
                refused = any(p.code == NOT_YOURS for p in entry.problems)
                if not refused and (entry.old is None or verdict.changed):
                    rights.stays_theirs(work, published, action, verdict, row)
            states.hold(work, published, entry.old, verdict)
            entry.problems += _without_consequences(entry, verdict.problems)
            entry.warnings = verdict.warnings
            if not entry.problems:
                good.append((entry, verdict))
        for entry in entries:
            self._note(entry)
        if not (self._stop and self.report.faulty):
            self._store(good)

    def _hold_to_rights(self, entry: Entry) -> None:
        """Take back what came masked, and refuse what is not the person's to enter or change."""
        asked, old = self._asked, entry.old
        if old is None:
            if entry.record is None and not asked.can("create"):
                text = "You may not enter new records here."
                entry.problems.append(Problem("", NOT_YOURS, text))
                return
            entry.problems += rights.not_theirs(asked, "create", None, entry.values, self._blank)
            return
        if not asked.allows("change", old):
            text = "You may not change this record, as it stands now."
            entry.problems.append(Problem("", NOT_YOURS, text))
        for name in asked.masked(old) & entry.raw.keys():
            if unmask(asked, old, {name: entry.raw[name]})[name] != entry.raw[name]:
                entry.values[name] = old[name]
                entry.unread = [p for p in entry.unread if p.name != name]
        entry.problems += rights.not_theirs(asked, "change", old, entry.values, old)

    def _whole(self, entry: Entry) -> Values:
        """Return every field's value: the stored one, or the default, under the row's own."""
        if entry.old is not None:
            whole: Values = {name: entry.old[name] for name in self._names}
        else:
            whole = self._blank.copy()
            for problem in (*entry.problems, *entry.unread):
                if problem.name:
                    whole[problem.name] = None
        whole.update(entry.values)
        return whole

    def _stored(self, row: Any) -> Values | None:
        return None if row is None else {name: row[name] for name in self._names}

    def _store(self, good: Sequence[tuple[Entry, Judgement]]) -> None:
        report = self.report
        fresh = [verdict for entry, verdict in good if entry.old is None]
        known = [(entry.old, verdict) for entry, verdict in good if entry.old is not None]
        if fresh:
            records.insert(self._work, self._published, fresh)
        changed = records.store_changes(self._work, self._published, known) if known else 0
        if fresh and known:
            # those that were known have been judged before the new ones were there
            ids = [row["_id"] for row, _ in known if row is not None]
            refresh(self._work, self._published, ids)
        report.created += len(fresh)
        report.changed += changed
        report.unchanged += len(known) - changed

    def _note(self, entry: Entry) -> None:
        report = self.report
        if entry.problems:
            report.faulty += 1
        for problem in entry.problems:
            if len(report.refused) < KEPT:
                report.refused.append(self._refusal(entry, problem))
        for warning in entry.warnings:
            if len(report.warnings) < KEPT:
                report.warnings.append(self._refusal(entry, warning))

    def _refusal(self, entry: Entry, problem: Problem) -> Refusal:
        register = self._published.register
        name = problem.name if problem.name in register else ""
        at = next((c.at for c in self._headings.columns if c.name == name), None)
        cell = entry.cell(at)
        placed = Problem(
            f"/{entry.row}{problem.at}", problem.code, problem.text, problem.values,
            problem.fields, problem.severity, problem.verbatim,
        )  # fmt: skip
        if name and name not in self._shown:
            self._shown[name] = heading_of(register, register[name])
        heading = self._shown.get(name, "")
        return Refusal(entry.row, heading, "" if cell is None else str(cell)[:200], placed)


@contextmanager
def calm() -> Iterator[None]:
    """Put off the collector of cycles for a batch: there are none among the many small values
    of a thousand rows, and looking for them takes a tenth of an import."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


#: What a cell that was refused brings with it: its field is empty, its key is taken.
_CONSEQUENCES = frozenset({"schema.required", "value.taken"})


def _without_consequences(entry: Entry, problems: Sequence[Problem]) -> list[Problem]:
    """Leave out what only follows from a cell that was refused anyway."""
    own = {p.name for p in (*entry.problems, *entry.unread) if p.name}
    return [p for p in problems if not (p.code in _CONSEQUENCES and p.name in own)]


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch
