"""Shape: is this a definition at all, and does it say only what the meta-schema knows?

The meta-schema in ``schemas/meta/register.json`` is the one list of keywords. What is ill-formed
is reported and cut out of a copy, so that the later checks see well-formed parts only and every
problem of a definition is found at once.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs

from app.definitions.findings import Findings
from app.definitions.names import name_facts, nearest, why_not

META = Path(__file__).parents[2] / "schemas" / "meta" / "register.json"

#: bytes of a definition
MOST_BYTES = 256 * 1024
#: levels of JSON in a definition
MOST_LEVELS = 40
#: numbers in a definition are smaller than this
MOST_NUMBER = 10**18

#: keywords of JSON Schema that are not part of the language, and why
FORBIDDEN = {
    "$ref": "$ref may stand in a field only.",
    "$id": "$id may stand at the top only: a definition has one name.",
    "$schema": "$schema may stand at the top only.",
    "$anchor": "$anchor is not supported; write the part under $defs and use $ref.",
    "$dynamicRef": "$dynamicRef is not supported; write the part under $defs and use $ref.",
    "$dynamicAnchor": "$dynamicAnchor is not supported; write the part under $defs and use $ref.",
    "$recursiveRef": "$recursiveRef is not supported; write the part under $defs and use $ref.",
    "$vocabulary": "$vocabulary is for meta-schemas.",
    "definitions": "definitions is an older spelling; write $defs.",
    "additionalProperties": "Records are always closed; leave additionalProperties out.",
    "patternProperties": "Every field is named; patternProperties is not supported.",
    "propertyNames": "Every field is named; propertyNames is not supported.",
    "unevaluatedProperties": "Records are always closed; leave unevaluatedProperties out.",
    "unevaluatedItems": "unevaluatedItems is not supported; describe every row with items.",
    "prefixItems": "prefixItems is not supported; describe every row with items.",
    "additionalItems": "additionalItems is not supported; describe every row with items.",
    "contentEncoding": "contentEncoding is not supported; use the format attachment for files.",
    "contentMediaType": "contentMediaType is not supported; use accept for files.",
    "contentSchema": "contentSchema is not supported.",
    "dependentSchemas": "dependentSchemas is not supported; use if and then.",
    "dependencies": "dependencies is an older spelling; use dependentRequired or if and then.",
    "nullable": "nullable is not JSON Schema; a field that is not required may be blank.",
    "readOnly": "readOnly is not supported; use editable with an expression.",
    "examples": "examples stand in the register block.",
}

Path_ = tuple[str | int, ...]


@functools.cache
def meta_schema() -> dict[str, Any]:
    """Return the meta-schema of registers."""
    loaded: dict[str, Any] = json.loads(META.read_text("utf-8"))
    return loaded


@functools.cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(meta_schema())


# --- is it JSON of a size we read? -------------------------------------------------------------


def is_sound(document: object, source: bytes | None, findings: Findings) -> bool:
    """Note what makes ``document`` unreadable as a whole; return whether it can be looked into."""
    before = len(findings)
    if not isinstance(document, dict):
        findings.add(
            (), "not_an_object", "A definition is a JSON object, not {value}.", value=document
        )
        return False
    for path, text, values in _unsound(document):
        findings.add(path, "not_json", text, **values)
    if len(findings) == before:
        _measure(document, source, findings)
    return len(findings) == before


def _unsound(document: object) -> Iterator[tuple[Path_, str, dict[str, Any]]]:
    """Yield what is not JSON, or too deep or too large to be meant. Needs no recursion."""
    rest: list[tuple[Path_, object]] = [((), document)]
    while rest:
        path, node = rest.pop()
        if len(path) >= MOST_LEVELS:
            text = "The definition is nested more than {most} levels deep."
            yield path[:6], text, {"most": MOST_LEVELS}
            return
        if isinstance(node, dict):
            if not all(isinstance(key, str) for key in node):
                yield path, "A name in this object is not text.", {}
                return
            rest.extend((path + (str(key),), part) for key, part in node.items())
            rest.extend((path, key) for key in node if not _is_clean(key))
        elif isinstance(node, list):
            rest.extend((path + (place,), part) for place, part in enumerate(node))
        else:
            yield from ((path, *found) for found in _bad_leaf(node))


def _bad_leaf(node: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, str):
        if not _is_clean(node):
            yield "The text {value} has characters that cannot be stored.", {"value": node}
    elif isinstance(node, int | float | Decimal) and not isinstance(node, bool):
        if not isinstance(node, int) and not math.isfinite(node):
            yield "{value} is not a number that JSON has.", {"value": str(node)}
        elif not -MOST_NUMBER < node < MOST_NUMBER:
            yield "The number here has more than {most} digits.", {"most": 18}
    elif node is not None and not isinstance(node, bool):
        yield "{value} is not JSON.", {"value": type(node).__name__}


def _is_clean(text: str) -> bool:
    """Return whether both engines can store ``text``: no NUL, no half of a character pair."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _measure(document: dict[str, Any], source: bytes | None, findings: Findings) -> None:
    if source is None:
        source = json.dumps(document, ensure_ascii=False, default=str).encode()
    if len(source) > MOST_BYTES:
        text = "The definition has {bytes} bytes, at most {most} are allowed."
        findings.add((), "too_large", text, bytes=len(source), most=MOST_BYTES)


