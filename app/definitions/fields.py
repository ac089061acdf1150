"""Fields: what a property says, checked and put into one frozen fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.definitions import inference
from app.definitions.conditions import exact
from app.definitions.draft import Draft
from app.definitions.names import propose, why_not
from app.definitions.property import check_property, default_of
from app.definitions.register import Field
from app.definitions.sound import Path_
from app.expressions import Formula
from app.kinds.base import Kind

_DERIVED = ("computed", "lookup", "rollup")
#: what makes no sense where the platform supplies the value
_NOT_DERIVED = (
    *("default", "begin", "unique", "editable", "placeholder", "source", "factor", "serial"),
)
#: what a column of child rows does not have
_NOT_COLUMN = (*_DERIVED, "unique", "index", "visible", "editable", "source", "serial", "begin")


def make_fields(draft: Draft) -> None:
    """Make every field of ``draft`` that is well; note what is wrong with each."""
    required = {name for name in draft.body.get("required", ()) if name}
    _check_required(draft, ("required",), draft.body.get("required", ()), draft.declared)
    _check_titles(draft, ("properties",), draft.props)
    for name, prop in draft.props.items():
        at: Path_ = ("properties", name)
        _check_derived(draft, at, prop, name in required)
        _check_target(draft, at, prop, name in required)
        _check_former(draft, at, prop, draft.declared)
        kind = draft.kinds.get(name)
        if kind is None:
            continue
        check_property(draft.findings, at, prop, kind)
        columns = tuple(_columns(draft, name, prop)) if kind.own_table else ()
        made = _derivation(draft, name, prop, kind)
        if made is not None:
            field = _make(draft, at, prop, kind, columns)
            draft.fields[name] = _finish(field, name in required, made)


def _check_titles(draft: Draft, at: Path_, props: Mapping[str, Any]) -> None:
    """Two columns of a worksheet with one heading could not be told apart."""
    seen: dict[str, str] = {}
    for name, prop in props.items():
        title = prop.get("title", name)
        if title in seen:
            text = "The title {title} is that of {other} already; a worksheet needs them apart."
            where = (*at, name, "title") if "title" in prop else (*at, name)
            draft.findings.add(where, "duplicate_title", text, title=title, other=seen[title])
        seen.setdefault(title, name)


def _finish(field: dict[str, Any], required: bool, made: Mapping[str, Any]) -> Field:
    return Field(**field, required=required, **made)


def _make(
    draft: Draft, at: Path_, prop: Mapping[str, Any], kind: Kind, columns: tuple[Field, ...] = ()
) -> dict[str, Any]:
    """Return what a field takes from its property as it is written."""
    name = str(at[-1])
    return {
        "name": name,
        "title": prop.get("title", name),
        "kind": kind,
        "schema": _judged(kind, prop, columns),
        "help": prop.get("description", ""),
        "unit": prop.get("unit", ""),
        "placeholder": prop.get("placeholder", ""),
        "serial": prop.get("serial", ""),
        "unique": prop.get("unique", False) or "serial" in prop,
        "index": prop.get("index", False),
        "source": prop.get("source", ""),
        "private": prop.get("private", ""),
        "factors": prop.get("factor", {}),
        "on_delete": prop.get("onDelete", "restrict"),
        "was": prop.get("was", ""),
        "default": default_of(draft.findings, at, prop, kind),
        "columns": columns,
    }


def _judged(kind: Kind, prop: Mapping[str, Any], columns: tuple[Field, ...]) -> dict[str, Any]:
    """Return the JSON Schema of the value; of child rows the schema of every column."""
    judged: dict[str, Any] = exact(kind.judged_as(inference.with_type(prop)))
    if columns:
        judged["items"] = {
            "type": "object",
            "properties": {column.name: column.schema for column in columns},
            "required": [column.name for column in columns if column.required],
            "additionalProperties": False,
        }
    return judged


def _columns(draft: Draft, name: str, prop: Mapping[str, Any]) -> Iterator[Field]:
    items = prop["items"]
    base: Path_ = ("properties", name, "items")
    declared = items.get("properties", {})
    required = items.get("required", ())
    _check_required(draft, (*base, "required"), required, declared)
    _check_titles(draft, (*base, "properties"), declared)
    for column, inner in declared.items():
        at = (*base, "properties", column)
        for keyword in _NOT_COLUMN:
            if keyword in inner:
                text = "{keyword} is not for a column of child rows."
                draft.findings.add((*at, keyword), "not_for_column", text, keyword=keyword)
        _check_target(draft, at, inner, column in required)
        _check_former(draft, at, inner, declared)
        kind = draft.columns.get(name, {}).get(column)
        if kind is None:
            _note_no_column_kind(draft, at, inner)
        elif kind.own_table or kind.formula_type in ("rows", ""):
            text = "A column of child rows cannot be of kind {kind}."
            draft.findings.add(at, "not_for_column", text, kind=kind.name)
        else:
            check_property(draft.findings, at, inner, kind)
            yield Field(**_make(draft, at, inner, kind), required=column in required)


def _note_no_column_kind(draft: Draft, at: Path_, prop: Mapping[str, Any]) -> None:
    if not why_not(str(at[-1])) and not any(keyword in prop for keyword in _DERIVED):
        text = "No kind of field is declared by {value}. See the kinds of the language."
        said = {key: prop[key] for key in ("type", "format") if key in prop}
        draft.findings.add(at, "no_kind", text, value=said)


# --- what the platform supplies --------------------------------------------------------------


def _derivation(
    draft: Draft, name: str, prop: Mapping[str, Any], kind: Kind
) -> dict[str, Any] | None:
    """Return formulas, look-up and roll-up of a field, None when its value could not be had."""
    made: dict[str, Any] = {}
    if "computed" in prop:
        made["computed"] = _computed(draft, name, kind)
    elif "lookup" in prop:
        made["lookup"] = draft.lookup(name)
    elif "rollup" in prop:
        made["rollup"] = draft.rollup(name)
    if None in made.values():
        return None
    if "lookup" in made or "rollup" in made:
        _check_gathered(draft, name, kind, made)
    if "begin" in prop:
        made["begin"] = _begin(draft, name, prop["begin"], kind)
    return made | _conditions(draft, name, prop)


def _conditions(draft: Draft, name: str, prop: Mapping[str, Any]) -> dict[str, Formula | None]:
    """Return when a field is shown, and when it may be changed."""
    made: dict[str, Formula | None] = {}
    for keyword in ("visible", "editable"):
        if keyword in prop:
            at = ("properties", name, keyword)
            made[keyword] = formula = draft.write(prop[keyword], at, "bool")
            if formula and name in formula.reads and keyword == "visible":
                text = "The field would hide itself: visible may not read the field it stands in."
                draft.findings.add(at, "hides_itself", text)
    return made


def _begin(draft: Draft, name: str, text: str, kind: Kind) -> Formula | None:
    at = ("properties", name, "begin")
    formula = draft.write(text, at)
    if formula is None:
        return None
    if formula.reads:
        said = "The form is empty when it begins: begin may not read a field."
        draft.findings.add(at, "begin", said)
    return _taken(draft, at, formula, kind)


def _computed(draft: Draft, name: str, kind: Kind) -> Formula | None:
    formula = draft.formula(name, "computed")
    if formula is None:
        return None
    at = ("properties", name, "computed")
    if kind.formula_type in ("", "rows") or hasattr(kind, "register"):
        text = "A field of kind {kind} cannot be computed."
        draft.findings.add(at, "not_computable", text, kind=kind.name)
        return None
    return _taken(draft, at, formula, kind)


def _taken(draft: Draft, at: Path_, formula: Formula, kind: Kind) -> Formula | None:
    """Return ``formula`` if a field of ``kind`` takes what it gives."""
    if not inference.takes(kind, formula.type):
        text = "The expression gives {actual}, but a field of kind {kind} takes {expected}."
        facts = {"actual": formula.type, "kind": kind.name, "expected": kind.formula_type}
        draft.findings.add(at, "expression", text, **facts)
        return None
    return formula


def _check_gathered(draft: Draft, name: str, kind: Kind, made: Mapping[str, Any]) -> None:
    """Check that the field can hold what is looked up or gathered."""
    keyword, source = next(iter(made.items()))
    found = draft.world.kind(source.register, source.field)
    if keyword == "rollup" and source.operation in ("count", "sum", "avg"):
        if source.operation == "count":
            fits = kind.formula_type in ("int", "double")
        else:
            whole = source.operation == "sum" and found is not None and found.formula_type == "int"
            fits = kind.formula_type == "double" or (whole and kind.formula_type == "int")
    else:
        fits = found is None or kind.holds(found) or type(kind) is type(found)
    if not fits:
        text = "A field of kind {kind} does not take what is read from {source}."
        origin = f"{source.register}.{source.field}".rstrip(".")
        at = ("properties", name, keyword)
        draft.findings.add(at, "wrong_source", text, kind=kind.name, source=origin)


def _check_derived(draft: Draft, at: Path_, prop: Mapping[str, Any], required: bool) -> None:
    ways = [keyword for keyword in _DERIVED if keyword in prop]
    if not ways:
        return
    if len(ways) > 1:
        text = "A value comes from one place: say only one of {ways}."
        draft.findings.add(at, "conflict", text, ways=", ".join(ways))
    for keyword in _NOT_DERIVED:
        if keyword in prop:
            text = "{keyword} and {way} do not go together: the platform supplies the value."
            draft.findings.add((*at, keyword), "conflict", text, keyword=keyword, way=ways[0])
    if required:
        text = "{name} cannot be required: the platform supplies the value, a person could not."
        place = draft.body["required"].index(at[1])
        draft.findings.add(("required", place), "conflict", text, name=at[1])


# --- names in a field -------------------------------------------------------------------------


def _check_required(draft: Draft, at: Path_, names: Any, known: Mapping[str, Any]) -> None:
    for place, name in enumerate(names):
        if name is not None and name not in known:
            text = "There is no field {name}."
            draft.findings.unknown((*at, place), "unknown_field", text, name, known)


def _check_target(draft: Draft, at: Path_, prop: Mapping[str, Any], required: bool) -> None:
    slug = prop.get("reference")
    if slug is not None and not draft.world.exists(slug):
        text = "There is no register {name}: publish it first, or give both definitions together."
        known = draft.world.slugs
        draft.findings.unknown((*at, "reference"), "unknown_register", text, slug, known)
    if prop.get("onDelete") == "clear" and required:
        text = "A required field cannot become blank: choose restrict or cascade."
        draft.findings.add((*at, "onDelete"), "conflict", text)


def _check_former(
    draft: Draft, at: Path_, prop: Mapping[str, Any], declared: Mapping[str, Any]
) -> None:
    was = prop.get("was")
    if was is None:
        return
    if was in declared:
        text = (
            "The former name {name} is the name of a field that exists. Remove was, or that field."
        )
        draft.findings.add((*at, "was"), "former_name", text, name=was)
    elif sentence := why_not(was):
        facts = {"name": was, "length": len(was), "most": 40, "proposal": propose(was)}
        draft.findings.add((*at, "was"), "bad_name", sentence, **facts)
