"""Labels: how a record is named in lists, pickers and messages. Stored, so that naming a
thousand references is one query."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.definitions.register import Register
from app.kinds.wording import as_stored
from app.services.work import Work
from app.storage import rows
from app.storage.catalog import Published

PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
#: a label is cut here
LONGEST = 200


def label_fields(register: Register) -> tuple[str, ...]:
    """Return the fields a register's label names."""
    return tuple(dict.fromkeys(n for n in PLACE.findall(register.label) if n in register))


def make_labels(
    work: Work, published: Published, records: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return the labels of many records; references are named with one query a field."""
    register = published.register
    names = label_fields(register)
    named: dict[str, dict[int, str]] = {}
    for name in names:
        if register[name].reference:
            wanted = {r[name] for r in records if r.get(name) is not None}
            target = work.published(register[name].reference)
            named[name] = rows.labels(work.tx, target, wanted)
    with as_stored():
        return [make_label(register, names, named, record) for record in records]


def make_label(
    register: Register,
    names: Sequence[str],
    named: Mapping[str, Mapping[int, str]],
    record: Mapping[str, Any],
) -> str:
    text = register.label
    for name in names:
        value: Any = record.get(name)
        shown = named[name].get(value, "") if name in named else register[name].kind.show(value)
        text = text.replace("{" + name + "}", shown)
    return " ".join(text.split())[:LONGEST]
