"""What the JSON Schema found, in words a clerk understands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.definitions.register import Field, Register
from app.errors import Problem

#: schema keyword → (sentence, name of the limit in the error's facts)
SENTENCES: Mapping[str, tuple[str, str]] = {
    "required": ("{field} is required.", ""),
    "minimum": ("{field} must be at least {limit}; it is {value}.", "limit"),
    "maximum": ("{field} must be at most {limit}; it is {value}.", "limit"),
    "exclusiveMinimum": ("{field} must be more than {limit}; it is {value}.", "limit"),
    "exclusiveMaximum": ("{field} must be less than {limit}; it is {value}.", "limit"),
    "multipleOf": ("{field} must be a multiple of {limit}; it is {value}.", "multiple_of"),
    "minLength": ("{field} must have at least {limit} characters.", "limit"),
    "maxLength": ("{field} may have at most {limit} characters; it has {length}.", "limit"),
    "pattern": ("{field} is not written as required: {value}", ""),
    "enum": ("{field}: {value} is not one of the choices.", ""),
    "const": ("{field} must be {limit}.", "expected_value"),
    "type": ("{field}: {value} is not of the right type.", ""),
    "minItems": ("{field} needs at least {limit} entries.", "limit"),
    "maxItems": ("{field} may have at most {limit} entries.", "limit"),
    "uniqueItems": ("{field} has an entry twice.", ""),
    "not": ("{field} may not be {value} here.", ""),
}
OTHER = "{field}: {value} does not meet the definition."
#: how a required value is had, other than by writing it down
CHOOSE, UPLOAD = "Choose {field}.", "Upload {field}."
#: with the field's own words on how it is written, or its example
EXPLAINED = "{field} is not written as required: {value}. {hint}"
EXAMPLE = "{field} is not written as required: {value}. Write it as {hint}."


def problem_of(error: Any, register: Register) -> Problem:
    """Return a jsonschema error as a problem at its field."""
    keyword = error.kind.name
    facts = error.kind.as_dict()
    path = [str(part) for part in error.instance_path]
    if keyword == "required":
        path.append(facts["property"])
    elif not path:
        path.append(named_in(error, register))
    text, limit = SENTENCES.get(keyword, (OTHER, ""))
    name, entered = path[0], field_of(path, register)
    shown: dict[str, Any] = {
        "field": title_of(path, register),
        "value": show(path, error.instance, register),
    }
    if keyword == "required" and entered:
        text = demand(entered) or text
    elif keyword == "pattern" and entered and (entered.help or entered.placeholder):
        text = EXPLAINED if entered.help else EXAMPLE
        shown["hint"] = entered.help or entered.placeholder
    if limit:
        shown["limit"] = shown_limit(facts.get(limit, ""), name, register)
    if keyword == "maxLength":
        shown["length"] = len(error.instance)
    fields = frozenset({name, *condition_fields(error.schema_path, register)})
    return Problem("/" + "/".join(path), f"schema.{keyword}", text, shown, fields)


def field_of(path: list[str], register: Register) -> Field | None:
    """Return the field a path leads to, or the column of child rows."""
    if path[0] not in register:
        return None
    field = register[path[0]]
    if len(path) == 3 and field.columns:
        return next((c for c in field.columns if c.name == path[2]), None)
    return field


def demand(field: Field) -> str:
    """Return the sentence that asks for a field which is chosen or uploaded; ``""`` for others."""
    if hasattr(field.kind, "accepts"):
        return UPLOAD
    return CHOOSE if field.reference or hasattr(field.kind, "options") else ""


def title_of(path: list[str], register: Register) -> str:
    """Return the field's label; for a cell of a child row, its list, row and column."""
    if path[0] not in register:
        return path[0]
    field = register[path[0]]
    if len(path) == 3 and field.columns:
        column = next((c.title for c in field.columns if c.name == path[2]), path[2])
        return f"{field.title} {int(path[1]) + 1} {column}"
    return field.title


def show(path: list[str], json: Any, register: Register) -> str:
    """Return the judged value as people read it."""
    if len(path) == 1 and path[0] in register and not isinstance(json, (dict, list)):
        kind = register[path[0]].kind
        try:
            text = kind.show(kind.from_json(json))
        except (ValueError, TypeError, ArithmeticError, AttributeError):
            text = str(json)
    else:
        text = "" if isinstance(json, (dict, list)) else str(json)
    return text if len(text) <= 60 else text[:57] + "…"


def shown_limit(limit: Any, name: str, register: Register) -> str:
    """Return a limit with the field's unit."""
    unit = register[name].unit if name in register else ""
    return f"{limit} {unit}".strip()


def condition_fields(schema_path: Iterable[Any], register: Register) -> set[str]:
    """Return the fields that the condition of an ``if``/``then`` or a dependency names."""
    steps = list(schema_path)
    if not steps or steps[0] in ("properties", "required"):
        return set()
    part: Any = register.schema
    if steps[0] in ("then", "else"):
        part = part.get("if", {})
    elif steps[0] == "dependentRequired":
        part = {"properties": part.get("dependentRequired", {})}
    else:
        part = part.get(steps[0], {})
    return names_in(part) & set(register.names)


def names_in(schema: Any) -> set[str]:
    """Return every property name a schema speaks of."""
    if isinstance(schema, list):
        return set().union(*map(names_in, schema)) if schema else set()
    if not isinstance(schema, Mapping):
        return set()
    found = set(schema.get("properties", {})) | set(schema.get("required", ()))
    for key, item in schema.items():
        if key not in ("properties", "required", "enum", "const"):
            found |= names_in(item)
    return found


def named_in(error: Any, register: Register) -> str:
    """Return the field that a whole-record error speaks of, or ``""``."""
    names = condition_fields(error.schema_path, register)
    return next((n for n in register.names if n in names), "")
