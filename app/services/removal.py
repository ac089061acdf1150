"""Removal: deleting with a reason, the recycle bin, and going back to an earlier version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Field
from app.errors import Problem, RecordInUse, RecordRefused
from app.kinds import load_json
from app.services import access, history, records, states
from app.services.cascade import Change, recompute, spread
from app.services.judging import judge_many
from app.services.reading import Record, as_of, as_records, get, stored_row, visible_row
from app.services.returns import settling
from app.services.work import Work
from app.storage import models, rows
from app.storage.catalog import Published

LONGEST_REASON = 500


def delete(work: Work, slug: str, record: int, version: int, reason: str) -> None:
    """Move a record to the recycle bin, and what follows it as its references declare.

    Raises:
        RecordRefused: no reason was given.
        RecordMoved: somebody saved a newer version.
        RecordInUse: records refer to it that must not lose it.
    """
    access.require(work, "delete", slug)
    work.hold(slug)
    published = work.published(slug)
    row = visible_row(work, published, record, "delete")
    if row["_version"] != version:
        raise records.moved(row, version)
    states.require_open(work, published, row)
    if not reason.strip():
        text = "Please say why the record is deleted."
        raise RecordRefused([Problem("/reason", "delete.reason", text)], count=1)
    note = {"reason": reason.strip()[:LONGEST_REASON]}
    _delete(work, published, row, note, frozenset())


def _delete(
    work: Work, published: Published, row: dict[str, Any], note: dict[str, Any],
    above: frozenset[tuple[str, int]],
) -> None:  # fmt: skip
    here = (published.slug, row["_id"])
    if here in above:
        return
    followers = list(referring(work, published.slug, row["_id"]))
    for other, field, ids in followers:
        living = [i for i in ids if (other.slug, i) not in above]
        if field.on_delete == "restrict" and living:
            raise RecordInUse(count=len(living), register=other.register.title)
    cause = {**note, "because": {"register": published.slug, "record": row["_id"]}}
    for other, field, ids in followers:
        for follower in rows.get_many(work.tx, other, ids):
            if follower["_deleted_at"] is None:
                follow(work, other, field, follower, cause, above | {here})
    mark(work, published, row, history.DELETE, note)


def follow(
    work: Work, other: Published, field: Field, row: dict[str, Any], cause: dict[str, Any],
    above: frozenset[tuple[str, int]],
) -> None:  # fmt: skip
    """Delete or empty what refers to a record that is being deleted, as declared."""
    if field.on_delete == "cascade":
        _delete(work, other, row, cause, above)
    elif field.on_delete == "clear":
        clear(work, other, field, row, cause)


def clear(
    work: Work, other: Published, field: Field, row: dict[str, Any], note: dict[str, Any]
) -> None:
    """Empty a reference whose target is being deleted; refused where that breaks a rule."""
    old = records.values_of(other, row)
    verdict = judge_many(work, other, [(row["_id"], {**old, field.name: None}, [], old)])[0]
    if verdict.problems:
        raise RecordInUse(count=1, register=other.register.title)
    records.store_changes(work, other, [(row, verdict)], note=note)


def mark(
    work: Work, published: Published, row: dict[str, Any], action: str, note: dict[str, Any]
) -> None:
    """Set or take away a record's mark of deletion, with its history."""
    gone = action == history.DELETE
    settling.require_open(work, published, row)
    version = row["_version"] + 1
    columns = {
        "_version": version,
        "_deleted_at": work.now if gone else None,
        "_deleted_by": work.actor.name if gone else None,
    }
    if not rows.update(work.tx, published, row["_id"], columns, version=row["_version"]):
        raise records.moved(stored_row(work, published, row["_id"]), row["_version"])
    history.append(
        work,
        [
            history.entry(
                work, published.slug, row["_id"], version, row["_revision"], action, note=note
            )
        ],
    )
    if gone:
        table = models.debt
        work.tx.execute(
            table.delete().where(table.c.slug == published.slug, table.c.record == row["_id"])
        )
        spread(work, published.slug, [Change(row["_id"], row, None)])
    else:
        # What it looks up or rolls up may have changed while it was away.
        moved = recompute(work, published, [row["_id"]], {"cause": published.slug})
        spread(work, published.slug, [Change(row["_id"], None, moved[0].after if moved else row)])
    settling.settle(work, published, [row])


