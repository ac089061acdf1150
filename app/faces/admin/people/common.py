"""What the people pages share: what was typed, the form, the way between the pages."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces import grant_words
from app.faces.admin import addresses
from app.faces.admin.controls import Control
from app.services.access import POWERS
from app.services.effects import MOST, Effect
from app.services.people import last_day
from app.services.tree import Tree
from app.services.work import Work
from app.words import gettext as _
from app.words import say

Answer = str | Response | tuple[str, int]
Crumbs = Sequence[tuple[str, str]]

#: page → its name in the row of pages, and what opens it
PAGES: tuple[tuple[str, str, str], ...] = (
    ("people.units", "Units", "administer"),
    ("accounts.index", "Accounts", "administer"),
    ("people.posts", "Posts", "grant"),
    ("people.roles", "Roles", "grant"),
    ("people.pairings", "Pairings", "grant"),
    ("people.powers", "Three powers", ""),
)
LONGEST = 300


class EntryMissing(AppError):
    code = "entry.missing"
    text = "{field} is missing."


class EntryUnreadable(AppError):
    code = "entry.unreadable"
    text = "{field}: {value} cannot be read. Choose it anew, or write a day as 2024-06-30."


def typed(name: str, default: str = "") -> str:
    """Return what was typed, or what the address says to begin with."""
    values = request.form if request.method == "POST" else request.args
    return values.get(name, default).replace("\0", "").strip()[:LONGEST]


def day(name: str, title: str, *, needed: bool = False) -> datetime.date | None:
    """Return a day that was typed. Raises ``EntryMissing``, ``EntryUnreadable``."""
    text = typed(name)
    if not text:
        if needed:
            raise EntryMissing(field=title)
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise EntryUnreadable(field=title, value=text[:40]) from error


def the_day(name: str, title: str) -> datetime.date:
    """Return a day that has to be typed."""
    found = day(name, title, needed=True)
    assert found is not None
    return found


def number(name: str, title: str, *, needed: bool = True) -> int | None:
    """Return a number that was chosen. Raises ``EntryMissing``, ``EntryUnreadable``."""
    text = typed(name)
    if not text:
        if needed:
            raise EntryMissing(field=title)
        return None
    found = addresses.digits(text)
    if found is None:
        raise EntryUnreadable(field=title, value=text[:40])
    return found


def the_number(name: str, title: str) -> int:
    found = number(name, title)
    assert found is not None
    return found


def page_number() -> int:
    return addresses.whole(request.args.get("page", ""), 1)


def other_page(endpoint: str, number: int) -> str:
    """Return the address of another page of the list that is asked for."""
    kept: dict[str, Any] = {k: v for k, v in request.args.items() if k != "page"}
    return url_for(endpoint, **kept, page=number)


# ── controls


def control(name: str, title: str, value: Any = None, **more: Any) -> Control:
    """Return a control that shows what was typed, or ``value`` to begin with."""
    shown = typed(name) if name in request.values else str("" if value is None else value)
    return Control(name, f"f-{name}", name, "", title, value=shown, **more)


def day_control(name: str, title: str, value: Any = None, **more: Any) -> Control:
    return control(name, title, value, input="date", **more)


def choice(
    name: str, title: str, options: Iterable[tuple[str, str]], value: Any = None, **more: Any
) -> Control:
    made = control(name, title, value, widget="choice", **more)
    made.options = [(key, text, key == made.value) for key, text in options]
    return made


def picker(name: str, title: str, url: str, label: str = "", **more: Any) -> Control:
    """Return a control that asks the server what there is."""
    value = more.pop("value", None)
    return control(name, title, value, widget="reference", lookup=url, label=label, **more)


def unit_options(tree: Tree, blank: str = "") -> list[tuple[str, str]]:
    """Return the units in force, each moved in below the one above it."""
    found = [("", blank or _("(not chosen)"))]
    for unit in tree.valid():
        found.append((str(unit.id), "　" * len(tree.above(unit.id)) + unit.title))
    return found


def kind_options() -> list[tuple[str, str]]:
    return [(kind, _(text)) for kind, text in grant_words.KINDS.items()]


# ── pages


def crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(_("People"), url_for("people.index") if more else ""), *more]


def page(template: str, work: Work, **context: Any) -> str:
    """Return a page with the row of those its reader may open."""
    return render_template(f"taizhang/people/{template}.html", tabs=tabs(work), **context)


def tabs(work: Work) -> list[dict[str, Any]]:
    """Return the pages the actor may open."""
    held = work.standing.powers
    may = {action: bool(held & POWERS[action]) for action in ("administer", "grant")}
    may[""] = may["administer"] or may["grant"]
    return [
        {"title": _(title), "url": url_for(endpoint), "here": marked(endpoint)}
        for endpoint, title, action in PAGES
        if may[action]
    ]


def marked(endpoint: str) -> bool:
    room = endpoint.partition(".")[0]
    if room != "people" or request.blueprint != "people":
        return request.blueprint == room
    name = endpoint.removeprefix("people.").rstrip("s")
    return (request.endpoint or "").removeprefix("people.").startswith(name)


def form(work: Work, heading: str, controls: Sequence[Control], back: str, **more: Any) -> str:
    """Return a form page. ``preview`` and ``shown``: what confirming it does, and its digest."""
    return page(
        "form", work, heading=heading, controls=controls, back=back, action=request.full_path,
        **{"submit": _("Save"), "refusal": "", "preview": None, "shown": "", **more},
    )  # fmt: skip


def attempt(draw: Callable[..., str], act: Callable[[], Response | dict[str, Any]]) -> Answer:
    """Do what was sent; where it is refused, draw the form again with the reason. ``act`` may
    return what to draw instead: a preview."""
    try:
        done = act()
    except AppError as error:
        return draw(refusal=say(error), problems=[say(p) for p in error.problems]), error.status
    return done if isinstance(done, Response) else draw(**done)


def effect_shown(effect: Effect) -> dict[str, Any]:
    """Return a difference in effective access in words, by person and register."""
    groups: dict[tuple[str, str], list[str]] = {}
    for line in effect.lines:
        title = line.title or _("The platform")
        groups.setdefault((line.name, title), []).append(grant_words.difference(line))
    return {
        "day": effect.day.isoformat(),
        "people": effect.people,
        "most": MOST if effect.people > MOST else 0,
        "rows": [
            {"person": person, "register": title, "texts": texts}
            for (person, title), texts in groups.items()
        ],
    }


def until_shown(until: datetime.date | None) -> str:
    """Return the last day of a post, as people name it."""
    return str(last_day(until) or "")
