"""Home: every register, by category."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

from app.faces.admin import chrome, desk


def blueprint() -> Blueprint:
    """Return the address ``/``."""
    made = Blueprint("home", __name__)
    made.add_url_rule("/", "index", index)
    return made


def index() -> str:
    with desk.reading() as work:
        shelves = chrome.groups(work.snapshot)
    return render_template(
        "taizhang/home.html", groups=shelves, total=sum(len(s["registers"]) for s in shelves),
        new_definition_url=url_for("definitions.new"),
    )  # fmt: skip
