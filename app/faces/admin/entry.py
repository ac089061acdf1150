"""Entry: a record's form ↔ what a person typed.

*Typed* is the raw record as the controls hold it: text, a list of texts (several choices,
files), a list of dicts (child rows). It goes to the gate as it is, and back into the form when
the gate refuses. Every control is called ``f_<field>``, so that no field's name can meet an
attribute of the form, the token or another control.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import wtforms
from flask_admin.form import BaseForm
from werkzeug.datastructures import MultiDict

from app.definitions.register import Field, Register

PREFIX = "f_"

Typed = dict[str, Any]


def form_class(register: Register) -> type[wtforms.Form]:
    """Return the WTForms class of a register: one control for each field people fill in."""
    controls = {
        PREFIX + field.name: field.kind.form_field(field.title, field.help)
        for field in register.fields
        if not field.derived
    }
    return type("RecordForm", (BaseForm,), controls)


def typed_of(register: Register, form: MultiDict[str, str]) -> Typed:
    """Return what ``form`` says of the register's fields; a field it does not name is left out."""
    typed: Typed = {}
    for field in register.fields:
        if field.derived:
            continue
        name = PREFIX + field.name
        if field.columns:
            if name + "-rows" in form:
                typed[field.name] = rows_of(field, form)
            elif name in form:
                typed[field.name] = form[name]
        elif name in form:
            typed[field.name] = item_of(field, form.getlist(name))
    return typed


def item_of(field: Field, values: list[str]) -> Any:
    """Return a control's text, or its texts where it holds several."""
    if is_list(field):
        return [value for value in values if value]
    return values[0].replace("\r\n", "\n")


def is_list(field: Field) -> bool:
    """Return whether the field's control sends several values."""
    return isinstance(field.kind.to_form(None), list) or has_files(field)


def has_files(field: Field) -> bool:
    return hasattr(field.kind, "accepts")


def rows_of(field: Field, form: MultiDict[str, str]) -> list[Typed]:
    """Return the child rows in the order of their numbers; rows with nothing in them are left
    out, so that a row's place is the place the gate will name."""
    return list(numbered_rows(field, form).values())


def numbered_rows(field: Field, form: MultiDict[str, str]) -> dict[int, Typed]:
    """Return the child rows that say something, by the number each has in the form."""
    columns = {column.name: column for column in field.columns if not column.derived}
    pattern = re.compile(rf"{PREFIX}{field.name}-(\d{{1,6}})-([a-z][a-z0-9_]*)", re.ASCII)
    found: dict[int, Typed] = {}
    for name in form:
        match = pattern.fullmatch(name)
        if match and match[2] in columns:
            row = found.setdefault(int(match[1]), {})
            row[match[2]] = item_of(columns[match[2]], form.getlist(name))
    filled = [n for n in sorted(found) if any(not blank(item) for item in found[n].values())]
    return {n: found[n] for n in filled}


def in_form(register: Register, at: str, form: MultiDict[str, str]) -> str:
    """Return the pointer of a judged child row as the form numbers its rows."""
    parts = at.split("/")
    if len(parts) < 3 or parts[1] not in register or not parts[2].isdigit():
        return at
    numbers = list(numbered_rows(register[parts[1]], form))
    place = int(parts[2])
    if place < len(numbers):
        parts[2] = str(numbers[place])
    return "/".join(parts)


def blank(item: Any) -> bool:
    return not item.strip() if isinstance(item, str) else not item


def stored_as_typed(register: Register, values: Mapping[str, Any]) -> Typed:
    """Return stored values as the controls show them."""
    return {f.name: as_typed(f, values.get(f.name)) for f in register.fields if not f.derived}


def as_typed(field: Field, value: Any) -> Any:
    if field.columns:
        return [
            {c.name: as_typed(c, row.get(c.name)) for c in field.columns} for row in value or ()
        ]
    if has_files(field):
        return [str(number) for number in value or ()]
    return field.kind.to_form(value)


def renamed(
    form: MultiDict[str, str], fields: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]
) -> MultiDict[str, str]:
    """Return ``form`` with the controls of renamed fields and columns under today's names."""
    today: MultiDict[str, str] = MultiDict()
    for key, values in form.lists():
        field, *rest = key.removeprefix(PREFIX).split("-")
        if key.startswith(PREFIX):
            field = fields.get(field, field)
            if len(rest) == 2:
                rest[1] = columns.get(field, {}).get(rest[1], rest[1])
            key = "-".join((PREFIX + field, *rest))
        today.setlist(key, values)
    return today


def surplus(register: Register, form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """Return what ``form`` says where the register takes nothing (any more): (name, text), the
    name of a child list's column as ``field-column``."""
    taken = {f.name: {c.name for c in f.columns if not c.derived} for f in entered(register)}
    found: dict[str, list[str]] = {}
    for key in form:
        if not key.startswith(PREFIX) or key.endswith("-rows"):
            continue
        name, *rest = key.removeprefix(PREFIX).split("-")
        if name in taken and (len(rest) != 2 or rest[1] in taken[name]):
            continue
        place = f"{name}-{rest[1]}" if name in taken else name
        found.setdefault(place, []).extend(v for v in form.getlist(key) if v.strip())
    return [(name, "、".join(texts)) for name, texts in found.items() if texts]


def entered(register: Register) -> list[Field]:
    """Return the fields that people fill in."""
    return [field for field in register.fields if not field.derived]
