"""Property: whether the keywords of one field fit its kind and each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from app.definitions import patterns
from app.definitions.findings import Findings
from app.definitions.inference import with_type
from app.definitions.sound import Path_
from app.kinds.base import Kind, Unreadable

#: keywords that a field of any kind may have
EVERY_KIND = frozenset(
    (
        *("$ref", "$comment", "title", "description", "type", "format", "deprecated", "was"),
        *("unique", "index", "default", "begin", "placeholder", "visible", "editable", "source"),
        *("computed", "lookup", "rollup"),
    )
)
#: keywords of the items of a list
_ITEMS = frozenset(
    (
        "$comment",
        "title",
        "description",
        "type",
        "format",
        "enum",
        "oneOf",
        "properties",
        "required",
    )
)
#: pairs of which the first may not exceed the second
_RANGES = (
    ("minimum", "maximum"),
    ("exclusiveMinimum", "maximum"),
    ("minimum", "exclusiveMaximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
)
#: digits of a number, on both sides of the point
DIGITS = 18
_NUMBERS = ("double", "int")


def check_property(findings: Findings, at: Path_, prop: Mapping[str, Any], kind: Kind) -> None:
    """Note the keywords that do not fit ``kind`` or contradict each other."""
    for keyword in prop:
        if not _fits(keyword, prop, kind):
            text = "{keyword} does not fit a field of kind {kind}."
            where = (*at, keyword)
            findings.add(where, "keyword_not_for_kind", text, keyword=keyword, kind=kind.name)
    if "pattern" in prop and (refused := patterns.refusal(prop["pattern"])):
        findings.add((*at, "pattern"), "pattern", refused[0], **refused[1])
    for low, high in _RANGES:
        if low in prop and high in prop and prop[low] > prop[high]:
            text = "{low} {least} is greater than {high} {most}: nothing could be entered."
            facts = {"low": low, "high": high, "least": prop[low], "most": prop[high]}
            findings.add((*at, low), "range", text, **facts)
    _check_digits(findings, at, prop)
    _check_choices(findings, at, prop)
    if isinstance(prop.get("items"), dict):
        _check_items(findings, (*at, "items"), prop["items"], kind)


def _check_items(findings: Findings, at: Path_, items: Mapping[str, Any], kind: Kind) -> None:
    _check_choices(findings, at, items)
    for keyword in items:
        if keyword not in _ITEMS:
            text = "{keyword} does not stand in items: put it in the field itself, or in a column."
            findings.add((*at, keyword), "keyword_not_for_kind", text, keyword=keyword)
        elif keyword in ("properties", "required") and not kind.own_table:
            text = "{keyword} does not fit a field of kind {kind}."
            where = (*at, keyword)
            findings.add(where, "keyword_not_for_kind", text, keyword=keyword, kind=kind.name)


def _fits(keyword: str, prop: Mapping[str, Any], kind: Kind) -> bool:
    if keyword == "unit":
        return kind.formula_type in _NUMBERS
    if keyword == "serial":
        return kind.name == "text" and "default" not in prop
    if keyword == "private":
        return kind.formula_type == "string" and "enum" not in prop and "oneOf" not in prop
    if keyword in ("unique", "default", "begin", "index") and kind.own_table:
        return False
    if keyword == "begin":
        return "default" not in prop and "serial" not in prop
    if keyword == "unique":
        return kind.formula_type not in ("list(string)", "bool")
    return keyword in EVERY_KIND or keyword in kind.keywords


def _check_digits(findings: Findings, at: Path_, prop: Mapping[str, Any]) -> None:
    """A bound must be a number that the field could hold."""
    scale = prop.get("scale", 0)
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if keyword in prop and abs(Decimal(str(prop[keyword]))) >= Decimal(10) ** (DIGITS - scale):
            text = "{value} has more than {most} digits with {scale} decimal places."
            facts = {"value": prop[keyword], "most": DIGITS, "scale": scale}
            findings.add((*at, keyword), "digits", text, **facts)


def _check_choices(findings: Findings, at: Path_, prop: Mapping[str, Any]) -> None:
    if "enum" in prop and "oneOf" in prop:
        text = "Say the choices once: with enum, or with oneOf when they have labels."
        findings.add((*at, "enum"), "conflict", text)
    for path, entry, word in _entries(prop):
        if word in entry:
            text = "The choice {value} stands here twice."
            findings.add((*at, *path), "duplicate_choice", text, value=word)
        entry.add(word)
    _check_labels(findings, at, prop)
    choices = [entry for entry in prop.get("oneOf", ()) if entry]
    if choices and all(entry.get("deprecated") for entry in choices):
        findings.add((*at, "oneOf"), "no_choice", "Every choice is retired: nothing can be chosen.")


def _check_labels(findings: Findings, at: Path_, prop: Mapping[str, Any]) -> None:
    """A label may not be another choice's value: a worksheet may hold either."""
    entries = [entry for entry in prop.get("oneOf", ()) if entry]
    values = {entry.get("const") for entry in entries}
    for place, entry in enumerate(prop.get("oneOf", ())):
        label = (entry or {}).get("title")
        if label is not None and label in values - {entry.get("const")}:
            text = "The label {value} is the value of another choice: which one is meant?"
            findings.add((*at, "oneOf", place, "title"), "duplicate_choice", text, value=label)


def _entries(prop: Mapping[str, Any]) -> Iterator[tuple[Path_, set[str], str]]:
    """Yield each choice with the ones that came before it: values and labels apart."""
    values: set[str] = set()
    labels: set[str] = set()
    for place, value in enumerate(prop.get("enum", ())):
        if value is not None:
            yield ("enum", place), values, value
    for place, entry in enumerate(prop.get("oneOf", ())):
        for keyword, seen in (("const", values), ("title", labels)):
            if entry and keyword in entry:
                yield ("oneOf", place, keyword), seen, entry[keyword]


def default_of(findings: Findings, at: Path_, prop: Mapping[str, Any], kind: Kind) -> Any:
    """Return the default as a value; note one that the field itself would refuse."""
    if "default" not in prop or any(way in prop for way in ("computed", "lookup", "rollup")):
        return None
    said, where = prop["default"], (*at, "default")
    if kind.own_table or kind.formula_type == "" or hasattr(kind, "register"):
        text = "A field of kind {kind} cannot have a default."
        findings.add(where, "default", text, kind=kind.name)
        return None
    try:
        value = kind.reader().deserialize(said)
    except Unreadable as refused:
        findings.add(where, "default", refused.text, **refused.values)
        return None
    if value is None:
        findings.add(where, "default", "A default cannot be blank: leave it out.")
        return None
    retired = [entry["const"] for entry in prop.get("oneOf", ()) if entry and _retired(entry)]
    if value in retired:
        findings.add(where, "default", "The default {value} is a retired choice.", value=said)
    elif not _passes(kind, prop, value):
        text = "The default {value} breaks the conditions of its own field."
        findings.add(where, "default", text, value=said)
    return value


def _retired(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("deprecated"))


def _passes(kind: Kind, prop: Mapping[str, Any], value: Any) -> bool:
    if "pattern" in prop and patterns.refusal(prop["pattern"]):
        return True
    judge = patterns.judge(kind.judged_as(with_type(prop)))
    return bool(judge.is_valid(kind.to_json(value)))
