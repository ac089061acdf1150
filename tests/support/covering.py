"""Covering: what of the shipped definitions no example of theirs exercises.

``python -m tests.support.covering [SLUG …]`` compiles the shipped definitions together and says
for each what is wrong with it, and which rules, conditions and choices no example touches.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from app.definitions.compile import compile_all
from app.definitions.gate import Gate
from app.definitions.library import common_parts, example_problems, judge_example
from app.definitions.register import Register
from app.definitions.world import Alone
from app.errors import Problem

FOLDER = Path(__file__).parents[2] / "schemas" / "registers"
#: examples a shipped definition has at least
VALID, REFUSED = 3, 5


def documents(folder: Path = FOLDER) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the definitions of a folder, the shipped ones', by slug, and what is wrong with files
    that are no JSON."""
    found, broken = {}, {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            broken[path.stem] = str(error)
    return found, broken


def shipped() -> tuple[dict[str, Register], dict[str, list[Problem]]]:
    """Return the shipped registers, compiled together, and the problems, by slug."""
    return compile_all(documents()[0].values(), Alone(), common_parts())


def gaps(register: Register) -> Iterator[str]:
    """Give what no example touches: rules that are never broken, choices never made, and too
    few examples."""
    examples = register.examples
    valid = sum(one.valid for one in examples)
    if valid < VALID or len(examples) - valid < REFUSED:
        yield f"only {valid} valid and {len(examples) - valid} refused examples"
    broken = found_by(register)
    for rule in register.rules:
        if rule.code not in broken:
            yield f"{rule.code} is broken by no example"
    used = [value for one in examples for value in (one.record, one.given, one.expect)]
    for at, name, options in choices(register):
        made = set(chosen(used, at, name))
        for option in options:
            if option not in made:
                yield f"the choice {option} of {at + '.' if at else ''}{name} is made by no example"
    yield from untouched(register)


def found_by(register: Register) -> set[str]:
    """Return the code of everything the gate says about the examples of ``register``."""
    gate = Gate(register)
    return {
        problem.code
        for example in register.examples
        for problem in judge_example(gate, example.record, example.given, example.old)[1]
    }


def untouched(register: Register) -> Iterator[str]:
    """Give the conditions of the document (``if`` … ``then``) whose ``if`` no example meets."""
    # a field that is required behind one shows in the refusals
    for place, one in enumerate(register.document.get("allOf", ())):
        needed = set(one.get("then", {}).get("required", ()))
        named = {at.split("/")[1] for example in register.examples for at in example.at}
        if needed and not needed & named:
            yield f"allOf/{place}: no example is refused for {', '.join(sorted(needed))}"


def choices(register: Register) -> Iterator[tuple[str, str, list[str]]]:
    """Give every choice: the list of rows it is a column of or ``""``, its name, what can be
    chosen."""
    flow = register.workflow.field if register.workflow else ""
    for field in register.fields:
        if field.name != flow and not field.lookup and (options := options_of(field)):
            yield "", field.name, options
        for column in field.columns:
            if options := options_of(column):
                yield field.name, column.name, options


def options_of(field: Any) -> list[str]:
    return [one.value for one in getattr(field.kind, "options", ()) if not one.deprecated]


def chosen(records: Iterable[Mapping[str, Any]], at: str, name: str) -> Iterator[str]:
    for record in records:
        for row in (record.get(at) or ()) if at else (record,):
            value = row.get(name) if isinstance(row, Mapping) else None
            yield from (v for v in (value if isinstance(value, list) else [value]) if v)


def main(slugs: list[str]) -> int:
    registers, problems = shipped()
    _, broken = documents()
    wanted = slugs or sorted({*registers, *problems, *broken})
    faulty = 0
    for slug in wanted:
        said = [broken[slug]] if slug in broken else []
        said += [f"{p.at}: {p.sentence()}" for p in problems.get(slug, ())]
        if slug in registers:
            said += [f"{p.at}: {p.sentence()}" for p in example_problems(registers[slug])]
            said += gaps(registers[slug])
        elif not said:
            said = ["there is no such definition"]
        print(f"{slug}: {'whole' if not said else ''}")
        for line in said:
            print(f"  {line}")
        faulty += bool(said)
    return faulty


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
