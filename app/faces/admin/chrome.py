"""Chrome: what stands around every page – menu, static files, symbols."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    render_template,
    send_from_directory,
    url_for,
)
from flask import request as asked
from markupsafe import Markup, escape

from app.errors import AppError
from app.faces.admin import desk, inbox_page
from app.faces.admin.people import acting
from app.faces.admin.session import current_person, open_to_all
from app.services import notices
from app.services.access import POWERS
from app.services.standing import Standing
from app.storage.catalog import Snapshot
from app.words import CHINESE, current_language, gettext

STATIC = Path(__file__).parent / "static"
YEAR = 365 * 86400
#: With more registers than this the menu gets a box to search in.
MANY = 12
#: With more registers than this only the category at hand is open.
VERY_MANY = 40
#: menus kept drawn: one for each set of roles, language and revision of the catalogue
MENUS = 200


def install(app: Flask) -> None:
    """Give templates their globals and serve the static files."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(asset=asset, icon=icon, menu=menu, desk_links=inbox_page.links)
    app.jinja_env.globals["unread_notices"] = unread_notices
    app.context_processor(surroundings)
    static = Blueprint("pages_static", __name__, template_folder="templates")
    static.add_url_rule("/assets/<digest>/<path:name>", "asset", serve_asset)
    app.register_blueprint(static)


@cache
def digest() -> str:
    """Return a digest of all static files: it stands in their addresses, so that a browser may
    keep them for ever and modules find each other."""
    whole = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a static file."""
    root = g.get("assets")
    if root is None:
        root = g.assets = url_for("pages_static.asset", digest=digest(), name=".")[:-1]
    return f"{root}{name}"


@open_to_all
def serve_asset(digest: str, name: str) -> Response:
    """Send a static file; only an address with today's digest is kept."""
    answer = send_from_directory(STATIC, name)
    if digest == globals()["digest"]():
        answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    else:
        answer.headers["Cache-Control"] = "no-cache"
    return answer


def icon(name: str) -> Markup:
    """Return one symbol of the sprite."""
    drawn: dict[str, Markup] = current_app.extensions.setdefault("icons", {})
    place = asset(f"icons.svg#{name}")
    if place not in drawn:
        drawn[place] = Markup('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>').format(
            place
        )
    return drawn[place]


def surroundings() -> dict[str, Any]:
    """Return what every template may name."""
    return {
        "page_language": "zh-CN" if current_language() == CHINESE else "en",
        "home_url": url_for("home.index"),
        "sign_out_url": url_for("session.sign_out"),
        "person": current_person(),
        "acting": lambda: g.get("acting", ()),
    }


def unread_notices() -> int:
    """Return how many notices the person has not read; nothing on the page that says that the
    database is away."""
    if "unread" not in g:
        try:
            with desk.reading() as work:
                g.unread = notices.unread(work)
        except AppError:
            return 0
    found: int = g.unread
    return found


def menu() -> Markup:
    """Return the registers by category. Drawn once for each snapshot and language; the page
    at hand is marked in the finished text."""
    with desk.reading() as work:
        snapshot, standing = work.snapshot, work.standing
        # the header needs them a little later: one reading for both
        g.acting = acting.choices(work)
    whose = "everything" if standing.everything else (standing.roles, standing.powers)
    key = (snapshot.stamp, whose, current_language(), asked.script_root)
    kept: OrderedDict[Any, str] = current_app.extensions.setdefault("menu", OrderedDict())
    drawn = kept.get(key)
    if drawn is None:
        drawn = kept[key] = draw(snapshot, standing)
        while len(kept) > MENUS:
            kept.popitem(last=False)
    return mark(drawn, snapshot)


def draw(snapshot: Snapshot, standing: Standing) -> str:
    shelves = groups(snapshot, standing)
    total = sum(len(shelf["registers"]) for shelf in shelves)
    return render_template(
        "taizhang/menu.html", groups=shelves, many=total > MANY, open=total <= VERY_MANY,
        tools=tools(standing),
    )  # fmt: skip


#: action → the powers that are offered its page; who gives rights, or keeps units, does both
OFFERED = {**POWERS, "rights": POWERS["administer"] | POWERS["grant"]}
#: (action, endpoint, symbol, words) of the pages on which the platform is kept
TOOLS = (
    ("publish", "definitions.index", "doc", "Definitions"),
    ("rights", "people.index", "user", "People and permission"),
    ("administer", "accounts.index", "user", "Accounts"),
    ("audit", "audit.index", "clock", "Audit log"),
    ("administer", "calendar.show", "table", "Calendar of working days"),
    ("administer", "jobs.show", "undo", "Background jobs"),
    ("administer", "webhooks.index", "send", "Messages to the outside"),
)


def tools(standing: Standing) -> list[dict[str, str]]:
    """Return the links to the pages on which the platform itself is kept."""
    return [
        {"url": url_for(endpoint), "icon": symbol, "title": gettext(words)}
        for power, endpoint, symbol, words in TOOLS
        if standing.powers & OFFERED[power]
    ]


def publishes(standing: Standing) -> bool:
    return bool(standing.powers & POWERS["publish"])


def groups(snapshot: Snapshot, standing: Standing) -> list[dict[str, Any]]:
    """Return the registers in which somebody may do something, by category, each with its
    address."""
    shelves = [
        {
            "title": title,
            "registers": [
                {
                    "title": entry.title,
                    "slug": entry.slug,
                    "url": url_for("register.index_view", slug=entry.slug),
                    "create": standing.everything or bool(standing.roles & entry.creators),
                }
                for entry in entries
                if standing.everything or standing.roles & entry.roles
            ],
        }
        for title, entries in snapshot.menu()
    ]
    return [shelf for shelf in shelves if shelf["registers"]]


def mark(text: str, snapshot: Snapshot) -> Markup:
    """Mark the page at hand in the drawn menu, and open its category."""
    slug = g.get("slug")
    if slug in snapshot.entries:
        place = f'href="{escape(url_for("register.index_view", slug=slug))}"'
        before, found, after = text.partition(place)
        if found:
            shut = before.rfind('<details class="side-group">')
            opened = before.rfind("<details")
            if shut >= 0 and shut == opened:
                before = f'{before[:shut]}<details class="side-group" open>{before[shut + 28 :]}'
            text = f'{before}{found} aria-current="page"{after}'
    elif asked.endpoint in {endpoint for _power, endpoint, _icon, _words in TOOLS}:
        place = f'href="{escape(url_for(asked.endpoint))}"'
        text = text.replace(place, f'{place} aria-current="page"')
    return Markup(text)
