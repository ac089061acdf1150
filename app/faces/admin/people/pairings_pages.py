"""Pairing pages (包联): which records are paired with whom."""

from __future__ import annotations

import datetime
import math
from collections.abc import Collection
from typing import Any

from flask import jsonify, request, url_for
from werkzeug.wrappers import Response

from app.faces.admin import addresses, desk
from app.faces.admin.controls import Control
from app.faces.admin.people import common, confirming, posts_pages
from app.faces.admin.people.common import Answer
from app.services import access, pairings, reach
from app.services.effects import Change
from app.services.pairings import Wanted
from app.services.people import day_after
from app.services.reading import search_reference
from app.services.work import Work
from app.words import gettext as _

MOST = 30


def index() -> str:
    """Return the pairings in force, or those that ended."""
    with desk.reading() as work:
        access.require(work, "grant")
        slug, over = common.typed("slug"), common.typed("state") == "over"
        page = common.page_number()
        found, total = pairings.listed(
            work, slug=slug, text=common.typed("q"), page=page, over=over
        )
        return common.page(
            "pairings", work, rows=[shown(work, pairing) for pairing in found], total=total,
            page=page, last=max(1, math.ceil(total / pairings.PAGE)), search=common.typed("q"),
            registers=[("", _("every register")), *entries(work)], slug=slug, over=over,
            before=common.other_page("people.pairings", page - 1),
            after=common.other_page("people.pairings", page + 1),
            crumbs=common.crumbs((_("Pairings"), "")),
        )  # fmt: skip


def entries(work: Work) -> list[tuple[str, str]]:
    return [(entry.slug, entry.title) for entry in work.snapshot.entries.values()]


def shown(work: Work, pairing: pairings.Pairing) -> dict[str, Any]:
    known = pairing.slug in work.snapshot.entries
    return {
        "register": work.register(pairing.slug).title if known else pairing.slug,
        "label": pairing.label or _("No. {id}", id=pairing.record),
        "url": url_for("register.details_view", slug=pairing.slug, id=pairing.record)
        if pairing.label else "",
        "partner": pairing.name or work.tree.title(pairing.unit),
        "since": pairing.since.isoformat(),
        "until": common.until_shown(pairing.until),
        "end_url": url_for("people.pairing_end", id=pairing.id)
        if pairing.until is None or pairing.until > work.today else "",
    }  # fmt: skip


def find(slug: str) -> Response:
    """Return the records of a register that a picker may offer to who may see them."""
    with desk.reading() as work:
        held = work.standing.powers
        if not held & (access.POWERS["grant"] | access.POWERS["administer"]):
            access.require(work, "grant")
        work.published(slug)
        text = request.args.get("q", "")[:100].replace("\0", "")
        seeing = access.of(work, slug).can("see")
        found = search_reference(work, slug, text, MOST) if seeing else []
    return jsonify(results=[{"id": id, "label": label or f"#{id}"} for id, label in found])


def record_control(work: Work, slug: str, value: int | None = None) -> Control:
    """Return a picker of records, or for who does not see them a box for the record's number."""
    name, title = f"record-{slug}", _("Record")
    if not access.of(work, slug).can("see"):
        help = _("You do not see these records: write the number of the record.")
        return common.control(name, title, value, mode="numeric", required=True, help=help)
    label = _("No. {id}", id=value) if value else ""
    chosen = addresses.digits(common.typed(name))
    if chosen is not None:
        label = pairings.labels_of(work, [(slug, chosen)]).get((slug, chosen), "")
    url = url_for("people.find_record", slug=slug)
    return common.picker(name, title, url, label, value=value, required=True)


def new() -> Answer:
    """Pair a record with a person or a unit: first the register, then the record in it."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "grant")
            slug = common.typed("slug")
            controls = [common.choice("slug", _("Register"), entries(work), required=True)]
            if slug in work.snapshot.entries:
                controls += [
                    record_control(work, slug),
                    posts_pages.person_control("person", _("Person")),
                    common.choice("unit", _("or unit"), common.unit_options(work.tree)),
                    common.day_control("since", _("First day"), work.today, required=True),
                    common.day_control("last", _("Until and with")),
                ]
                controls[2].required = False
            heading = _("New pairing")
            return common.form(
                work, heading, controls, url_for("people.pairings"),
                submit=confirming.submit(more) if len(controls) > 1 else _("Continue"),
                crumbs=common.crumbs(
                    (_("Pairings"), url_for("people.pairings")), (heading, "")), **more,
            )  # fmt: skip

    def act() -> Response | dict[str, Any]:
        slug = common.typed("slug")
        if f"record-{slug}" not in request.form:
            return {}
        wanted = Wanted(
            slug, common.the_number(f"record-{slug}", _("Record")),
            common.number("person", _("Person"), needed=False),
            common.number("unit", _("Unit"), needed=False),
            common.the_day("since", _("First day")),
            day_after(common.day("last", _("Until and with"))),
        )  # fmt: skip

        def change(work: Work) -> Change:
            access.require(work, "grant")
            reached = paired(work, wanted.account, wanted.unit, wanted.since)
            return Change(reached, wanted.since, lambda: pairings.pair(work, wanted))

        done = _("The pairing was entered.")
        return confirming.confirmed(change, done, url_for("people.pairings"))

    return common.attempt(draw, act) if request.method == "POST" else draw()


def end(id: int) -> Answer:
    """Let a pairing end."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "grant")
            controls = [common.day_control("last", _("Until and with"), work.today, required=True)]
            heading = _("End the pairing")
            return common.form(
                work, heading, controls, url_for("people.pairings"), submit=confirming.submit(more),
                crumbs=common.crumbs(
                    (_("Pairings"), url_for("people.pairings")), (heading, "")), **more,
            )  # fmt: skip

    def act() -> Response | dict[str, Any]:
        day = day_after(common.the_day("last", _("Until and with")))
        assert day is not None

        def change(work: Work) -> Change:
            access.require(work, "grant")
            account, unit = pairings.partner(work, id)
            reached = paired(work, account, unit, day)
            return Change(reached, day, lambda: pairings.finish(work, id, day))

        return confirming.confirmed(change, _("The pairing ends."), url_for("people.pairings"))

    return common.attempt(draw, act) if request.method == "POST" else draw()


def paired(
    work: Work, account: int | None, unit: int | None, day: datetime.date
) -> Collection[int]:
    """Return the accounts a pairing reaches: the person, or all who act for the unit."""
    if account is not None:
        return [account]
    return [] if unit is None else reach.acting_for(work, unit, day)
