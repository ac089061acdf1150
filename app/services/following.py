"""Following: what a step of a workflow asks of people – tasks for whoever holds the record now,
notices for whoever is to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.definitions import permissions
from app.definitions.flow import OWNER, UNIT, Transition
from app.definitions.register import Grant
from app.errors import because
from app.services import audience, notices, states, tasks
from app.services.moves import Moved, Row
from app.services.tasks import New, To
from app.services.work import Work
from app.storage.catalog import Published

#: whom a transition tells beside roles: the units it is referred to, and who may act next
UNITS, NEXT = "units", "next"
#: with more records than this a notice counts them instead of naming each
NAMED = 20
WAITS = "{label}: {state}"
#: whose rows a grant reaches through the unit
OF_UNITS = {permissions.OWN_UNIT, permissions.BELOW}


def after(work: Work, moved: Moved) -> None:
    """Bring tasks and notices into step with a transition, in its unit of work."""
    ids = [row["_id"] for row in moved.rows]
    kinds = (tasks.TRANSITION, tasks.JOINT_ANSWER)
    tasks.close_many(work, moved.published.slug, ids, kinds, moved.transition.name)
    asked = {row["_id"]: asked_of(work, moved, row) for row in moved.rows}
    open_tasks(work, moved, asked)
    tell(work, moved, asked)


def open_tasks(work: Work, moved: Moved, asked: Mapping[int, Sequence[To]]) -> None:
    """Open what waits because records stand where they stand now."""
    published = moved.published
    flow = published.register.workflow
    assert flow is not None
    slug, state = published.slug, flow.state(moved.transition.target)
    joint = bool(moved.transition.joint and moved.units)
    dues = states.due_days(work, slug, asked)
    wanted = [
        New(
            slug, row["_id"], tasks.JOINT_ANSWER if joint else tasks.TRANSITION, WAITS, to,
            f"step:{slug}:{row['_id']}:{row['_version']}:{to.word}",
            {"label": row["_label"], "state": state.title, "register": published.register.title},
            dues.get(row["_id"]),
        )
        for row in moved.rows
        for to in asked[row["_id"]]
    ]  # fmt: skip
    tasks.open_tasks(work, wanted)


def asked_of(work: Work, moved: Moved, row: Row) -> list[To]:
    """Return for whom a record waits after a transition: the units of a joint review, else
    whoever may take it on from there."""
    way, flow = moved.transition, moved.published.register.workflow
    if way.joint and moved.units:
        return [To(unit=unit) for unit in moved.units]
    if flow is not None and way.target == flow.initial and {OWNER, UNIT} & set(way.notify):
        return returned(work, row)
    return takers(work, moved.published, row, way.target)


def returned(work: Work, row: Row) -> list[To]:
    """Return for whom a record waits that was given back: who entered it, else its unit."""
    owner, unit = row.get("_owner"), row.get("_unit")
    if owner is not None and owner != work.actor.id:
        return [To(account=owner)]
    return [To(unit=unit)] if owner is None and unit is not None else []


def takers(work: Work, published: Published, row: Row, state: str) -> list[To]:
    """Return who may take a record on from a state. A way back to the beginning is nobody's
    to wait for, and what time does by itself waits for nobody."""
    flow = published.register.workflow
    if flow is None or state == flow.initial:
        return []
    ways = [w for w in flow.leaving(state) if not w.automatic and w.target != flow.initial]
    found: dict[str, To] = {}
    for way in ways:
        for to in of_way(work, published, row, way):
            found.setdefault(to.word, to)
    return list(found.values())


def of_way(work: Work, published: Published, row: Row, way: Transition) -> list[To]:
    if way.people & {OWNER, UNIT}:
        if OWNER in way.people and row.get("_owner") is not None:
            return [To(account=row["_owner"])]
        return [To(unit=row["_unit"])] if row.get("_unit") is not None else []
    return [to for role in way.roles for to in of_role(work, published, row, role)]


def of_role(work: Work, published: Published, row: Row, role: str) -> list[To]:
    """Return the holders of a role that a record waits for: those of the unit it belongs to,
    where the role sees records by their unit only, else all of them."""
    grants = [g for g in published.register.permissions if role in g.roles and "see" in g.may]
    if not grants or not all(set(g.rows) <= OF_UNITS for g in grants):
        return [To(role=role)]
    found: dict[str, To] = {}
    for grant in grants:
        for unit in units_of(work, published, row, grant):
            to = To(unit=unit, role=role, above=permissions.BELOW in grant.rows)
            found.setdefault(to.word, to)
    return list(found.values())


def units_of(work: Work, published: Published, row: Row, grant: Grant) -> list[int]:
    """Return the units a record belongs to in the eyes of a grant."""
    if not grant.by:
        return [row["_unit"]] if row.get("_unit") is not None else []
    register = published.register
    itself = grant.by == permissions.SELF
    target = register.slug if itself else register[grant.by].reference
    value = row["_id"] if itself else row.get(grant.by)
    if value is None:
        return []
    if target:
        return [u.id for u in work.tree.units.values() if (u.slug, u.record) == (target, value)]
    return [u.id for u in work.tree.units.values() if u.code == value]


# ── notices


def tell(work: Work, moved: Moved, asked: Mapping[int, Sequence[To]]) -> None:
    """Tell whom the transition names. Of a few records each is named, to those who see it; of
    many only their number is told, once to each group of people."""
    if not moved.transition.notify:
        return
    groups: dict[tuple[str, frozenset[int]], list[Row]] = {}
    book = Book(work)
    for row in moved.rows:
        for kind, accounts in told_of(book, moved, row, asked[row["_id"]]).items():
            if accounts:
                groups.setdefault((kind, frozenset(accounts)), []).append(row)
    for (kind, group), rows in groups.items():
        if len(rows) > NAMED:
            count(work, moved, kind, group, len(rows))
        else:
            for row in rows:
                name(work, moved, kind, group, row)


class Book:
    """Who is behind a unit, a role or a task; each is looked up once."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._members: dict[int, set[int]] = {}
        self._holders: dict[tuple[str, int | None], set[int]] = {}

    def members(self, unit: int | None) -> set[int]:
        if unit is None:
            return set()
        if unit not in self._members:
            self._members[unit] = set(audience.members(self.work, unit))
        return self._members[unit]

    def holders(self, role: str, unit: int | None = None) -> set[int]:
        if (role, unit) not in self._holders:
            self._holders[role, unit] = set(notices.holders(self.work, role, unit))
        return self._holders[role, unit]

    def behind(self, to: To) -> set[int]:
        """Return the accounts for which a task waits."""
        if to.account is not None:
            return {to.account}
        if not to.role:
            return self.members(to.unit)
        units = [to.unit]
        if to.unit is not None and to.above:
            units += self.work.tree.above(to.unit)
        return {account for unit in units for account in self.holders(to.role, unit)}


