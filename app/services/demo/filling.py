"""Filling: rows are composed, judged by the register's own gate, repaired and stored."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from app.definitions.gate import Judgement, Values
from app.errors import AppError, Problem
from app.services import attachments, records, states
from app.services.demo.composing import Composer
from app.services.demo.order import entered_references, postponed
from app.services.demo.pools import read_columns, read_pool
from app.services.demo.recipes import grid_of, recipes_of
from app.services.demo.referring import Referrer
from app.services.exchange.noting import note_import
from app.services.exchange.report import ImportReport
from app.services.judging import judge_many
from app.services.work import Actor, Platform, Work
from app.storage.catalog import Published

BATCH = 1000
#: how often a row is made anew (every second time) or repaired before it is given up
ATTEMPTS = 17
#: attempts in which a row with warnings is not good enough yet
PICKY = 2
#: file that stands in for every attachment: media type → its content
FILES = {
    "application/pdf": ("示例附件.pdf", b"%PDF-1.4\n% invented\n%%EOF\n"),
    "image/png": ("示例附件.png", bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
        "08d763f8ffff3f0005fe02fea735810b0000000049454e44ae426082"
    )),
    "text/plain": ("示例附件.txt", "示例".encode()),
}  # fmt: skip


@dataclass(slots=True)
class Filled:
    """What became of a register: rows wanted, made and given up, and why."""

    slug: str
    wanted: int
    made: int = 0
    given_up: int = 0
    #: place and code of the problems that stood in the way last → how often, and one of them
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: dict[tuple[str, str], Problem] = field(default_factory=dict)


class Filler:
    """Fills one register, in transactions of ``BATCH`` rows."""

    def __init__(
        self, platform: Platform, actor: Actor, slug: str, before: set[str], wanted: int
    ) -> None:
        self.platform, self.actor, self.slug = platform, actor, slug
        self.files: dict[str, int | None] = {}
        with platform.reading(actor) as work:
            self.composer = self._composer(work, before, wanted)
            main = work.published(slug).tables.main
            self.there = work.tx.scalar(sa.select(sa.func.count()).select_from(main)) or 0

    def _composer(self, work: Work, before: set[str], wanted: int) -> Composer:
        published = work.published(self.slug)
        register = published.register
        columns: dict[str, set[str]] = {}
        for entry in entered_references(register):
            columns.setdefault(entry.reference, set()).update(read_columns(register, entry.name))
        pools = {
            slug: read_pool(work, slug, names)
            for slug, names in columns.items()
            if slug in work.snapshot.entries
        }
        recipes = recipes_of(published.gate)
        rows = max(wanted, len(recipes))
        grid = grid_of(register, rows // len(recipes) // 2)
        later = frozenset(entry.name for entry in postponed(register, before))
        referrer = Referrer(register, recipes, pools, grid, later, rows)
        if grid and referrer.room < rows:
            each = -(-rows // (referrer.room // grid.count))
            referrer = replace(referrer, grid=grid_of(register, each))
        return Composer(published, referrer, work.today, lambda name: self.files.get(name))

    def fill(self, tell: Callable[[int], None] | None = None) -> Filled:
        """Make rows until there are as many as wanted, those that are there already counted; at
        least one for each example."""
        wanted = self.composer.referrer.room
        done = Filled(self.slug, wanted)
        rows = range(self.there, wanted)
        for start in range(0, len(rows), BATCH):
            with self.platform.writing(self.actor) as work:
                work.hold(self.slug)
                published = work.published(self.slug)
                self._attach(work, published)
                self._take(work, published, rows[start : start + BATCH], done)
                if start + BATCH >= len(rows):
                    told = ImportReport(done.made + done.given_up, done.made, faulty=done.given_up)
                    note_import(work, published, told, "insert")
            if tell:
                tell(done.made)
        return done

    def _take(self, work: Work, published: Published, rows: Iterable[int], done: Filled) -> None:
        open_: dict[int, tuple[Values, list[Problem]]] = {row: ({}, []) for row in rows}
        for attempt in range(ATTEMPTS):
            made = {row: self._make(row, attempt, *last) for row, last in open_.items()}
            good: list[Judgement] = []
            for row, (values, verdict) in self._judged(work, published, made).items():
                problems = list(verdict.problems)
                if attempt < PICKY:
                    problems += verdict.warnings
                if problems:
                    open_[row] = (values, problems)
                else:
                    good.append(verdict)
                    del open_[row]
            if good:
                records.insert(work, published, good)
                done.made += len(good)
            if not open_:
                return
        done.given_up += len(open_)
        for _, problems in open_.values():
            found = {(problem.at, problem.code): problem for problem in problems}
            done.reasons.update(found.keys())
            done.shown |= found

    def _make(self, row: int, attempt: int, values: Values, problems: list[Problem]) -> Values:
        """Begin anew at every second attempt, repair the last one at the others."""
        if attempt % 2:
            return self.composer.repair(values, problems, row, attempt)
        return self.composer.compose(row, attempt // 2)

    def _judged(
        self, work: Work, published: Published, made: dict[int, Values]
    ) -> dict[int, tuple[Values, Judgement]]:
        gate = published.gate
        blank = dict.fromkeys(published.register.names) | gate.defaults()
        read = []
        for values in made.values():
            found, problems = gate.read(values)
            read.append((None, {**blank, **found}, problems, None))
        verdicts = judge_many(work, published, read)
        for verdict in verdicts:
            states.hold(work, published, None, verdict)
        return {
            row: (values, verdict)
            for (row, values), verdict in zip(made.items(), verdicts, strict=True)
        }

    def _attach(self, work: Work, published: Published) -> None:
        """Upload a file for every attachment that the register has, once."""
        for entry in published.register.fields:
            if entry.kind.name == "attachment" and entry.name not in self.files:
                self.files[entry.name] = stand_in(work, published.slug, entry.name)


def stand_in(work: Work, slug: str, name: str) -> int | None:
    """Return the id of a file that a field takes, None where it takes none of ours."""
    for media_type, (title, content) in FILES.items():
        try:
            return attachments.store(work, slug, name, title, media_type, io.BytesIO(content)).id
        except AppError:
            continue
    return None
