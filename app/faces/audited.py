"""Audited: entries of the audit log in the reader's words, for the page, the files, the prompt."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from flask import current_app

from app.errors import because
from app.services.audit.alarms import Alarm
from app.services.audit.clocks import Reading
from app.services.audit.events import EVENTS
from app.services.audit.searching import Entry
from app.services.audit.watching import RAISED, Raised
from app.services.office import Office
from app.words import gettext as _
from app.words import say

#: columns of an export, with the headings people know them by
HEADINGS: Mapping[str, str] = {
    "number": "Number", "at": "Time", "event": "Event", "result": "Result",
    "sentence": "What happened", "actor_name": "Person", "actor": "Account number",
    "unit": "Unit number", "face": "By way of", "address": "Address", "session": "Session",
    "request": "Request", "object_type": "Kind of object", "slug": "Register",
    "object_id": "Object", "revision": "Revision", "detail": "Detail",
    "before": "Hash of the entry before", "hash": "Hash",
}  # fmt: skip
OBJECTS: Mapping[str, str] = {
    "register": "A register", "record": "A record", "account": "Account", "unit": "Unit",
    "role": "Role", "setting": "Setting", "backup": "Backup", "audit": "Audit log",
    "alarm": "Alarm", "address": "Address",
}  # fmt: skip
RESULTS: Mapping[str, str] = {"ok": "Done", "refused": "Refused"}
FACES: Mapping[str, str] = {
    "web": "web page", "cli": "command line", "import": "import", "seed": "demonstration data",
    "job": "background job",
}  # fmt: skip
#: who is no person, as the log names it
THEMSELVES: Mapping[str, str] = {
    "command line": "the command line", "seed": "the system", "background job": "background job",
}  # fmt: skip
#: names of values in a detail
VALUES: Mapping[str, str] = {
    "title": "Title", "count": "Rows", "format": "Format", "filters": "Filtered by",
    "searched": "With a search text", "total": "Rows read", "created": "New rows",
    "changed": "Changed rows", "unchanged": "Unchanged rows", "faulty": "Rows with mistakes",
    "mode": "Mode", "login": "Login name", "action": "Action", "path": "Path",
    "method": "Method", "code": "Code", "query": "Search", "change": "Change",
    "revision": "Revision", "rows": "Rows", "tables": "Tables", "omitted": "Left out before",
    "field": "Field", "address": "Address", "reason": "Reason", "seconds": "Seconds",
    "last": "Last entry", "until": "Time of the last entry",
    "alarm": "Alarm", "subject": "Of whom", "minutes": "Minutes",
    "hash": "Hash", "instead_of": "Entries of the log replaced",
    "instead_hash": "Hash of the log replaced",
}  # fmt: skip
CONDITIONS: Mapping[str, str] = {
    "since": "From", "until": "To", "person": "Person", "event": "Event", "slug": "A register",
    "kind": "Kind of object", "id": "Object number", "address": "Address", "result": "Result",
    "text": "Text in the detail",
}  # fmt: skip
_PLACE = re.compile(r"\{(\w+)\}")


def sentence(entry: Entry) -> str:
    """Return what happened, as a sentence; what the entry does not say is a dash."""
    event = EVENTS.get(entry.event)
    if event is None:
        return entry.event
    values = {name: "–" for name in _PLACE.findall(event.told)}
    values |= {name: shown(value) for name, value in entry.values.items() if name in values}
    if "query" in values:
        values["query"] = conditions(str(entry.values.get("query", "")))
    if entry.event == RAISED:
        values["title"] = _(values["title"])
    if "revision" in values and entry.revision is not None:
        values["revision"] = str(entry.revision)
    return say(because(event.told, **{**values, "who": person(entry)}))


def conditions(query: str) -> str:
    """Return a search as the log tells of it (``Search.told``) in words."""
    said = []
    for part in query.split(" "):
        name, _sign, value = part.partition("=")
        value = title(value) if name == "event" else _(RESULTS.get(value, value))
        said.append(f"{_(CONDITIONS[name])} {value}" if name in CONDITIONS else _("All"))
    return "，".join(said)


def alarm(found: Raised) -> str:
    """Return what raised an alarm."""
    text = "{title}: {subject} {count} in {minutes} minutes"
    told = {"count": f"{found.count:,}", "minutes": found.minutes, "subject": found.subject}
    return _(text, title=_(found.title), **told)


def condition(found: Alarm) -> str:
    """Return when an alarm is raised."""
    parts = {"title": _(found.title), "count": f"{found.count:,}", "minutes": found.minutes}
    said = _("{title}: {count} or more within {minutes} minutes", **parts)
    if found.outside:
        begin, end = (f"{time:%H:%M}" for time in found.outside)
        said += _(", on a day off or not between {begin} and {end}", begin=begin, end=end)
    return said


def clocks(found: Reading) -> str:
    """Return how the clocks stand to each other."""
    text = "The clocks of the application and of the database are {seconds} seconds apart."
    if found.wrong:
        return _(text, seconds=round(found.apart))
    return _("The clocks of the application and of the database agree.")


def person(entry: Entry) -> str:
    """Return who did it: a name, what acts by itself, or nobody known."""
    name = entry.actor_name
    return _(THEMSELVES[name]) if name in THEMSELVES else name or _("somebody not signed in")


def title(code: str) -> str:
    return _(EVENTS[code].title) if code in EVENTS else code


def shown(value: Any) -> str:
    """Return a value of a detail as text."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return "、".join(map(shown, value)) or "–"
    if isinstance(value, Mapping):
        return "；".join(f"{name} {shown(one)}" for name, one in value.items())
    return "–" if value is None or value == "" else str(value)


def local(at: datetime.datetime) -> str:
    """Return a time as the office's clock had it, to the second."""
    return f"{office().local(at):%Y-%m-%d %H:%M:%S}"


def stored(at: datetime.datetime | None) -> datetime.datetime | None:
    """Return a time of the office's clock as it is stored."""
    return at and office().stored(at)


def office() -> Office:
    """Return the office whose clock it is."""
    found: Office = current_app.extensions["taizhang"].office
    return found


def cells(entry: Entry) -> list[Any]:
    """Return an entry as a row of a file, under ``HEADINGS``; its time with the offset."""
    made = {
        "at": entry.at.replace(tzinfo=datetime.UTC).isoformat(),
        "event": title(entry.event),
        "result": _(RESULTS.get(entry.result, entry.result)),
        "sentence": sentence(entry),
        "actor_name": person(entry),
        "face": _(FACES.get(entry.face, entry.face)),
        "object_type": _(OBJECTS.get(entry.object_type, entry.object_type)),
    }
    return [made[name] if name in made else getattr(entry, name) for name in HEADINGS]


def table() -> tuple[str, list[str], Any]:
    """Return how a file of entries is titled, headed and filled."""
    return _("Audit log"), [_(heading) for heading in HEADINGS.values()], cells
