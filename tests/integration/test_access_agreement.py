"""One predicate asked two ways: as SQL of many rows and in Python of one, against a third
judge written here from the language's own words. Grants, people and rows are generated."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.definitions.register import Condition, Grant
from app.services import records
from app.services.access import Access, make_access
from app.services.standing import Holding, Standing, Tree
from app.services.work import Platform, Work
from app.storage.catalog import Published
from tests.support.office import Office, pair, refer
from tests.support.register import ME, definition, publish

PLACE = definition("place")
CASE = definition(
    "case",
    properties={
        "place": {"title": "地点", "reference": "place"},
        "code": {"title": "单位代码", "type": "string", "maxLength": 40},
        "limit": {"title": "上限", "type": "number", "scale": 2, "unit": "万元", "minimum": 0},
    },
    register={"filters": ["kind", "place"]},
)
STATES = (None, "draft", "sent", "done")
FIELDS = ("name", "amount", "kind", "noted_on", "place", "code", "limit")
ROLES = ("township", "giib_staff", "leader")
ROWS = ("all", "own", "own-unit", "unit-and-below", "referred", "paired")


@pytest.fixture
def world(platform: Platform) -> tuple[Platform, Office, Published]:
    """Forty cases of every make, and an office whose units A and B have places."""
    publish(platform, PLACE, CASE)
    office = Office(platform)
    with platform.writing(ME) as work:
        places = [records.create(work, "place", {"name": f"p{n}"}).id for n in range(3)]
    office.set_unit("a", slug="place", record=places[0])
    office.set_unit("b", slug="place", record=places[1])
    with platform.writing(ME) as work:
        main = work.published("case").tables.main
        for n in range(40):
            made = records.create(work, "case", raw(n, places))
            marks = {
                "_unit": [None, *office.units.values()][n % 5],
                "_owner": [None, *office.accounts.values()][n % 4],
                "_state": STATES[n % 4],
            }
            work.tx.execute(main.update().where(main.c["_id"] == made.id).values(marks))
        pair(work.tx, "case", 3, account_id=office.accounts["clerk-a"])
        pair(work.tx, "case", 4, unit_id=office.units["b"])
        pair(work.tx, "place", places[0], account_id=office.accounts["staff"])
        refer(work.tx, "case", 5, unit_id=office.units["a"])
        refer(work.tx, "case", 6, account_id=office.accounts["clerk-b"])
    with platform.reading(ME) as work:
        return platform, office, work.published("case")


def raw(n: int, places: list[int]) -> dict[str, Any]:
    return {
        "name": f"c{n}",
        "amount": [None, 0, 5, 10.01, 99][n % 5],
        "limit": [None, 5, 10][n % 3],
        "kind": [None, "a", "b"][n % 3],
        "place": [None, *places][n % 4],
        "code": [None, "a", "b", "nowhere"][n % 4],
    }


conditions = st.lists(
    st.sampled_from(
        [
            Condition("amount", "<=", Decimal("10.00")),
            Condition("amount", ">", Decimal("5.00")),
            Condition("amount", "<", own="limit"),
            Condition("kind", "==", "a"),
            Condition("kind", "!=", "a"),
            Condition("kind", "in", ("a", "b")),
        ]
    ),
    max_size=2,
)
grants = st.builds(
    Grant,
    roles=st.lists(st.sampled_from(ROLES), min_size=1, max_size=2).map(tuple),
    may=st.frozensets(st.sampled_from(["change", "delete", "export"]), max_size=2).map(
        lambda found: found | {"see"}
    ),
    rows=st.lists(st.sampled_from(ROWS), min_size=1, max_size=2, unique=True).map(tuple),
    by=st.sampled_from(["", "place", "code"]),
    where=conditions.map(tuple),
    states=st.lists(st.sampled_from(["draft", "sent"]), max_size=2, unique=True).map(tuple),
    see=st.one_of(st.none(), st.frozensets(st.sampled_from(FIELDS), min_size=1)),
)


def reasonable(grant: Grant) -> Grant:
    """Return a grant as a definition could say it: a pairing goes by a reference."""
    return (
        dataclasses.replace(grant, by="")
        if "paired" in grant.rows and grant.by == "code"
        else grant
    )


COMPARE = {
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, "<": lambda a, b: a < b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "in": lambda a, b: a in b,
}  # fmt: skip


def is_met(condition: Condition, row: dict[str, Any]) -> bool:
    left = row[condition.field]
    right = row[condition.own] if condition.own else condition.value
    return left is not None and right is not None and COMPARE[condition.operator](left, right)


def by_the_words(work: Work, standing: Standing, grant: Grant, row: dict[str, Any]) -> bool:
    """Judge one row by one grant from the words of the language alone."""
    held = [h for h in standing.holdings if h.role in grant.roles]
    if not held:
        return False
    own = {u for h in held for u in [h.unit]}
    below = set(own)
    while more := {u.id for u in standing.tree.units.values() if u.parent in below} - below:
        below |= more
    mine = {h.unit for h in standing.holdings}

    def owned_by(units: set[int]) -> bool:
        if grant.by == "code":
            return row["code"] in {standing.tree[u].code for u in units}
        if grant.by == "place":
            known = {standing.tree[u].record for u in units if standing.tree[u].slug == "place"}
            return row["place"] is not None and row["place"] in known
        return row["_unit"] in units

    def noted(table: str, slug: str, record: Any) -> bool:
        found = work.tx.execute(
            sa.text(f"SELECT account_id, unit_id FROM {table} WHERE slug = :s AND record = :r"),
            {"s": slug, "r": record},
        ).all()
        return any(a == standing.account or u in mine for a, u in found)

    paired = ("place", row["place"]) if grant.by == "place" else ("case", row["_id"])
    answers = {
        "all": lambda: True,
        "own": lambda: row["_owner"] == standing.account,
        "own-unit": lambda: owned_by(own),
        "unit-and-below": lambda: owned_by(below),
        "referred": lambda: noted("assignment", "case", row["_id"]),
        "paired": lambda: noted("pairing", *paired),
    }
    if not all(is_met(condition, row) for condition in grant.where):
        return False
    if grant.states and row["_state"] not in grant.states:
        return False
    return any(answers[name]() for name in grant.rows)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_sql_and_python_agree_with_the_words(
    world: tuple[Platform, Office, Published], data: st.DataObject
) -> None:
    platform, office, published = world
    declared = tuple(reasonable(g) for g in data.draw(st.lists(grants, max_size=4)))
    login = data.draw(st.sampled_from(sorted(office.accounts)))
    posts = data.draw(
        st.lists(
            st.tuples(st.sampled_from(ROLES), st.sampled_from(sorted(office.units))), max_size=3
        )
    )
    register = dataclasses.replace(published.register, permissions=declared)
    published = dataclasses.replace(published, register=register)
    with platform.reading(office.actor(login)) as work:
        standing = standing_of(work, office, login, posts)
        asked = make_access(work, published, standing)
        main = published.tables.main
        stored = [
            dict(zip(main.c.keys(), row, strict=True)) for row in work.tx.execute(sa.select(main))
        ]
        for action in ("see", "change", "delete", "export"):
            expected = {
                row["_id"]
                for row in stored
                if any(action in g.may and by_the_words(work, standing, g, row) for g in declared)
            }
            assert by_sql(work, asked, published, action) == expected, (action, declared, posts)
            assert {r["_id"] for r in stored if asked.allows(action, r)} == expected
        check_fields(work, asked, published, standing, stored)


def standing_of(work: Work, office: Office, login: str, posts: Any) -> Standing:
    tree: Tree = work.tree
    holdings = tuple(Holding(role, office.units[unit], n) for n, (role, unit) in enumerate(posts))
    account = office.accounts[login]
    found = work.tx.execute(sa.text("SELECT slug, record, account_id, unit_id FROM pairing")).all()
    mine = {h.unit for h in holdings}
    paired: dict[str, frozenset[int]] = {}
    for slug, record, one, unit in found:
        if one == account or unit in mine:
            paired[slug] = paired.get(slug, frozenset()) | {record}
    return Standing(account, False, holdings, frozenset(), tree, work.today, paired)


def by_sql(work: Work, asked: Access, published: Published, action: str) -> set[int]:
    where = asked.rows(action)
    query = sa.select(published.tables.main.c["_id"])
    return set(work.tx.scalars(query if where is None else query.where(where)))


def check_fields(
    work: Work, asked: Access, published: Published, standing: Standing, stored: Any
) -> None:
    """A field's own condition and what is hidden of each row that is seen say the same."""
    main = published.tables.main
    seen = by_sql(work, asked, published, "see")
    declared = published.register.permissions
    for name in FIELDS:
        where = asked.shown_where(name)
        query = sa.select(main.c["_id"])
        shown = set(work.tx.scalars(query if where is None else query.where(where))) & seen
        expected = {
            row["_id"]
            for row in stored
            if any(
                (g.see is None or name in g.see) and by_the_words(work, standing, g, row)
                for g in declared
            )
        }
        assert shown == expected, name
        assert {r["_id"] for r in stored if r["_id"] in seen and name not in asked.hidden(r)} == (
            expected
        )


def test_somebody_without_a_post_sees_nothing(
    world: tuple[Platform, Office, Published],
) -> None:
    platform, office, _published = world
    with platform.reading(office.actor("outsider")) as work:
        assert not work.standing.holdings
        assert not work.standing.everything
