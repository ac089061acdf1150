"""Joint review: the rounds in which several units answer, as they are stored."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import ALL, MAJORITY, Transition
from app.errors import AppError
from app.services import calendar
from app.services.work import Work
from app.storage.models_workflow import review_answer, review_round
from app.storage.rows import chunks

AGREE, OBJECT, ASK = "agree", "object", "ask"
ANSWERS = (AGREE, OBJECT, ASK)
AGREED, REFUSED, DROPPED = "agreed", "refused", "dropped"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one unit said, or has not said yet (``answer`` is empty)."""

    id: int
    unit: int
    answer: str
    reason: str
    who: str
    at: datetime.datetime | None
    urged_at: datetime.datetime | None
    urged: int


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a joint review."""

    id: int
    transition: str
    decide: str
    due: datetime.date | None
    opened_at: datetime.datetime
    opened_by: str
    closed_at: datetime.datetime | None
    result: str
    answers: tuple[Answer, ...]

    @property
    def missing(self) -> tuple[Answer, ...]:
        return tuple(one for one in self.answers if not one.answer)


def open_rounds(
    work: Work, slug: str, ids: Sequence[int], way: Transition, units: Sequence[int]
) -> None:
    """Open a round for each record."""
    joint = way.joint
    assert joint is not None
    due = None
    if joint.days:
        due = calendar.of(work).add_working_days(work.today, joint.days)
    for record in ids:
        row = {
            "slug": slug, "record": record, "transition": way.name, "decide": joint.decide,
            "due": due, "opened_at": work.now, "opened_by": work.actor.name,
        }  # fmt: skip
        made = work.tx.execute(review_round.insert().returning(review_round.c.id), row)
        number = made.scalar_one()
        work.tx.execute(
            review_answer.insert(), [{"round_id": number, "unit_id": unit} for unit in units]
        )


def drop_open(work: Work, slug: str, ids: Sequence[int]) -> None:
    """Close the rounds that are still open: the records leave the state they belong to."""
    close(work, slug, ids, DROPPED)


def close(work: Work, slug: str, ids: Sequence[int], result: str) -> None:
    for part in chunks(ids):
        statement = review_round.update().where(
            review_round.c.slug == slug,
            review_round.c.record.in_(part),
            review_round.c.closed_at.is_(None),
        )
        work.tx.execute(statement.values(closed_at=work.now, result=result))


def results(work: Work, slug: str, ids: Sequence[int]) -> dict[int, str]:
    """Return the result of each record's last round; ``""`` while it is open."""
    found: dict[int, str] = {}
    table = review_round
    for part in chunks(ids):
        query = sa.select(table.c.record, table.c.result)
        query = query.where(table.c.slug == slug, table.c.record.in_(part)).order_by(table.c.id)
        found.update({row[0]: row[1] for row in work.tx.execute(query)})
    return found


def rounds(work: Work, slug: str, record: int) -> list[Round]:
    """Return every round of a record, the newest first, with its answers."""
    table = review_round
    query = sa.select(table).where(table.c.slug == slug, table.c.record == record)
    found = work.tx.execute(query.order_by(table.c.id.desc())).all()
    answers: dict[int, list[Answer]] = {row.id: [] for row in found}
    inner = review_answer
    query = sa.select(inner).where(inner.c.round_id.in_(sorted(answers))).order_by(inner.c.id)
    for row in work.tx.execute(query):
        answers[row.round_id].append(
            Answer(row.id, row.unit_id, row.answer, row.reason, row.who, row.at, row.urged_at,
                   row.urged)
        )  # fmt: skip
    return [
        Round(row.id, row.transition, row.decide, row.due, row.opened_at, row.opened_by,
              row.closed_at, row.result, tuple(answers[row.id]))
        for row in found
    ]  # fmt: skip


def result_of(one: Round, codes: Mapping[int, str]) -> str:
    """Return what a round has come to, ``""`` while it is not certain.

    Where all decide, everybody is heard before the round ends; a majority ends it as soon as
    the others cannot change it; a named unit ends it with its own answer.
    """
    said = [answer.answer for answer in one.answers]
    agreeing, missing = said.count(AGREE), said.count("")
    if one.decide == ALL:
        if missing:
            return ""
        return AGREED if agreeing == len(said) else REFUSED
    if one.decide == MAJORITY:
        if agreeing * 2 > len(said):
            return AGREED
        return "" if (agreeing + missing) * 2 > len(said) else REFUSED
    deciding = [answer.answer for answer in one.answers if codes.get(answer.unit) == one.decide]
    if not any(deciding):
        # the deciding unit was not asked: nobody is left who could decide
        return REFUSED if not deciding and not missing else ""
    return AGREED if AGREE in deciding else REFUSED


def units_of(work: Work, codes: Iterable[str]) -> tuple[list[int], list[str]]:
    """Return the units of codes that are valid today, and the codes that name none."""
    by_code = {unit.code: unit for unit in work.tree.units.values()}
    found, unknown = [], []
    for code in codes:
        unit = by_code.get(code)
        if unit is None or work.tree.heir(unit.id) not in work.tree.units:
            unknown.append(code)
        else:
            found.append(work.tree.heir(unit.id))
    return list(dict.fromkeys(found)), unknown


def codes_of(work: Work) -> dict[int, Any]:
    return {unit.id: unit.code for unit in work.tree.units.values()}


class NoUnit(AppError):
    code = "workflow.no_unit"
    text = "There is no unit with the code {code}."


def require_units(work: Work, codes: Iterable[str]) -> list[int]:
    """Return the units of codes. Raises ``NoUnit``."""
    found, unknown = units_of(work, codes)
    if unknown:
        raise NoUnit(code=unknown[0][:60])
    return found
