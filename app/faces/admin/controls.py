"""Controls: how each field of a form is drawn. Facts for ``controls.html``; no rule in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import wtforms
from flask import url_for
from wtforms.fields.choices import Choice

from app.definitions.register import Field
from app.errors import Problem
from app.faces.admin import entry
from app.words import gettext as _
from app.words import say

#: input types a browser may refuse to show a text in: what cannot be shown becomes plain text
STRICT = {
    "date": 10,
    "month": 7,
    "datetime-local": 16,
}


@dataclass(slots=True)
class Control:
    """One control, or one cell of a child row."""

    name: str
    id: str
    param: str
    at: str
    title: str
    widget: str = "text"
    input: str = "text"
    mode: str = ""
    value: Any = ""
    label: str = ""
    placeholder: str = ""
    help: str = ""
    unit: str = ""
    required: bool = False
    locked: bool = False
    hidden: bool = False
    others: bool = False
    #: numbered by the platform
    serial: bool = False
    #: how the value of a derived field comes about
    how: str = ""
    wide: bool = False
    aria: str = ""
    describedby: str = ""
    lookup: str = ""
    upload: str = ""
    many: bool = False
    accept: str = ""
    limit: str = ""
    max_bytes: int = 0
    errors: list[str] = field(default_factory=list)
    options: list[tuple[str, str, bool]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    columns: list[Control] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    blank: dict[str, Any] | None = None
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """What drawing a form needs beside the field: where it is, what is wrong, what is named."""

    slug: str
    typed: Mapping[str, Any]
    problems: Mapping[str, Sequence[Problem]]
    computed: Mapping[str, str]
    visible: Mapping[str, bool]
    editable: Mapping[str, bool]
    #: (register, id as text) → how the record is called
    named: Callable[[str, str], str]
    #: ids as text → facts of the files
    files: Callable[[Sequence[str]], list[dict[str, Any]]]
    #: field → the value it had before its kind changed, which did not fit
    parked: Mapping[str, str] = field(default_factory=dict)
    #: field that others fill in → its value as text
    given: Mapping[str, str] = field(default_factory=dict)
    #: fields that hold what the last period's record held
    carried: frozenset[str] = frozenset()
    #: a stored record is being changed, not a new one entered
    editing: bool = False
    #: field that steps of the workflow fill in → the sentence that says so
    steps: Mapping[str, str] = field(default_factory=dict)
    #: the field that holds the state
    state: str = ""


def draw(drawing: Drawing, entered: Field) -> Control:
    """Return the control of one field."""
    name = entered.name
    drawn = base(drawing, entered, f"/{name}", entry.PREFIX + name)
    drawn.hidden = drawing.visible.get(name) is False
    drawn.locked = drawing.editable.get(name) is False
    if entered.derived:
        drawn.widget, drawn.value = "given", drawing.computed.get(name, "")
    elif entered.serial and (drawn.locked or not drawing.editing):
        drawn.widget, drawn.required, drawn.serial = "given", False, True
        drawn.value = text_of(drawing.typed.get(name)) if drawn.locked else _("Given when saved")
    elif name in drawing.given:
        drawn.widget, drawn.value, drawn.required = "given", drawing.given[name], False
        drawn.others = name != drawing.state
    elif entered.columns:
        draw_rows(drawing, entered, drawn)
    else:
        fill(drawing, entered, drawn, drawing.typed.get(name))
    return drawn


def base(drawing: Drawing, entered: Field, at: str, identity: str) -> Control:
    """Return what every control has."""
    errors = [say(problem) for problem in drawing.problems.get(at, ())]
    parts = [f"{identity}-said"] if not entered.derived else []
    told = entered.help
    if at == f"/{entered.name}" and entered.name in drawing.steps:
        told = " ".join([told, drawing.steps[entered.name]]).strip()
    if entered.name in drawing.parked and at == f"/{entered.name}":
        waiting = _("Before its kind changed, this field held: {value}")
        told = " ".join([told, waiting.replace("{value}", drawing.parked[entered.name])]).strip()
    if told:
        parts.insert(0, f"{identity}-help")
    return Control(
        entered.name, identity, identity, at, entered.title, help=told, unit=entered.unit,
        required=entered.required, errors=errors, placeholder=entered.placeholder,
        describedby=" ".join(parts),
        carried=entered.name in drawing.carried and at == f"/{entered.name}",
    )  # fmt: skip


def fill(drawing: Drawing, entered: Field, drawn: Control, typed: Any) -> None:
    """Put value, widget and options into ``drawn``; the kind's own WTForms control says which."""
    unbound = entered.kind.form_field(entered.title)
    made = unbound.bind(wtforms.Form(), drawn.param)
    attributes = made.render_kw or {}
    drawn.mode = attributes.get("inputmode", "")
    drawn.placeholder = drawn.placeholder or attributes.get("placeholder", "")
    if entered.reference:
        draw_reference(drawing, entered, drawn, text_of(typed))
    elif entry.has_files(entered):
        draw_files(drawing, entered, drawn, attributes, list(typed or ()))
    elif isinstance(made, wtforms.SelectMultipleField):
        drawn.widget = "choices"
        drawn.options = options(made, list(typed or ()))
    elif isinstance(made, wtforms.SelectField):
        drawn.widget = "choice"
        drawn.options = options(made, [text_of(typed)])
    elif isinstance(made, wtforms.TextAreaField):
        drawn.widget, drawn.wide, drawn.value = "long", True, text_of(typed)
    else:
        draw_text(made, drawn, text_of(typed))


