"""Who can see or do this, and why; what may this person do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import request

from app.definitions import permissions
from app.definitions.register import Register
from app.faces import grant_words
from app.faces.admin import addresses, desk
from app.faces.admin.people import common, units_pages
from app.services import access, effects, explaining, pairings, posts, roles
from app.services.explaining import Verdict
from app.services.posts import Filter
from app.services.work import Work
from app.words import gettext as _

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView


def of_person(id: int) -> str:
    """Return what a person may do today: powers, posts, register by register."""
    with desk.reading() as work:
        found = explaining.of_person(work, id)
        _id, login, name = explaining.person(work, id)
        standing = explaining.standing_of(work, id)
        names = roles.titles(work)
        held, _total = posts.listed(work, Filter(account=id))
        return common.page(
            "access", work, name=name, login=login, everything=standing.everything,
            powers=[grant_words.action(a) for a, p in access.POWERS.items() if standing.powers & p],
            posts=[post_row(work, names, post) for post in held],
            rows=[scope_row(work, names, scope) for scope in found],
            crumbs=common.crumbs((name, "")),
        )  # fmt: skip


def post_row(work: Work, names: dict[str, str], post: posts.Post) -> dict[str, Any]:
    return units_pages.post_row(work.tree, names, post) | {"state": post.state(work.today)}


def scope_row(work: Work, names: dict[str, str], scope: explaining.Scope) -> dict[str, Any]:
    register = work.register(scope.slug)
    return {
        "title": scope.title,
        "counts": counted(scope.counts),
        "reasons": [grant_words.reason(register, work.tree, names, why) for why in scope.reasons],
        "hidden": grant_words.fields(register, scope.hidden),
        "masked": grant_words.fields(register, scope.masked),
    }


def counted(counts: Mapping[str, int]) -> list[dict[str, str]]:
    """Return what may be done, together where it is the same number of records."""
    groups: dict[str, list[str]] = {}
    for action in permissions.MAY:
        if action in counts:
            shown = f"{counts[action]:,}" if action in effects.COUNTED else ""
            groups.setdefault(shown, []).append(action)
    return [{"action": grant_words.actions(g), "count": n} for n, g in groups.items()]


def of_record(view: RegisterView, id: int) -> str:
    """Return everybody who may see a record or do something to it, and by which post; asked for
    one person, also why not."""
    slug = view.register.slug
    with desk.reading() as work:
        found = explaining.of_record(work, slug, id)
        names = roles.titles(work)
        label = pairings.labels_of(work, [(slug, id)]).get((slug, id), "") or _("No. {id}", id=id)
        person = request.args.get("person", "")
        field = request.args.get("field", "")
        one = None
        if (account := addresses.digits(person)) is not None:
            one = asked(work, slug, account, id, field)
        return view.page(
            "people/record_access", label=label, id=id, one=one, field=field,
            rows=[verdict_row(work, names, slug, verdict) for verdict in found],
            fields=[(f.name, f.title) for f in view.register.fields],
            people=[(str(v.account), f"{v.name}（{v.login}）") for v in everybody(work, found)],
            about=person, crumbs=view.crumbs((label, f"{view.root}{id}"), (_("Access"), "")),
        )  # fmt: skip


def everybody(work: Work, found: list[Verdict]) -> list[Any]:
    """Return whom one may ask about: everybody for who gives rights, else those who are listed."""
    if not work.standing.powers & access.POWERS["grant"]:
        return list(found)
    return [Person(*row) for row in posts.people_by_name(work)]


class Person:
    """Somebody to ask about."""

    def __init__(self, account: int, login: str, name: str) -> None:
        self.account, self.login, self.name = account, login, name


def verdict_row(work: Work, names: dict[str, str], slug: str, one: Verdict) -> dict[str, Any]:
    """Return what one person may do, in words, each with the post that gives it."""
    register = work.register(slug)
    reasons: dict[str, list[str]] = {}
    for action, why in one.reasons.items():
        for reason in why:
            said = grant_words.reason(register, work.tree, names, reason)
            reasons.setdefault(said, []).append(action)
    return {
        "name": one.name,
        "login": one.login,
        "everything": one.everything,
        "reasons": [
            {"why": why, "may": grant_words.actions(actions)} for why, actions in reasons.items()
        ],
        "hidden": grant_words.fields(register, one.hidden),
        "masked": grant_words.fields(register, one.masked),
    }


def asked(work: Work, slug: str, number: int, record: int, field: str) -> dict[str, Any]:
    """Return the answer about one person: what is allowed and by what, and what is not and why."""
    found = explaining.one(work, slug, number, record, field)
    register, names = work.register(slug), roles.titles(work)
    row = verdict_row(work, names, slug, found)
    refused = [action for action in permissions.ON_ROWS if not found.allows(action)]
    denied = [
        {"action": grant_words.action(action), "why": why_not(register, names, missed)}
        for action, missed in explaining.missed(work, slug, number, record, refused).items()
    ]
    said = grant_words.field_said(found, field) if field else ""
    title = register[field].title if field else ""
    return {**row, "denied": denied, "field": said, "field_title": title}


def why_not(register: Register, names: Mapping[str, str], missed: list[explaining.Missed]) -> str:
    """Return why no grant for an action reaches."""
    if not missed:
        return _("no permission of this register gives it to anybody")
    held = [one for one in missed if one.held]
    if held:
        whose = grant_words.listed(grant_words.whose(register, one.grant) for one in held)
        return _("the role is held, but the record is not among: {rows}", rows=whose)
    wanted = dict.fromkeys(names.get(r, r) for one in missed for r in one.grant.roles)
    return _("none of these roles is held: {roles}", roles=grant_words.listed(wanted))
