"""Telling: what is said to a unit about the returns it owes, and what is kept of every deed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import because
from app.services import audience, notices
from app.services.returns.facts import WAITING, Return, due
from app.services.work import Work
from app.storage import models_returns as models

#: what units are told
OPENED, REMIND, OVERDUE, URGE = "opened", "remind", "overdue", "urge"
#: what people do to one return
DECLARED, TAKEN_BACK, ASKED, EXCUSE, REOPENED = "nil", "take-back", "supplement", "excuse", "reopen"


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to tell a unit: about ``count`` returns of one register and period."""

    kind: str
    slug: str
    period: str
    unit: int | None
    count: int
    #: the last day, as the person reads it; what somebody wrote beside an urging
    due: str = ""
    text: str = ""


def tell(work: Work, tellings: Iterable[Telling]) -> None:
    """Tell units what they owe: their people by a notice, and a task while it is owed. What was
    said is kept with the returns."""
    tellings = list(tellings)
    for one in tellings:
        notify(work, one)
    rows = [
        entry(work, one.kind, one.slug, one.period, unit_id=one.unit, count=one.count,
              reason=one.text or one.due)
        for one in tellings
    ]  # fmt: skip
    if rows:
        work.tx.execute(models.return_event.insert(), rows)


def tell_owing(
    work: Work, kind: str, slug: str, *where: sa.ColumnElement[bool], text: str = ""
) -> set[int | None]:
    """Tell each unit once about all of its returns of a period that are not handed in, of those
    that ``where`` names; return the units."""
    query = (
        sa.select(due.c.period, due.c.unit_id, due.c.due_on, sa.func.count())
        .where(due.c.state.in_(WAITING), *where)
        .group_by(due.c.period, due.c.unit_id, due.c.due_on)
        .order_by(due.c.period, due.c.unit_id)
    )
    found = work.tx.execute(query).all()
    tell(work, [Telling(kind, slug, p, u, n, due=str(day), text=text) for p, u, day, n in found])
    return {unit for _, unit, _, _ in found}


SAID: Mapping[str, str] = {
    OPENED: "{register}, {period}: the return is open, due {due}",
    REMIND: "{register}, {period}: {count} returns are due {due}",
    OVERDUE: "{register}, {period}: {count} returns are overdue",
    URGE: "{register}, {period}: you are urged to hand in {count} returns",
}


def notify(work: Work, one: Telling) -> None:
    """Send the people of a unit a notice about what the unit owes."""
    register = work.register(one.slug)
    facts = {
        "register": register.title, "period": one.period, "count": one.count, "due": one.due,
    }  # fmt: skip
    people = audience.members(work, one.unit) if one.unit is not None else []
    kind = "deadline" if one.kind in (OVERDUE, URGE) else "return"
    key = None if one.kind == URGE else f"return:{one.kind}:{one.slug}:{one.period}:{work.today}"
    link = f"/registers/{one.slug}/returns/"
    said = work.office.say(because(SAID[one.kind], **facts))
    notices.notify(work, people, kind, said, one.text, link, key=key, slug=one.slug)


def note(work: Work, found: Return, action: str, reason: str = "") -> None:
    """Keep what somebody did to one return."""
    row = entry(
        work, action, found.slug, found.period, return_id=found.id, unit_id=found.unit,
        reason=reason,
    )  # fmt: skip
    work.tx.execute(models.return_event.insert(), [row])


def entry(work: Work, action: str, slug: str, period: str, **more: Any) -> dict[str, Any]:
    return {
        "slug": slug, "period": period, "return_id": None, "unit_id": None, "count": 1,
        "action": action, "at": work.now, "who": work.actor.name, "reason": "", **more,
    }  # fmt: skip
