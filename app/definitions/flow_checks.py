"""What must hold of a workflow as a whole: every state is reached and led on from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.definitions.draft import Draft
from app.definitions.flow import ALL, MAJORITY, Transition, Workflow
from app.definitions.register import Grant

AT = ("register", "workflow")
NO_STATE = "The workflow has no state {name}."
NO_WAY = "The workflow has no transition {name}."
Places = Mapping[str, tuple[Any, ...]]


def check_whole(draft: Draft, made: Workflow, places: Places, grants: tuple[Grant, ...]) -> None:
    """Note whatever is wrong with states, transitions and what names them."""
    names = {state.name for state in made.states}
    for one in made.transitions:
        check_way(draft, made, one, places[one.name])
        check_joint(draft, made, one, places[one.name])
        check_time(draft, made, one, places[one.name])
    if made.initial not in names:
        draft.findings.unknown((*AT, "initial"), "workflow", NO_STATE, made.initial, names)
    else:
        check_reach(draft, made)
    check_moves(draft, made, names)
    for place, grant in enumerate(grants):
        for inner, name in enumerate(grant.states):
            if name not in names:
                at = ("register", "permissions", place, "in", inner)
                draft.findings.unknown(at, "workflow", NO_STATE, name, names)
    if made.field:
        check_field(draft, made, names)


def check_moves(draft: Draft, made: Workflow, names: set[str]) -> None:
    """Note records that would be sent to a state there is not."""
    for old, new in made.moves.items():
        if new not in names:
            draft.findings.unknown((*AT, "moves", old), "workflow", NO_STATE, new, names)
        elif old in names:
            text = "{name} is a state of this workflow: nothing is moved away from it."
            draft.findings.add((*AT, "moves", old), "workflow", text, name=old)


def check_way(draft: Draft, made: Workflow, one: Transition, at: tuple[Any, ...]) -> None:
    """Note a transition that leads nowhere, from nowhere, or on from an end."""
    names = {state.name for state in made.states}
    add = draft.findings.add
    if not one.target or not one.sources:
        text = "The transition {name} needs from and to."
        add(at, "workflow", text, name=one.name)
        return
    if one.target not in names:
        draft.findings.unknown((*at, "to"), "workflow", NO_STATE, one.target, names)
    for place, source in enumerate(one.sources):
        where = (*at, "from", place)
        if source not in names:
            draft.findings.unknown(where, "workflow", NO_STATE, source, names)
        elif any(state.name == source and state.final for state in made.states):
            add(where, "workflow", "{name} is final: nothing leads on from it.", name=source)
    known = {way.name for way in made.transitions}
    for name in sorted(one.apart - known):
        draft.findings.unknown((*at, "apart"), "workflow", NO_WAY, name, known)
    if one.by and not {"own-unit", "unit-and-below", "paired"} & set(one.rows):
        add((*at, "by"), "workflow", "by goes with the rows {listed}.", listed="own-unit, …")
    if one.opens and one.opens.register == draft.slug and one.opens.via == made.field:
        add((*at, "open"), "workflow", "The field of the state refers to no record.")


def check_reach(draft: Draft, made: Workflow) -> None:
    """Note states that no record ever reaches, and those it never leaves."""
    reached, waiting = {made.initial}, [made.initial]
    while waiting:
        for one in made.leaving(waiting.pop()):
            if one.target not in reached:
                reached.add(one.target)
                waiting.append(one.target)
    for state in made.states:
        at = _of_state(draft, state.name)
        if state.name not in reached:
            text = "No record ever reaches the state {name}: no transition leads there."
            draft.findings.add(at, "workflow", text, name=state.name)
        elif not state.final and not any(made.leaving(state.name)):
            text = "Nothing leads on from the state {name}: say that it is final, or add a way."
            draft.findings.add(at, "workflow", text, name=state.name)


def _of_state(draft: Draft, name: str) -> tuple[Any, ...]:
    """Return where a state is said: in the definition, or in the template."""
    said = draft.body["register"]["workflow"]
    for place, one in enumerate(said.get("states", ())):
        if isinstance(one, dict) and one.get("name") == name:
            return (*AT, "states", place)
    return (*AT, "template") if "template" in said else (*AT, "states")


def check_joint(draft: Draft, made: Workflow, one: Transition, at: tuple[Any, ...]) -> None:
    """Note a joint review nobody answers, or that leads nowhere."""
    if one.joint is None:
        return
    where = (*at, "joint")
    if not one.units and not one.chosen:
        text = "A joint review needs units: their codes, or choose."
        draft.findings.add(where, "workflow", text)
    if one.joint.decide not in (ALL, MAJORITY, *one.units) and one.units:
        text = "{name} is not one of the units that answer: all, majority or one of them decides."
        draft.findings.add((*where, "decide"), "workflow", text, name=one.joint.decide)
    on = [way.name for way in made.leaving(one.target)]
    for keyword, name in (("agreed", one.joint.agreed), ("refused", one.joint.refused)):
        if name and name not in on:
            text = "{name} is not a transition from the state {state}."
            facts = {"name": name, "state": one.target}
            draft.findings.add((*where, keyword), "workflow", text, **facts)


def check_time(draft: Draft, made: Workflow, one: Transition, at: tuple[Any, ...]) -> None:
    """Note a transition that waits for a time nobody sets."""
    if one.limited and any(way.automatic and way is one for way in made.transitions):
        text = "An automatic transition follows a time limit; the limit belongs to another one."
        draft.findings.add((*at, "due"), "workflow", text)
    if not one.deadline or draft.body["register"].get("period"):
        return
    for source in one.sources:
        if not any(way.limited and way.target == source for way in made.transitions):
            text = "The state {state} has no time limit: add due to a transition that leads there."
            keyword = "automatic" if one.automatic else "deadline"
            draft.findings.add((*at, keyword), "workflow", text, state=source)


def check_field(draft: Draft, made: Workflow, names: set[str]) -> None:
    """Note a field of the state that cannot hold it."""
    at, kind = (*AT, "field"), draft.kinds.get(made.field)
    if made.field not in draft.declared:
        text = "There is no field {name}."
        draft.findings.unknown(at, "unknown_field", text, made.field, draft.declared)
        return
    if kind is None:
        return
    if kind.name != "choice" or made.field in draft.fields and draft.fields[made.field].derived:
        text = "{name} cannot hold the state: it must be a choice that is not computed."
        draft.findings.add(at, "workflow", text, name=made.field)
        return
    for text, wrong in _differing(kind, names):
        draft.findings.add(at, "workflow", text, field=made.field, listed=", ".join(wrong))
    for one in made.transitions:
        if (
            any(setting.field == made.field for setting in one.settings)
            or made.field in one.require
        ):
            text = "{name} holds the state: a transition gives it by its to."
            draft.findings.add(at, "workflow", text, name=made.field)


def _differing(kind: Any, names: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Give what options and states do not have in common; a deprecated option may be left."""
    every = {option.value for option in kind.options}
    offered = {option.value for option in kind.options if not option.deprecated}
    if names - every:
        yield "{field} has no option for the states {listed}.", sorted(names - every)
    if offered - names:
        yield "{field} has options that are no states: {listed}.", sorted(offered - names)
