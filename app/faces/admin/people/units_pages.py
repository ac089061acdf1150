"""Unit pages: the tree as of a day, and one unit with its posts and its history."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from app.faces import grant_words
from app.faces.admin import desk
from app.faces.admin.people import common
from app.services import access, pairings, posts, reorganising, roles, units
from app.services.posts import Filter
from app.services.tree import Tree, Unit
from app.services.work import Work
from app.words import gettext as _

#: what happened → the sentence
TOLD = {
    units.FOUNDED: "Entered as {after}",
    units.RENAMED: "Renamed from {before} to {after}",
    units.MOVED: "Moved from {from_unit} to {to_unit}",
    units.MERGED: "Merged into {units}",
    units.RECEIVED: "Took over {units}",
    units.SPLIT: "Split into {units}",
    units.ENDED: "Ended",
    units.LINKED: "Linked with a record",
}


def start() -> Response:
    """Lead to the first page the person may open."""
    with desk.reading() as work:
        held = work.standing.powers
    first = "people.units" if held & access.POWERS["administer"] else "people.posts"
    return redirect(url_for(first))


def index() -> str:
    """Return the tree of units, as of today or another day."""
    text = common.typed("q")
    with desk.reading() as work:
        access.require(work, "administer")
        on = common.day("on", _("As of")) or work.today
        tree = work.tree if on == work.today else units.tree(work, on)
        found = units.search(tree, text) if text else tree.valid()
        held = counts(work)
        return common.page(
            "units", work, rows=[row(tree, unit, held, flat=bool(text)) for unit in found],
            on=on.isoformat(), today=work.today.isoformat(), search=text,
            crumbs=common.crumbs((_("Units"), "")), past=on != work.today,
        )  # fmt: skip


def counts(work: Work) -> dict[int, int]:
    """Return unit → posts in force today."""
    found: dict[int, int] = {}
    for unit, number in posts.by_unit(work).items():
        found[work.tree.heir(unit)] = found.get(work.tree.heir(unit), 0) + number
    return found


def row(tree: Tree, unit: Unit, held: dict[int, int], *, flat: bool) -> dict[str, Any]:
    above = tree.above(unit.id)
    return {
        "title": unit.title,
        "code": unit.code,
        "kind": _(grant_words.KINDS[unit.kind]),
        "level": 0 if flat else len(above),
        "path": " / ".join(tree.title(u) for u in reversed(above)) if flat else "",
        "posts": held.get(unit.id, 0),
        "url": url_for("people.unit", id=unit.id, on=request.args.get("on") or None),
    }


def show(id: int) -> str:
    """Return one unit: its facts, what stands below it, its posts, what happened to it."""
    with desk.reading() as work:
        access.require(work, "administer")
        unit = units.get(work, id)
        on = common.day("on", _("As of")) or work.today
        tree = units.tree(work, on)
        then = tree[id]
        names = roles.titles(work)
        found, _total = posts.listed(work, Filter(unit=id, state=posts.NOW))
        touched = reorganising.touched(work, [id], on)
        return common.page(
            "unit", work, title=then.title, unit=facts(work, tree, then), id=id,
            on=on.isoformat(), past=on != work.today, valid=unit.is_valid(work.today),
            open=unit.until is None,
            heir=None if tree.heir(id) == id else link_to(tree, tree.heir(id)),
            merged=[link_to(tree, u) for u in sorted(tree.own(id) - {id})],
            below=[link_to(tree, u.id) for u in tree.children.get(id, ()) if u.is_valid(on)],
            above=[link_to(tree, u) for u in reversed(tree.above(id))],
            posts=[post_row(tree, names, post) for post in found],
            records=[{"title": t, "count": f"{n:,}"} for t, n in touched.records],
            events=[event_row(work, event) for event in units.events(work, id)],
            crumbs=common.crumbs((_("Units"), url_for("people.units")), (then.title, "")),
        )  # fmt: skip


def link_to(tree: Tree, number: int) -> dict[str, str]:
    return {"title": tree.title(number), "url": url_for("people.unit", id=number)}


def facts(work: Work, tree: Tree, unit: Unit) -> list[dict[str, str]]:
    """Return what is known of a unit, as title, text and address."""
    found = [
        {"title": _("Code"), "text": unit.code},
        {"title": _("Kind"), "text": _(grant_words.KINDS[unit.kind])},
        {"title": _("From"), "text": unit.since.isoformat()},
        {"title": _("Until and with"), "text": common.until_shown(unit.until)},
    ]
    if unit.slug and unit.record is not None and unit.slug in work.snapshot.entries:
        title = work.register(unit.slug).title
        label = pairings.labels_of(work, [(unit.slug, unit.record)]).get((unit.slug, unit.record))
        url = url_for("register.details_view", slug=unit.slug, id=unit.record) if label else ""
        text = label or _("No. {id}", id=unit.record)
        found.append({"title": _("Stands for"), "text": f"{title} · {text}", "url": url})
    return found


def post_row(tree: Tree, names: dict[str, str], post: posts.Post) -> dict[str, Any]:
    return {
        "name": post.name, "login": post.login, "role": names.get(post.role, post.role),
        "title": post.title, "since": post.since.isoformat(), "unit": tree.title(post.unit),
        "until": common.until_shown(post.until), "deputy": post.deputy_of is not None,
        "url": url_for("people.access", id=post.account),
    }  # fmt: skip


def event_row(work: Work, event: units.Event) -> dict[str, Any]:
    """Return what happened to a unit in words, with when it takes effect."""
    note, tree = event.note, work.tree
    before, after = note.get("title", ("", ""))
    came, went = note.get("parent", (None, None))
    others = note.get("into") or note.get("from") or ()
    top = _("the top")
    values = {
        "before": before or "", "after": after or "", "units": units.titles(tree, others),
        "from_unit": tree.title(came) or top, "to_unit": tree.title(went) or top,
    }  # fmt: skip
    return {
        "text": _(TOLD[event.action], **values),
        "reason": note.get("reason", ""),
        "effective": event.effective.isoformat(),
        "later": event.effective > work.today,
        "when": desk.moment(event.at),
        "who": desk.person(event.who),
    }