# --- does it follow the meta-schema? -------------------------------------------------------------


def well_formed(document: dict[str, Any], findings: Findings) -> tuple[dict[str, Any], set[Path_]]:
    """Note every departure from the meta-schema.

    Returns a copy without the ill-formed parts, and the paths that were cut out. A cut element of
    a list leaves ``None`` behind, so that the places of the others stay.
    """
    cut: set[Path_] = set()
    body: Any = document
    for step in range(12):
        fresh = {path for path in _judge(body, findings if step == 0 else Findings())} - cut
        if not fresh:
            break
        # what still does not fit after its wrong part is gone goes as a whole
        fresh = {path if step == 0 else path[:-1] or path for path in fresh}
        cut |= fresh
        body = _without(document, cut)
    else:
        body = {}
    return (body if isinstance(body, dict) else {}), cut


def _judge(body: Any, findings: Findings) -> Iterator[Path_]:
    for error in _validator().iter_errors(body):
        path = tuple(error.instance_path)
        name = error.kind.name
        if name == "additionalProperties":
            known = _known_here(error.schema_path)
            for keyword in error.kind.as_dict()["unexpected"]:
                _note_unknown(findings, (*path, keyword), keyword, known)
                yield (*path, keyword)
        elif name == "propertyNames":
            continue
        else:
            text, values = _sentence(name, error)
            findings.add(path, _CODES.get(name, "wrong_value"), text, **values)
            if path:
                yield path


def _known_here(schema_path: list[str | int]) -> list[str]:
    """Return the keywords known where the meta-schema refused one."""
    part: Any = meta_schema()
    for step in schema_path[:-1]:
        part = part[step]
    return list(part.get("properties", {}))


def _note_unknown(findings: Findings, path: Path_, keyword: str, known: list[str]) -> None:
    if keyword in FORBIDDEN:
        findings.add(path, "unsupported_keyword", FORBIDDEN[keyword])
        return
    text = "There is no keyword {name} here."
    if not nearest(keyword, known):
        text += " Known are: {known}."
        findings.add(path, "unknown_keyword", text, name=keyword, known=", ".join(known))
        return
    findings.unknown(path, "unknown_keyword", text, keyword, known)


_CODES = {"required": "missing_keyword", "type": "wrong_type"}

#: JSON Schema's word for a refusal -> our sentence and what fills ``{limit}``
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "type": ("{value} is of the wrong type; {limit} is expected.", "types"),
    "constant": ("{value} must be {limit}.", "expected_value"),
    "const": ("{value} must be {limit}.", "expected_value"),
    "enum": ("{value} is not one of {limit}.", "options"),
    "required": ("The keyword {limit} is missing.", "property"),
    "pattern": ("{value} does not have the form {limit}.", "pattern"),
    "minLength": ("{value} is too short; at least {limit} characters are needed.", "limit"),
    "maxLength": ("{value} is longer than {limit} characters.", "limit"),
    "minimum": ("{value} is smaller than {limit}.", "limit"),
    "exclusiveMinimum": ("{value} must be more than {limit}.", "limit"),
    "maximum": ("{value} is greater than {limit}.", "limit"),
    "minItems": ("At least {limit} entries are needed here.", "limit"),
    "maxItems": ("There are more than {limit} entries here.", "limit"),
    "minProperties": ("At least {limit} entries are needed here.", "limit"),
    "maxProperties": ("There are more than {limit} entries here.", "limit"),
    "uniqueItems": ("{value} has an entry twice.", ""),
}


def _sentence(name: str, error: jsonschema_rs.ValidationError) -> tuple[str, dict[str, Any]]:
    if error.schema_path[:2] == ["$defs", "slug"] and isinstance(error.instance, str):
        return why_not(error.instance, field=False), name_facts(error.instance)
    text, key = _SENTENCES.get(name, ("{value} cannot stand here: {limit}.", ""))
    facts = error.kind.as_dict()
    limit = facts.get(key, error.message if "{limit}" in text else "")
    if isinstance(limit, list):
        limit = ", ".join(str(part) for part in limit)
    if name == "enum":
        meant = nearest(error.instance, [str(part) for part in facts["options"]])
        if meant:
            return f"{text} Did you mean {{nearest}}?", {
                "value": error.instance,
                "limit": limit,
                "nearest": meant,
            }
    return text, {"value": error.instance, "limit": limit}


def _without(document: Any, cut: set[Path_], path: Path_ = ()) -> Any:
    """Return a copy of ``document`` without the parts at ``cut``."""
    if isinstance(document, dict):
        return {
            key: _without(part, cut, (*path, key))
            for key, part in document.items()
            if (*path, key) not in cut
        }
    if isinstance(document, list):
        return [
            None if (*path, place) in cut else _without(part, cut, (*path, place))
            for place, part in enumerate(document)
        ]
    return document
