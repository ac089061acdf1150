"""Filling: rows are composed, judged by the register's own gate, repaired and stored."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import groupby

import sqlalchemy as sa

from app.definitions.gate import Judgement, Values, reads_of
from app.definitions.register import Register
from app.errors import AppError, Problem
from app.services import attachments, records, states
from app.services.demo.composing import Composer
from app.services.demo.mending import Mender, mendable
from app.services.demo.order import entered_references, postponed, turns
from app.services.demo.pools import read_columns, read_pool
from app.services.demo.recipes import grid_of, recipes_of
from app.services.demo.referring import Referrer
from app.services.demo.totals import agreed, climbing, totals_of
from app.services.exchange.noting import note_import
from app.services.exchange.report import ImportReport
from app.services.judging import judge_many
from app.services.work import Actor, Platform, Work
from app.storage.catalog import Published

BATCH = 1000
#: how often a row is composed (every second time) or mended before it is given up
ATTEMPTS = 17
#: how often the subjects of a series are chosen anew
CHOICES = 3
#: of how many of the latest periods the totals say how large a subject is
LEARNT = 3
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
    #: the last record that was there before
    after: int = 0
    #: records that were brought into agreement with others afterwards
    mended: int = 0
    #: where the records stand in the end
    states: Counter[str] = field(default_factory=Counter)


class Filler:
    """Fills one register, in transactions of ``BATCH`` rows."""

    def __init__(
        self, platform: Platform, actor: Actor, slug: str, before: set[str], wanted: int
    ) -> None:
        self.platform, self.actor, self.slug = platform, actor, slug
        self.files: dict[str, int | None] = {}
        with platform.reading(actor) as work:
            self.composer = self._composer(work, before, wanted)
            grid = self.composer.grid
            main = work.published(slug).tables.main
            counted = sa.select(sa.func.count(), sa.func.max(main.c["_id"])).select_from(main)
            self.there, last = work.tx.execute(counted).one()
            self.last = last or 0
            register = self.composer.register
            self.totals = totals_of(register)
            self.mender = Mender(self.composer.published, self.composer.referrer, work.today)
            self.composer.climbing = climbing(register, grid)
            self.shared = drawn_on(work, slug) - {*(grid.subjects if grid else ())}

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
        referrer = Referrer(register, recipes, pools, grid, later, rows, turns(self.slug))
        if grid and referrer.room < rows:
            each = -(-rows // (referrer.room // grid.count))
            referrer = replace(referrer, grid=grid_of(register, each))
        return Composer(published, referrer, work.today, lambda name: self.files.get(name))

    def fill(self, tell: Callable[[int], None] | None = None) -> Filled:
        """Make rows until there are as many as wanted, those that are there already counted; at
        least one for each example."""
        self._choose_subjects()
        wanted = self.composer.referrer.room
        done = Filled(self.slug, wanted, after=self.last)
        waves = self._waves(wanted)
        for place, part in enumerate(waves):
            with self.platform.writing(self.actor) as work:
                work.hold(self.slug)
                published = work.published(self.slug)
                self._attach(work, published)
                for rows in part:
                    self._take(work, published, rows, done)
                if place == len(waves) - 1:
                    told = ImportReport(done.made + done.given_up, done.made, faulty=done.given_up)
                    note_import(work, published, told, "insert")
            if tell:
                tell(done.made)
        return done

    def _choose_subjects(self) -> None:
        """Replace the subjects of a series of whom the gate takes no record: they are judged
        with their latest one, which is not kept."""
        grid, referrer = self.composer.grid, self.composer.referrer
        if grid is None or not grid.owed or self.there:
            return
        for _ in range(CHOICES):
            with self.platform.reading(self.actor) as work:
                rows = [subject * grid.count for subject in range(referrer.subjects)]
                made = {row: self.composer.compose(row, 0) for row in rows}
                published = work.published(self.slug)
                judged = self._judged(work, published, made) if made else {}
            bad = [
                referrer.subject(row)
                for row, (_, verdict) in judged.items()
                if verdict.problems and not self._mends(verdict, row)
            ]
            if not bad:
                return
            referrer.refuse(bad)

    def _mends(self, verdict: Judgement, row: int) -> bool:
        changes = self.mender.mend(verdict.values, verdict.problems, row)
        return not self.mender.judged(self.mender.changed(verdict.values, changes)).problems

    def _waves(self, wanted: int) -> list[list[list[int]]]:
        """Return the rows that are still to be made, by transaction and by what is judged at
        once: where a record looks at earlier ones, the earlier ones are there before it."""
        grid = self.composer.grid
        order = list(range(wanted))
        if grid:
            order.sort(key=lambda row: (-(row % grid.count), row))
        order = order[self.there :]
        follows = grid is not None and looks_back(self.composer.register)
        waves: list[list[list[int]]] = []
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            if grid and follows:
                alike = groupby(part, key=lambda row: row % grid.count)
                waves.append([list(rows) for _, rows in alike])
            else:
                waves.append([part])
        return waves

    def _take(self, work: Work, published: Published, rows: Sequence[int], done: Filled) -> None:
        """Make some rows: each is composed, mended where something is said against it, and
        composed anew, in turns."""
        if self.totals and self.composer.grid:
            self._learn(work, published, rows)
        last: dict[int, list[Problem]] = {}
        tries = {row: self.composer.compose(row, 0) for row in rows}
        for attempt in range(ATTEMPTS):
            again: dict[int, Values] = {}
            while tries:
                part, tries = self._apart(tries)
                good: list[Judgement] = []
                for row, (values, verdict) in self._judged(work, published, part).items():
                    better = self._better(row, attempt, values, verdict)
                    if better is None:
                        good.append(verdict)
                    else:
                        again[row], last[row] = better, verdict.problems
                if good:
                    records.insert(work, published, good)
                    done.made += len(good)
            tries = again
            if not tries:
                return
        done.given_up += len(tries)
        for row in tries:
            found = {(problem.at, problem.code): problem for problem in last[row]}
            done.reasons.update(found.keys())
            done.shown |= found

    def _better(self, row: int, attempt: int, values: Values, verdict: Judgement) -> Values | None:
        """Return what to try next for a row; None where it is as good as it will be."""
        if attempt % 2:
            return self._again(row, attempt, values, verdict) if verdict.problems else None
        told = agreed(self.composer.register, self.totals, verdict.values) if attempt == 0 else {}
        told = {name: value for name, value in told.items() if value != values.get(name)}
        found = verdict.problems + verdict.warnings
        changes = self.mender.mend({**verdict.values, **told}, found, row) if found else {}
        if not (verdict.problems or changes or told):
            return None
        fixed = {**values, **told, **changes}
        left = [p for p in verdict.problems if not changes or not mendable(p)]
        return self.composer.repair(fixed, left, row, attempt) if left else fixed

    def _again(self, row: int, attempt: int, values: Values, verdict: Judgement) -> Values:
        """Return a row mended once more, where that helps, else composed anew."""
        if all(mendable(problem) for problem in verdict.problems):
            changes = self.mender.mend(verdict.values, verdict.problems, row)
            if changes:
                return {**values, **changes}
        return self.composer.compose(row, (attempt + 1) // 2)

    def _learn(self, work: Work, published: Published, rows: Sequence[int]) -> None:
        """Find out how large the subjects of some rows are by the totals of other registers,
        from their latest records, which are judged and not kept."""
        grid, scales = self.composer.grid, self.composer.scales
        assert grid is not None
        subjects = {self.composer.referrer.subject(row) for row in rows} - scales.keys()
        latest = {
            row: self.composer.compose(row, 0)
            for subject in sorted(subjects)
            for row in range(subject * grid.count, subject * grid.count + min(grid.count, LEARNT))
        }
        scales |= dict.fromkeys(subjects, Decimal(1))
        judged = self._judged(work, published, latest) if latest else {}
        for row, (values, verdict) in reversed(judged.items()):
            told = agreed(self.composer.register, self.totals, verdict.values)
            shares = [told[name] / values[name] for name in told if values[name]]
            if shares:
                scales[self.composer.referrer.subject(row)] = shares[0]

    def _apart(self, tries: dict[int, Values]) -> tuple[dict[int, Values], dict[int, Values]]:
        """Return the rows that are judged now and those later, so that no two draw at once on
        what is left of the same record."""
        now: dict[int, Values] = {}
        later: dict[int, Values] = {}
        used: set[tuple[str, int]] = set()
        for row, values in tries.items():
            places = {(name, values[name]) for name in self.shared if values.get(name)}
            (later if places & used else now)[row] = values
            used |= places
        return now, later

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


def looks_back(register: Register) -> bool:
    """Return whether a record gathers from records of its own register."""
    return any(f.rollup and f.rollup.register == register.slug for f in register.fields)


def drawn_on(work: Work, slug: str) -> set[str]:
    """Return the references through which a record sees what its register's other records have
    drawn: the arrears of a payment, with what is left of them."""
    register = work.register(slug)
    return {
        entry.lookup.reference
        for entry in register.fields
        if entry.lookup and gathers(work, entry.lookup.register, entry.lookup.field, slug)
    }


def gathers(work: Work, owner: str, name: str, slug: str) -> bool:
    """Return whether a field of ``owner`` comes from a roll-up over ``slug``."""
    register = work.register(owner)
    if name not in register:
        return False
    entry = register[name]
    if entry.computed:
        return any(gathers(work, owner, other, slug) for other in reads_of(entry.computed))
    return entry.rollup is not None and entry.rollup.register == slug


def stand_in(work: Work, slug: str, name: str) -> int | None:
    """Return the id of a file that a field takes, None where it takes none of ours."""
    for media_type, (title, content) in FILES.items():
        try:
            return attachments.store(work, slug, name, title, media_type, io.BytesIO(content)).id
        except AppError:
            continue
    return None
