"""Indexes: what brings those of a register to what its new revision wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Register
from app.errors import because
from app.services.publishing.steps import EXAMPLES, Plan, Step
from app.services.work import Work
from app.storage import ddl
from app.storage.catalog import Published
from app.storage.layout import Layout, index_name
from app.storage.tables import wanted_indexes


def plan_indexes(work: Work, old: Published, plan: Plan) -> Iterator[Step]:
    """Give the steps that bring indexes to what the list needs; unique ones after looking for
    duplicates, which refuse the plan and are listed."""
    former = dict(plan.layout.indexes)
    for step in index_steps(plan.layout, plan.register, former):
        if step.code == "unique":
            duplicates = list(find_duplicates(work, old, plan, step.values["names"]))
            if duplicates:
                text = "{field} cannot be unique yet: {count} values stand more than once"
                shown = {"field": step.values["field"], "count": len(duplicates)}
                yield Step(
                    "duplicates", text, shown, step.name, len(duplicates),
                    duplicates[:EXAMPLES], "refused",
                )  # fmt: skip
                continue
        yield step


#: how the platform's own columns that are indexed are called in a plan
OWN = {"_unit": "unit it belongs to", "_state": "state of the workflow"}


def index_steps(layout: Layout, register: Register, former: Mapping[str, Any]) -> Iterator[Step]:
    """Give the steps from the indexes in ``former`` to those ``register`` wants."""
    wanted: dict[str, tuple[tuple[str, ...], bool]] = {}
    for names, unique in wanted_indexes(register):
        columns = tuple(column_of(layout, name) for name in names)
        name = index_name(layout.table, columns, unique)
        wanted[name] = (columns, unique)
        if name not in former:
            plain = tuple(name.removeprefix("-") for name in names)
            title = [because(OWN[n]) if n in OWN else register[n].title for n in plain]
            yield index_step(layout.table, name, columns, plain, title, unique)
    for name in former:
        if name not in wanted:
            yield Step(
                "index_dropped",
                "An index that is no longer needed is dropped",
                {},
                run=dropping(name),
            )
    layout.indexes = wanted


def column_of(layout: Layout, name: str) -> str:
    """Return the column of an indexed field, with its direction."""
    plain = name.removeprefix("-")
    column = plain if plain.startswith("_") else layout.places[plain].column
    return f"-{column}" if plain != name else column


def index_step(
    table: str,
    name: str,
    columns: tuple[str, ...],
    names: tuple[str, ...],
    title: Sequence[Any],
    unique: bool,
) -> Step:
    def run(work: Work) -> None:
        ddl.create_index(work.tx, name, table, columns, unique=unique)

    text = "{field} is unique from now on" if unique else "Lists by {field} get an index"
    shown = {"field": title[0] if len(title) == 1 else list(title), "names": names}
    return Step("unique" if unique else "index", text, shown, names[-1], run=run)


def dropping(name: str) -> Any:
    def run(work: Work) -> None:
        ddl.drop_index(work.tx, name)

    return run


def find_duplicates(
    work: Work, old: Published, plan: Plan, names: tuple[str, ...]
) -> Iterator[str]:
    """Give, in words, every combination of values that more than one living record holds."""
    if not all(n in old.register for n in names):
        return
    main = old.tables.main
    columns = [main.c[n] for n in names]
    query = sa.select(sa.func.count(), *columns).where(main.c["_deleted_at"].is_(None))
    for column in columns:
        query = query.where(column.is_not(None))
    query = query.group_by(*columns).having(sa.func.count() > 1).order_by(sa.func.count().desc())
    for row in work.tx.execute(query.limit(1000)):
        shown = [old.register[n].kind.show(v) for n, v in zip(names, row[1:], strict=True)]
        where = [c == v for c, v in zip(columns, row[1:], strict=True)]
        ids = work.tx.scalars(sa.select(main.c["_id"]).where(*where).limit(EXAMPLES))
        yield f"{' '.join(shown)} ×{row[0]} ({', '.join(f'#{i}' for i in ids)})"
