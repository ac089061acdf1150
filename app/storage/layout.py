"""Layout: the physical names a register has ever been given, and what each column holds.

A field's name is what people write; its column is given out once and never renamed, reused or
dropped. Renaming a field moves a name; another kind under the same name gets another column,
and the old one stays beside it with every value it held. A layout is kept as JSON with the
register, and grows.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.kinds import KINDS
from app.kinds.base import Kind

#: Names PostgreSQL keeps for itself in every table.
RESERVED = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid", "rowid"})
#: PostgreSQL cuts names at 63 bytes; room is left for a suffix.
LONGEST = 58

_BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(slots=True)
class Place:
    """Where a field's values are: its column, the kind stored there, and columns it had before."""

    column: str
    kind: Kind
    active: bool = True
    #: (column, kind) pairs of earlier kinds, newest last
    past: list[tuple[str, Kind]] = field(default_factory=list)
    #: for a child list: its own layout
    rows: Layout | None = None


@dataclass(slots=True)
class Layout:
    """All physical names of one table. ``places`` also holds retired fields."""

    table: str
    places: dict[str, Place] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    #: index name -> (column names, unique)
    indexes: dict[str, tuple[tuple[str, ...], bool]] = field(default_factory=dict)
    #: former field name -> the name it has now
    renamed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def for_register(cls, slug: str) -> Layout:
        """Return an empty layout; a register's table is ``r_`` and its slug."""
        return cls(f"r_{slug}")

    def give_column(self, name: str) -> str:
        """Give out a column name for the field ``name``: its own name where it is free."""
        column, n = name, 1
        while column in self.taken or column in RESERVED:
            n += 1
            column = f"{name}__{n}"
        self.taken.add(column)
        return column

    def child(self, name: str) -> Layout:
        """Return an empty layout for the child list ``name``."""
        table = f"{self.table}__{name}"
        if len(table) > LONGEST:
            table = f"{table[:40]}__{hashlib.sha256(table.encode()).hexdigest()[:12]}"
        while table in self.taken:
            table = f"{table}_"
        self.taken.add(table)
        return Layout(table)

    def name_today(self, name: str, known: Container[str]) -> str:
        """Return what a field called ``name`` in history is called today."""
        seen = {name}
        while name not in known and name in self.renamed:
            name = self.renamed[name]
            if name in seen:
                break
            seen.add(name)
        return name

    def copy(self) -> Layout:
        """Return an independent copy, to be changed by a plan."""
        return load_layout(dump_layout(self))


def dump_layout(layout: Layout) -> dict[str, Any]:
    """Return ``layout`` as JSON."""
    return {
        "table": layout.table,
        "taken": sorted(layout.taken),
        "renamed": layout.renamed,
        "indexes": {n: [list(c), u] for n, (c, u) in layout.indexes.items()},
        "places": {
            name: {
                "column": place.column,
                "kind": dump_kind(place.kind),
                "active": place.active,
                "past": [[column, dump_kind(kind)] for column, kind in place.past],
                "rows": dump_layout(place.rows) if place.rows else None,
            }
            for name, place in layout.places.items()
        },
    }


def load_layout(json: Mapping[str, Any]) -> Layout:
    """Return the layout that ``dump_layout`` wrote."""
    places = {
        name: Place(
            item["column"],
            load_kind(item["kind"]),
            item["active"],
            [(column, load_kind(kind)) for column, kind in item["past"]],
            load_layout(item["rows"]) if item["rows"] else None,
        )
        for name, item in json["places"].items()
    }
    indexes = {n: (tuple(c), u) for n, (c, u) in json["indexes"].items()}
    renamed = dict(json["renamed"])
    return Layout(json["table"], places, set(json["taken"]), indexes, renamed)


def dump_kind(kind: Kind) -> dict[str, Any]:
    """Return a kind and its options as JSON."""
    options = {f.name: getattr(kind, f.name) for f in dataclasses.fields(kind) if f.init}
    return {"name": kind.name, "options": options}


def load_kind(json: Mapping[str, Any]) -> Kind:
    """Return the kind that ``dump_kind`` wrote; an option it no longer has is left out."""
    cls = _BY_NAME[json["name"]]
    known = {f.name for f in dataclasses.fields(cls)}
    return cls(**{k: _frozen(v) for k, v in json["options"].items() if k in known})


def index_name(table: str, columns: Iterable[str], unique: bool) -> str:
    """Return a generated name for an index: short, ASCII, the same for the same columns."""
    text = f"{table}:{','.join(columns)}"
    return f"{'ux' if unique else 'ix'}_{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
