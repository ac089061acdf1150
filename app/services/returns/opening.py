"""Opening: the daily run that makes the returns of a period, reminds, marks late and closes.

It says what should be so today and makes it so, however long it did not run and however many
run it at once: every statement may be repeated.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.periods import between, following, last_day
from app.definitions.workdays import WorkCalendar
from app.errors import AppError
from app.services import calendar
from app.services.returns.facts import (
    CLOSED,
    EXCUSED,
    HANDED_IN,
    LATE,
    OPEN,
    WAITING,
    due,
    of_register,
)
from app.services.returns.owing import Matching, answering, rows_owing, units_owing
from app.services.returns.settling import bring_in_step, hand_in
from app.services.returns.telling import OPENED, OVERDUE, REMIND, tell_owing
from app.services.standing import EVERYTHING
from app.services.work import Actor, Platform, Work
from app.storage.base import insert_or_leave

#: nobody's deed
SYSTEM = Actor(None, "seed", "job", standing=EVERYTHING)
ONE_DAY = datetime.timedelta(days=1)
#: periods that are made at most, counted back from today
MOST_PERIODS = 120
#: why the platform itself excused a return
NO_LONGER = "It no longer owes this return."


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did for one register."""

    slug: str
    opened: int
    late: int
    closed: int


def open_periods(platform: Platform, now: datetime.datetime) -> list[Run]:
    """Bring the returns of every register up to ``now``, each register on its own; one that
    fails does not keep the others, and is raised at the end."""
    with platform.reading(SYSTEM) as work:
        slugs = [slug for slug in work.snapshot.entries if work.register(slug).period]
    runs, failed = [], None
    for slug in slugs:
        try:
            with platform.writing(SYSTEM) as work:
                work.now = now
                runs.append(open_register(work, slug))
        except AppError as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return runs


def open_register(work: Work, slug: str) -> Run:
    """Bring the returns of one register up to the moment of this unit of work."""
    work.hold(slug)
    if work.register(slug).period is None:
        return Run(slug, 0, 0, 0)
    opening = _Opening(work, slug)
    opened = sum(opening.make(period) for period in opening.periods())
    opening.follow()
    opening.settle()
    return Run(slug, opened, opening.mark_late(), opening.close())


