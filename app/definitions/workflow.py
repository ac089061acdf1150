"""Workflow: from the block of a definition, and the template it names, to facts."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.definitions.draft import Draft
from app.definitions.flow import (
    ALL,
    OWNER,
    UNIT,
    Guard,
    Joint,
    Opening,
    Setting,
    State,
    Transition,
    Workflow,
)
from app.definitions.flow_checks import check_whole
from app.definitions.permissions import SELF
from app.definitions.register import Grant
from app.kinds.base import Unreadable

TEMPLATES = Path(__file__).parents[2] / "schemas" / "workflows"
AT = ("register", "workflow")
NO_FIELD = "There is no field {name}."

Said = Mapping[str, Any]
Place = tuple[Any, ...]


@functools.cache
def templates() -> Mapping[str, Said]:
    """Return the workflows that are shipped, by name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in TEMPLATES.glob("*.json")}


def make_workflow(draft: Draft, grants: tuple[Grant, ...]) -> Workflow | None:
    """Return the workflow of a register, None for one without; note what is wrong with it."""
    said = draft.body.get("register", {}).get("workflow")
    if not isinstance(said, dict) or not said:
        return None
    before = len(draft.findings)
    base = _template(draft, said)
    gone = set(said.get("without", ()))
    states = [_state(draft, *one) for one in _merged(draft, said, base, "states", gone)]
    ways = []
    for at, one in _merged(draft, said, base, "transitions", gone):
        # what leads to or from a state the register leaves out goes with it
        one = {**one, "from": [name for name in one.get("from", ()) if name not in gone]}
        if one.get("to") not in gone and not (one["from"] == [] and gone):
            ways.append((at, one, _transition(draft, at, one)))
    if not states:
        draft.findings.add(AT, "workflow", "A workflow needs states, or a template that has them.")
        return None
    initial = said.get("initial") or states[0].name
    made = Workflow(
        tuple(states), tuple(way for _, _, way in ways), initial, str(said.get("field", "")),
        _name(said), dict(said.get("moves", {})),
    )  # fmt: skip
    check_whole(draft, made, {way.name: at for at, _, way in ways}, grants)
    return made if len(draft.findings) == before else None


def _name(said: Said) -> str:
    ref = str(said.get("$ref", "")).removeprefix("workflows/").removesuffix(".json")
    return str(said.get("template", "")) or ref


def _template(draft: Draft, said: Said) -> Said:
    name = _name(said)
    if not name:
        return {}
    if "template" in said and "$ref" in said:
        draft.findings.add((*AT, "$ref"), "workflow", "Write template or $ref, not both.")
    if name not in templates():
        at = (*AT, "template" if "template" in said else "$ref")
        text = "There is no workflow {name} among the templates. Known are: {listed}."
        listed = ", ".join(sorted(templates()))
        draft.findings.unknown(at, "workflow", text, name, templates(), listed=listed)
    found: Said = templates().get(name, {})
    return found