def draw_text(made: wtforms.Field, drawn: Control, typed: str) -> None:
    drawn.input = getattr(made.widget, "input_type", "text")
    length = STRICT.get(drawn.input)
    if length and typed and (len(typed) < length or not typed[:4].isdigit() or typed[4] != "-"):
        drawn.input = "text"
    drawn.value = typed


def options(made: wtforms.Field, chosen: list[str]) -> list[tuple[str, str, bool]]:
    """Return (value, text, chosen); a retired choice is offered only where it is stored."""
    made.data = chosen if isinstance(made, wtforms.SelectMultipleField) else chosen[0]
    return [(str(o.value), text_of_option(o), str(o.value) in chosen) for o in made.iter_choices()]


def text_of_option(option: Choice) -> str:
    if not str(option.value):
        return _("(not chosen)")
    retired = (option.render_kw or {}).get("data-retired")
    return _("{title} (retired)", title=option.label) if retired else str(option.label)


def draw_reference(drawing: Drawing, entered: Field, drawn: Control, typed: str) -> None:
    drawn.widget, drawn.value = "reference", typed
    drawn.lookup = url_for("register.lookup", slug=drawing.slug, field=drawn.at.split("/")[1])
    if "-" in drawn.param:
        drawn.lookup += f"?column={entered.name}"
    drawn.label = drawing.named(entered.reference, typed) if typed else ""


def draw_files(
    drawing: Drawing, entered: Field, drawn: Control, attributes: Mapping[str, str], ids: list[str]
) -> None:
    drawn.widget, drawn.files = "files", drawing.files(ids)
    drawn.upload = url_for("register.upload", slug=drawing.slug, field=entered.name)
    drawn.many = attributes.get("data-max-items", "1") != "1"
    drawn.accept = attributes.get("data-accept", "")
    drawn.limit = f"≤ {attributes.get('data-max-mb', '')} MB"
    drawn.max_bytes = int(attributes.get("data-max-mb") or 0) * 1024 * 1024


def draw_rows(drawing: Drawing, entered: Field, drawn: Control) -> None:
    """Draw child rows: one line for each, and an empty one to copy."""
    drawn.widget, drawn.wide = "rows", True
    columns = [column for column in entered.columns if not column.derived]
    drawn.columns = [base(drawing, column, "", "") for column in columns]
    typed = drawing.typed.get(entered.name) or []
    rows = typed if isinstance(typed, list) else []
    drawn.rows = [draw_row(drawing, drawn, columns, str(n), row) for n, row in enumerate(rows)]
    drawn.blank = draw_row(drawing, drawn, columns, "new", {})


def draw_row(
    drawing: Drawing, parent: Control, columns: Sequence[Field], number: str, row: Mapping[str, Any]
) -> dict[str, Any]:
    cells = []
    for column in columns:
        identity = f"{parent.param}-{number}-{column.name}"
        cell = base(drawing, column, f"{parent.at}/{number}/{column.name}", identity)
        cell.describedby = f"{identity}-said"
        fill(drawing, column, cell, row.get(column.name))
        cell.aria = column.title
        cells.append(cell)
    errors = [say(p) for p in drawing.problems.get(f"{parent.at}/{number}", ())]
    return {"cells": cells, "errors": errors}


def text_of(typed: Any) -> str:
    if typed is None:
        return ""
    return typed if isinstance(typed, str) else "、".join(str(item) for item in typed)
