"""Alarms: the conditions on which somebody is told of what stands in the log (``watching``).

They are data: ``schemas/audit/alarms.json``, and an office's own in ``alarms.json`` of its data
folder. A condition is so many entries of some events, of one person or one address, in so many
minutes.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import AppError
from app.services.audit.events import EVENTS

SHIPPED = Path(__file__).parents[3] / "schemas" / "audit" / "alarms.json"
#: an office's own conditions, in its data folder
OWN = "alarms.json"
ACTOR, ADDRESS = "actor", "address"
#: the longest span, in minutes
LONGEST = 24 * 60
_NAMES = {"name", "title", "events", "by", "count", "minutes", "sum", "outside"}


class AlarmsUnreadable(AppError):
    code = "audit.alarms_unreadable"
    text = (
        "The conditions of alarms in {file} cannot be read: {reason}. The manual of the audit log "
        "shows how they are written."
    )


@dataclass(frozen=True, slots=True)
class Alarm:
    """``count`` entries (or the sum of a value of their detail) in ``minutes``, of one person or
    address where ``by`` says so; ``outside``: only outside these hours of a working day."""

    name: str
    title: str
    events: tuple[str, ...]
    count: int
    minutes: int
    by: str = ""
    sum: str = ""
    outside: tuple[datetime.time, datetime.time] | None = None

    @property
    def span(self) -> datetime.timedelta:
        return datetime.timedelta(minutes=self.minutes)


def read(data_dir: Path) -> tuple[Alarm, ...]:
    """Return the conditions in force: the shipped ones, with those of the office in their place
    or beside them; a ``count`` of 0 switches one off. Raises ``AlarmsUnreadable``."""
    found = {one["name"]: one for one in json.loads(SHIPPED.read_text("utf-8"))["alarms"]}
    own = data_dir / OWN
    if own.exists():
        try:
            for one in json.loads(own.read_text("utf-8"))["alarms"]:
                found[one["name"]] = {**found.get(one["name"], {}), **one}
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise AlarmsUnreadable(file=own, reason=str(error)[:200]) from error
    try:
        return tuple(made(one) for one in found.values() if one.get("count") != 0)
    except (ValueError, KeyError, TypeError) as error:
        raise AlarmsUnreadable(file=own, reason=str(error)[:200]) from error


def made(said: Mapping[str, Any]) -> Alarm:
    """Return one condition. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
    unknown = {*said} - _NAMES | {*said["events"]} - {*EVENTS}
    if unknown or said.get("by", "") not in ("", ACTOR, ADDRESS):
        raise ValueError(" ".join(sorted(unknown)) or said["by"])
    count, minutes = said["count"], said["minutes"]
    if type(count) is not int or type(minutes) is not int:
        raise TypeError(f"{count} {minutes}")
    if count < 1 or not 1 <= minutes <= LONGEST or not str(said["name"]).isidentifier():
        raise ValueError(f"{said['name']} {count} {minutes}")
    outside = None
    if "outside" in said:
        begin, end = (datetime.time.fromisoformat(text) for text in said["outside"])
        outside = (begin, end)
    return Alarm(
        said["name"][:20], str(said["title"])[:100], tuple(said["events"]), count, minutes,
        said.get("by", ""), str(said.get("sum", "")), outside,
    )  # fmt: skip
