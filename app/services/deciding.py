"""Deciding: whether a transition is possible on each of many rows, and why not.

Nothing is written: it is what a preview shows, and what ``carrying`` carries out. The rows are
those read after ``Work.hold``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from app.definitions.flow import AFTER, BEFORE, Setting, Transition
from app.definitions.gate import Values
from app.definitions.register import Register
from app.errors import Problem
from app.expressions import FormulaFailed
from app.kinds.base import Unreadable
from app.services import calendar, joint, states
from app.services.flow_rights import makers, may_make
from app.services.judging import judge_many
from app.services.moves import Order, Row, Verdict
from app.services.returns import settling
from app.services.work import Work
from app.storage.catalog import Published

#: codes of problems: not theirs to make; something is still to be entered
DENIED, MISSING, LOCKED = "workflow.denied", "workflow.missing", "value.locked"


def decide(
    work: Work, published: Published, found: Sequence[Row], way: Transition, order: Order
) -> list[Verdict]:
    """Return whether each row may make a transition now, with every reason against it."""
    verdicts = [Verdict(row) for row in found]
    around = Surroundings(work, published, way, [row["_id"] for row in found])
    closed = {} if order.by_itself else settling.closed_to(work, published, found, way)
    comment, units = order.comment.strip(), chosen_units(work, way, order)
    for verdict in verdicts:
        verdict.problems += standing_against(work, published, way, verdict.row, around, order)
        if not verdict.problems:
            verdict.problems += unmet(published, way, verdict.row)
        if not verdict.problems and verdict.row["_id"] in closed:
            verdict.problems.append(closed[verdict.row["_id"]])
        if way.comment == "required" and not comment:
            text = "Say why: “{title}” needs a comment."
            verdict.problems.append(Problem("/comment", MISSING, text, {"title": way.title}))
        verdict.problems += units
    judge(work, published, verdicts, way, order, around.due)
    return verdicts


class Surroundings:
    """What the database knows about many records and one transition, asked once."""

    def __init__(
        self, work: Work, published: Published, way: Transition, ids: Sequence[int]
    ) -> None:
        slug, flow = published.slug, published.register.workflow
        assert flow is not None
        self.flow = flow
        self.makers = makers(work, slug, ids, way.apart)
        timed = way.deadline or any(flow.timed(source) for source in way.sources)
        self.days = states.due_days(work, slug, ids) if timed else {}
        deciding = any(flow.deciding(source, way.name) for source in way.sources)
        self.results = joint.results(work, slug, ids) if deciding else {}
        self.due: datetime.date | None = None
        if way.days:
            self.due = calendar.of(work).add_working_days(work.today, way.days)


def standing_against(
    work: Work,
    published: Published,
    way: Transition,
    row: Row,
    around: Surroundings,
    order: Order,
) -> list[Problem]:
    """Return what stands against a transition whatever is entered with it."""
    flow = around.flow
    state = flow.state(row["_state"])
    if state.name not in way.sources:
        text = "“{title}” cannot be done in “{state}”."
        return [Problem("", "workflow.state", text, {"title": way.title, "state": state.title})]
    if order.by_itself:
        return []
    if way.automatic or not may_make(work, published, way, row):
        text = "You may not do “{title}” here: it is done by others."
        return [Problem("", DENIED, text, {"title": way.title})]
    if work.actor.id is not None and work.actor.id in around.makers.get(row["_id"], ()):
        text = "You made an earlier step yourself; somebody else does “{title}”."
        return [Problem("", "workflow.apart", text, {"title": way.title})]
    late = timing(work, way, row, around)
    result = flow.deciding(state.name, way.name)
    if not late and result and around.results.get(row["_id"]) != result:
        text = "“{title}” is possible once the joint review has agreed."
        if result == joint.REFUSED:
            text = "“{title}” is possible once the joint review has not agreed."
        late = [Problem("", "workflow.joint", text, {"title": way.title})]
    return late


def timing(work: Work, way: Transition, row: Row, around: Surroundings) -> list[Problem]:
    """Return what time has against a transition: too early, or over."""
    due = around.days.get(row["_id"])
    shown = {"title": way.title, "due": due}
    over = due is not None and due < work.today
    after = around.flow.timed(states.name_of(around.flow, row))
    if over and after is not None:
        text = "The time ended on {due}: “{next}” follows by itself. Open the record again."
        return [Problem("", "workflow.over", text, {**shown, "next": after.title})]
    if way.deadline == BEFORE and over:
        text = "“{title}” was possible until {due}."
        return [Problem("", "workflow.over", text, shown)]
    # a record that was brought in where it stands has no time that could be over
    if way.deadline == AFTER and due is not None and not over:
        text = "“{title}” is possible after {due}, when the time is over."
        return [Problem("", "workflow.early", text, shown)]
    return []


def unmet(published: Published, way: Transition, row: Row) -> list[Problem]:
    """Return the guards that do not hold: what they read may also be missing."""
    problems = []
    names = scope(published.register, row) if way.guards else {}
    for place, guard in enumerate(way.guards, start=1):
        code = f"workflow.guard.{place}"
        try:
            if guard.check(names) is not True:
                problems.append(Problem("", code, guard.message, verbatim=True))
        except FormulaFailed as failed:
            problems.append(Problem("", code, failed.text, failed.values))
    return problems


def scope(register: Register, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what expressions see of a row: a blank list has no rows."""
    blank = {f.name: () for f in register.fields if f.formula_type_is_list and not row.get(f.name)}
    return {name: row.get(name) for name in register.names} | blank


