"""Plan of a table's columns: which are new, kept, retired, brought back or of another kind.

The same code plans a register's own table and the tables of its child lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Field
from app.services.publishing.conversion import Move, carry_out, convert
from app.services.publishing.steps import EXAMPLES, Step
from app.services.work import Work
from app.storage import ddl
from app.storage.layout import Layout, Place, index_name
from app.storage.tables import child_table, column

#: (goes back, some do not fit) → what a change of kind says
CONVERSIONS = {
    (False, False): "{field} changes from {was_kind} to {kind}: {count} values are converted",
    (False, True): "{field} changes from {was_kind} to {kind}: {count} values are converted, "
    "{parked} do not fit and are parked for correction",
    (True, False): "{field} goes back from {was_kind} to {kind}: its former values return",
    (True, True): "{field} goes back from {was_kind} to {kind}: its former values return, "
    "{parked} do not fit and are parked for correction",
}


@dataclass(slots=True)
class Ground:
    """The table being planned: its layout (changed while planning), rows, and for whom."""

    work: Work
    slug: str
    layout: Layout
    total: int
    revision: int
    #: what fields are called today
    titles: Mapping[str, str]
    #: ``"visits."`` for a child list's columns
    prefix: str = ""


def plan_columns(ground: Ground, fields: Sequence[Field]) -> Iterator[Step]:
    """Give the steps that bring the table to ``fields``; the layout is changed with them."""
    names = {f.name for f in fields}
    for field in fields:
        place = ground.layout.places.get(field.was) if field.was else None
        free = field.was not in names and field.name not in ground.layout.places
        if place and place.active and free:
            yield rename(ground, field, place)
    for field in fields:
        place = ground.layout.places.get(field.name)
        if place is None:
            yield from add(ground, field)
        else:
            yield from keep(ground, field, place)
    for name, place in ground.layout.places.items():
        if place.active and name not in names:
            yield retire(ground, name, place)


def rename(ground: Ground, field: Field, place: Place) -> Step:
    """A name moves; column and values stay where they are."""
    places = ground.layout.places
    places[field.name] = places.pop(field.was)
    for old, new in list(ground.layout.renamed.items()):
        if new == field.was:
            ground.layout.renamed[old] = field.name
    ground.layout.renamed[field.was] = field.name
    shown = {"was": ground.prefix + field.was, "field": field.title, "count": ground.total}
    text = "Field {was} is renamed to {field}; its values stay where they are"
    return Step("rename", text, shown, ground.prefix + field.name)


def add(ground: Ground, field: Field) -> Iterator[Step]:
    """A new column; rows that are there get the default."""
    if field.kind.own_table:
        yield from add_list(ground, field)
        return
    place = Place(ground.layout.give_column(field.name), field.kind)
    ground.layout.places[field.name] = place
    fill = None
    if field.default is not None and not field.derived:
        fill = field.kind.reader().deserialize(field.default)
    shown = {"field": field.title, "count": ground.total, "value": field.kind.show(fill)}
    text = "New field {field}; empty in {count} records"
    if fill is not None:
        text = "New field {field}; {count} records get “{value}”"
    table = ground.layout.table

    def run(work: Work) -> None:
        ddl.add_column(work.tx, table, column(place, field.name), fill)

    touched = ground.total if fill is not None else 0
    yield Step("add", text, shown, ground.prefix + field.name, touched, run=run)


def add_list(ground: Ground, field: Field) -> Iterator[Step]:
    """A new table for child rows, with one index that finds the rows of a record."""
    rows = ground.layout.child(field.name)
    place = Place("", field.kind, rows=rows)
    ground.layout.places[field.name] = place
    for item in field.columns:
        rows.places[item.name] = Place(rows.give_column(item.name), item.kind)

    def run(work: Work) -> None:
        ddl.create_table(work.tx, child_table(field, rows, sa.MetaData()))
        columns = ("_parent", "_position")
        name = index_name(rows.table, columns, unique=False)
        ddl.create_plain_index(work.tx, name, rows.table, columns)

    shown = {"field": field.title}
    yield Step("add_list", "New list {field} inside each record", shown, field.name, run=run)


def keep(ground: Ground, field: Field, place: Place) -> Iterator[Step]:
    """A field that is there already: brought back, widened, or of another kind."""
    if not place.active:
        place.active = True
        held = filled(ground, place)
        shown = {"field": field.title, "count": held}
        text = "Field {field} is brought back with the {count} values it had"
        yield Step("bring_back", text, shown, ground.prefix + field.name, held)
    if field.kind.own_table != place.kind.own_table:
        shown = {"field": field.title}
        text = (
            "{field} cannot change between a list of rows and a single value. Publish it "
            "under another name and retire this one"
        )
        yield Step("refused", text, shown, field.name, needs="refused")
    elif field.kind.own_table:
        yield from keep_list(ground, field, place)
    elif field.kind == place.kind:
        return
    elif field.kind.holds(place.kind):
        place.kind = field.kind
    elif field.derived:
        yield from replace_derived(ground, field, place)
    else:
        yield from change_kind(ground, field, place)


def keep_list(ground: Ground, field: Field, place: Place) -> Iterator[Step]:
    rows = place.rows
    if rows is None:
        raise ValueError(field.name)
    total = count(ground.work, rows.table)
    prefix = f"{field.name}."
    titles = {c.name: f"{field.title} {c.title}" for c in field.columns}
    inner = Ground(ground.work, ground.slug, rows, total, ground.revision, titles, prefix)
    yield from plan_columns(inner, field.columns)


def replace_derived(ground: Ground, field: Field, place: Place) -> Iterator[Step]:
    """A derived field of another kind gets a new column; it is computed anew anyway."""
    place.past.append((place.column, place.kind))
    place.column, place.kind = ground.layout.give_column(field.name), field.kind
    fresh, table = Place(place.column, field.kind), ground.layout.table

    def run(work: Work) -> None:
        ddl.add_column(work.tx, table, column(fresh, field.name))

    shown = {"field": field.title, "kind": field.kind.name}
    text = "{field} is computed as {kind} from now on"
    yield Step("derived_kind", text, shown, ground.prefix + field.name, ground.total, run=run)


def change_kind(ground: Ground, field: Field, place: Place) -> Iterator[Step]:
    """Another kind: values are converted into another column, the old one stays as it is."""
    old_kind, source = place.kind, place.column
    former = next((p for p in reversed(place.past) if field.kind.holds(p[1])), None)
    place.past = [p for p in place.past if p != former]
    place.past.append((source, old_kind))
    place.column = former[0] if former else ground.layout.give_column(field.name)
    place.kind = field.kind
    fresh, table = Place(place.column, field.kind), ground.layout.table
    reverting = former is not None
    move = Move(table, source, old_kind, place.column, field.kind, reverting)
    name = ground.prefix + field.name

    def run(work: Work) -> None:
        if not reverting:
            ddl.add_column(work.tx, table, column(fresh, field.name))
        carry_out(work, move, ground.slug, name, ground.revision)

    yield described(ground, field, move, old_kind, name, run)


def described(ground: Ground, field: Field, move: Move, old_kind: Any, name: str, run: Any) -> Step:
    """Count what a change of kind does, by doing it without writing."""
    fits = unfit = 0
    examples: list[str] = []
    for batch in convert(ground.work.tx, move, planned=True):
        for one in batch:
            fits += one.fits
            unfit += not one.fits
            if len(examples) < EXAMPLES and not one.fits:
                examples.append(f"#{one.record}: {one.shown}")
    shown = {
        "field": field.title,
        "was_kind": old_kind.name,
        "kind": field.kind.name,
        "count": fits,
        "parked": unfit,
    }
    text = CONVERSIONS[move.reverting, unfit > 0]
    needs = "confirm" if unfit else ""
    return Step("change_kind", text, shown, name, fits + unfit, examples, needs, run)


def retire(ground: Ground, name: str, place: Place) -> Step:
    """A field that the definition no longer has: hidden, its values are kept."""
    place.active = False
    held = filled(ground, place)
    shown = {"field": ground.titles.get(name, name), "count": held}
    text = "Field {field} is retired: hidden, its {count} values are kept and can be brought back"
    needs = "confirm" if held else ""
    return Step("retire", text, shown, ground.prefix + name, held, needs=needs)


def filled(ground: Ground, place: Place) -> int:
    """Return how many rows hold a value at ``place``."""
    if place.rows is not None:
        return count(ground.work, place.rows.table)
    item: sa.ColumnClause[Any] = sa.column(place.column)
    query = sa.select(sa.func.count(item)).select_from(sa.table(ground.layout.table))
    return ground.work.tx.scalar(query) or 0


def count(work: Work, table: str) -> int:
    return work.tx.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0
