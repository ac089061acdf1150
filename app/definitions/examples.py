"""Examples: records inside a definition that must pass, or must be refused and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.definitions.draft import Draft
from app.definitions.findings import Findings
from app.definitions.register import Example, Register
from app.definitions.sound import Path_
from app.errors import Problem
from app.kinds.base import Kind, Unreadable

#: judges a raw record, with looked-up values and the stored record -> (values, problems)
Judge = Callable[
    [Mapping[str, Any], Mapping[str, Any], "Mapping[str, Any] | None"],
    tuple[Mapping[str, Any], "list[Problem]"],
]


def make_examples(draft: Draft) -> Iterator[Example]:
    """Yield the examples; note names in them that no field has."""
    for place, said in enumerate(draft.body.get("register", {}).get("examples", ())):
        if said is None or not isinstance(said.get("record"), dict):
            continue
        at = ("register", "examples", place)
        _check_names(draft, at, said)
        yield Example(
            record=said["record"],
            valid=said.get("valid", True),
            at=tuple(where for where in said.get("at", ()) if where),
            given=said.get("given", {}),
            old=said.get("old"),
            expect=said.get("expect", {}),
            title=said.get("title", ""),
        )


def _check_names(draft: Draft, at: Path_, said: Mapping[str, Any]) -> None:
    derived = {
        name
        for name, prop in draft.props.items()
        if any(way in prop for way in ("computed", "lookup", "rollup"))
    }
    gathered = {name for name in derived if "computed" not in draft.props[name]}
    _names(draft, (*at, "record"), said["record"], set(draft.declared) - derived, _ENTERED)
    _names(draft, (*at, "given"), said.get("given", {}), gathered, _GATHERED)
    _names(draft, (*at, "old"), said.get("old") or {}, set(draft.declared), _ENTERED)
    _names(draft, (*at, "expect"), said.get("expect", {}), derived, _SUPPLIED)
    for place, where in enumerate(said.get("at", ())):
        name = where.split("/")[1] if where else None
        if name is not None and name not in draft.declared:
            text = "There is no field {name}."
            path = (*at, "at", place)
            draft.findings.unknown(path, "unknown_field", text, name, draft.declared)
    if said.get("valid") is True and said.get("at"):
        text = "An example that must pass has no place where it is refused: remove at."
        draft.findings.add((*at, "at"), "example", text)


_ENTERED = "{name} is not entered by a person: the platform supplies its value."
_GATHERED = "{name} is neither a look-up nor a roll-up: given is for those."
_SUPPLIED = "{name} is not computed: expect is for what the platform supplies."


def _names(
    draft: Draft, at: Path_, record: Mapping[str, Any], allowed: set[str], sentence: str
) -> None:
    for name in record:
        if name not in draft.declared:
            text = "There is no field {name}."
            draft.findings.unknown((*at, name), "unknown_field", text, name, draft.declared)
        elif name not in allowed and name in draft.props:
            draft.findings.add((*at, name), "example", sentence, name=name)


# --- running them ------------------------------------------------------------------------------


def disagreements(register: Register, judge: Judge) -> list[Problem]:
    """Return a problem for every example of ``register`` on which ``judge`` disagrees.

    Warnings do not refuse a record; an example may name one at ``at`` all the same.
    """
    findings = Findings()
    for place, example in enumerate(register.examples):
        at = ("register", "examples", place)
        values, problems = judge(example.record, example.given, example.old)
        errors = [problem for problem in problems if problem.severity == "error"]
        if example.valid:
            for problem in errors:
                text = "The example must pass, but is refused at {where}: {reason}"
                said: dict[str, Any] = {"where": problem.at, "reason": problem}
                findings.add((*at, "record"), "example_refused", text, **said)
        else:
            _compare_refusals(findings, at, example, problems, errors)
        _compare_values(findings, (*at, "expect"), register, example.expect, values)
    return list(findings)


def _compare_refusals(
    findings: Findings,
    at: Path_,
    example: Example,
    problems: list[Problem],
    errors: list[Problem],
) -> None:
    noted = {problem.at for problem in problems}
    for place, where in enumerate(example.at):
        if where not in noted:
            text = "The example must be refused at {where}, but is not. It is refused at: {noted}."
            facts = {"where": where, "noted": ", ".join(sorted(noted)) or "—"}
            findings.add((*at, "at", place), "example_passes", text, **facts)
    if not problems:
        findings.add((*at, "valid"), "example_passes", "The example must be refused, but passes.")
    for problem in errors:
        if problem.at not in example.at:
            text = "The example is refused at {where} as well, which at does not say: {reason}"
            said: dict[str, Any] = {"where": problem.at, "reason": problem}
            findings.add((*at, "at"), "example_refused", text, **said)


def _compare_values(
    findings: Findings,
    at: Path_,
    register: Register,
    expected: Mapping[str, Any],
    values: Mapping[str, Any],
) -> None:
    for name, said in expected.items():
        kind, found = register[name].kind, values.get(name)
        if not _same(kind, said, found):
            text = "{name} must be {expected}, but is {found}."
            shown = kind.show(found) if found is not None else "—"
            findings.add((*at, name), "example_value", text, name=name, expected=said, found=shown)


def _same(kind: Kind, said: Any, found: Any) -> bool:
    try:
        wanted = None if said is None else kind.reader().deserialize(said)
    except Unreadable:
        return False
    return bool(wanted == found)
