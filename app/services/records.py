"""Records: the one service that writes them, whatever the face.

Every function works inside the caller's unit of work: it never commits and never rolls back.
A refusal is raised and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.definitions.gate import Judgement, Values
from app.errors import (
    AppError,
    NeedsConfirmation,
    Problem,
    RecordMoved,
    RecordRefused,
)
from app.services import access, debts, history, rights, states, submissions
from app.services.cascade import Change, spread
from app.services.concealing import unmask
from app.services.judging import judge_many
from app.services.labels import make_labels
from app.services.reading import Record, as_records, exists, get, stored_row, visible_row
from app.services.returns import settling
from app.services.work import Work
from app.storage import rows
from app.storage.catalog import Published


def judge(work: Work, slug: str, raw: Mapping[str, Any], record: int | None = None) -> Judgement:
    """Judge input as saving it would, and write nothing: for a form that is being filled.
    What the person does not see is not visible, what is not theirs not editable."""
    published = work.published(slug)
    asked = access.of(work, slug)
    if record is None:
        access.require(work, "create", slug)
        verdict = judge_new(work, published, raw)
        rights.shown_form(asked, "create", None, verdict)
        states.shown_form(work, published, None, verdict)
        return verdict
    row = visible_row(work, published, record, "change")
    verdict = judge_change(work, published, row, raw)
    rights.shown_form(asked, "change", row, verdict)
    states.shown_form(work, published, row, verdict)
    return verdict


def to_treat(work: Work, slug: str, record: int, action: str) -> Record:
    """Return a record to which ``action`` is going to be done. Raises ``NotAllowed``,
    ``RecordNotFound``."""
    published = work.published(slug)
    return as_records(work, published, [visible_row(work, published, record, action)])[0]


def may_see(work: Work, slug: str, record: int) -> bool:
    """Return whether a record is there for who asks."""
    try:
        exists(work, slug, record)
    except AppError:
        return False
    return True


def judge_new(work: Work, published: Published, raw: Mapping[str, Any]) -> Judgement:
    """Judge a new record, also whether the person may enter it so."""
    verdict = judge_one(work, published, None, raw, None)
    rights.stays_theirs(work, published, "create", verdict, rights.ownership(work))
    states.hold(work, published, None, verdict)
    return verdict


def judge_change(
    work: Work, published: Published, row: Mapping[str, Any], raw: Mapping[str, Any]
) -> Judgement:
    """Judge a change of a stored row, also whether the person may change it so."""
    old = values_of(published, row)
    given = unmask(access.of(work, published.slug), row, raw)
    verdict = judge_one(work, published, row["_id"], given, old, row)
    if verdict.changed:
        rights.stays_theirs(work, published, "change", verdict, row)
    states.hold(work, published, row, verdict)
    return verdict


def create(
    work: Work,
    slug: str,
    raw: Mapping[str, Any],
    *,
    token: str | None = None,
    confirmed: Collection[str] = (),
) -> Record:
    """Store a new record.

    ``token`` names the form it comes from: sent twice, the second answer is the first one.
    ``confirmed`` holds the codes of warnings the person has confirmed.

    Raises:
        RecordRefused: with every problem, each at its field.
        NeedsConfirmation: only warnings stand in the way.
        SubmissionReused: the token was used for other values.
    """
    access.require(work, "create", slug)
    work.hold(slug)
    published = work.published(slug)
    if token:
        earlier = submissions.answered(work, slug, token, raw)
        if earlier is not None:
            return get(work, slug, earlier)
    verdict = judge_new(work, published, raw)
    settle(verdict, confirmed)
    [number] = insert(work, published, [verdict])
    if token:
        submissions.remember(work, slug, token, raw, number)
    return get(work, slug, number)


def insert(work: Work, published: Published, verdicts: Sequence[Judgement]) -> list[int]:
    """Store judged new records with their history; return their ids. No problem is looked at."""
    ids = rows.next_ids(work.tx, published.tables.main, len(verdicts))
    values = [verdict.values for verdict in verdicts]
    stamp = {
        "_version": 1,
        "_revision": published.revision,
        "_created_at": work.now,
        "_created_by": work.actor.name,
        "_updated_at": work.now,
        "_updated_by": work.actor.name,
        "_deleted_at": None,
        "_deleted_by": None,
        **rights.ownership(work),
    }
    labels = make_labels(work, published, values)
    written = [
        {**v, **stamp, **states.starting(work, published, v), "_id": i, "_label": label}
        for i, v, label in zip(ids, values, labels, strict=True)
    ]
    rows.insert_many(work.tx, published, written)
    history.append(
        work,
        [
            history.entry(
                work, published.slug, i, 1, published.revision, history.CREATE,
                None, verdict.json, confirmations(verdict),
            )
            for i, verdict in zip(ids, verdicts, strict=True)
        ],
    )  # fmt: skip
    spread(work, published.slug, [Change(r["_id"], None, r) for r in written], settled=True)
    settling.settle(work, published, written)
    return ids


def change(
    work: Work,
    slug: str,
    record: int,
    version: int,
    raw: Mapping[str, Any],
    *,
    confirmed: Collection[str] = (),
    action: str = history.CHANGE,
    note: Mapping[str, Any] | None = None,
) -> Record:
    """Change fields of a record; fields that ``raw`` does not name keep their values.

    Saving what is already there stores nothing and writes no history.

    Raises:
        RecordMoved: somebody saved a newer version.
        RecordRefused, NeedsConfirmation: as for ``create``.
    """
    access.require(work, "change", slug)
    work.hold(slug)
    published = work.published(slug)
    row = visible_row(work, published, record, "change")
    if row["_version"] != version:
        raise moved(row, version)
    verdict = judge_change(work, published, row, raw)
    settle(verdict, confirmed)
    store_changes(work, published, [(row, verdict)], action, note)
    return get(work, slug, record)


def store_changes(
    work: Work,
    published: Published,
    judged: Sequence[tuple[Mapping[str, Any], Judgement]],
    action: str = history.CHANGE,
    note: Mapping[str, Any] | None = None,
) -> int:
    """Store judged changes of stored rows with their history; return how many differ."""
    differing = [(row, v) for row, v in judged if v.changed]
    labels = make_labels(work, published, [v.values for _, v in differing])
    changes, entries = [], []
    for (row, verdict), label in zip(differing, labels, strict=True):
        version = row["_version"] + 1
        columns = {n: verdict.values[n] for n in verdict.changed}
        columns |= {
            "_version": version,
            "_revision": published.revision,
            "_label": label,
            "_updated_at": work.now,
            "_updated_by": work.actor.name,
        }
        if not rows.update(work.tx, published, row["_id"], columns, version=row["_version"]):
            raise moved(stored_row(work, published, row["_id"]), row["_version"])
        to_json = published.gate.to_json
        before = to_json({n: row[n] for n in verdict.changed})
        after = to_json({n: verdict.values[n] for n in verdict.changed})
        entries.append(
            history.entry(
                work, published.slug, row["_id"], version, published.revision, action,
                before, after, {**(note or {}), **(confirmations(verdict) or {})},
            )
        )  # fmt: skip
        changes.append(Change(row["_id"], row, {**row, **columns}))
        debts.settle(work, published, row["_id"], verdict)
    history.append(work, entries)
    spread(work, published.slug, changes, settled=True)
    settling.settle_moved(work, published, [(c.before, c.after) for c in changes])
    return len(differing)


def judge_one(
    work: Work,
    published: Published,
    record: int | None,
    raw: Mapping[str, Any],
    old: Values | None,
    row: Mapping[str, Any] | None = None,
) -> Judgement:
    """Read and judge one record: new (``old`` is None), or stored and being changed (``row``).
    What the person may not fill in is a problem where it differs."""
    values, problems = published.gate.read(raw)
    base = old if old is not None else published.gate.defaults()
    asked, action = access.of(work, published.slug), "create" if row is None else "change"
    problems += rights.not_theirs(asked, action, row, values, base)
    if old is not None:
        problems = [p for p in problems if not stands(published, p, raw, old)]
    unread = {p.name for p in problems if p.code == "value.unreadable"}
    whole = {f.name: base.get(f.name) for f in published.register.fields} | values
    if old is None:
        whole |= dict.fromkeys(unread)
    return judge_many(work, published, [(record, whole, problems, old)])[0]


def stands(published: Published, problem: Problem, raw: Mapping[str, Any], old: Values) -> bool:
    """Return whether an unreadable value is the stored one sent back as it was shown: a choice
    that is no longer among the options, for example. It is not being changed."""
    name = problem.name
    if problem.code != "value.unreadable" or old.get(name) is None:
        return False
    kind, sent = published.register[name].kind, raw[name]
    return sent in (kind.to_form(old[name]), kind.show(old[name]), kind.to_json(old[name]))


def settle(verdict: Judgement, confirmed: Collection[str]) -> None:
    """Raise unless the verdict may be stored."""
    if verdict.problems:
        raise RecordRefused(verdict.problems, count=len(verdict.problems))
    open_warnings = [w for w in verdict.warnings if w.code not in confirmed]
    if open_warnings:
        raise NeedsConfirmation(open_warnings, count=len(open_warnings))


def confirmations(verdict: Judgement) -> dict[str, Any] | None:
    """Return what history keeps of the warnings a person confirmed."""
    if not verdict.warnings:
        return None
    return {"confirmed": [[w.code, w.text] for w in verdict.warnings]}


def values_of(published: Published, row: Mapping[str, Any]) -> Values:
    """Return a stored row's fields without the system columns."""
    return {name: row[name] for name in published.register.names}


def moved(row: Mapping[str, Any], version: int) -> RecordMoved:
    return RecordMoved(
        id=row["_id"], who=row["_updated_by"], current=row["_version"], version=version
    )


__all__ = [
    "Problem", "Record", "change", "create", "exists", "get", "insert", "judge", "store_changes",
]  # fmt: skip
