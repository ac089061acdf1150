"""Shape: does a definition say only what the meta-schema knows, and as it wants it?

The meta-schema in ``schemas/meta/register.json`` is the one list of keywords. What is ill-formed
is reported and cut out of a copy, so that the later checks see well-formed parts only and every
problem of a definition is found at once.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from app.definitions.findings import MEANT, Findings, Said, shorten
from app.definitions.names import name_facts, nearest, why_not
from app.definitions.sound import Path_

META = Path(__file__).parents[2] / "schemas" / "meta" / "register.json"

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


@functools.cache
def meta_schema() -> dict[str, Any]:
    """Return the meta-schema of registers."""
    loaded: dict[str, Any] = json.loads(META.read_text("utf-8"))
    return loaded


@functools.cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(meta_schema())


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
        text = "There is no keyword {name} here. Known are: {listed}."
    findings.unknown(path, "unknown_keyword", text, keyword, known, listed=", ".join(known))


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
    if facts.get(key) == r"\S":
        return "A text is needed here; {value} is blank.", {"value": f"“{error.instance}”"}
    if name == "enum":
        meant = nearest(error.instance, [str(part) for part in facts["options"]])
        if meant:
            said = Said(text, value=shorten(error.instance), limit=limit)
            return MEANT, {"problem": said, "nearest": meant}
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
