"""Write ``language.md`` from the meta-schema and the kinds: ``python -m docs.build_reference``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.definitions import draft, patterns, property, shape, sound
from app.definitions.conditions import MOST_LEVELS
from app.definitions.workflow import templates
from app.kinds import KINDS
from app.kinds.base import Kind

HERE = Path(__file__).parent
TARGET = HERE / "language.md"
#: what is written by hand: the idea, a first register, names
HEAD = HERE / "language.head.md"
COMMON = HERE.parent / "schemas" / "common.json"


def build() -> str:
    """Return the text of ``language.md``."""
    meta = shape.meta_schema()
    parts = meta["$defs"]
    register = parts["register"]["properties"]
    blocks = [
        HEAD.read_text("utf-8"),
        _table("The file", meta["properties"], "A record is closed: it has these fields only."),
        _kinds(),
        _fields(parts["field"]["properties"]),
        _table("Choices with labels (`oneOf`)", parts["choices"]["items"]["properties"]),
        _table("A roll-up (`rollup`)", parts["rollup"]["properties"], ROLLUP),
        _table("A comparison in `where`", parts["comparison"]["properties"]),
        _table("Conditions (`if`, `then`, `allOf` …)", parts["condition"]["properties"]),
        _table("A condition on a value", parts["valueCondition"]["properties"]),
        _table("The block `register`", register),
        _table("A section", register["sections"]["items"]["properties"]),
        _table("A rule", register["rules"]["items"]["properties"], RULES),
        _table("A grant in `permissions`", parts["grant"]["properties"], GRANT),
        _table("A workflow", register["workflow"]["properties"], WORKFLOW),
        _templates(),
        _table("A state", parts["state"]["properties"]),
        _table("A transition", parts["transition"]["properties"], TRANSITION),
        _table("A guard", parts["transition"]["properties"]["guard"]["items"]["properties"]),
        _table("A time limit (`due`)", parts["transition"]["properties"]["due"]["properties"]),
        _table("What is opened (`open`)", parts["transition"]["properties"]["open"]["properties"]),
        _table("A joint review (`joint`)", parts["joint"]["properties"], JOINT),
        _table("A calendar of returns (`period`)", parts["period"]["properties"], PERIOD),
        _table("Who owes a return (`by`)", parts["owing"]["properties"], OWING),
        _table("A day after a period (`opens`, `due`)", parts["deadline"]["properties"]),
        _table("An example", register["examples"]["items"]["properties"], EXAMPLES),
        _shared(),
        _limits(),
        _forbidden(),
    ]
    return "\n".join(blocks)


ROLLUP = (
    "Exactly one of sum, avg, min, max, latest and count. `via` or a `where` with `$field` says "
    "which rows belong to a record; the same register may be gathered, such as the same month of "
    "last year. Of no rows the sum and the count are 0, the others are blank. Stored, and kept in "
    "step when the rows change. A record that its own roll-up gathers counts while it is judged."
)
RULES = (
    "A rule whose expression misses a value does not apply. Its code is `rule.` and its name, or "
    "its place counted from 1: name the rules that people may confirm or count."
)
GRANT = (
    "Grants add up: somebody may do what any grant for one of their roles allows. The short form "
    "gives `fill` the rights to see, create, change, delete, export and import the rows that "
    "`scope` says, `review` to see, change, review and export all, `read` to see and export all."
)
WORKFLOW = (
    "Where a template is named, a state or transition of the same name changes that of the "
    "template keyword by keyword, one of a new name is added after them, and `without` takes some "
    "away. A record of a register whose workflow is new stands in the state its `field` names, or "
    "in the initial one. A state that goes away while records stand in it is refused until `moves` "
    "or `was` says where they go."
)
TRANSITION = (
    "A transition is offered to whoever sees the record and may make it. It is refused in words "
    "when a guard does not hold, a required field or the comment is missing, or the time for it is "
    "over or not yet. `name`, `from` and `to` are needed, unless the template has them."
)
JOINT = (
    "The units of the transition answer agree, object or ask, each once a round. All: the round "
    "ends when every unit has answered; majority: as soon as it is certain; a named unit: with its "
    "answer. `agreed` and `refused` lead on from the state and are closed until the round ends so."
)
PERIOD = (
    "For each period everybody who owes one gets a return when the period opens. A record of that "
    "period hands it in; deleting the record opens it again."
)
OWING = (
    "Units that are valid on the last day of the period owe one; where one was merged since, the "
    "unit it went to answers. Or: one return for each row of another register."
)
EXAMPLES = "`check`, publishing and the tests run them; one that disagrees stops the publication."


def _table(title: str, properties: Mapping[str, Any], remark: str = "") -> str:
    lines = [f"## {title}", ""]
    if remark:
        lines += [remark, ""]
    lines += ["| keyword | value | meaning |", "|---|---|---|"]
    for name, part in properties.items():
        said = part.get("description") or part.get("title", "")
        lines.append(f"| `{name}` | {_cell(_value(part))} | {_cell(said)} |")
    return "\n".join([*lines, ""])


def _value(part: Mapping[str, Any]) -> str:
    """Return in a word what a keyword takes."""
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part and all(isinstance(one, str) for one in part["enum"]):
        return ", ".join(f"`{one}`" for one in part["enum"])
    if "$ref" in part:
        return _REFS[part["$ref"].rpartition("/")[2]]
    if part.get("type") == "array" and "enum" in part.get("items", {}):
        return "list of " + ", ".join(f"`{one}`" for one in part["items"]["enum"])
    types = part.get("type", "any value")
    words = [types] if isinstance(types, str) else types
    bounds = [f"{part[low]} to {part[high]}" for low, high in _BOUNDS if {low, high} <= {*part}]
    return " ".join([" or ".join(words), *bounds])


_BOUNDS = (("minimum", "maximum"), ("minLength", "maxLength"))
_REFS = {
    "slug": "a name",
    "names": "list of names",
    "dependentRequired": "object of lists of names",
    "formula": "expression",
    "fields": "object of fields",
    "field": "a field",
    "choices": "list of choices",
    "rollup": "a roll-up",
    "path": "`register.field`",
    "condition": "a condition",
    "conditions": "list of conditions",
    "valueCondition": "a condition on a value",
    "register": "object, see below",
    "joint": "a joint review",
    "state": "a state",
    "transition": "a transition",
    "owing": "object, see below",
    "deadline": "object, see below",
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _kinds() -> str:
    lines = ["## Kinds of field", "", "| kind | written as | what it holds |", "|---|---|---|"]
    for kind in KINDS:
        example = json.dumps(dict(kind.example), ensure_ascii=False)
        lines.append(f"| {kind.name} | `{_cell(example)}` | {_cell(_summary(kind))} |")
    lines += [
        "",
        "A computed field without a type gets its kind from `scale`, `enum` or the result of its",
        "expression; a look-up is of the kind of the field it reads; a roll-up of its source's.",
        "",
    ]
    return "\n".join(lines)


def _summary(kind: type[Kind]) -> str:
    text = (kind.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(text.replace("``", "`").split())


def _fields(properties: Mapping[str, Any]) -> str:
    lines = [
        "## Keywords of a field",
        "",
        "| keyword | value | for | meaning |",
        "|---|---|---|---|",
    ]
    for name, part in properties.items():
        fits = ", ".join(_fitting(name)) or "columns of rows"
        lines.append(
            f"| `{name}` | {_cell(_value(part))} | {fits} | {_cell(part['description'])} |"
        )
    return "\n".join([*lines, ""])


def _fitting(keyword: str) -> Iterator[str]:
    """Yield the kinds that a keyword fits, or "every kind"."""
    if keyword in property.EVERY_KIND:
        yield "every kind"
        return
    if keyword == "unit":
        yield "numbers"
    if keyword == "private":
        yield "texts and codes"
    if keyword == "serial":
        yield "text"
    yield from (kind.name for kind in KINDS if keyword in kind.keywords)


def _templates() -> str:
    lines = ["## The workflows that are shipped (`template`)", ""]
    lines += ["Their roles are those of the shipped registers: name your own in `transitions`.", ""]
    lines += ["| template | states | transitions |", "|---|---|---|"]
    for name, said in sorted(templates().items()):
        states = ", ".join(f"`{one['name']}` {one['title']}" for one in said["states"])
        ways = "; ".join(map(_way, said["transitions"]))
        lines.append(f"| `{name}` {said['title']} | {states} | {ways} |")
    return "\n".join([*lines, ""])


def _way(said: Mapping[str, Any]) -> str:
    return f"`{said['name']}` {said['title']}: {', '.join(said['from'])} → {said['to']}"


def _shared() -> str:
    parts = json.loads(COMMON.read_text("utf-8"))["$defs"]
    lines = [
        "## Shared parts (`common.json`)",
        "",
        'Used by `{"$ref": "common.json#/$defs/money", "title": "…"}`; what stands beside it wins.',
        "A part of the same file is `#/$defs/…`. Nothing else is reached or fetched.",
        "",
        "| part | is |",
        "|---|---|",
    ]
    for name, part in parts.items():
        lines.append(f"| `{name}` | `{_cell(json.dumps(part, ensure_ascii=False))}` |")
    return "\n".join([*lines, ""])


def _limits() -> str:
    formula = shape.meta_schema()["$defs"]["formula"]["maxLength"]
    register = shape.meta_schema()["$defs"]["register"]["properties"]
    rows = {
        "bytes of a definition": sound.MOST_BYTES,
        "fields of a register, columns counted": draft.MOST_FIELDS,
        "levels of JSON in the file": sound.MOST_LEVELS,
        "levels of conditions": MOST_LEVELS,
        "choices of a field": shape.meta_schema()["$defs"]["choices"]["maxItems"],
        "characters of a pattern (RE2, linear time)": patterns.LONGEST,
        "characters of an expression": formula,
        "digits of a number": property.DIGITS,
        "rules": register["rules"]["maxItems"],
        "examples": register["examples"]["maxItems"],
    }
    lines = ["## Limits", "", "| of | at most |", "|---|---|"]
    lines += [f"| {name} | {most:,} |" for name, most in rows.items()]
    return "\n".join([*lines, ""])


def _forbidden() -> str:
    lines = ["## JSON Schema keywords that are not part of the language", ""]
    lines += [f"* `{name}`: {reason}" for name, reason in shape.FORBIDDEN.items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    TARGET.write_text(build(), "utf-8")
