"""Headings, and the fields they mean."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.definitions.register import Field, Register
from app.errors import FileRefused
from app.kinds.number import Number
from app.kinds.text import Text
from app.services.exchange.headings import Vocabulary, heading_of

FIELDS = (
    Field("name", "企业名称", Text(), {}, required=True),
    Field("revenue", "营业收入", Number(2), {}, unit="万元", factors={"元": "0.0001"}),
    Field("tax", "税收", Number(2), {}, unit="万元", factors={"税收（元）": "0.0001"}),
    Field("note", "备注", Text(), {}),
    Field("remark", "备注", Text(), {}),
)


def register(*fields: Field) -> Register:
    return Register("pool", "库", {}, fields, _by_name={f.name: f for f in fields})


def understood(*headings: Any, fields: tuple[Field, ...] = FIELDS) -> dict[str, Any]:
    columns = Vocabulary(register(*fields)).read(headings).columns
    return {c.field.name: c.factor or c.at for c in columns}


@pytest.mark.parametrize(
    "heading",
    [
        "revenue",
        "营业收入",
        "营业收入(万元)",
        "营业收入（万元）",
        " 营业 收入\n（万元）*",
        "REVENUE",
    ],
)
def test_a_field_is_known_by_name_title_and_unit(heading: str) -> None:
    assert understood("企业名称", heading) == {"name": 0, "revenue": 1}


@pytest.mark.parametrize("heading", ["营业收入（元）", "营业收入(元)", "元"])
def test_another_unit_gives_its_factor(heading: str) -> None:
    assert understood("企业名称", heading)["revenue"] == Decimal("0.0001")


def test_a_factor_may_name_a_whole_heading() -> None:
    assert understood("税收(元)") == {"tax": Decimal("0.0001")}


def test_a_unit_that_two_fields_share_names_neither() -> None:
    both = (FIELDS[1], replace(FIELDS[2], factors={"元": "0.0001"}))

    with pytest.raises(FileRefused):
        understood("元", fields=both)


def test_a_title_that_two_fields_share_names_neither() -> None:
    assert understood("note", "remark") == {"note": 0, "remark": 1}
    assert heading_of(register(*FIELDS), FIELDS[3]) == "note"
    assert heading_of(register(*FIELDS), FIELDS[0]) == "企业名称"
    with pytest.raises(FileRefused):
        understood("备注")


def test_everything_wrong_with_the_headings_is_said_at_once() -> None:
    vocabulary = Vocabulary(register(*FIELDS))

    with pytest.raises(FileRefused) as refusal:
        vocabulary.read(["产值", "营业收入", "营业收入（元）", "利润", None, ""], needed=["name"])

    said = {p.code: p.values["headings"] for p in refusal.value.problems}
    assert said["file.unknown_headings"] == "产值, 利润"
    assert said["file.repeated_headings"] == "营业收入"
    assert said["file.missing_headings"] == "企业名称"
    assert "企业名称, 营业收入" in said["file.known_headings"]


def test_number_and_version_columns_are_passed_over() -> None:
    headings = Vocabulary(register(*FIELDS)).read(["序号", "_id", "_version", "企业名称"])

    assert headings.id_at == 1
    assert [c.at for c in headings.columns] == [3]
