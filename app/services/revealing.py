"""Revealing: one private value of one record, shown whole to somebody who may, on record."""

from __future__ import annotations

from app.errors import NotAllowed, QueryRefused, because
from app.services import access, audit
from app.services.reading import visible_row
from app.services.work import Work


def reveal(work: Work, slug: str, record: int, name: str) -> str:
    """Return a private field's value as it is shown whole, and put that into the audit log.

    Raises ``RecordNotFound`` for a record that is not seen, ``NotAllowed`` for who may not
    reveal, ``QueryRefused`` for a field that is not there for the person, or not private.
    """
    published = work.published(slug)
    row = visible_row(work, published, record)
    asked = access.of(work, slug)
    register = published.register
    if name not in register or name in asked.hidden(row) or not register[name].private:
        raise QueryRefused(reason=because("There is no private field {name}.", name=name[:60]))
    if not (asked.allows("reveal", row) or asked.allows("whole", row)):
        raise NotAllowed(action="reveal")
    about = audit.About("record", slug, record, published.revision)
    facts = {"field": register[name].title, "title": f"{register.title} {row['_label']}"}
    audit.note(work, "value.revealed", about, facts)
    return register[name].kind.show(row[name])
