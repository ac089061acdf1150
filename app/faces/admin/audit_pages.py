"""Audit pages: the log for whoever may read it. That it was read stands in it, too."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, current_app, render_template, request, url_for
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from app.errors import QueryRefused, because
from app.faces import audited
from app.faces.admin import desk
from app.faces.admin.exchange_pages import TYPES, sent, spool
from app.services import access
from app.services.audit import alarms, clocks, searching, watching
from app.services.audit.events import EVENTS
from app.services.audit.searching import Entry, Position, Search
from app.services.work import Work
from app.words import gettext as _

#: parameters of a search, as they stand in the address
NAMES = ("since", "until", "person", "event", "object", "id", "address", "text", "result")
#: those that are folded away until they are used
NARROWING = ("object", "id", "address", "result", "text")
LONGEST = 100


def blueprint() -> Blueprint:
    """Return the addresses below ``/audit/``."""
    made = Blueprint("audit", __name__, url_prefix="/audit")
    made.add_url_rule("/", "index", index)
    made.add_url_rule("/export", "export", export, methods=["POST"])
    return made


def index() -> str:
    """Show what was looked for, newest first. A search is recorded before it is answered; its
    further pages are not again: their addresses are signed for this search and this session."""
    with desk.reading() as work:
        access.require(work, "audit")
        given = asked(request.args)
        search = read(given)
        after = position(given)
        if after is None:
            searching.note_reading(desk.platform(), work, search)
        # what was noted a moment ago is seen by a reading that begins now
        with desk.platform().reading(work.actor) as fresh:
            found = searching.page(fresh, search, after)
        return page(work, given, found, after, alarming(work) if not any(given.values()) else {})


def alarming(work: Work) -> dict[str, Any]:
    """Return the alarms of the last days, what raises one, and how the clocks stand."""
    now = clocks.read(work.tx)
    return {
        "rows": [(audited.local(one.at), audited.alarm(one)) for one in watching.recent(work)],
        "url": url_for("audit.index", event=watching.RAISED),
        "conditions": [audited.condition(one) for one in alarms.read(desk.platform().data_dir)],
        "clocks": audited.clocks(now),
        "wrong": now.wrong,
    }


def export() -> Response:
    """Send what was looked for as a file, when that is recorded."""
    with desk.reading() as work:
        access.require(work, "audit")
    format = request.form.get("format", "")
    if format not in searching.FORMATS:
        said = "There is no export as {format}."
        raise QueryRefused(reason=because(said, format=format[:20]))
    search = read(asked(request.form))
    with spool() as out, desk.reading() as work:
        searching.export(desk.platform(), work, search, format, out, audited.table())
    return sent(out, f"{_('Audit log')}.{format}", TYPES[format])


def asked(given: Any) -> dict[str, str]:
    """Return the parameters of a search, each once and not longer than it may be."""
    return {name: given.get(name, "").strip()[:LONGEST] for name in NAMES}


def read(given: dict[str, str]) -> Search:
    """Return what is looked for. Raises ``QueryRefused``, naming what cannot be read."""
    if given["event"] and given["event"] not in EVENTS:
        said = "There is no event {name}."
        raise QueryRefused(reason=because(said, name=given["event"]))
    kind, _, slug = given["object"].partition(":")
    until = day(given["until"])
    return Search(
        since=day(given["since"]),
        until=until and until + datetime.timedelta(days=1),
        person=clean(given["person"]),
        event=given["event"],
        slug=clean(slug),
        kind="" if slug else clean(kind),
        id=clean(given["id"]),
        address=clean(given["address"]),
        text=clean(given["text"]),
        result=given["result"] if given["result"] in audited.RESULTS else "",
    )


def clean(text: str) -> str:
    """Return a text as a database takes it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def day(text: str) -> datetime.datetime | None:
    """Return the beginning of a day of the office's calendar as it is stored."""
    if not text:
        return None
    try:
        at = datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time())
        return audited.stored(at)
    except (ValueError, OverflowError):
        said = "“{text}” is not a day. Write it as 2026-01-31."
        raise QueryRefused(reason=because(said, text=text)) from None


