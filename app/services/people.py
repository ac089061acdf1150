"""People: roles, units and posts as they are written. Who somebody is today: ``standing``."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.services.work import now
from app.storage import models_people as people
from app.storage.catalog import PEOPLE, move
from app.storage.models_identity import account as accounts

SHIPPED = Path(__file__).parents[2] / "schemas" / "people" / "roles.json"
#: the unit everything stands under until an office enters its own
ROOT = "root"
ROOT_TITLE = "本单位"
BEGINNING = datetime.date(2000, 1, 1)


def ensure_roles(tx: sa.Connection) -> None:
    """Add the roles that come with the product and are not there yet; change none."""
    known = set(tx.scalars(sa.select(people.role.c.slug)))
    said = json.loads(SHIPPED.read_text("utf-8"))["roles"]
    fresh = [
        {"description": "", "power": "", **role, "position": place}
        for place, role in enumerate(said)
        if role["slug"] not in known
    ]
    if fresh:
        tx.execute(people.role.insert(), fresh)
        touch(tx)


def ensure_root(tx: sa.Connection) -> int:
    """Return the topmost unit; where there is none yet, make one."""
    table = people.unit
    query = sa.select(table.c.id).where(table.c.parent_id.is_(None)).order_by(table.c.id)
    found = tx.scalar(query.limit(1))
    if found is not None:
        return int(found)
    row = {"code": ROOT, "title": ROOT_TITLE, "kind": "bureau", "valid_from": BEGINNING}
    number = tx.execute(table.insert().returning(table.c.id), row).scalar_one()
    touch(tx)
    return int(number)


def appoint(
    tx: sa.Connection,
    account: int,
    unit: int,
    role: str,
    *,
    since: datetime.date = BEGINNING,
    until: datetime.date | None = None,
    by: str = "",
    **more: Any,
) -> int:
    """Give an account a role in a unit from a day on; return the post. No right is asked."""
    row = {
        "account_id": account, "unit_id": unit, "role": role, "valid_from": since,
        "valid_until": until, "created_at": now(), "created_by": by, "title": "", **more,
    }  # fmt: skip
    number = tx.execute(people.post.insert().returning(people.post.c.id), row).scalar_one()
    mark_powers(tx, account, role)
    touch(tx)
    return int(number)


def mark_powers(tx: sa.Connection, account: int, role: str) -> None:
    """Mark an account that is given a role with powers as an administrator's: its sessions are
    shorter, and it needs a second factor where administrators do. The mark stays when the role
    goes; an administrator takes it away."""
    powers = sa.select(people.role.c.slug).where(people.role.c.power != "")
    marked = accounts.update().where(accounts.c.id == account, sa.literal(role).in_(powers))
    tx.execute(marked.values(administrator=True))


def day_after(last: datetime.date | None) -> datetime.date | None:
    """Return the first day after the last one of a post, as it is stored; people name the last."""
    return None if last is None else last + datetime.timedelta(days=1)


def last_day(until: datetime.date | None) -> datetime.date | None:
    """Return the last day of what is in force until before ``until``."""
    return None if until is None else until - datetime.timedelta(days=1)


def touch(tx: sa.Connection) -> None:
    """Say that something about people changed: every process reads them again."""
    move(tx, PEOPLE)