def told_of(book: Book, moved: Moved, row: Row, asked: Iterable[To]) -> dict[str, set[int]]:
    """Return kind of notice → accounts that a transition tells of one record; not who made it."""
    found: dict[str, set[int]] = {"decision": set(), "task": set()}
    for whom in moved.transition.notify:
        if whom == OWNER:
            found["decision"] |= {row["_owner"]} - {None}
        elif whom == UNIT:
            found["decision"] |= book.members(row.get("_unit"))
        elif whom == UNITS:
            found["task"] |= {account for unit in moved.units for account in book.members(unit)}
        elif whom == NEXT:
            found["task"] |= {account for to in asked for account in book.behind(to)}
        else:
            found["decision"] |= book.holders(whom)
    found["decision"] -= found["task"]
    return {kind: accounts - {book.work.actor.id} for kind, accounts in found.items()}


def name(work: Work, moved: Moved, kind: str, accounts: frozenset[int], row: Row) -> None:
    """Tell of one record whoever sees it."""
    slug, title = moved.published.slug, moved.published.register.title
    seeing = audience.seeing(work, moved.published, row, accounts)
    text = f"{title}：{row['_label']} — {moved.transition.title}"
    link = f"/registers/{slug}/{row['_id']}"
    key = f"step:{slug}:{row['_id']}:{row['_version']}"
    notices.notify(work, seeing, kind, text, moved.comment, link, key=key, slug=slug)


def count(work: Work, moved: Moved, kind: str, accounts: frozenset[int], many: int) -> None:
    """Tell of many records at once, by their number."""
    slug, title = moved.published.slug, moved.published.register.title
    facts = {"register": title, "step": moved.transition.title, "count": many}
    said = work.office.say(because("{register}: {step}, {count} records", **facts))
    notices.notify(work, accounts, kind, said, moved.comment, f"/registers/{slug}/", slug=slug)


def round_ended(work: Work, published: Published, row: Row) -> None:
    """Let a record wait for whoever goes on after its joint review."""
    slug = published.slug
    flow = published.register.workflow
    assert flow is not None
    tasks.close_many(work, slug, [row["_id"]], (tasks.JOINT_ANSWER,), "ended")
    state = states.name_of(flow, row)
    facts = {"label": row["_label"], "state": flow.state(state).title}
    due = states.due_days(work, slug, [row["_id"]]).get(row["_id"])
    tasks.open_tasks(
        work,
        [
            New(slug, row["_id"], tasks.TRANSITION, WAITS, to,
                f"round:{slug}:{row['_id']}:{row['_version']}:{to.word}",
                {**facts, "register": published.register.title}, due)
            for to in takers(work, published, row, state)
        ],
    )  # fmt: skip


def urged(work: Work, published: Published, row: Row, units: Sequence[int]) -> None:
    """Tell units that their answer to a joint review is waited for."""
    book = Book(work)
    accounts = {account for unit in units for account in book.members(unit)} - {work.actor.id}
    seeing = audience.seeing(work, published, row, accounts)
    facts: dict[str, Any] = {"register": published.register.title, "label": row["_label"]}
    said = work.office.say(because("{register}: {label} waits for your answer", **facts))
    link = f"/registers/{published.slug}/{row['_id']}"
    notices.notify(work, seeing, "deadline", said, "", link, slug=published.slug)
