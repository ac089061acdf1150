"""Workflow pages: the steps of a record, the way it has come, joint review, steps for many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request, url_for
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from app.definitions.flow import State, Transition
from app.errors import AppError, Problem, RecordNotFound
from app.faces.admin import addresses, controls, desk, entry, files, listing
from app.faces.admin.listing import COLOURS
from app.services import access, history, joint, records, reviewing, whereabouts, workflow
from app.services.lists import Query
from app.services.moves import Order
from app.services.reading import visible_row
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

ANSWERS = {joint.AGREE: "agree", joint.OBJECT: "object", joint.ASK: "needs more material"}
RESULTS = {
    joint.AGREED: "agreed", joint.REFUSED: "not agreed",
    joint.DROPPED: "ended without a result", "": "under way",
}  # fmt: skip
#: records of a preview that are listed by name
LISTED = 50


def brief(problem: Problem) -> str:
    """Return a reason to stand beside others, without its full stop."""
    return say(problem).rstrip("。.")


def badge(state: State) -> Markup:
    """Return a state as a coloured word."""
    return Markup('<span class="tag{}">{}</span>').format(
        COLOURS.get(state.colour, ""), escape(state.title)
    )


def panel(view: RegisterView, work: Work, id: int, entries: list[history.Entry]) -> dict[str, Any]:
    """Return what a record's page shows of its workflow; nothing for a register without one."""
    slug = view.register.slug
    if view.register.workflow is None:
        return {}
    row = visible_row(work, view.published, id)
    reviews = joint.rounds(work, slug, id)
    holder = whereabouts.holder_of(work, slug, row, reviews)
    assert holder is not None
    return {
        "badge": badge(holder.state),
        "since": desk.moment(holder.since),
        "holders": "、".join(holder.names),
        "due": holder.due,
        "final": holder.state.final,
        "steps": [
            {
                "title": one.transition.title,
                "url": url_for("register.step_view", id=id, step=one.transition.name),
                "reasons": [brief(problem) for problem in one.reasons],
                # what leads on, not what leads back or ends it
                "main": one.transition.comment != "required"
                and one.transition.target != view.register.workflow.initial,
            }
            for one in workflow.transitions_of(work, slug, row)
        ],
        "way": [
            {
                "who": desk.person(one.who), "when": desk.moment(one.at), "step": one.step,
                "target": one.target, "class": COLOURS.get(one.colour, ""),
                "comment": one.comment, "units": "、".join(one.units),
            }
            for one in whereabouts.way_of(work, slug, entries)
        ],
        "rounds": rounds(work, slug, row, reviews),
    }  # fmt: skip


def rounds(
    work: Work, slug: str, row: Mapping[str, Any], found: list[joint.Round]
) -> list[dict[str, Any]]:
    """Return the joint reviews of a stored row, the newest first."""
    mine = {answer.id for answer in reviewing.mine(work, found)}
    # who reviews the record may urge
    urge = bool(found) and access.of(work, slug).allows("review", row)
    return [
        {
            "id": one.id,
            "result": _(RESULTS[one.result]),
            "open": one.closed_at is None,
            "opened": desk.moment(one.opened_at),
            "due": one.due,
            "urge": urge and one.closed_at is None and bool(one.missing),
            "answers": [
                {
                    "unit": work.tree.title(answer.unit), "unit_id": answer.unit,
                    "answer": _(ANSWERS[answer.answer]) if answer.answer else "",
                    "good": answer.answer == joint.AGREE, "reason": answer.reason,
                    "who": answer.who, "when": desk.moment(answer.at),
                    "urged": desk.moment(answer.urged_at), "mine": answer.id in mine,
                }
                for answer in one.answers
            ],
        }
        for one in found
    ]  # fmt: skip


def step(view: RegisterView, id: int, name: str) -> str | Response | tuple[str, int]:
    """Ask for what belongs to a step, then make it."""
    if request.method != "POST":
        return asked(view, id, name)
    slug, here = view.register.slug, url_for("register.details_view", id=id)
    version = number(request.form.get("_version", ""))
    units = [int(u) for u in request.form.getlist("units") if u.isdecimal() and len(u) < 18]
    try:
        with desk.writing() as work:
            values = entry.typed_of(view.register, request.form)
            comment = request.form.get("comment", "")
            way = workflow.way_of(work.published(slug), name)
            made = workflow.move(work, slug, id, version, name, comment, values, units)
    except (RecordNotFound, workflow.NoWorkflow):
        raise
    except AppError as refused:
        return asked(view, id, name, refused), refused.status
    told = _("“{title}” is done: {label}.", title=way.title, label=view.name_of(made))
    flash(told, "success")
    return redirect(here)


def asked(view: RegisterView, id: int, name: str, refused: AppError | None = None) -> str:
    with desk.reading() as work:
        record = records.get(work, view.register.slug, id)
        way = workflow.way_of(work.published(view.register.slug), name)
        typed = entry.typed_of(view.register, request.form) if refused else {}
        return view.page(
            "step", label=view.name_of(record), id=id, version=record.version, way=way,
            target=badge(target_of(view, way)), here=f"{view.root}{id}",
            action=f"{view.root}{id}/step/{name}", refusal=say(refused) if refused else "",
            problems=further(refused) if refused else [],
            units=choice_of_units(work) if way.chosen else [],
            comment=request.form.get("comment", ""), fields=fields(view, work, way, record, typed),
            crumbs=view.crumbs((view.name_of(record), f"{view.root}{id}"), (way.title, "")),
        )  # fmt: skip


def further(refused: AppError) -> list[str]:
    """Return what a refusal lists beside the reason that stands in its own sentence."""
    said = say(refused)
    return [say(p) for p in refused.problems if brief(p) not in said]


