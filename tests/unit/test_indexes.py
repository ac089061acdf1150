"""Indexes: the order of a list as one of them, and which of them finds the rows of a roll-up."""

from __future__ import annotations

import json

import pytest

from app.definitions.compile import compile_register
from app.definitions.library import common_parts
from app.definitions.register import Register
from app.definitions.world import Alone
from app.storage.narrowing import wide
from app.storage.tables import in_order, wanted_indexes
from tests.support.register import definition

FIELDS = {
    "firm": {"title": "企业", "reference": "firm"},
    "month": {"title": "月份", "type": "string", "format": "month"},
    "year": {"title": "年度", "type": "integer", "format": "year"},
    "code": {"title": "编号", "type": "string", "maxLength": 20, "unique": True},
    "story": {"title": "经过", "type": "string", "format": "multiline"},
}


class Firms(Alone):
    """A world with one other register."""

    def exists(self, slug: str) -> bool:
        return slug == "firm"


def compiled(**register: object) -> Register:
    document = definition(properties=FIELDS, register=register)
    return compile_register(json.loads(json.dumps(document)), Firms(), common_parts())


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        (["month"], ("month",)),
        (["-month"], ("month",)),
        (["-month", "-amount"], ("month", "amount")),
        (["-month", "name"], ("-month", "name")),
        (["month", "-amount"], ("-month", "amount")),
        (["-month", "firm"], ("month",)),
        (["firm", "-month"], ()),
        ([], ()),
    ],
)
def test_the_order_of_a_list_is_one_index_as_far_as_columns_tell_it(sort, index):
    """The last one ascends, as the id after it does; a reference is sorted by its label."""
    register = compiled(sort=sort)

    assert in_order(register) == index
    assert not index or (index, False) in wanted_indexes(register)


@pytest.mark.parametrize(
    ("equal", "ranged", "aside"),
    [
        ({"firm", "year"}, {"month"}, {"year"}),
        ({"firm", "month"}, set(), set()),
        ({"code", "year"}, set(), {"year"}),
        ({"_id", "year"}, set(), {"year"}),
        ({"year", "kind"}, {"month"}, set()),
        ({"firm"}, set(), set()),
    ],
)
def test_what_narrows_chooses_the_index(equal, ranged, aside):
    register = compiled(key=["firm", "month"], label="{month}")

    assert wide(register, equal, ranged) == aside
