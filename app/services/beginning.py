"""Beginning: whose a new record is, where the person enters those of their own unit only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.definitions.permissions import BELOW, OWN_UNIT, REFERRED, SELF
from app.definitions.register import Field, Grant
from app.services import access
from app.services.standing import Unit
from app.services.work import Work
from app.storage.catalog import Published

#: whose rows a clerk enters who enters those of their own unit; a new one is referred to nobody
OF_UNIT = {OWN_UNIT, BELOW, REFERRED}


def own(work: Work, slug: str) -> dict[str, Any]:
    """Return the fields that say whose a record is, as a person of one unit fills them in:
    nothing for whoever may enter those of others, and nothing where it is not certain."""
    published, standing = work.published(slug), work.standing
    grants = [
        grant
        for grant in published.register.permissions
        if "create" in grant.may and standing.roles & set(grant.roles)
    ]
    if standing.everything or any(not set(grant.rows) <= OF_UNIT for grant in grants):
        return {}
    open_to = access.of(work, slug).changeable("create", None)
    found: dict[str, set[Any]] = {}
    for grant in grants:
        for name, value in said(work, published, grant).items():
            if open_to is None or name in open_to:
                found.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def said(work: Work, published: Published, grant: Grant) -> dict[str, Any]:
    """Return the field by which a grant says whose a record is, with the person's own unit."""
    units = {held.unit for held in work.standing.holdings if held.role in grant.roles}
    if len(units) != 1 or grant.by in ("", SELF):
        return {}
    field, unit = published.register[grant.by], work.tree[units.pop()]
    value = named(field, unit)
    if value is None:
        return {}
    if not field.derived:
        return {field.name: value}
    if field.lookup is None or published.register[field.lookup.reference].derived:
        return {}
    target = work.published(field.lookup.register)
    # one of many that happens to be the only one today is not meant
    if not target.register[field.lookup.field].unique:
        return {}
    main = target.tables.main
    query = sa.select(main.c["_id"]).where(
        main.c[field.lookup.field] == value, main.c["_deleted_at"].is_(None)
    )
    record = work.tx.scalar(query)
    return {field.lookup.reference: record} if record is not None else {}


def named(field: Field, unit: Unit) -> Any:
    """Return how a field names a unit: by the record it stands for, or by its code."""
    if field.reference:
        return unit.record if unit.slug == field.reference else None
    return unit.code or None