def _merged(
    draft: Draft, said: Said, base: Said, keyword: str, gone: set[str]
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Give (place in the definition, whole) of every state or transition, the template's first;
    what the definition says of the same name is laid over it."""
    own: dict[str, tuple[Place, dict[str, Any]]] = {}
    for place, one in enumerate(said.get(keyword, ())):
        if not isinstance(one, dict) or "name" not in one:
            continue
        at = (*AT, keyword, place)
        if one["name"] in own:
            text = "{name} stands here twice."
            draft.findings.add((*at, "name"), "workflow", text, name=one["name"])
        own[one["name"]] = (at, one)
    known = {one["name"]: one for one in base.get(keyword, ())}
    for name, one in known.items():
        at, more = own.pop(name, ((*AT, "template"), {}))
        if name not in gone:
            yield at, {**one, **more}
    yield from own.values()


def _state(draft: Draft, at: Place, said: Said) -> State:
    locked = said.get("locked", False)
    fields = [name for name in locked if name] if isinstance(locked, list) else []
    for place, name in enumerate(fields):
        _known(draft, (*at, "locked", place), name)
    return State(
        said["name"], said.get("title", said["name"]), said.get("colour", "grey"),
        bool(said.get("final")), locked is True, frozenset(fields), said.get("was", ""),
        said.get("handed_in", True) is not False,
    )  # fmt: skip


def _transition(draft: Draft, at: Place, said: Said) -> Transition:
    roles = [role for role in said.get("role", ()) if role]
    rows = said.get("rows", "all")
    for place, name in enumerate(said.get("require", ())):
        _known(draft, (*at, "require", place), name)
    by = str(said.get("by", ""))
    if by not in ("", SELF):
        _known(draft, (*at, "by"), by)
    units = said.get("units", ())
    due = said.get("due", {})
    _limit(draft, (*at, "due"), due)
    return Transition(
        said["name"],
        said.get("title", said["name"]),
        tuple(name for name in said.get("from", ()) if name),
        said.get("to", ""),
        tuple(role for role in roles if role not in (OWNER, UNIT)),
        frozenset(roles) & {OWNER, UNIT},
        tuple([rows] if isinstance(rows, str) else [row for row in rows if row]),
        by,
        frozenset(name for name in said.get("apart", ()) if name),
        tuple(_guards(draft, at, said)),
        said.get("comment", "optional"),
        tuple(name for name in said.get("require", ()) if name),
        tuple(_settings(draft, (*at, "set"), said.get("set", {}))),
        due.get("days", 0),
        due.get("field", ""),
        due.get("on", ""),
        said.get("deadline", "after" if said.get("automatic") else ""),
        bool(said.get("automatic")),
        () if units == "choose" else tuple(unit for unit in units if unit),
        units == "choose",
        _joint(said.get("joint")),
        _opening(draft, at, said.get("open")),
        tuple(name for name in said.get("notify", ()) if name),
    )


def _known(draft: Draft, at: Place, name: Any) -> bool:
    if name not in draft.declared:
        draft.findings.unknown(at, "unknown_field", NO_FIELD, name, draft.declared)
        return False
    return name in draft.fields


def _limit(draft: Draft, at: Place, due: Said) -> None:
    """Note a time limit that is none, or two, and fields that cannot hold its last day."""
    if due and ("days" in due) == ("on" in due):
        text = "A time limit is days, or on: the field that holds the last day."
        draft.findings.add(at, "workflow", text)
    if "field" in due and "on" in due:
        text = "on already names the field of the last day: leave field out."
        draft.findings.add((*at, "field"), "workflow", text)
    for keyword in ("field", "on"):
        if due.get(keyword):
            _dated(draft, (*at, keyword), due[keyword])


def _dated(draft: Draft, at: Place, name: str) -> None:
    if _known(draft, at, name) and draft.kinds[name].name != "date":
        text = "{name} takes the last day: it must be a date."
        draft.findings.add(at, "workflow", text, name=name)


def _guards(draft: Draft, at: Place, said: Said) -> Iterator[Guard]:
    for place, one in enumerate(said.get("guard", ())):
        if not isinstance(one, dict) or not {"check", "message"} <= one.keys():
            continue
        check = draft.write(one["check"], (*at, "guard", place, "check"), "bool")
        if check is not None:
            yield Guard(check, one["message"])


def _settings(draft: Draft, at: Place, said: Said) -> Iterator[Setting]:
    for name, value in said.items():
        here = (*at, name)
        if not _known(draft, here, name):
            continue
        field, kind = draft.fields[name], draft.kinds[name]
        if field.derived or kind.own_table:
            text = "{name} cannot be set: it is computed, or a list of rows."
            draft.findings.add(here, "workflow", text, name=name)
        elif isinstance(value, str) and value.startswith("="):
            formula = draft.write(value[1:], here, kind.formula_type)
            if formula is not None:
                yield Setting(name, formula)
        else:
            try:
                yield Setting(name, None, kind.reader().deserialize(value))
            except Unreadable as refused:
                draft.findings.add(here, "workflow", refused.text, **refused.values)


def _joint(said: Said | None) -> Joint | None:
    if not said or "agreed" not in said:
        return None
    return Joint(
        said.get("decide", ALL), said["agreed"], said.get("refused", ""),
        bool(said.get("automatic")), said.get("days", 0),
    )  # fmt: skip


def _opening(draft: Draft, at: Place, said: Said | None) -> Opening | None:
    if not said or not {"register", "via"} <= said.keys():
        return None
    where = (*at, "open")
    world, slug, via = draft.world, said["register"], said["via"]
    if not world.exists(slug):
        text = "There is no register {name}."
        draft.findings.add((*where, "register"), "workflow", text, name=slug)
        return None
    for place, name in [("via", via), *((("set", n), n) for n in said.get("set", {}))]:
        steps = place if isinstance(place, tuple) else (place,)
        kind = world.kind(slug, name)
        if kind is None:
            text = "The register {register} has no field {name}."
            draft.findings.add((*where, *steps), "workflow", text, register=slug, name=name)
        elif name == via and getattr(kind, "register", "") != draft.slug:
            text = "{name} of {register} does not refer to this register."
            draft.findings.add((*where, "via"), "workflow", text, register=slug, name=name)
    values, settings = {}, []
    for name, value in said.get("set", {}).items():
        if isinstance(value, str) and value.startswith("="):
            formula = draft.write(value[1:], (*where, "set", name))
            settings += [Setting(name, formula)] if formula else []
        else:
            values[name] = value
    return Opening(slug, via, values, tuple(settings))
