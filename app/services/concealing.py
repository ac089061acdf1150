"""Concealing: what of a stored row somebody is shown – fields left out, private values masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.definitions.register import Field, Register
from app.kinds.masks import mask
from app.services.access import Access

Row = Mapping[str, Any]


def conceal(
    access: Access, row: Row, values: dict[str, Any]
) -> tuple[frozenset[str], frozenset[str]]:
    """Take out of ``values`` what of ``row`` is hidden, and mask what is private.

    Returns the hidden and the masked fields.
    """
    hidden, private = access.hidden(row), access.masked(row)
    for name in hidden:
        values.pop(name, None)
    for name in private:
        if name in values:
            values[name] = masked(access.register[name], values[name])
    return hidden, private - hidden


def masked(field: Field, value: Any) -> Any:
    """Return a private value, or child rows that hold some, as they are shown; blank stays."""
    if value is None:
        return None
    if not field.columns:
        return mask(field.kind.show(value), field.private)
    hide = {column.name: column for column in field.columns if column.private}
    return tuple(
        {n: masked(hide[n], cell) if n in hide else cell for n, cell in row.items()}
        for row in value
    )


def conceal_json(
    register: Register, json: Mapping[str, Any], hidden: frozenset[str], private: frozenset[str]
) -> dict[str, Any]:
    """Return JSON of a record's fields (of its history, say) without what is concealed."""
    shown: dict[str, Any] = {}
    for name, value in json.items():
        if name in hidden or (name in private and name not in register):
            continue
        shown[name] = masked_json(register[name], value) if name in private else value
    return shown


def masked_json(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if not field.columns or not isinstance(value, list):
        return mask(str(value), field.private or "name")
    hide = {column.name: column.private for column in field.columns if column.private}
    return [
        {n: mask(str(cell), hide[n]) if n in hide else cell for n, cell in row.items()}
        for row in value
    ]


# ── what comes back from a form or a file


def unmask(access: Access, row: Row, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``raw`` with every masked value that came back as it was shown replaced by the
    stored one: it is not being changed."""
    given = dict(raw)
    for name in access.masked(row) & given.keys():
        field, old = access.register[name], row.get(name)
        if field.columns:
            given[name] = unmasked_rows(field, given[name], old)
        elif old is not None and str(given[name]).strip() == masked(field, old):
            given[name] = field.kind.to_form(old)
    return given


def unmasked_rows(field: Field, given: Any, old: Sequence[Row] | None) -> Any:
    """Return child rows with masked cells put back: from the row at the same place, else from
    the only stored row that looks so."""
    if not isinstance(given, list) or not old:
        return given
    shown = masked(field, tuple(old))
    result = []
    for place, row in enumerate(given):
        fresh = dict(row) if isinstance(row, dict) else row
        for column in field.columns:
            if column.private and isinstance(fresh, dict) and fresh.get(column.name):
                text = str(fresh[column.name]).strip()
                alike = [i for i, one in enumerate(shown) if one.get(column.name) == text]
                source = place if place in alike else alike[0] if len(alike) == 1 else None
                if source is not None:
                    fresh[column.name] = column.kind.to_form(old[source][column.name])
        result.append(fresh)
    return result