def referring(
    work: Work, slug: str, record: int, *, seen: bool = False
) -> Iterator[tuple[Published, Field, list[int]]]:
    """Give (register, reference field, ids) of the living records that refer to one; ``seen``:
    of those only that the actor sees, the reference included."""
    for entry in work.snapshot.entries.values():
        if slug not in entry.neighbours:
            continue
        other = work.published(entry.slug)
        main = other.tables.main
        for field in other.register.fields:
            if field.reference != slug or field.derived:
                continue
            where = [main.c[field.name] == record, main.c["_deleted_at"].is_(None)]
            if seen:
                asked = access.of(work, other.slug)
                shown = (asked.rows("see"), asked.shown_where(field.name))
                where += [part for part in shown if part is not None]
            query = sa.select(main.c["_id"]).where(*where)
            ids = list(work.tx.scalars(query.order_by(main.c["_id"])))
            if ids:
                yield other, field, ids


def deleted(work: Work, slug: str, limit: int = 200) -> list[tuple[Record, str]]:
    """Return the records in the recycle bin, newest first, with the reason of each."""
    access.require(work, "see", slug)
    published = work.published(slug)
    main = published.tables.main
    query = sa.select(main).where(main.c["_deleted_at"].is_not(None))
    if (seen := access.seen(work, published)) is not None:
        query = query.where(seen)
    query = query.order_by(main.c["_deleted_at"].desc(), main.c["_id"].desc()).limit(limit)
    found = [rows.as_row(main, row) for row in work.tx.execute(query)]
    rows.add_children(work.tx, published, found)
    bin_records = as_records(work, published, found)
    reasons = reasons_of(work, slug, [r.id for r in bin_records])
    return [(r, reasons.get(r.id, "")) for r in bin_records]


def reasons_of(work: Work, slug: str, records: Sequence[int]) -> dict[int, str]:
    """Return why records were deleted, the last time."""
    table, found = models.history, dict[int, str]()
    for part in rows.chunks(records):
        query = sa.select(table.c.record, table.c.note).where(
            table.c.slug == slug, table.c.record.in_(part), table.c.action == history.DELETE
        )
        for record, note in work.tx.execute(query.order_by(table.c.id)):
            found[record] = str((load_json(note) if note else {}).get("reason", ""))
    return found


def undelete(work: Work, slug: str, record: int) -> Record:
    """Take a record out of the recycle bin. Its key must still be free and its references
    must still be there; raises ``RecordRefused`` otherwise."""
    access.require(work, "restore", slug)
    work.hold(slug)
    published = work.published(slug)
    row = visible_row(work, published, record, "restore", deleted=True)
    values = records.values_of(published, row)
    verdict = judge_many(work, published, [(record, values, [], None)])[0]
    codes = ("value.taken", "reference.missing", settling.CODE)
    blocking = [p for p in verdict.problems if p.code in codes]
    if blocking:
        raise RecordRefused(blocking, count=len(blocking))
    mark(work, published, row, history.UNDELETE, {})
    return get(work, slug, record)


def restore(
    work: Work,
    slug: str,
    record: int,
    to_version: int,
    version: int,
    confirmed: tuple[str, ...] = (),
) -> Record:
    """Make a record what it was at ``to_version``: a change like any other, judged by today's
    definition. Fields that are retired today stay as they are."""
    published = work.published(slug)
    row = visible_row(work, published, record, "change")
    json = as_of(work, slug, record, to_version)
    allowed = access.of(work, slug).changeable("change", row)
    masked = access.of(work, slug).masked(row)
    raw: dict[str, Any] = {}
    flow = published.register.workflow
    for field in published.register.fields:
        if flow and field.name == flow.field:
            continue  # the way back through the workflow is a transition
        # what is not theirs to change, or is known to them masked only, stays as it is
        mine = (allowed is None or field.name in allowed) and field.name not in masked
        if not field.derived and mine:
            raw[field.name] = json.get(field.name)
    return records.change(
        work, slug, record, version, raw, confirmed=confirmed,
        action=history.RESTORE, note={"to": to_version},
    )  # fmt: skip
