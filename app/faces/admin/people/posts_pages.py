"""Post pages: who holds which role where; a new post, its end, a deputy – each with what it
changes shown before it is done."""

from __future__ import annotations

import datetime
import math
from typing import Any

from flask import jsonify, request, url_for
from werkzeug.wrappers import Response

from app.faces.admin import addresses, desk
from app.faces.admin.people import common, confirming, units_pages
from app.faces.admin.people.common import Answer
from app.services import access, posts, roles
from app.services.effects import Change
from app.services.people import day_after
from app.services.posts import Filter, Wanted
from app.services.work import Work
from app.words import gettext as _

STATES = {"now": "in force", "later": "to come", "over": "ended"}
#: people a picker offers at a time
MOST = 30


def index() -> str:
    """Return the list of posts, narrowed by person, unit, role and state."""
    with desk.reading() as work:
        access.require(work, "grant")
        chosen = addresses.digits(common.typed("unit"))
        wanted = Filter(common.typed("q"), chosen, common.typed("role"), state_asked())
        page = common.page_number()
        found, total = posts.listed(work, wanted, page)
        names = roles.titles(work)
        return common.page(
            "posts", work, rows=[shown(work, names, post) for post in found], total=total,
            page=page, last=max(1, math.ceil(total / posts.PAGE)), search=wanted.text,
            units=common.unit_options(work.tree, _("every unit")), unit=common.typed("unit"),
            roles=[("", _("every role")), *names.items()], role=wanted.role,
            states=[("all", _("all")), *((k, _(t)) for k, t in STATES.items())],
            state=wanted.state or "all", before=common.other_page("people.posts", page - 1),
            after=common.other_page("people.posts", page + 1),
            crumbs=common.crumbs((_("Posts"), "")),
        )  # fmt: skip


def state_asked() -> str:
    asked = request.args.get("state", posts.NOW)
    return asked if asked in posts.STATES else ""


def shown(work: Work, names: dict[str, str], post: posts.Post) -> dict[str, Any]:
    state = post.state(work.today)
    row = units_pages.post_row(work.tree, names, post)
    heir = work.tree.heir(post.unit) if post.unit in work.tree.units else post.unit
    return row | {
        "state": state,
        "state_text": _(STATES[state]),
        "unit_url": url_for("people.unit", id=post.unit),
        "heir": work.tree.title(heir) if heir != post.unit else "",
        "end_url": "" if state == posts.OVER else url_for("people.post_end", id=post.id),
        "deputy_url": "" if state == posts.OVER or post.deputy_of is not None
        else url_for("people.post_deputy", id=post.id),
    }  # fmt: skip


def find() -> Response:
    """Return the people a picker may offer, as ``{"results": [{"id", "label"}]}``."""
    with desk.reading() as work:
        access.require(work, "grant")
        found = posts.people_by_name(work, request.args.get("q", "")[:100].replace("\0", ""), MOST)
    return jsonify(results=[{"id": id, "label": f"{name}（{login}）"} for id, login, name in found])


def person_control(name: str, title: str) -> Any:
    """Return a picker of people that shows again whom it named."""
    label = ""
    chosen = addresses.digits(common.typed(name))
    if chosen is not None:
        with desk.reading() as work:
            label = posts.name_of(work, chosen)
    return common.picker(name, title, url_for("people.find"), label, required=True)


def new() -> Answer:
    """Give a person a role in a unit."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "grant")
            names = [("", _("(not chosen)")), *roles.titles(work).items()]
            controls = [
                person_control("person", _("Person")),
                common.choice("unit", _("Unit"), common.unit_options(work.tree), required=True),
                common.choice("role", _("Role"), names, required=True),
                common.control("title", _("Name of the post")),
                common.day_control("since", _("First day"), work.today, required=True),
                common.day_control(
                    "last", _("Until and with"), help=_("Empty for as long as it lasts.")
                ),
            ]
            return drawn(work, _("New post"), controls, **more)

    def wanted() -> tuple[Wanted, datetime.date]:
        person = common.the_number("person", _("Person"))
        since = common.the_day("since", _("First day"))
        made = Wanted(
            person, common.the_number("unit", _("Unit")),
            common.typed("role"), since, day_after(common.day("last", _("Until and with"))),
            common.typed("title"),
        )  # fmt: skip
        if not made.role:
            raise common.EntryMissing(field=_("Role"))
        return made, since

    def act() -> Response | dict[str, Any]:
        made, since = wanted()
        return confirming.confirmed(
            lambda work: Change([made.account], since, lambda: posts.appoint(work, made)),
            _("The post was entered."), url_for("people.posts"),
        )  # fmt: skip

    return common.attempt(draw, act) if request.method == "POST" else draw()


def drawn(work: Work, heading: str, controls: list[Any], **more: Any) -> str:
    return common.form(
        work, heading, controls, url_for("people.posts"),
        submit=confirming.submit(more),
        crumbs=common.crumbs((_("Posts"), url_for("people.posts")), (heading, "")), **more,
    )  # fmt: skip


def end(id: int) -> Answer:
    """Let a post be held no longer from a day on."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "grant")
            post = posts.get(work, id)
            controls = [
                common.day_control("last", _("Until and with"), required=True, help=_(
                    "The post is held on this day, and no longer from the day after.")),
            ]  # fmt: skip
            heading = _("End the post of {name}", name=post.name)
            return drawn(work, heading, controls, help=sentence(work, post), **more)

    def act() -> Response | dict[str, Any]:
        day = day_after(common.the_day("last", _("Until and with")))
        assert day is not None

        def change(work: Work) -> Change:
            access.require(work, "grant")
            post = posts.get(work, id)
            reached = [post.account, *(deputy.account for deputy in posts.deputies(work, id))]
            return Change(reached, day, lambda: posts.finish(work, id, day))

        return confirming.confirmed(change, _("The post ends."), url_for("people.posts"))

    return common.attempt(draw, act) if request.method == "POST" else draw()


def sentence(work: Work, post: posts.Post) -> str:
    """Return a post in words, for the form that changes it."""
    role = roles.titles(work).get(post.role, post.role)
    text = _("{role} in {unit}", role=role, unit=work.tree.title(post.unit))
    return f"{text} · {post.since} – {common.until_shown(post.until) or '…'}"


def deputy(id: int) -> Answer:
    """Let somebody stand in for a post for a time."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "grant")
            post = posts.get(work, id)
            controls = [
                person_control("person", _("Deputy")),
                common.day_control("since", _("First day"), work.today, required=True),
                common.day_control("last", _("Until and with"), required=True),
            ]
            heading = _("A deputy for {name}", name=post.name)
            return drawn(work, heading, controls, help=sentence(work, post), **more)

    def act() -> Response | dict[str, Any]:
        person = common.the_number("person", _("Deputy"))
        since = common.the_day("since", _("First day"))
        until = day_after(common.the_day("last", _("Until and with")))
        assert until is not None

        def change(work: Work) -> Change:
            access.require(work, "grant")
            act = posts.deputise
            return Change([person], since, lambda: act(work, id, person, since, until))

        done = _("The deputy was entered.")
        return confirming.confirmed(change, done, url_for("people.posts"))

    return common.attempt(draw, act) if request.method == "POST" else draw()
