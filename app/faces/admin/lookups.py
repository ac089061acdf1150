"""Lookups: what a reference picker may offer, at most ``MOST`` at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, jsonify, request
from werkzeug.wrappers import Response

from app.definitions.register import Field, Register
from app.faces.admin import addresses, desk
from app.services.reading import search_reference

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

MOST = 30
LONGEST = 100


def lookup(view: RegisterView, field: str) -> Response:
    """Return the records a reference field may name, as ``{"results": [{"id", "label"}]}``."""
    target = column_of(view.register, field, request.args.get("column", ""))
    text = request.args.get("q", "")[:LONGEST]
    addresses.check_text("q", text)
    with desk.reading() as work:
        found = search_reference(work, target.reference, text, MOST)
    return jsonify(results=[{"id": id, "label": label or f"#{id}"} for id, label in found])


def column_of(register: Register, name: str, column: str) -> Field:
    """Return a reference field, or a reference column of a child list; 404 for any other."""
    if name not in register:
        abort(404)
    field = register[name]
    if column:
        field = next((c for c in field.columns if c.name == column), field)
    if not field.reference:
        abort(404)
    return field
