"""Role pages: what there is, who holds one, what each register lets it do."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response

from app.faces import grant_words
from app.faces.admin import desk
from app.faces.admin.people import common, confirming, units_pages
from app.faces.admin.people.common import Answer
from app.services import access, posts, reach, roles
from app.services.effects import Change
from app.services.posts import Filter
from app.services.work import Work
from app.words import gettext as _


def index() -> str:
    """Return every role, with how many hold it and where it is named."""
    with desk.reading() as work:
        access.require(work, "grant")
        rows = [
            {
                "title": role.title, "slug": role.slug, "description": role.description,
                "power": _(grant_words.POWER_NAMES[role.power]) if role.power else "",
                "held": role.held, "registers": len(roles.grants(work, role.slug)),
                "url": url_for("people.role", role=role.slug),
            }
            for role in roles.listed(work)
        ]  # fmt: skip
        return common.page("roles", work, rows=rows, crumbs=common.crumbs((_("Roles"), "")))


def new() -> Answer:
    """Add a role."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "grant")
            controls = [
                common.control("title", _("Name of the role"), required=True),
                common.control("slug", _("Short name"), required=True, help=_(
                    "Definitions name the role by it: small letters, digits, underscores.")),
                common.control("description", _("What it is for"), widget="long", wide=True),
            ]  # fmt: skip
            heading = _("New role")
            return common.form(
                work, heading, controls, url_for("people.roles"), submit=confirming.submit(more),
                crumbs=common.crumbs((_("Roles"), url_for("people.roles")), (heading, "")), **more,
            )  # fmt: skip

    def act() -> Response | dict[str, Any]:
        slug = common.typed("slug")
        given = common.typed("title"), common.typed("description")

        def change(work: Work) -> Change:
            access.require(work, "grant")
            return Change((), work.today, lambda: roles.add(work, slug, *given), named(work, slug))

        url = url_for("people.role", role=slug or "-")
        return confirming.confirmed(change, _("The role was added."), url)

    return common.attempt(draw, act) if request.method == "POST" else draw()


def show(role: str) -> Answer:
    """Return one role; rename it, or remove it where nobody ever held it."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "grant")
            found = roles.get(work, role)
            return drawn(work, found, **more)

    def act() -> Response | dict[str, Any]:
        removing = common.typed("do") == "remove"
        given = common.typed("title"), common.typed("description")

        def change(work: Work) -> Change:
            access.require(work, "grant")
            reached = reach.holding(work, role)
            if removing:
                return Change(reached, work.today, lambda: roles.remove(work, role))
            return Change(reached, work.today, lambda: roles.rename(work, role, *given))

        done = _("The role was removed.") if removing else _("The role was changed.")
        return confirming.confirmed(change, done, url_for("people.roles"))

    return common.attempt(draw, act) if request.method == "POST" else draw()


def named(work: Work, slug: str) -> tuple[tuple[str, str], ...]:
    """Return what registers say of a role already, before anybody holds it."""
    said = [(title, given) for _slug, title, grants in roles.grants(work, slug) for given in grants]
    return tuple((title, grant_words.actions(grant.may)) for title, grant in said)


def drawn(work: Work, role: roles.Role, **more: Any) -> str:
    names = roles.titles(work)
    held, _total = posts.listed(work, Filter(role=role.slug, state=posts.NOW))
    registers = []
    for slug, title, grants in roles.grants(work, role.slug):
        register = work.register(slug)
        registers += [
            {
                "title": title, "may": grant_words.actions(grant.may),
                "rows": grant_words.whose(register, grant),
                "narrowed": grant_words.narrowed(register, grant),
            }
            for grant in grants
        ]  # fmt: skip
    controls = [
        common.control("title", _("Name of the role"), role.title, required=True),
        common.control("description", _("What it is for"), role.description, widget="long",
                       wide=True),
    ]  # fmt: skip
    return common.page(
        "role", work, role=role, controls=controls, registers=registers,
        power=_(grant_words.POWER_NAMES[role.power]) if role.power else "",
        posts=[units_pages.post_row(work.tree, names, post) for post in held],
        removable=not (role.ever or registers or role.power),
        crumbs=common.crumbs((_("Roles"), url_for("people.roles")), (role.title, "")),
        do=common.typed("do"),
        **{"refusal": "", "problems": (), "preview": None, "shown": "", **more},
    )  # fmt: skip
