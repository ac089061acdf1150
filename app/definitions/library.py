"""The compiler as the platform uses it: with the shared parts, and with examples run."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from app.definitions.compile import compile_register
from app.definitions.examples import disagreements
from app.definitions.gate import Gate, Values
from app.definitions.register import Field, Register
from app.definitions.world import Neighbours
from app.errors import DefinitionRefused, Problem
from app.kinds.base import Unreadable

#: where the problems of a workflow are
WORKFLOW = "/register/workflow"
COMMON = Path(__file__).parents[2] / "schemas" / "common.json"


@cache
def common_parts() -> Mapping[str, Any]:
    """Return ``schemas/common.json``, read once."""
    parts: Mapping[str, Any] = json.loads(COMMON.read_text("utf-8"))
    return parts


def compile_kept(document: Mapping[str, Any], neighbours: Neighbours) -> Register:
    """Compile a definition that was published: its examples were run then.

    Revisions from before workflows did anything may say what is none: they have none.
    """
    try:
        return compile_register(document, neighbours, common_parts())
    except DefinitionRefused as refused:
        if not all(problem.at.startswith(WORKFLOW) for problem in refused.problems):
            raise
    block = {name: part for name, part in document["register"].items() if name != "workflow"}
    plain = compile_register({**document, "register": block}, neighbours, common_parts())
    return replace(plain, document=document)


def compile_with_examples(document: Mapping[str, Any], neighbours: Neighbours) -> Register:
    """Compile a definition and run its own examples.

    Raises ``DefinitionRefused`` with every problem, or with every example that disagrees.
    """
    register = compile_register(document, neighbours, common_parts())
    problems = example_problems(register)
    if problems:
        raise DefinitionRefused(problems, count=len(problems))
    return register


def example_problems(register: Register) -> list[Problem]:
    """Return a problem for every example with which the gate disagrees."""
    if not register.examples:
        return []
    gate = Gate(register)

    def judge(
        raw: Mapping[str, Any], given: Mapping[str, Any], old: Mapping[str, Any] | None
    ) -> tuple[Mapping[str, Any], list[Problem]]:
        return judge_example(gate, raw, given, old)

    return disagreements(register, judge)


def judge_example(
    gate: Gate, raw: Mapping[str, Any], given: Mapping[str, Any], old: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any], list[Problem]]:
    """Judge an example as a record: what it refers to exists, look-ups and roll-ups are given."""
    register = gate.register
    stored = None if old is None else whole(gate, old, {}) | read_given(register, old)
    start = stored if stored is not None else gate.defaults()
    values, problems = gate.read(stand_ins(register, raw))
    unread = dict.fromkeys(p.name for p in problems)
    every: Values = {name: start.get(name) for name in register.names} | unread | values
    gathered = {
        name: value
        for name, value in read_given(register, given).items()
        if not register[name].computed
    }
    verdict = gate.judge(every, problems, stored, gathered)
    return verdict.values, [*verdict.problems, *verdict.warnings]


def whole(gate: Gate, raw: Mapping[str, Any], given: Mapping[str, Any]) -> Values:
    """Return the values of a stored example; what cannot be read is left out."""
    values, _ = gate.read(stand_ins(gate.register, raw))
    return {name: values.get(name) for name in gate.register.names} | dict(given)


def read_given(register: Register, given: Mapping[str, Any]) -> Values:
    """Return given look-ups, roll-ups and computed values, read by their kinds."""
    values: Values = {}
    for name, raw in given.items():
        if name in register and register[name].derived and raw is not None:
            try:
                values[name] = (
                    register[name].kind.reader().deserialize(stand_in(register, name, raw))
                )
            except Unreadable:
                continue
    return values


def stand_ins(register: Register, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a raw record whose references, those of child rows too, are numbers: any text
    names a record that exists."""
    return {name: stand_in(register, name, value) for name, value in raw.items()}


def stand_in(register: Register, name: str, value: Any) -> Any:
    if name not in register:
        return value
    field = register[name]
    if field.columns and isinstance(value, list):
        columns = {column.name: column for column in field.columns}
        return [
            {key: number_for(columns.get(key), cell) for key, cell in row.items()}
            if isinstance(row, dict)
            else row
            for row in value
        ]
    return number_for(field, value)


def number_for(field: Field | None, value: Any) -> Any:
    """Return the number that stands for ``value`` in a reference; any other value as it is."""
    if field is not None and field.reference and isinstance(value, str) and value:
        return int(value) if value.isdecimal() and len(value) < 10 else zlib.crc32(value.encode())
    return value
