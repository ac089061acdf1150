"""Conflicts: a record somebody else saved meanwhile, a definition that was changed meanwhile.

Both end in the same way: the form comes back with everything that was typed, and says what
is different.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request

from app.definitions.register import Field
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


def outdated(view: RegisterView, typed: entry.Typed, revision: int) -> list[str]:
    """Return what stands in the way of saving a form that was opened under an earlier
    revision, ``[]`` if it still says what it said then. A renamed field's entry moves along."""
    if not 0 < revision < view.published.revision:
        return []
    with desk.reading() as work:
        try:
            before = publishing.document(work, view.register.slug, revision)
        except RevisionNotFound:
            return []
    old = before.get("properties", {})
    lost = entry.surplus(view.register, request.form)
    said = []
    for field in view.register.fields:
        if field.was in lost and field.name not in typed and not field.derived:
            carry(field, typed)
            lost.pop(field.was)
        elif field.name in typed and changed(field, old.get(field.name)):
            said.append(_("{field} means something else now: check your entry.", field=field.title))
    for name, text in lost.items():
        said.append(
            _(
                "{field} is no longer part of the register. You had typed: {text}",
                field=title(old, name),
                text=text,
            )
        )
    return said


def carry(field: Field, typed: entry.Typed) -> None:
    """Move what was typed under a field's former name to its name of today."""
    name = entry.PREFIX + field.was
    if not field.columns:
        typed[field.name] = entry.item_of(field, request.form.getlist(name))


def title(properties: dict[str, Any], name: str) -> str:
    return str(properties.get(name, {}).get("title", name))


def changed(field: Field, before: Any) -> bool:
    """Return whether an entry made for the property ``before`` may mean something else now."""
    if not isinstance(before, dict) or field.columns:
        return False
    kind = kind_of(before)
    if kind is None:
        return False
    return not field.kind.holds(kind) or str(before.get("unit", "")) != field.unit
