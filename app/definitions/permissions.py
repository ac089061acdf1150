"""Permissions: who may do what, on which rows and fields, as a definition declares it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.definitions.draft import Draft
from app.definitions.gathering import make_conditions
from app.definitions.register import Condition, Grant

#: what a grant may allow; the second part is what people do to one row
ON_ALL = ("create", "import", "publish")
ON_ROWS = ("see", "change", "delete", "review", "export", "reveal", "whole")
MAY = (*ON_ALL, *ON_ROWS)
#: which rows
ALL, OWN, OWN_UNIT, BELOW, REFERRED, PAIRED = (
    "all", "own", "own-unit", "unit-and-below", "referred", "paired",
)  # fmt: skip
#: the rows that ``by`` can say anything of
BY = frozenset({OWN_UNIT, BELOW, PAIRED})
#: the record itself, where a field would refer to it
SELF = "$self"
#: the short form: what the departments that fill, check and read may do
SHORT: Mapping[str, tuple[str, ...]] = {
    "fill": ("see", "create", "change", "delete", "export", "import"),
    "review": ("see", "change", "review", "export"),
    "read": ("see", "export"),
}
#: the short form's scopes, as rows
SCOPES = {
    "all": ALL,
    "own": OWN,
    "own-organisation": OWN_UNIT,
    "own-organisation-and-below": BELOW,
}


def make_permissions(draft: Draft, label: str, key: tuple[str, ...]) -> tuple[Grant, ...]:
    """Return the grants of a register; note what is wrong with each."""
    block = draft.body.get("register", {})
    said = block.get("permissions")
    if isinstance(said, dict):
        return tuple(_short(draft, said, block.get("scope", "own-organisation-and-below")))
    if not isinstance(said, list):
        return ()
    if "scope" in block:
        text = "scope belongs to the short form of permissions; write rows into each grant."
        draft.findings.add(("register", "scope"), "permissions", text)
    grants = []
    for place, grant in enumerate(said):
        if isinstance(grant, dict):
            at = ("register", "permissions", place)
            grants.append(_grant(draft, at, grant))
            _check_hidden(draft, at, grants[-1], label, key)
    return tuple(grants)


def _short(draft: Draft, said: Mapping[str, Any], scope: str) -> Iterator[Grant]:
    for name, roles in said.items():
        if name not in SHORT:
            at = ("register", "permissions", name)
            text = "The short form of permissions has no {name}."
            draft.findings.unknown(at, "permissions", text, name, SHORT)
            continue
        rows = (SCOPES[scope],) if name == "fill" else (ALL,)
        yield Grant(tuple(r for r in roles if r), frozenset(SHORT[name]), rows)


def _grant(draft: Draft, at: tuple[Any, ...], said: Mapping[str, Any]) -> Grant:
    may = frozenset(part for part in said.get("may", ()) if part)
    wanted = said.get("rows", ALL)
    rows = tuple(part for part in ([wanted] if isinstance(wanted, str) else wanted) if part)
    change = said.get("change")
    return Grant(
        roles=tuple(part for part in said.get("role", ()) if part),
        # who may do something to a row sees it
        may=may | ({"see"} if may & set(ON_ROWS) else set()),
        rows=rows,
        by=_by(draft, at, said, rows),
        where=tuple(_where(draft, at, said)),
        states=tuple(part for part in said.get("in", ()) if part),
        see=_seen(draft, at, said),
        change=None if change in (None, "source") else _names(draft, at, "change", change),
        by_source=change == "source",
    )


def _by(draft: Draft, at: tuple[Any, ...], said: Mapping[str, Any], rows: tuple[str, ...]) -> str:
    name = str(said.get("by", ""))
    if not name or name == SELF:
        return name
    kind = draft.kinds.get(name)
    if name not in draft.declared:
        text = "There is no field {name}."
        draft.findings.unknown((*at, "by"), "unknown_field", text, name, draft.declared)
        return ""
    if kind is None:
        return ""
    if not (hasattr(kind, "register") or kind.formula_type == "string"):
        text = "A row belongs to a unit by a reference or a text; {name} is of kind {kind}."
        draft.findings.add((*at, "by"), "permissions", text, name=name, kind=kind.name)
    if not BY & set(rows):
        text = "by goes with the rows {listed}."
        draft.findings.add((*at, "by"), "permissions", text, listed=", ".join(sorted(BY)))
    return name


def _where(draft: Draft, at: tuple[Any, ...], said: Mapping[str, Any]) -> Iterator[Condition]:
    path = (*at, "where")
    for condition in make_conditions(draft, path, draft.slug, said.get("where") or {}):
        if condition.plus:
            text = "plus is not for the rows of a permission."
            draft.findings.add((*path, condition.field), "permissions", text)
        if condition.own and draft.kinds[condition.own] != draft.kinds[condition.field]:
            text = "{name} and {own} are not of the same kind, to the decimals."
            facts = {"name": condition.field, "own": condition.own}
            draft.findings.add((*path, condition.field), "permissions", text, **facts)
        yield condition


def _seen(draft: Draft, at: tuple[Any, ...], said: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the fields a grant shows; None for all."""
    if "see" in said and "hide" in said:
        text = "Write see or hide, not both."
        draft.findings.add((*at, "hide"), "permissions", text)
    if "see" in said:
        return _names(draft, at, "see", said["see"])
    if "hide" in said:
        return frozenset(draft.declared) - _names(draft, at, "hide", said["hide"])
    return None


def _names(draft: Draft, at: tuple[Any, ...], keyword: str, said: Any) -> frozenset[str]:
    for place, name in enumerate(said):
        if name is not None and name not in draft.declared:
            text = "There is no field {name}."
            where = (*at, keyword, place)
            draft.findings.unknown(where, "unknown_field", text, name, draft.declared)
    return frozenset(name for name in said if name)


def _check_hidden(
    draft: Draft, at: tuple[Any, ...], grant: Grant, label: str, key: tuple[str, ...]
) -> None:
    """Refuse to hide what shows anyway: a field of the label, of the key, or of ``by``."""
    if grant.see is None:
        return
    for name in draft.declared:
        if name in grant.see:
            continue
        where = ""
        if "{" + name + "}" in label:
            where = "label"
        elif name in key:
            where = "key"
        elif name == grant.by:
            where = "by"
        if where:
            text = "{name} cannot be hidden: it stands in {keyword}, which everybody sees."
            place = "hide" if "hide" in _said(draft, at) else "see"
            draft.findings.add((*at, place), "permissions", text, name=name, keyword=where)


def _said(draft: Draft, at: tuple[Any, ...]) -> Mapping[str, Any]:
    said: Mapping[str, Any] = draft.body["register"]["permissions"][at[-1]]
    return said


def check_private(draft: Draft, label: str) -> None:
    """Refuse a label that would show what is masked everywhere else."""
    for name, prop in draft.props.items():
        if prop.get("private") and "{" + name + "}" in label:
            text = "{name} is private and cannot stand in the label, which is shown unmasked."
            draft.findings.add(("register", "label"), "permissions", text, name=name)


__all__ = ["MAY", "ON_ALL", "ON_ROWS", "check_private", "make_permissions"]