def chosen_units(work: Work, way: Transition, order: Order) -> list[Problem]:
    """Return what is wrong with the units a record is to be referred to."""
    if way.chosen and not order.by_itself and not order.units:
        text = "Choose at least one unit for “{title}”."
        return [Problem("/units", MISSING, text, {"title": way.title})]
    unknown = [u for u in order.units if u not in work.tree.units]
    unknown += [u for u in order.units if u not in unknown and not is_valid(work, u)]
    if way.chosen and unknown:
        text = "There is no unit {value} today. Choose one from the list."
        return [Problem("/units", "workflow.unit", text, {"value": unknown[0]})]
    _, codes = joint.units_of(work, way.units)
    if codes:
        text = "The workflow names the unit {value}, which there is not. Enter the unit first."
        return [Problem("/units", "workflow.unit", text, {"value": codes[0]})]
    return []


def is_valid(work: Work, unit: int) -> bool:
    return work.tree.units[unit].is_valid(work.today)


def judge(
    work: Work,
    published: Published,
    verdicts: Sequence[Verdict],
    way: Transition,
    order: Order,
    due: datetime.date | None,
) -> None:
    """Judge the rows with the values the transition gives them, as saving would."""
    register, names = published.register, published.register.names
    flow = register.workflow
    given, unread = entered(published, way, order)
    read: list[tuple[int | None, Values, list[Problem], Values | None]] = []
    judged = []
    for verdict in verdicts:
        verdict.problems += unread
        old = {name: verdict.row[name] for name in names}
        values = {**old, **given}
        verdict.problems += apply(published, way.settings, values)
        if due is not None and way.due_field:
            values[way.due_field] = due
        if flow and flow.field:
            values[flow.field] = way.target
        for name in way.require:
            if values.get(name) in (None, ()) and not any(p.name == name for p in unread):
                text = "{field} must be filled in before “{title}”."
                shown = {"field": register[name].title, "title": way.title}
                verdict.problems.append(Problem(f"/{name}", MISSING, text, shown))
        if values != old and not any(p.code != MISSING for p in verdict.problems):
            read.append((verdict.row["_id"], values, [], old))
            judged.append(verdict)
    # what the transition itself writes needs no leave: ``editable`` is for people
    written = {one.field for one in way.settings} | {way.due_field}
    for verdict, judgement in zip(judged, judge_many(work, published, read), strict=True):
        verdict.judgement = judgement
        known = {problem.at for problem in verdict.problems}
        verdict.problems += [
            p
            for p in judgement.problems
            if p.at not in known and not (p.code == LOCKED and p.name in written)
        ]


def entered(
    published: Published, way: Transition, order: Order
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values sent with a transition: of the fields it requires, and of no other."""
    allowed = {k: v for k, v in order.values.items() if k in way.require}
    values, problems = published.gate.read(allowed)
    for name in order.values:
        if name not in way.require:
            text = "“{title}” does not ask for {name}: change it in the record."
            shown = {"title": way.title, "name": name[:60]}
            problems.append(Problem(f"/{name[:60]}", "workflow.not_asked", text, shown))
    return values, problems


def apply(
    published: Published, settings: Sequence[Setting], values: dict[str, Any]
) -> list[Problem]:
    """Give fields the values a transition declares."""
    problems: list[Problem] = []
    names = scope(published.register, values) if settings else {}
    for one in settings:
        field = published.register[one.field]
        try:
            value = one.value if one.formula is None else one.formula(names)
            if one.formula is not None and value is not None:
                value = field.kind.from_formula(value)
            values[one.field] = value
        except FormulaFailed as failed:
            problems.append(Problem(f"/{one.field}", "formula.failed", failed.text, failed.values))
        except (Unreadable, ArithmeticError):
            text = "{field}: the computed value {value} does not fit the field."
            shown = {"field": field.title, "value": str(value)[:60]}
            problems.append(Problem(f"/{one.field}", "formula.unfit", text, shown))
    return problems
