"""The administrators' pages of units, posts, roles, pairings, and of who may do what."""

from __future__ import annotations

from flask import Blueprint

from app.faces.admin.people import (
    access_pages,
    acting,
    import_pages,
    pairings_pages,
    posts_pages,
    powers_pages,
    roles_pages,
    units_changes,
    units_pages,
)

#: an id; a larger number in an address is no address
ID = f"<int(max={2**63 - 1}):id>"


def blueprint() -> Blueprint:
    """Return every address below ``/people/``, but for the accounts'."""
    made = Blueprint("people", __name__, url_prefix="/people")
    both = ("GET", "POST")
    made.add_url_rule("/", "index", units_pages.start)
    made.add_url_rule("/acting", "acting", acting.choose, methods=("POST",))
    made.add_url_rule("/find", "find", posts_pages.find)
    made.add_url_rule("/find/<slug>", "find_record", pairings_pages.find)
    made.add_url_rule("/units/", "units", units_pages.index)
    made.add_url_rule("/units/new", "unit_new", units_changes.new, methods=both)
    made.add_url_rule(f"/units/{ID}", "unit", units_pages.show)
    acts = "<any(rename, move, merge, split, end, link):act>"
    made.add_url_rule(f"/units/{ID}/{acts}", "unit_change", units_changes.change, methods=both)
    made.add_url_rule("/posts/", "posts", posts_pages.index)
    made.add_url_rule("/posts/new", "post_new", posts_pages.new, methods=both)
    made.add_url_rule(f"/posts/{ID}/end", "post_end", posts_pages.end, methods=both)
    made.add_url_rule(f"/posts/{ID}/deputy", "post_deputy", posts_pages.deputy, methods=both)
    made.add_url_rule("/pairings/", "pairings", pairings_pages.index)
    made.add_url_rule("/pairings/new", "pairing_new", pairings_pages.new, methods=both)
    made.add_url_rule(f"/pairings/{ID}/end", "pairing_end", pairings_pages.end, methods=both)
    made.add_url_rule("/roles/", "roles", roles_pages.index)
    made.add_url_rule("/roles/new", "role_new", roles_pages.new, methods=both)
    made.add_url_rule("/roles/<role>", "role", roles_pages.show, methods=both)
    made.add_url_rule("/powers", "powers", powers_pages.show, methods=both)
    made.add_url_rule(f"/access/{ID}", "access", access_pages.of_person)
    what = "<any(units, people, pairings):what>"
    made.add_url_rule(f"/import/{what}", "imported", import_pages.show, methods=both)
    made.add_url_rule(f"/import/{what}/template.xlsx", "template", import_pages.template)
    return made
