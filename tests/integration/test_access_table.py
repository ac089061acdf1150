"""AC-30: what the system lets somebody do equals a table, in both directions.

The definition is published, the posts are real, and every question goes through what services ask.
The table below was written from the definition by hand and shares no code with the system: who
may do what to which records in which state, and which fields are shown, masked or changed.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import NotAllowed, RecordNotFound
from app.services import access, powers, records
from app.services.standing import THREE_POWERS, Standing, read_standing
from app.services.work import Platform, Work
from app.storage import models_people as tables
from app.storage.catalog import Published
from tests.support.flows import flow_definition
from tests.support.office import Office
from tests.support.register import ME, publish

FIELDS = {"name", "amount", "kind", "noted_on", "phone"}
CASE = flow_definition(
    "case",
    properties={
        "phone": {"title": "电话", "type": "string", "format": "cn-mobile", "private": "phone"},
    },
    register={
        "permissions": [
            {
                "role": ["township"], "rows": "own-unit", "in": ["draft"],
                "may": ["see", "create", "change", "delete", "export", "import"],
                "change": ["name", "amount", "phone"],
            },
            {"role": ["township"], "may": ["see"], "rows": "unit-and-below", "hide": ["amount"]},
            {
                "role": ["giib_staff"], "may": ["see", "review", "reveal", "whole"],
                "in": ["submitted", "paid"],
            },
            {
                "role": ["giib_staff", "giib_head"], "may": ["change"], "in": ["submitted"],
                "change": ["amount"],
            },
            {"role": ["leader"], "may": ["export"], "rows": "unit-and-below", "hide": ["phone"]},
            {"role": ["cadre"], "may": ["see", "change", "whole"], "rows": "own"},
            {"role": ["auditor"], "may": ["see", "publish"], "see": ["name", "kind"]},
        ]
    },
)  # fmt: skip

# ── the table

#: unit of a post → units it is above
ABOVE = {"office": {"a", "a1", "b"}, "a": {"a1"}, "a1": set(), "b": set()}
EVERY_STATE = {"draft", "submitted", "paid"}
HERE, DOWN, MINE, ANY = "here", "here or below", "mine", "any"
#: role, whose records, states, what may be done, fields shown, fields changed
TABLE: list[tuple[str, str, set[str], str, set[str], set[str]]] = [
    ("township", HERE, {"draft"}, "see change delete export", FIELDS, {"name", "amount", "phone"}),
    ("township", DOWN, EVERY_STATE, "see", FIELDS - {"amount"}, set()),
    ("giib_staff", ANY, {"submitted", "paid"}, "see review reveal whole", FIELDS, set()),
    ("giib_staff", ANY, {"submitted"}, "see change", FIELDS, {"amount"}),
    ("giib_head", ANY, {"submitted"}, "see change", FIELDS, {"amount"}),
    ("leader", DOWN, EVERY_STATE, "see export", FIELDS - {"phone"}, set()),
    ("cadre", MINE, EVERY_STATE, "see change whole", FIELDS, FIELDS),
    ("auditor", ANY, EVERY_STATE, "see", {"name", "kind"}, set()),
]
#: role → what may be done in the register as a whole
WHOLE_REGISTER = {"township": {"create", "import"}, "auditor": {"publish"}}
#: role → what may be done to the platform
PLATFORM = {
    "system_administrator": {"administer", "publish"},
    "security_administrator": {"grant"},
    "audit_administrator": {"audit"},
}
ROW_ACTIONS = ("see", "change", "delete", "review", "export", "reveal", "whole")
REGISTER_ACTIONS = ("create", "import", "publish")
PLATFORM_ACTIONS = ("administer", "publish", "grant", "audit")

BUSINESS = ("township", "giib_staff", "giib_head", "leader", "cadre", "auditor", "dept")
Posts = list[tuple[str, str]]


def lines(posts: Posts, row: dict[str, str]) -> list[tuple[str, str, set[str], str, Any, Any]]:
    """Return the lines of the table that reach a record."""
    found = []
    for line in TABLE:
        role, whose, states, *_rest = line
        for held, unit in posts:
            reached = {
                HERE: row["unit"] == unit,
                DOWN: row["unit"] == unit or row["unit"] in ABOVE[unit],
                MINE: row["owner"] == "me",
                ANY: True,
            }[whose]
            if held == role and reached and row["state"] in states:
                found.append(line)
    return found


def is_everything(posts: Posts, apart: bool) -> bool:
    return not apart and any(role == "administrator" for role, _unit in posts)


# ── the scene


class Scene:
    """A record of each state, unit and owner; somebody whose posts are given anew each time."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        publish(platform, CASE)
        self.office = Office(platform)
        self.me = self.office.accounts["outsider"]
        owners = {"me": self.me, "other": self.office.accounts["clerk-a"], "nobody": None}
        self.rows: dict[int, dict[str, str]] = {}
        with platform.writing(ME) as work:
            main = work.published("case").tables.main
            for state in sorted(EVERY_STATE):
                for unit in (*sorted(ABOVE), "none"):
                    for owner, account in owners.items():
                        raw = {"name": f"{state} {unit} {owner}", "phone": "13800000001"}
                        made = records.create(work, "case", raw)
                        marks = {
                            "_state": state, "_unit": self.office.units.get(unit),
                            "_owner": account,
                        }  # fmt: skip
                        work.tx.execute(main.update().where(main.c["_id"] == made.id).values(marks))
                        self.rows[made.id] = {"state": state, "unit": unit, "owner": owner}
            powers.write(work, THREE_POWERS, False)

    def standing(self, work: Work, posts: Posts, apart: bool) -> Standing:
        """Return what somebody with real posts holds; the caller takes them back."""
        rows = [
            {
                "account_id": self.me, "unit_id": self.office.units[unit], "role": role,
                "title": "", "valid_from": work.today, "created_at": work.now, "created_by": "t",
            }
            for role, unit in posts
        ]  # fmt: skip
        if rows:
            work.tx.execute(tables.post.insert(), rows)
        value = {"value": "true" if apart else "false"}
        setting = tables.setting
        work.tx.execute(setting.update().where(setting.c.name == THREE_POWERS).values(value))
        return read_standing(work.tx, work.tree, self.me, work.today)