class _Opening:
    """One run for one register."""

    def __init__(self, work: Work, slug: str) -> None:
        self.work, self.published = work, work.published(slug)
        self.matching = Matching(work, self.published)
        self.spec = self.matching.spec
        self.days: WorkCalendar = calendar.of(work)
        self.mine = of_register(self.published)
        self.known = self._known()

    def _known(self) -> set[str]:
        """Return the periods that were made before."""
        query = sa.select(due.c.period).where(self.mine).group_by(due.c.period)
        return set(self.work.tx.scalars(query))

    def periods(self) -> list[str]:
        """Return the periods whose returns are open or were, from the first that counts."""
        every, last = self.spec.every, self.spec.begun(self.work.today, self.days)
        first = self.spec.first or min(self.known, default=last)
        earliest = following(every, last, 1 - MOST_PERIODS)
        return list(between(every, max(first, earliest), last))

    def make(self, period: str) -> int:
        """Make the returns of a period that are missing; return how many. A period that was
        made before and whose due day is over stays as it is."""
        last = self.spec.due_on(period, self.days)
        running = self.work.today <= last
        if period in self.known and not running:
            return 0
        facts = {
            "slug": self.published.slug, "period": period, "about": self.spec.by.register,
            "opens_on": self.spec.opens_on(period, self.days), "due_on": last,
            "locks_on": self.spec.locks_on(last), "state": OPEN, "late": False, "reason": "",
            "supplementing": False, "made_at": self.work.now,
        }  # fmt: skip
        if period in self.known:
            self._move(period, facts)
        made = self._for_rows(facts) if self.spec.by.register else self._for_units(facts)
        if made:
            self._backfill(period, last)
            if running:
                self._tell(OPENED, due.c.period == period, due.c.made_at == self.work.now)
        return made

    def _for_units(self, facts: dict[str, Any]) -> int:
        units = units_owing(self.work, self.spec, last_day(self.spec.every, facts["period"]))
        tree = self.work.tree
        before = self._count(facts["period"])
        self._leave(facts["period"], due.c.subject.not_in([unit.id for unit in units]))
        if units:
            rows = [{**facts, "subject": u.id, "unit_id": tree.heir(u.id)} for u in units]
            self.work.tx.execute(insert_or_leave(self.work.tx, due).on_conflict_do_nothing(), rows)
        return self._count(facts["period"]) - before

    def _for_rows(self, facts: dict[str, Any]) -> int:
        main = self.work.published(self.spec.by.register).tables.main
        owing = rows_owing(self.work, self.spec)
        before = self._count(facts["period"])
        self._leave(facts["period"], ~sa.exists().where(main.c["_id"] == due.c.subject, owing))
        columns = [sa.literal(value, due.c[name].type) for name, value in facts.items()]
        rows = sa.select(*columns, main.c["_id"], answering(self.work, self.spec)).where(owing)
        missing = insert_or_leave(self.work.tx, due).on_conflict_do_nothing()
        self.work.tx.execute(missing.from_select([*facts, "subject", "unit_id"], rows))
        return self._count(facts["period"]) - before

    def _count(self, period: str) -> int:
        query = sa.select(sa.func.count()).where(self.mine, due.c.period == period)
        return self.work.tx.scalar(query) or 0

    def _leave(self, period: str, gone: sa.ColumnElement[bool]) -> None:
        """Excuse who no longer owes a return of a period that is still running."""
        self.work.tx.execute(
            due.update()
            .where(self.mine, due.c.period == period, due.c.state == OPEN, gone)
            .values(state=EXCUSED, reason=NO_LONGER)
        )

    def _move(self, period: str, facts: dict[str, Any]) -> None:
        """Move the days of a running period where the calendar or the definition moved."""
        names = ("opens_on", "due_on", "locks_on")
        self.work.tx.execute(
            due.update()
            .where(self.mine, due.c.period == period, due.c.closed_at.is_(None))
            .where(sa.or_(*[due.c[n].is_distinct_from(facts[n]) for n in names]))
            .values({name: facts[name] for name in names})
        )

    def _backfill(self, period: str, last: datetime.date) -> None:
        """Hand in what was entered before its return was made, as of when it was."""
        work, main = self.work, self.matching.main
        fresh = sa.and_(self.mine, due.c.period == period, due.c.made_at == work.now)
        hand_in(work, self.matching, fresh)
        since: sa.ColumnElement[Any] = main.c["_created_at"]
        who = main.c["_created_by"]
        if self.matching.begun:
            since, who = sa.func.coalesce(main.c["_state_since"], since), main.c["_updated_by"]
        entered = sa.select(since).where(main.c["_id"] == due.c.record)
        by = sa.select(who).where(main.c["_id"] == due.c.record)
        handed = sa.and_(fresh, due.c.state.in_(HANDED_IN))
        work.tx.execute(
            due.update()
            .where(handed)
            .values(submitted_at=entered.scalar_subquery(), submitted_by=by.scalar_subquery())
        )
        overdue = due.c.submitted_at >= work.office.at(last + ONE_DAY, datetime.time())
        work.tx.execute(
            due.update().where(handed).values(late=sa.case((overdue, sa.true()), else_=sa.false()))
        )

    def follow(self) -> None:
        """Let the units answer that units were merged into since."""
        follow(self.work, self.mine)

    def settle(self) -> None:
        """Bring every return that is not closed in step with the records there are."""
        where = sa.and_(self.mine, due.c.closed_at.is_(None))
        bring_in_step(self.work, self.matching, where)
        self._remind()

    def _remind(self) -> None:
        """Remind of what is due soon, once for each number of days, however often this runs."""
        today = self.work.today
        query = sa.select(due.c.due_on).where(self.mine, due.c.state == OPEN, due.c.due_on >= today)
        for last in self.work.tx.scalars(query.distinct().order_by(due.c.due_on)).all():
            left = self.days.working_days_between(today, last)
            reached = [n for n in self.spec.remind if left <= n]
            if reached:
                again = sa.or_(due.c.reminded.is_(None), due.c.reminded > min(reached))
                where = sa.and_(self.mine, due.c.state == OPEN, due.c.due_on == last, again)
                self._tell(REMIND, where)
                self.work.tx.execute(due.update().where(where).values(reminded=min(reached)))

    def mark_late(self) -> int:
        """Mark what is not there after its due day; return how many."""
        if not self.spec.late:
            return 0
        where = sa.and_(self.mine, due.c.state == OPEN, due.c.due_on < self.work.today)
        closing = sa.and_(due.c.locks_on.is_not(None), due.c.locks_on < self.work.today)
        self._tell(OVERDUE, where, ~closing)
        return self.work.tx.execute(due.update().where(where).values(state=LATE)).rowcount

    def close(self) -> int:
        """Close what is past its last day; return how many."""
        over = sa.and_(self.mine, due.c.closed_at.is_(None), due.c.locks_on < self.work.today)
        missing = sa.case((due.c.state.in_(WAITING), CLOSED), else_=due.c.state)
        statement = due.update().where(over).values(closed_at=self.work.now, state=missing)
        return self.work.tx.execute(statement).rowcount

    def _tell(self, kind: str, *where: sa.ColumnElement[bool]) -> None:
        tell_owing(self.work, kind, self.published.slug, self.mine, *where)


def follow(work: Work, where: sa.ColumnElement[bool] | None = None) -> None:
    """Let the units answer for returns that units were merged into: all that are not closed.
    Whoever merges units calls this, the daily run does anyway."""
    for unit in work.tree.units.values():
        heir = work.tree.heir(unit.id)
        if heir != unit.id:
            moving = sa.and_(due.c.unit_id == unit.id, due.c.closed_at.is_(None))
            moving = moving if where is None else sa.and_(moving, where)
            work.tx.execute(due.update().where(moving).values(unit_id=heir))
