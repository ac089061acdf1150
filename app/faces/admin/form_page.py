"""Form page: a record's form drawn with its values, its mistakes and what is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.errors import AppError, Problem
from app.faces.admin import controls, desk, entry, files, folding, listing
from app.faces.admin.showing import sections_of
from app.faces.admin.telling import tell
from app.services import debts, drafts, records
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView
    from app.faces.admin.saving import Sheet


def drawn(view: RegisterView, sheet: Sheet) -> str:
    """Return the page of ``sheet``."""
    register, record = view.register, sheet.record
    name = view.name_of(record) if record else ""
    here = f"{view.root}{record.id}" if record else view.root
    heading = (
        _("Edit {label}", label=name)
        if record
        else _("New record in {register}", register=register.title)
    )
    crumbs = [(name, here), (_("Edit"), "")] if record else [(_("New record"), "")]
    with desk.reading() as work:
        return view.page(
            "form", heading=heading, help="" if record else register.description,
            id=record.id if record else "", version=sheet.version, token=sheet.token,
            revision=view.published.revision, back=here, crumbs=view.crumbs(*crumbs),
            action=f"{here}/edit" if record else f"{view.root}new", check_url=f"{view.root}check",
            sections=sections(view, work, sheet), refusal=sheet.refusal, moved=sheet.moved,
            outdated=sheet.outdated, carried=sorted(sheet.carried & set(register.names)),
            problems=[line(view, p) for p in sheet.problems],
            warnings=[line(view, p) for p in sheet.warnings], draft_url=f"{view.root}draft",
            offer=sheet.offer, saved=sheet.saved, turn=drafts.turn_of(work, sheet.token),
            owner=work.actor.id,
        )  # fmt: skip


def sections(view: RegisterView, work: Work, sheet: Sheet) -> list[dict[str, Any]]:
    """Return by section the controls, and what is folded behind them."""
    drawing, concealed = drawing_of(view, work, sheet)
    pointed = {p.at.split("/")[1] for p in (*sheet.problems, *sheet.warnings) if "/" in p.at}
    found = []
    for section in sections_of(view.register):
        fields = [
            view.register[name]
            for name in section.fields
            if name in view.register and name not in concealed
        ]
        if fields:
            made = [controls.draw(drawing, field) for field in fields]
            parts = folding.parted(work, view.register, made, pointed)
            found.append({"title": section.title, **parts})
    return found


def drawing_of(
    view: RegisterView, work: Work, sheet: Sheet
) -> tuple[controls.Drawing, frozenset[str]]:
    """Return what the controls need, and which fields the person does not see; the gate says
    what is computed, shown and open."""
    slug, stored = view.register.slug, sheet.record
    computed: Mapping[str, str] = {}
    visible: Mapping[str, bool] = {}
    editable: Mapping[str, bool] = {}
    given: Mapping[str, str] = {}
    concealed: frozenset[str] = stored.hidden if stored else frozenset()
    try:
        verdict = records.judge(work, slug, sheet.typed, stored.id if stored else None)
    except AppError:
        verdict = None
    if verdict is not None:
        computed = {
            f.name: tell(work, f, verdict.values.get(f.name))
            for f in view.register.fields
            if f.derived
        }
        visible, editable, concealed = verdict.visible, verdict.editable, verdict.concealed
        values = stored.values if stored else {}
        given = {n: tell(work, view.register[n], values.get(n)) for n in verdict.not_theirs}
    drawing = controls.Drawing(
        slug, sheet.typed, placed(sheet.problems), computed, visible, editable,
        lambda register, text: listing.named(work, register, text),
        lambda ids: files.facts(work, ids, stored.id if stored else None),
        debts.parked_of(work, slug, stored.id) if stored else {}, given, sheet.carried,
        stored is not None, folding.stepped(view.register), folding.state_of(view.register),
    )  # fmt: skip
    return drawing, concealed


def placed(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.at, []).append(problem)
    return found


def line(view: RegisterView, problem: Problem) -> dict[str, str]:
    """Return a problem for the summary on top, with the control it belongs to."""
    parts = problem.at.split("/")[1:]
    name = parts[0] if parts else ""
    if name not in view.register:
        return {"target": "", "title": "", "text": say(problem), "code": problem.code}
    field = view.register[name]
    title, target = field.title, entry.PREFIX + name
    if field.columns and len(parts) == 3:
        column = next((c for c in field.columns if c.name == parts[2]), None)
        row = int(parts[1]) + 1 if parts[1].isdigit() else 0
        title = _(
            "{field}, row {row}, {column}",
            field=title,
            row=row,
            column=column.title if column else parts[2],
        )
        target = f"{target}-{parts[1]}-{parts[2]}"
    text = say(problem)
    if field.title in text:
        title = ""
    return {"target": target, "title": title, "text": text, "code": problem.code}