# ── further pages


def signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="audit page")


def digest(given: dict[str, str]) -> str:
    return hashlib.sha256(repr(sorted(given.items())).encode("utf-8", "replace")).hexdigest()[:16]


def position(given: dict[str, str]) -> Position | None:
    """Return where a page begins that this person was led to by a page of the same search."""
    try:
        session, search, at, number = signer().loads(request.args.get("after", ""))
        if (session, search) != (desk.actor().session, digest(given)):
            return None
        return datetime.datetime.fromisoformat(at), int(number)
    except (BadData, ValueError, TypeError):
        return None


def further(given: dict[str, str], last: Entry) -> str:
    """Return the address of the page after the one that ends with ``last``."""
    place = [desk.actor().session, digest(given), last.at.isoformat(), last.number]
    return address(given, after=str(signer().dumps(place)))


def address(given: dict[str, str], **more: str) -> str:
    kept = {name: value for name, value in given.items() if value}
    place = url_for("audit.index")
    query = urlencode({**kept, **more})
    return f"{place}?{query}" if query else place


# ── the page


def page(
    work: Work,
    given: dict[str, str],
    found: list[Entry],
    after: Position | None,
    alarmed: dict[str, Any],
) -> str:
    shown = found[: searching.PAGE]
    return render_template(
        "taizhang/audit.html",
        crumbs=[(_("Audit log"), "")],
        given=given,
        alarmed=alarmed,
        entries=[told(work, entry) for entry in shown],
        searched=any(given.values()),
        narrowed=any(given[name] for name in NARROWING),
        more_url=further(given, shown[-1]) if len(found) > len(shown) else "",
        first_url=address(given) if after else "",
        clear_url=url_for("audit.index"),
        export_url=url_for("audit.export"),
        formats=[("xlsx", "Excel"), ("csv", "CSV"), ("jsonl", "JSON")],
        events=sorted(((code, audited.title(code)) for code in EVENTS), key=lambda e: e[0]),
        objects=objects(work),
        results=[(code, _(text)) for code, text in audited.RESULTS.items()],
    )


def objects(work: Work) -> list[tuple[str, str]]:
    """Return what may be looked for: the kinds of objects, then every register."""
    kinds = [(kind, _(text)) for kind, text in audited.OBJECTS.items()]
    shelves = work.snapshot.menu()
    registers = [(f"register:{e.slug}", e.title) for _, shelf in shelves for e in shelf]
    return [*kinds, *registers]


def told(work: Work, entry: Entry) -> dict[str, Any]:
    """Return an entry for the page: its sentence, and every fact for who opens it."""
    register = work.snapshot.entries.get(entry.slug)
    thing = _(audited.OBJECTS.get(entry.object_type, entry.object_type))
    facts = [
        (_("Number"), str(entry.number)),
        (_("Event"), f"{audited.title(entry.event)} ({entry.event})"),
        (_("By way of"), _(audited.FACES.get(entry.face, entry.face))),
        (_("Address"), entry.address),
        (_("Account number"), entry.actor),
        (_("Unit"), work.tree.title(entry.unit) or entry.unit),
        (_("Session"), entry.session),
        (_("Request"), entry.request),
        (_("Kind of object"), thing),
        (_("Register"), register.title if register else entry.slug),
        (_("Object"), entry.object_id),
        (_("Revision"), entry.revision),
        *((_(audited.VALUES.get(k, k)), audited.shown(v)) for k, v in entry.values.items()),
        (_("Hash of the entry before"), entry.before),
        (_("Hash"), entry.hash),
    ]
    return {
        "number": entry.number,
        "sentence": audited.sentence(entry),
        "title": audited.title(entry.event),
        "when": audited.local(entry.at),
        "iso": entry.at.isoformat() + "Z",
        "refused": entry.result != "ok",
        "address": entry.address,
        "facts": [(name, str(value)) for name, value in facts if value not in (None, "")],
    }
