"""Telling: values and history as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from app.definitions.register import Field, Register
from app.faces.admin import desk
from app.faces.admin.listing import named
from app.services.history import Entry
from app.services.work import Work
from app.words import gettext as _

#: An entry with more changes than this is folded.
FOLDED = 6
LONGEST = 400

ACTIONS: Mapping[str, str] = {
    "create": "entered the record",
    "change": "changed the record",
    "delete": "deleted the record",
    "undelete": "took the record out of the recycle bin",
    "restore": "restored the record to an earlier version",
    "transition": "took a step of the workflow",
    "answer": "answered the joint review",
    "urge": "urged the units that had not answered",
    "carry": "took over values of the last period",
    "derive": "computed values were brought up to date",
}
FACES: Mapping[str, str] = {
    "web": "web page",
    "cli": "command line",
    "import": "import",
    "seed": "demonstration data",
    "job": "by itself",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after, as text."""

    title: str
    before: str
    after: str


def tell(work: Work, field: Field, value: Any) -> str:
    """Return a value as text; a reference by its label, child rows line by line."""
    if value is None:
        return ""
    if field.columns:
        return "；".join(tell_row(work, field, row) for row in value)[:LONGEST]
    if field.reference:
        return named(work, field.reference, str(value))
    return field.kind.show(value)


def tell_row(work: Work, field: Field, row: Mapping[str, Any]) -> str:
    parts = [(c.title, tell(work, c, row.get(c.name))) for c in field.columns]
    return "，".join(f"{title} {text}" for title, text in parts if text)


def tell_json(work: Work, register: Register, name: str, json: Any) -> str:
    """Return a value of history as text, also of a field that is retired or of another kind."""
    if json is None:
        return ""
    if name not in register:
        return plain(json)
    field = register[name]
    try:
        if field.columns:
            rows = [
                {c.name: c.kind.from_json(row[c.name]) for c in field.columns if c.name in row}
                for row in json
            ]
            return tell(work, field, rows)
        return tell(work, field, field.kind.from_json(json))
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        return plain(json)


def plain(json: Any) -> str:
    text = "、".join(str(item) for item in json) if isinstance(json, list) else str(json)
    return text[:LONGEST]


def entries(
    work: Work, slug: str, found: Sequence[Entry], version: int = 0
) -> list[dict[str, Any]]:
    """Return entries of history for the page; ``version`` is the one shown beside them."""
    register = work.register(slug)
    return [entry(work, slug, register, one, version) for one in found]


def entry(work: Work, slug: str, register: Register, one: Entry, version: int) -> dict[str, Any]:
    changes = [
        Change(title_of(register, name), tell_json(work, register, name, before),
               tell_json(work, register, name, after))
        for name, before, after in one.changes
    ]  # fmt: skip
    return {
        "who": desk.person(one.who),
        "action": deed(one),
        "face": _(FACES.get(one.face, one.face)),
        "iso": desk.local(one.at).isoformat(timespec="minutes"),
        "when": desk.moment(one.at),
        "revision": one.revision,
        "version": one.version,
        "record": one.record,
        "record_url": url_for("register.details_view", slug=slug, id=one.record),
        "url": url_for("register.details_view", slug=slug, id=one.record, version=one.version),
        "reason": reason_of(register, one),
        "confirmed": [str(text) for _code, text in one.note.get("confirmed", ())],
        "changes": changes,
        "many": len(changes) > FOLDED,
        "shown": one.version == version,
    }


def deed(one: Entry) -> str:
    """Return what was done; a step of the workflow by its name and where it led."""
    titles = one.note.get("titles")
    if one.action != "transition" or not titles:
        return _(ACTIONS.get(one.action, one.action))
    step, source, target = titles
    if not step:
        text = "was moved from “{source}” to “{target}” by a publication"
        return _(text, source=source, target=target)
    return _("“{step}”: “{source}” → “{target}”", step=step, source=source, target=target)


def reason_of(register: Register, one: Entry) -> str:
    """Return what was said with an entry: a reason, a comment, the fields that were carried."""
    said = one.note.get("reason") or one.note.get("comment")
    return str(said or "、".join(title_of(register, name) for name in one.note.get("carried", ())))


def title_of(register: Register, name: str) -> str:
    return register[name].title if name in register else name
