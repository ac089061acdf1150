"""Workflows when they are published: no record is left in a state that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import Workflow
from app.definitions.register import Register
from app.services import history, states
from app.services.cascade import Change, recompute, spread
from app.services.publishing.steps import EXAMPLES, Step
from app.services.work import Work
from app.storage import rows
from app.storage.catalog import Published


def plan_states(work: Work, old: Published, register: Register) -> Iterator[Step]:
    """Give a step for every state that goes away while records stand in it, saying where they
    go – or a refusal that asks – and one for records that stand in none yet."""
    flow, former = register.workflow, old.register.workflow
    if flow is None:
        return
    counts = count_states(work, old)
    fresh = sum(n for state, n in counts.items() if state is None or former is None)
    if fresh:
        text = "{count} records begin in the workflow, in the state “{state}”"
        if flow.field and flow.field in old.register:
            text = "{count} records begin in the workflow, in the state their {field} names"
        shown = {"count": fresh, "state": flow.state(flow.initial).title, "field": flow.field}
        yield Step("workflow.begins", text, shown, flow.field, fresh)
    for state, count in counts.items():
        if former is None or state is None or state in flow:
            continue
        title = former.state(state).title if state in former else state
        target = destination(flow, state)
        shown = {"count": count, "state": title, "name": state}
        examples = standing_in(work, old, state)
        if target:
            text = "{count} records in “{state}” go to “{target}”"
            shown["target"] = flow.state(target).title
            yield Step("workflow.moved", text, shown, "", count, examples, "confirm")
            continue
        text = (
            "{count} records stand in “{state}” ({name}), which goes away. Say in "
            "workflow.moves where they go"
        )
        yield Step("workflow.stranded", text, shown, "", count, examples, "refused")


def destination(flow: Workflow, state: str) -> str:
    """Return where records of a state go that is not in ``flow``; ``""`` when nobody said."""
    renamed = next((one.name for one in flow.states if one.was == state), "")
    return renamed or flow.moves.get(state, "")


def count_states(work: Work, published: Published) -> dict[str | None, int]:
    """Return how many records stand in each state, those in the recycle bin included."""
    column = published.tables.main.c["_state"]
    query = sa.select(column, sa.func.count()).group_by(column).order_by(column)
    return {row[0]: row[1] for row in work.tx.execute(query)}


def standing_in(work: Work, published: Published, state: str) -> list[str]:
    main = published.tables.main
    query = sa.select(main.c["_id"], main.c["_label"]).where(main.c["_state"] == state)
    found = work.tx.execute(query.order_by(main.c["_id"]).limit(EXAMPLES))
    return [f"#{row[0]} {row[1]}" for row in found]


def settle_all(work: Work, former: Mapping[str, Register]) -> None:
    """Do so for every register of a publication that was there before."""
    for slug, register in former.items():
        settle_states(work, register, work.fresh[slug])


def settle_states(work: Work, former: Register, published: Published) -> None:
    """Put every record into a state of the new revision, as the plan said."""
    flow = published.register.workflow
    if flow is None:
        return
    begin(work, former, published, flow)
    counts = count_states(work, published)
    for state in counts:
        target = destination(flow, state) if state and state not in flow else ""
        if state and target:
            move_away(work, published, flow, state, target)


def begin(work: Work, former: Register, published: Published, flow: Workflow) -> None:
    """Give a state to records that have none: the one their field names, or the initial one.

    Where the field that holds the state is new, it takes the state instead.
    """
    main = published.tables.main
    none: sa.ColumnElement[bool] = main.c["_state"].is_(None)
    if former.workflow is None:
        none = sa.true()
    state: Any = sa.literal(flow.initial)
    names = [one.name for one in flow.states]
    joined = flow.field and not (former.workflow and former.workflow.field == flow.field)
    if joined and flow.field in former:
        held = main.c[flow.field]
        state = sa.case((held.in_(names), held), else_=flow.initial)
        none = sa.true()
    values = {"_state": state, "_state_since": main.c["_updated_at"]}
    work.tx.execute(main.update().where(none).values(values))
    if joined:
        field = main.c[flow.field]
        differs = sa.or_(field.is_(None), field != main.c["_state"])
        work.tx.execute(
            main.update().where(differs).values({flow.field: main.c["_state"]})
        )  # fmt: skip
    rows.note_change(work.tx, published)


def move_away(work: Work, published: Published, flow: Workflow, state: str, target: str) -> None:
    """Move every record out of a state that goes away, each with its history."""
    main = published.tables.main
    while True:
        query = sa.select(main.c["_id"]).where(main.c["_state"] == state)
        ids = list(work.tx.scalars(query.order_by(main.c["_id"]).limit(rows.BATCH)))
        if not ids:
            return
        found = rows.get_many(work.tx, published, ids)
        names = ["_state", "_state_since", "_version", *([flow.field] if flow.field else [])]
        written = [
            {
                **row, "_state": target, "_state_since": work.now,
                "_version": row["_version"] + 1, **({flow.field: target} if flow.field else {}),
            }
            for row in found
        ]  # fmt: skip
        rows.update_many(work.tx, published, written, names)
        history.append(work, [entry(work, published, flow, row, target) for row in found])
        if flow.field:
            changes = [Change(r["_id"], r, w) for r, w in zip(found, written, strict=True)]
            spread(work, published.slug, changes)
            recompute(work, published, ids, {"cause": published.slug})


def entry(
    work: Work, published: Published, flow: Workflow, row: dict[str, Any], target: str
) -> dict[str, Any]:
    source, title = row["_state"], flow.state(target).title
    before, after = ({flow.field: value} if flow.field else {} for value in (source, target))
    note = {
        "from": source, "to": target, "transition": "", "comment": "", "by": None,
        "titles": ["", source, title], "published": published.revision,
    }  # fmt: skip
    return history.entry(
        work, published.slug, row["_id"], row["_version"] + 1, published.revision,
        states.TRANSITION, before, after, note,
    )  # fmt: skip
