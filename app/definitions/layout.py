"""Layout: the register block's lists, sections and label, and what they are when not given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from app.definitions.draft import Draft
from app.definitions.register import Section
from app.kinds.base import Kind

_PLACE = re.compile(r"\{([^{}]*)\}")
#: kinds in the order in which a list is filtered by them
_FILTERED = ("choice", "year", "yes/no", "reference")
_NUMBERS = ("double", "int")


def make_layout(draft: Draft) -> dict[str, Any]:
    """Return the parts of a register that say how it is shown; note what is wrong with them."""
    block = draft.body.get("register", {})
    layout = {
        "category": block.get("category", ""),
        "order": block.get("order", 0),
        "basis": tuple(one for one in block.get("basis", ()) if one),
        "key": _names(draft, "key", _in_key),
        "list": _names(draft, "list", _in_list),
        "search": _names(draft, "search", _in_search),
        "filters": _names(draft, "filters", _in_filters),
        "sort": _names(draft, "sort", _in_sort, sign="-"),
        "export": _names(draft, "export", lambda kind: True),
        "totals": _names(draft, "totals", _in_totals),
        "sections": tuple(_sections(draft)),
    }
    layout["label"] = _label(draft, block.get("label"), layout["key"])
    return {**layout, **_filled(draft, block, layout)}


# --- lists of names ---------------------------------------------------------------------------


def _in_key(kind: Kind) -> bool:
    return not kind.own_table and kind.formula_type not in ("", "list(string)")


def _in_list(kind: Kind) -> bool:
    return not kind.own_table


def _in_search(kind: Kind) -> bool:
    return kind.searchable or hasattr(kind, "register")


def _in_filters(kind: Kind) -> bool:
    return bool(kind.filters) and not kind.own_table


def _in_totals(kind: Kind) -> bool:
    return kind.name in ("number", "integer")


def _in_sort(kind: Kind) -> bool:
    return kind.sortable and not kind.own_table


def _names(
    draft: Draft, keyword: str, fits: Callable[[Kind], bool], sign: str = ""
) -> tuple[str, ...]:
    """Return the names under ``keyword``; note the unknown ones and those of an unfit kind."""
    at = ("register", keyword)
    seen: set[str] = set()
    for place, said in enumerate(draft.body.get("register", {}).get(keyword, ())):
        if said is None:
            continue
        name = said.removeprefix(sign) if sign else said
        _check_name(draft, (*at, place), name, keyword)
        if name in seen:
            text = "The field {name} stands here twice."
            draft.findings.add((*at, place), "duplicate_field", text, name=name)
        seen.add(name)
        kind = draft.kinds.get(name)
        if kind is not None and not fits(kind):
            text = "The field {name} of kind {kind} cannot stand in {keyword}."
            facts = {"name": name, "kind": kind.name, "keyword": keyword}
            draft.findings.add((*at, place), "unfit_field", text, **facts)
    return tuple(said for said in draft.body.get("register", {}).get(keyword, ()) if said)


def _check_name(draft: Draft, at: tuple[str | int, ...], name: str, keyword: str) -> None:
    if name in draft.declared:
        return
    text = "There is no field {name}."
    if name.startswith("-"):
        text = "There is no field {name}; - for descending is for sort only."
    draft.findings.unknown(at, "unknown_field", text, name, draft.declared)


def _sections(draft: Draft) -> Iterator[Section]:
    """Yield the sections, and a last one without a title for the fields that none has."""
    home: dict[str, str] = {}
    for place, section in enumerate(draft.body.get("register", {}).get("sections", ())):
        if section is None:
            continue
        names = [name for name in section.get("fields", ()) if name]
        for number, name in enumerate(section.get("fields", ())):
            if name is None:
                continue
            at = ("register", "sections", place, "fields", number)
            _check_name(draft, at, name, "sections")
            if name in home:
                text = "The field {name} stands in the section {title} already."
                draft.findings.add(at, "duplicate_field", text, name=name, title=home[name])
            home.setdefault(name, section.get("title", ""))
        yield Section(section.get("title", ""), tuple(names))
    rest = tuple(name for name in draft.kinds_in_order() if name not in home)
    if rest:
        yield Section("", rest)


# --- label ------------------------------------------------------------------------------------


def _label(draft: Draft, said: str | None, key: Iterable[str]) -> str:
    if said is None:
        return _default_label(draft, key)
    at = ("register", "label")
    names = _PLACE.findall(said)
    if "{" in _PLACE.sub("", said) or "}" in _PLACE.sub("", said):
        text = "The label {value} has a brace that is not closed or not opened."
        draft.findings.add(at, "label", text, value=said)
    if not names:
        text = "The label {value} names no field: every record would be called the same."
        draft.findings.add(at, "label", text, value=said)
    for name in names:
        _check_name(draft, at, name, "label")
        kind = draft.kinds.get(name)
        if kind is not None and not _in_key(kind):
            text = "The field {name} of kind {kind} cannot stand in {keyword}."
            facts = {"name": name, "kind": kind.name, "keyword": "label"}
            draft.findings.add(at, "unfit_field", text, **facts)
    return said


def _default_label(draft: Draft, key: Iterable[str]) -> str:
    """Return the key, or else the first text, or else the first field, as a label."""
    names = [name for name in key if name in draft.kinds]
    if not names:
        plain = [name for name in draft.kinds_in_order() if _in_key(draft.kinds[name])]
        texts = [name for name in plain if draft.kinds[name].searchable]
        names = (texts or plain)[:1]
    return " ".join(f"{{{name}}}" for name in names)


# --- what is not given --------------------------------------------------------------------------


def _filled(draft: Draft, block: dict[str, Any], layout: dict[str, Any]) -> dict[str, Any]:
    """Return sensible lists in place of those that the definition leaves out."""
    kinds = {name: draft.kinds[name] for name in draft.kinds_in_order()}
    named = [*layout["key"], *_PLACE.findall(layout["label"])]
    filled: dict[str, Any] = {}
    if "list" not in block:
        filled["list"] = tuple(name for name in kinds if _in_list(kinds[name]))[:6]
    if "search" not in block:
        texts = [name for name in dict.fromkeys(named) if name in kinds and kinds[name].searchable]
        filled["search"] = tuple(texts or [name for name in kinds if kinds[name].searchable][:1])
    if "filters" not in block:
        found = [name for name, kind in kinds.items() if kind.name in _FILTERED]
        filled["filters"] = tuple(found[:6])
    if "sort" not in block:
        timed = [name for name in layout["key"] if name in kinds and _is_time(kinds[name])]
        filled["sort"] = tuple(f"-{name}" for name in timed[:1])
    if "export" not in block:
        filled["export"] = tuple(kinds)
    return filled


def _is_time(kind: Kind) -> bool:
    return kind.name in ("year", "quarter", "month", "date")
