"""Carrying out: the writing of a transition that was decided, for any number of rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.flow import Transition
from app.services import calendar, debts, following, history, joint, states
from app.services.cascade import Change, spread
from app.services.labels import make_labels
from app.services.moves import Moved, Order, Row, Verdict
from app.services.opening import open_children
from app.services.returns import settling
from app.services.work import Work
from app.storage import models, rows
from app.storage import models_people as people
from app.storage.catalog import Published
from app.storage.models_workflow import deadline

LONGEST_COMMENT = 2000


def carry_out(
    work: Work, published: Published, verdicts: Sequence[Verdict], way: Transition, order: Order
) -> None:
    """Write what was decided for rows that nothing stands against."""
    if not verdicts:
        return
    comment = order.comment.strip()[:LONGEST_COMMENT]
    units = order.units if way.chosen else tuple(joint.units_of(work, way.units)[0])
    written, entries, changes = [], [], []
    labels = relabelled(work, published, verdicts)
    for verdict in verdicts:
        row, judgement = verdict.row, verdict.judgement
        changed = judgement.changed if judgement else frozenset()
        fresh = {n: judgement.values[n] for n in changed} if judgement else {}
        after = {**row, **fresh, **stamps(work, published, way, row), **labels.get(row["_id"], {})}
        written.append(after)
        to_json = published.gate.to_json
        before_json, after_json = to_json({n: row[n] for n in changed}), to_json(fresh)
        note = note_of(work, published, way, row, order, comment, units)
        entries.append(
            history.entry(
                work, published.slug, row["_id"], after["_version"], published.revision,
                states.TRANSITION, before_json, after_json, note,
            )
        )  # fmt: skip
        changes.append(Change(row["_id"], row, after))
    store(work, published, verdicts, written)
    history.append(work, entries)
    spread(work, published.slug, changes)
    follow(work, published, way, written, units)
    if way.opens is not None:
        open_children(work, way.opens, written)
    flow = published.register.workflow
    if flow is not None and flow.hands(way):
        settling.settle(work, published, written)
    following.after(work, Moved(published, way, tuple(written), comment, units))


def stamps(work: Work, published: Published, way: Transition, row: Row) -> Row:
    return {
        "_state": way.target, "_state_since": work.now, "_version": row["_version"] + 1,
        "_revision": published.revision, "_updated_at": work.now,
        "_updated_by": work.actor.name,
    }  # fmt: skip


def note_of(
    work: Work,
    published: Published,
    way: Transition,
    row: Row,
    order: Order,
    comment: str,
    units: Sequence[int],
) -> dict[str, Any]:
    """Return what history keeps of a transition; names of steps and states as they are today."""
    flow = published.register.workflow
    assert flow is not None
    source, target = flow.state(row["_state"]), flow.state(way.target)
    note: dict[str, Any] = {
        "from": source.name, "to": target.name, "transition": way.name, "comment": comment,
        "by": None if order.by_itself else work.actor.id,
        "titles": [way.title, source.title, target.title],
    }  # fmt: skip
    if units:
        note["units"] = [work.tree.title(unit) for unit in units]
    if order.by_itself:
        note["automatic"] = True
    return note


def relabelled(
    work: Work, published: Published, verdicts: Sequence[Verdict]
) -> dict[int, dict[str, str]]:
    judged = [v for v in verdicts if v.judgement and v.judgement.changed]
    labels = make_labels(work, published, [v.judgement.values for v in judged if v.judgement])
    return {v.row["_id"]: {"_label": text} for v, text in zip(judged, labels, strict=True)}


def store(
    work: Work, published: Published, verdicts: Sequence[Verdict], written: Sequence[Row]
) -> None:
    """Write the rows: one statement for all of them, child lists one by one where they differ."""
    children = published.tables.children
    changed = {n for v in verdicts if v.judgement for n in v.judgement.changed}
    names = ["_state", "_state_since", "_version", "_revision", "_updated_at", "_updated_by"]
    if changed:
        names += ["_label", *sorted(changed - children.keys())]
    rows.update_many(work.tx, published, written, names)
    for verdict, row in zip(verdicts, written, strict=True):
        for name in sorted(changed & children.keys()):
            if verdict.judgement and name in verdict.judgement.changed:
                rows.replace_children(work.tx, children[name], row["_id"], row[name] or ())
    judged = {v.row["_id"]: v.judgement for v in verdicts if v.judgement}
    owing = in_debt(work, published.slug, list(judged))
    for number, judgement in judged.items():
        if number in owing:
            debts.settle(work, published, number, judgement)


def in_debt(work: Work, slug: str, ids: Sequence[int]) -> set[int]:
    """Return which records owe something, or have a value that was parked."""
    found: set[int] = set()
    for table in (models.debt, models.parked):
        for part in rows.chunks(ids):
            query = sa.select(table.c.record).where(table.c.slug == slug, table.c.record.in_(part))
            found.update(work.tx.scalars(query))
    return found


def follow(
    work: Work, published: Published, way: Transition, moved: Sequence[Row], units: Sequence[int]
) -> None:
    """Bring time limits, joint reviews and referrals into step with a transition."""
    slug, ids = published.slug, [row["_id"] for row in moved]
    joint.drop_open(work, slug, ids)
    set_deadlines(work, slug, way, moved)
    if units:
        refer(work, slug, ids, units)
        if way.joint:
            joint.open_rounds(work, slug, ids, way, units)


def set_deadlines(work: Work, slug: str, way: Transition, moved: Sequence[Row]) -> None:
    """Say until when records may stay in the state they are in, if there is a limit."""
    end_deadlines(work, slug, [row["_id"] for row in moved])
    last = calendar.of(work).add_working_days(work.today, way.days) if way.days else None
    limits = [
        {"slug": slug, "record": row["_id"], "state": way.target, "due": due}
        for row in moved
        if (due := row[way.due_on] if way.due_on else last) is not None
    ]
    if limits:
        work.tx.execute(deadline.insert(), limits)


def end_deadlines(work: Work, slug: str, ids: Sequence[int]) -> None:
    for part in rows.chunks(ids):
        gone = deadline.delete().where(deadline.c.slug == slug, deadline.c.record.in_(part))
        work.tx.execute(gone)


def refer(work: Work, slug: str, ids: Sequence[int], units: Sequence[int]) -> None:
    """Let units see records from now on."""
    table = people.assignment
    known = set()
    for part in rows.chunks(ids):
        query = sa.select(table.c.record, table.c.unit_id)
        query = query.where(table.c.slug == slug, table.c.record.in_(part))
        known.update({(row[0], row[1]) for row in work.tx.execute(query)})
    fresh = [
        {"slug": slug, "record": i, "unit_id": u, "at": work.now, "who": work.actor.name}
        for i in ids
        for u in units
        if (i, u) not in known
    ]
    if fresh:
        work.tx.execute(table.insert(), fresh)
