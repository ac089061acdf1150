"""Debt page: stored values that break the current revision, and those that no longer fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import RecordNotFound
from app.faces.admin import desk
from app.faces.admin.telling import title_of
from app.services import debts, records
from app.services.debts import Debt
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

#: records that are listed; all are counted
MOST = 200


def listed(view: RegisterView) -> str:
    """Return how many records break which rule since when, and the records."""
    slug = view.register.slug
    with desk.reading() as work:
        owed = debts.listed(work, slug, MOST)
        summary = debts.summary(work, slug)
        parked = debts.parked_values(work, slug, MOST)
        ids = dict.fromkeys([*(d.record for d in owed), *(p.record for p in parked)])
        labels = {id: label(view, work, id) for id in ids}
    waiting = [
        {
            "id": one.record,
            "label": labels[one.record],
            "title": title_of(view.register, one.field),
            "shown": one.shown,
            "since": since(one.since, one.revision),
        }
        for one in parked
    ]
    return view.page(
        "debt", rules=rules(view, summary, owed), rows=rows(owed, labels), parked=waiting,
        crumbs=view.crumbs((_("Records that break current rules"), "")),
    )  # fmt: skip


def rules(view: RegisterView, summary: Any, owed: list[Debt]) -> list[dict[str, Any]]:
    """Return the rules that are broken, each with its number of records."""
    sentences = {(d.problem.code, d.problem.at): say(d.problem) for d in reversed(owed)}
    return [
        {
            "title": title_of(view.register, at.split("/")[1] if "/" in at else at),
            "text": sentences.get((code, at), code),
            "count": f"{count:,}",
            "since": since(first, revision),
        }
        for code, at, count, first, revision in summary
    ]


def rows(owed: list[Debt], labels: dict[int, str]) -> list[dict[str, Any]]:
    """Return the records with all that is wrong with each."""
    found: dict[int, dict[str, Any]] = {}
    for debt in owed:
        row = found.setdefault(
            debt.record,
            {
                "id": debt.record,
                "label": labels[debt.record],
                "texts": [],
                "since": since(debt.since, debt.revision),
            },
        )
        row["texts"].append(say(debt.problem))
    return list(found.values())


def since(at: Any, revision: int) -> str:
    return _("{when}, revision {revision}", when=desk.moment(at), revision=revision)


def label(view: RegisterView, work: Work, id: int) -> str:
    try:
        return view.name_of(records.get(work, view.register.slug, id))
    except RecordNotFound:
        return _("No. {id}", id=id)