def target_of(view: RegisterView, way: Transition) -> State:
    flow = view.register.workflow
    assert flow is not None
    return flow.state(way.target)


def fields(
    view: RegisterView, work: Work, way: Transition, record: Any, typed: dict[str, Any]
) -> list[Any]:
    """Return controls for the fields a step requires; lists of rows are filled in on the form."""
    shown = [view.register[name] for name in way.require if name not in record.hidden]
    shown = [f for f in shown if not f.columns and not f.derived and f.name not in record.masked]
    stored = entry.stored_as_typed(view.register, dict(record.values))
    drawing = controls.Drawing(
        view.register.slug, {**stored, **typed}, {}, {}, {}, {},
        lambda register, text: listing.named(work, register, text),
        lambda ids: files.facts(work, ids, record.id),
    )  # fmt: skip
    return [controls.draw(drawing, field) for field in shown]


def choice_of_units(work: Work) -> list[tuple[int, str, str]]:
    """Return the units that may be chosen today: (id, name, name of the unit above)."""
    tree = work.tree
    valid = [unit for unit in tree.units.values() if unit.is_valid(work.today)]
    valid.sort(key=lambda unit: (unit.parent or 0, unit.position, unit.code))
    return [(unit.id, unit.title, tree.title(unit.parent)) for unit in valid]


def answer(view: RegisterView, id: int) -> Response:
    """Take a unit's answer in a joint review."""
    form, here = request.form, url_for("register.details_view", id=id)
    round_id, unit = number(form.get("round", "")), number(form.get("unit", ""))
    said, reason = form.get("answer", ""), form.get("reason", "")
    try:
        with desk.writing() as work:
            reviewing.answer(work, view.register.slug, id, round_id, unit, said, reason)
    except RecordNotFound:
        raise
    except AppError as refused:
        flash(say(refused), "danger")
        return redirect(f"{here}#joint")
    flash(_("The answer is on record."), "success")
    return redirect(here)


def urge(view: RegisterView, id: int) -> Response:
    """Urge the units that have not answered."""
    try:
        with desk.writing() as work:
            count = reviewing.urge(work, view.register.slug, id)
        flash(_("{count} units were urged.", count=count), "success")
    except RecordNotFound:
        raise
    except AppError as refused:
        flash(say(refused), "danger")
    return redirect(url_for("register.details_view", id=id) + "#joint")


def number(text: str) -> int:
    """Return a number of a form. Anything else is no form of ours: 404."""
    return whole([text])[0]


# ── many at once


def tabs(view: RegisterView, work: Work, query: Query) -> list[dict[str, Any]]:
    """Return the states with their counts, as tabs above the list."""
    flow = view.register.workflow
    if flow is None:
        return []
    counts = whereabouts.state_counts(work, view.register.slug)
    whole = [("", _("All"), sum(counts.values()))]
    return [
        {
            "title": title, "count": f"{count:,}", "on": query.state == name,
            "url": view.root + addresses.build(query, state=name, page=1),
        }
        for name, title, count in (
            whole + [(s.name, s.title, counts.get(s.name, 0)) for s in flow.states]
        )
        if not name or count or query.state == name
    ]  # fmt: skip


def bulk_steps(view: RegisterView) -> list[tuple[str, str]]:
    """Return the steps that can be made of many records: (name, title)."""
    flow = view.register.workflow
    return [(w.name, w.title) for w in flow.transitions if not w.automatic] if flow else []


def bulk(view: RegisterView) -> str | Response | tuple[str, int]:
    """Show what a step would do to the chosen records, then do it."""
    source = request.form if request.method == "POST" else request.args
    name = source.get("step", "")
    if not name:
        return redirect(view.root)
    kept = [(k, v) for k, v in source.items(multi=True) if k in KEPT or k.startswith("f.")]
    query = addresses.parse(kept)
    slug = view.register.slug
    if request.method == "POST" and "go" in source:
        order = Order(source.get("comment", ""), {}, tuple(whole(source.getlist("units"))))
        with desk.writing() as work:
            moved, left = workflow.move_many(work, slug, chosen(work, view, query), name, order)
        kind = "success" if moved else "danger"
        flash(_("{count} records were moved, {left} were not.", count=moved, left=len(left)), kind)
        return redirect(view.root + addresses.build(query))
    with desk.reading() as work:
        way = workflow.way_of(work.published(slug), name)
        found = workflow.preview(work, slug, chosen(work, view, query), name)
        refused = [
            {
                "id": r.id,
                "label": view.name_of(r),
                "reasons": [brief(p) for p in problems],
            }
            for r, problems in found.refused[:LISTED]
        ]
        return view.page(
            "steps", way=way, count=len(found.allowed), refused=refused,
            left=len(found.refused), target=badge(target_of(view, way)),
            names=[view.name_of(r) for r in found.allowed[:LISTED]],
            kept=[("step", name), *kept, *[("id", i) for i in source.getlist("id")],
                  *([("all", "1")] if source.get("all") else [])],
            units=choice_of_units(work) if way.chosen else [], back=view.root,
            crumbs=view.crumbs((way.title, "")),
        )  # fmt: skip


#: parameters of the list that a step for many keeps
KEPT = ("q", "sort", "state")


def chosen(work: Work, view: RegisterView, query: Query) -> list[int]:
    """Return the ids that are checked, or all of the list where the person asked for all."""
    source = request.form if request.method == "POST" else request.args
    if source.get("all"):
        return workflow.selection(work, view.register.slug, query)
    return whole(source.getlist("id"))


def whole(texts: list[str]) -> list[int]:
    found = [number for text in texts if (number := addresses.digits(text)) is not None]
    if len(found) < len(texts):
        abort(404)
    return found
