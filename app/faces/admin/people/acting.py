"""For which unit somebody acts, where posts are held in several: chosen in the page's header.

The choice stands in the signed cookie of the forms; whether a post is held there is asked
whenever it counts (``Work.unit``).
"""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from flask import session as form_session
from werkzeug.wrappers import Response

from app.faces.admin import addresses, desk
from app.faces.admin.session import ACTING, local_path
from app.services.work import Work


def choose() -> Response:
    """Keep the unit a person acts for from now on."""
    asked = addresses.digits(request.form.get("unit", ""))
    if asked is not None:
        with desk.reading() as work:
            if asked in {held.unit for held in work.standing.holdings}:
                form_session[ACTING] = asked
    return redirect(local_path(request.form.get("next")))


def choices(work: Work) -> list[dict[str, Any]]:
    """Return the units to choose from, the chosen one marked; none where there is no choice."""
    units = list(dict.fromkeys(held.unit for held in work.standing.holdings))
    if len(units) < 2:
        return []
    return [{"id": u, "title": work.tree.title(u), "on": u == work.unit} for u in units]
