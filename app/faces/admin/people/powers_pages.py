"""The page of the three powers: who holds which, switching the separation on and off."""

from __future__ import annotations

import datetime
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces import grant_words
from app.faces.admin import desk
from app.faces.admin.people import common, confirming
from app.faces.admin.people.common import Answer
from app.services import access, powers, reach
from app.services.effects import Change
from app.services.standing import SECURITY, SYSTEM
from app.services.work import Work
from app.words import gettext as _
from app.words import say

#: what is sent → what is done, and what is said then
DOES = {
    "on": (powers.switch_on, "The three powers are kept apart from now on."),
    "ask": (powers.ask_off, "The wish was noted. The other administrator confirms it here."),
    "withdraw": (powers.withdraw_off, "The wish was taken back."),
    "off": (powers.confirm_off, "The three powers are not kept apart any more."),
}
#: acts whose difference in access is shown before they are done
SHOWN = ("on", "off")
#: what each power does, beside its name
PARTS = {
    "system": "Units, accounts, definitions, settings.",
    "security": "Roles, posts, pairings; explains who may do what.",
    "audit": "Reads the audit log.",
}


class ActUnknown(AppError):
    code = "powers.act_unknown"
    status = 400
    text = "This form is not understood. Reload the page and try again."


def show() -> Answer:
    """Return how it stands; do what was asked for."""

    def act() -> Response | dict[str, Any]:
        found = DOES.get(common.typed("do"))
        if found is None:
            raise ActUnknown()
        deed, done = found
        if common.typed("do") in SHOWN:

            def change(work: Work) -> Change:
                return Change(reach.powerful(work), work.today, lambda: deed(work))

            return confirming.confirmed(change, _(done), url_for("people.powers"))
        with desk.writing() as work:
            deed(work)
        flash(_(done), "success")
        return redirect(url_for("people.powers"))

    return common.attempt(draw, act) if request.method == "POST" else draw()


def draw(**more: Any) -> str:
    with desk.reading() as work:
        held = work.standing.powers
        if not held & (access.POWERS["administer"] | access.POWERS["grant"]):
            access.require(work, "administer")
        state = powers.state(work)
        holders = [
            {"title": _(grant_words.POWER_NAMES[power]), "part": _(PARTS[power]), "names": names}
            for power, names in state.holders.items()
        ]
        return common.page(
            "powers", work, on=state.on, holders=holders, asked=asked(state),
            reasons=[say(reason) for reason in state.reasons], acts=acts(work, state),
            crumbs=common.crumbs((_("Three powers"), "")),
            do=common.typed("do"),
            **{"refusal": "", "problems": (), "preview": None, "shown": "", **more},
        )  # fmt: skip


def asked(state: powers.State) -> dict[str, str] | None:
    if not state.asked:
        return None
    at = datetime.datetime.fromisoformat(state.asked["at"])
    return {"who": state.asked["name"], "when": desk.moment(at)}


def acts(work: Work, state: powers.State) -> list[str]:
    """Return what the actor may do here now."""
    held = work.standing.powers
    if not state.on:
        return ["on"] if held & access.POWERS["administer"] and not state.reasons else []
    mine = [power for power in (SYSTEM, SECURITY) if power in held]
    if not mine:
        return []
    if not state.asked:
        return ["ask"]
    return ["withdraw"] if state.asked["power"] == mine[0] else ["off", "withdraw"]
