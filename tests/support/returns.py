"""Returns for tests: units, a register each fills in monthly, one for each firm, and the clock."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from app.services import identity, people, records, seeding
from app.services.returns import opening
from app.services.work import Actor, Platform
from app.storage import models_people
from app.storage.models_returns import return_due
from tests.support.browser import PASSWORD
from tests.support.register import ME, definition, publish

TITLES = {"nan": "南镇", "bei": "北镇", "dong": "东乡"}
#: a month's return: open from the first, due on the tenth, closed five days later
MONTHLY: dict[str, Any] = {
    "every": "month", "field": "month", "by": {"kinds": ["township"], "field": "town"},
    "due": {"day": 10}, "remind": [3, 1], "lock": 5, "supplement": True, "nil": True,
    "carry": ["amount", "kind"], "from": "2026-01",
}  # fmt: skip
GRANTS = [
    {"role": ["township"], "may": ["see", "create", "change", "delete", "import"],
     "rows": "own-unit", "by": "town"},
    {"role": ["giib_staff"], "may": ["see", "change", "delete", "review", "export"]},
]  # fmt: skip


def at(text: str) -> datetime.datetime:
    """Return noon of a day, as moments are stored (the tests' office is on UTC or near it)."""
    return datetime.datetime.fromisoformat(f"{text} 04:00:00")


def monthly(slug: str = "report", **changes: Any) -> dict[str, Any]:
    """Return the definition of a register that townships fill in every month."""
    period = {k: v for k, v in (MONTHLY | changes).items() if v is not None}
    return definition(
        slug, title="工业月报",
        properties={
            "town": {"title": "乡镇", "type": "string", "maxLength": 40},
            "month": {"title": "月份", "type": "string", "format": "month"},
            "name": {"title": "说明", "type": "string", "maxLength": 100},
        },
        required=["town", "month"],
        register={"key": ["town", "month"], "label": "{town} {month}", "period": period,
                  "permissions": GRANTS, "search": ["name"]},
    )  # fmt: skip


def firms(**changes: Any) -> list[dict[str, Any]]:
    """Return a register of firms, and one with a record for each firm and quarter."""
    firm = definition(
        "firm", title="企业",
        properties={"town": {"title": "乡镇", "type": "string", "maxLength": 40}},
    )  # fmt: skip
    by = {"register": "firm", "via": "firm", "where": {"kind": "a"}, "unit": "town"}
    period = {"every": "quarter", "field": "quarter", "by": by, "due": {"day": 5, "working": True},
              "from": "2026Q1", **changes}  # fmt: skip
    quarterly = definition(
        "firm_quarter", title="企业季报",
        properties={
            "firm": {"title": "企业", "reference": "firm"},
            "quarter": {"title": "季度", "type": "string", "format": "quarter"},
        },
        required=["firm", "quarter"],
        register={"key": ["firm", "quarter"], "label": "{firm} {quarter}", "period": period},
    )  # fmt: skip
    return [firm, quarterly]


def add_units(platform: Platform, *codes: str, kind: str = "township", **more: Any) -> list[int]:
    """Found units under the topmost one; return their ids."""
    with platform.database.writing() as tx:
        people.ensure_roles(tx)
        root = people.ensure_root(tx)
        ids = []
        for place, code in enumerate(codes):
            row = {"code": code, "title": TITLES.get(code, code), "kind": kind, "position": place,
                   "parent_id": root, "valid_from": people.BEGINNING, **more}  # fmt: skip
            table = models_people.unit
            ids.append(tx.execute(table.insert().returning(table.c.id), row).scalar_one())
        people.touch(tx)
    return ids


def merge(platform: Platform, unit: int, into: int, on: str) -> None:
    """Merge one unit into another from a day on."""
    with platform.database.writing() as tx:
        table = models_people.unit
        values = {"merged_into": into, "valid_until": datetime.date.fromisoformat(on)}
        tx.execute(table.update().where(table.c.id == unit).values(values))
        people.touch(tx)


def appoint(platform: Platform, name: str, unit: int, role: str) -> Actor:
    """Return somebody who holds a role in a unit."""
    with platform.database.writing() as tx:
        number, _ = identity.create_account(tx, f"u{unit}{role}", name, PASSWORD)
        people.appoint(tx, number, unit, role)
    return Actor(number, name, "web")


def run(platform: Platform, day: str) -> list[opening.Run]:
    """Do the daily run as of a day."""
    return opening.open_periods(platform, at(day))


def states(platform: Platform, slug: str = "report") -> dict[tuple[str, int], str]:
    """Return the state of every return, by period and subject."""
    table = return_due
    query = sa.select(table.c.period, table.c.subject, table.c.state).where(table.c.slug == slug)
    with platform.database.reading() as tx:
        return {(p, s): state for p, s, state in tx.execute(query)}


def facts(platform: Platform, period: str, subject: int, slug: str = "report") -> sa.Row[Any]:
    """Return one return as it is stored."""
    table = return_due
    query = sa.select(table).where(
        table.c.slug == slug, table.c.period == period, table.c.subject == subject
    )
    with platform.database.reading() as tx:
        return tx.execute(query).one()


def file(platform: Platform, day: str, slug: str = "report", **raw: Any) -> int:
    """Enter a record as of a day; return its id."""
    with platform.writing(ME) as work:
        work.now = at(day)
        return records.create(work, slug, raw).id


def ready(platform: Platform, *codes: str, **changes: Any) -> list[int]:
    """Publish the monthly register for some townships, with the calendar of working days."""
    seeding.seed_calendar(platform)
    ids = add_units(platform, *(codes or ("nan", "bei")))
    publish(platform, monthly(**changes))
    return ids
