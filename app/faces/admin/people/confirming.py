"""Confirming: a change is done once its difference in effective access was shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect
from werkzeug.wrappers import Response

from app.faces.admin import desk
from app.faces.admin.people import common
from app.services import effects
from app.services.effects import Change, Effect, EffectMoved
from app.services.work import Work
from app.words import gettext as _
from app.words import say


def confirmed(change: Callable[[Work], Change], done: str, url: str) -> Response | dict[str, Any]:
    """Do a change whose difference was shown, and lead to ``url``; show the difference where it
    was not yet, or where it is another one by now."""
    shown = common.typed("shown")
    try:
        with desk.writing() as work:
            wanted = change(work)
            if not shown:
                return previewed(effects.preview(work, wanted))
            effects.carry_out(work, wanted, shown)
    except EffectMoved as moved:
        return previewed(moved.effect) | {"refusal": say(moved)}
    flash(done, "success")
    return redirect(url)


def previewed(effect: Effect) -> dict[str, Any]:
    """Return what a page draws of a difference: it, and the digest that says it was shown."""
    preview = {"effect": common.effect_shown(effect), "facts": effect.facts}
    return {"preview": preview, "shown": effect.digest}


def submit(more: dict[str, Any]) -> str:
    """Return what the button says: show first, then confirm."""
    return _("Confirm") if more.get("shown") else _("Show what it changes")
