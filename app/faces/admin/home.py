"""Home: every register, by category."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

from app.faces.admin import chrome, desk, inbox_page, returns_pages

#: returns one sees at once; the others are behind a click
OWED = 6


def blueprint() -> Blueprint:
    """Return the address ``/``."""
    made = Blueprint("home", __name__)
    made.add_url_rule("/", "index", index)
    return made


def index() -> str:
    with desk.reading() as work:
        shelves = chrome.groups(work.snapshot, work.standing)
        publishes = chrome.publishes(work.standing)
        waiting = inbox_page.first(work)
        return render_template(
            "taizhang/home.html", groups=shelves, total=sum(len(s["registers"]) for s in shelves),
            waiting=waiting, owed=returns_pages.mine(work), owed_shown=OWED,
            new_definition_url=url_for("definitions.new") if publishes else "",
        )  # fmt: skip
