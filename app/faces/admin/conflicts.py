"""Conflicts: a record somebody else saved meanwhile, a definition that was changed meanwhile.

Both end in the same way: the form comes back with everything that was typed, and says what
is different.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.datastructures import MultiDict

from app.definitions.findings import Findings
from app.definitions.library import common_parts
from app.definitions.register import Field, Register
from app.definitions.shared import SharedParts
from app.errors import AppError, RecordMoved, RecordNotFound, RevisionNotFound
from app.faces.admin import desk, entry
from app.faces.admin.record_pages import past_values
from app.faces.admin.telling import tell
from app.kinds import kind_of
from app.services import publishing, records
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView
    from app.faces.admin.saving import Sheet


class DefinitionMoved(AppError):
    """The register was published between the opening of this request and its write."""

    code = "definition.moved"
    status = 409
    text = (
        "The definition was published again this very moment. Save once more to see what is "
        "different."
    )


def require_revision(work: Work, view: RegisterView) -> None:
    """Refuse to write by a form that was drawn for another revision than today's."""
    if work.published(view.register.slug).revision != view.published.revision:
        raise DefinitionMoved


def merge(view: RegisterView, sheet: Sheet, moved: RecordMoved) -> None:
    """Put into ``sheet`` what the other person saved wherever this one changed nothing, and a
    comparison of the two."""
    if sheet.record is None:
        return
    id = sheet.record.id
    with desk.reading() as work:
        now = records.get(work, view.register.slug, id)
        try:
            base = past_values(view, work, id, sheet.version)
        except RecordNotFound:
            base = dict(now.values)
        mine, _problems = view.published.gate.read(sheet.typed)
        lines = [
            compared(work, sheet, field, base.get(field.name), now.values.get(field.name), mine)
            for field in view.register.fields
            if not field.derived
        ]
    sheet.record, sheet.version = now, now.version
    sheet.moved = {
        "text": say(moved),
        "who": now.updated_by,
        "changes": [line for line in lines if line is not None],
    }


def compared(
    work: Work, sheet: Sheet, field: Field, base: Any, theirs: Any, mine: dict[str, Any]
) -> dict[str, Any] | None:
    """Compare one field three ways; what only the other changed goes into the form."""
    name = field.name
    touched = name in sheet.typed and (name not in mine or mine[name] != base)
    touched = touched and sheet.typed[name] != entry.as_typed(field, base)
    if theirs == base:
        return None
    typed = sheet.typed.get(name)
    told = tell(work, field, mine[name]) if name in mine else str(typed or "")
    if not touched:
        sheet.typed[name] = entry.as_typed(field, theirs)
    return {
        "title": field.title,
        "before": tell(work, field, base),
        "after": tell(work, field, theirs),
        "mine": told,
        "clash": touched and not (name in mine and mine[name] == theirs),
    }


def outdated(
    view: RegisterView, typed: entry.Typed, revision: int, sent: MultiDict[str, str] | None = None
) -> list[str]:
    """Return what stands in the way of saving a form that was opened under an earlier
    revision, ``[]`` if it still says what it said then. A renamed field's entry moves along.
    ``sent`` is the form where it is not the request's."""
    if not 0 < revision < view.published.revision:
        return []
    with desk.reading() as work:
        try:
            before = publishing.document(work, view.register.slug, revision)
        except RevisionNotFound:
            return []
    old = whole_properties(before)
    form = entry.renamed(request.form if sent is None else sent, *renamings(view.register, old))
    typed.clear()
    typed.update(entry.typed_of(view.register, form))
    said = [
        _(
            "{field} means something else now: check your entry. You had typed: {text}",
            field=title,
            text=text,
        )
        for title, text in different(view.register, old, typed)
    ]
    lost = [(title_of(old, name), text) for name, text in entry.surplus(view.register, form)]
    return said + [
        _(
            "{field} is no longer part of the register. You had typed: {text}",
            field=title,
            text=text,
        )
        for title, text in lost
    ]


def whole_properties(document: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of an earlier document with what they share written out."""
    parts = SharedParts(document.get("$defs", {}), common_parts(), Findings())
    properties = document.get("properties", {})
    return {name: parts.expand(p, (name,)) or p for name, p in properties.items()}


def renamings(
    register: Register, old: dict[str, Any]
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the names that fields of ``old`` have today, and those of their columns by field."""
    fields = former(register.fields, old)
    before = {new: old[name] for name, new in fields.items()}
    columns = {
        field.name: former(field.columns, columns_of(before.get(field.name, old.get(field.name))))
        for field in register.fields
        if field.columns
    }
    return fields, columns


def former(fields: Sequence[Field], old: dict[str, Any]) -> dict[str, str]:
    """Return name in ``old`` → name today of what was renamed since."""
    return {f.was: f.name for f in fields if f.was in old and f.name not in old}


def columns_of(before: Any) -> dict[str, Any]:
    """Return the columns of a child list's property."""
    items = before.get("items") if isinstance(before, dict) else None
    columns = items.get("properties") if isinstance(items, dict) else None
    return columns if isinstance(columns, dict) else {}


def different(
    register: Register, old: dict[str, Any], typed: entry.Typed
) -> Iterator[tuple[str, str]]:
    """Give (title, text) of what was typed and may mean something else now. The control it has
    now may be unable to show the text, so the text is told."""
    names, columns = renamings(register, old)
    for field in register.fields:
        if field.name not in typed or entry.blank(typed[field.name]):
            continue
        before = old.get(next((k for k, v in names.items() if v == field.name), field.name))
        if changed(field, before):
            yield field.title, as_text(typed[field.name])
        if not field.columns or not isinstance(typed[field.name], list):
            continue
        past, moved = columns_of(before), columns[field.name]
        for column in field.columns:
            was = next((k for k, v in moved.items() if v == column.name), column.name)
            filled = [row[column.name] for row in typed[field.name] if row.get(column.name)]
            if any(map(as_text, filled)) and changed(column, past.get(was)):
                yield f"{field.title} / {column.title}", as_text(filled)


def as_text(item: Any) -> str:
    """Return what a control, or a list of rows, held as one line."""
    if isinstance(item, dict):
        item = list(item.values())
    if isinstance(item, list):
        return "、".join(filter(None, map(as_text, item)))
    return str(item).strip()


def title_of(properties: dict[str, Any], name: str) -> str:
    """Return the title that a field, or ``field-column``, had."""
    field, _dash, column = name.partition("-")
    before = properties.get(field, {})
    title = str(before.get("title", field))
    if column:
        title += " / " + str(columns_of(before).get(column, {}).get("title", column))
    return title


def changed(field: Field, before: Any) -> bool:
    """Return whether an entry made for the property ``before`` may mean something else now."""
    if not isinstance(before, dict):
        return False
    kind = kind_of(before)
    if kind is None:
        return False
    if field.reference != str(before.get("reference", "")):
        return True
    if field.columns:
        return kind.name != field.kind.name
    return not field.kind.holds(kind) or str(before.get("unit", "")) != field.unit