@pytest.fixture
def scene(platform: Platform) -> Scene:
    return Scene(platform)


posts_drawn = st.one_of(
    st.lists(st.tuples(st.sampled_from(BUSINESS), st.sampled_from(sorted(ABOVE))), max_size=3),
    st.sampled_from([*PLATFORM, "administrator"]).map(lambda role: [(role, "office")]),
)


@settings(
    max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_what_may_be_done_equals_the_table(scene: Scene, data: st.DataObject) -> None:
    posts: Posts = data.draw(posts_drawn)
    apart = data.draw(st.booleans())
    record = data.draw(st.sampled_from(sorted(scene.rows)))
    field = data.draw(st.sampled_from(sorted(FIELDS)))
    action = data.draw(st.sampled_from(ROW_ACTIONS))
    wide = data.draw(st.sampled_from(REGISTER_ACTIONS))
    over = data.draw(st.sampled_from(PLATFORM_ACTIONS))

    with scene.platform.writing(ME) as work:
        trial = work.tx.begin_nested()
        standing = scene.standing(work, posts, apart)
        actor = dataclasses.replace(scene.office.actor("outsider"), standing=standing)
        asking = dataclasses.replace(work, actor=actor, accesses={})
        check_row(asking, posts, apart, record, scene.rows[record], action)
        check_field(asking, posts, apart, record, scene.rows[record], field)
        check_wide(asking, posts, apart, wide, over)
        trial.rollback()


def stored(work: Work, published: Published, record: int) -> dict[str, Any]:
    main = published.tables.main
    return dict(work.tx.execute(sa.select(main).where(main.c["_id"] == record)).mappings().one())


def check_row(
    work: Work, posts: Posts, apart: bool, record: int, row: dict[str, str], action: str
) -> None:
    everything = is_everything(posts, apart)
    given = {done for line in lines(posts, row) for done in line[3].split()}
    expected = everything or action in given
    published = work.published("case")
    main = published.tables.main

    try:
        access.require_row(work, published, action, stored(work, published, record))
        allowed = True
    except NotAllowed:
        # the record is seen, so its existence is no secret
        assert "see" in given
        allowed = False
    except RecordNotFound:
        assert "see" not in given
        allowed = False
    assert allowed == expected, (posts, apart, row, action)
    where = access.of(work, "case").rows(action)
    query = sa.select(main.c["_id"]).where(main.c["_id"] == record)
    found = work.tx.scalar(query if where is None else query.where(where))
    assert (found is not None) == expected, (posts, apart, row, action)


def check_field(
    work: Work, posts: Posts, apart: bool, record: int, row: dict[str, str], field: str
) -> None:
    """A field is shown, masked, changed where the table says so, of a record that is seen."""
    reached = lines(posts, row)
    everything = is_everything(posts, apart)
    if not reached and not everything:
        return
    asked = access.of(work, "case")
    values = stored(work, work.published("case"), record)
    shown = everything or any(field in line[4] for line in reached)
    whole = everything or any("whole" in line[3].split() for line in reached)
    changed = everything or any(field in line[5] for line in reached)
    told = (posts, apart, row, field)
    assert (field not in asked.hidden(values)) == shown, told
    assert (field in asked.masked(values)) == (field == "phone" and not whole), told
    may = asked.changeable("change", values) if asked.allows("change", values) else frozenset()
    assert (may is None or field in may) == changed, told


def check_wide(work: Work, posts: Posts, apart: bool, wide: str, over: str) -> None:
    """The register as a whole and the platform: allowed by the role that has it, by no other."""
    everything = is_everything(posts, apart)
    held = {role for role, _unit in posts}
    here = {done for role in held for done in WHOLE_REGISTER.get(role, ())}
    there = {done for role in held for done in PLATFORM.get(role, ())}
    # to publish a register is a power over the platform, too
    expected = everything or wide in here or (wide == "publish" and "publish" in there)
    assert is_let(work, wide, "case") == expected, (posts, apart, wide)
    assert is_let(work, over, "") == (everything or over in there), (posts, apart, over)


def is_let(work: Work, action: str, slug: str) -> bool:
    try:
        access.require(work, action, slug)
    except NotAllowed:
        return False
    return True
