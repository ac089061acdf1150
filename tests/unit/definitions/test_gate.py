"""The gate: one judge of a record, whatever the face."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.definitions.compile import compile_register
from app.definitions.gate import Gate
from app.definitions.library import common_parts
from app.definitions.world import Alone
from app.expressions import clock
from app.words import CHINESE, say
from tests.support.register import definition


def gate(**changes: Any) -> Gate:
    return Gate(compile_register(definition(**changes), Alone(), common_parts()))


def judge(made: Gate, raw: dict[str, Any], old: dict[str, Any] | None = None):
    values, problems = made.read(raw)
    base = old or dict.fromkeys(made.register.names)
    return made.judge({**base, **values}, problems, old)


def rules(*said: dict[str, Any]) -> dict[str, Any]:
    return {"register": {"rules": list(said)}}


VISITS = {
    "visits": {
        "title": "走访",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"cost": {"title": "费用", "type": "number", "scale": 2, "minimum": 0}},
            "required": ["cost"],
        },
    }
}


def test_all_mistakes_come_at_once_each_at_its_field():
    verdict = judge(gate(), {"amount": "-1", "kind": "z", "noted_on": "2024-13-01", "nope": 1})

    assert {p.at for p in verdict.problems} == {"/name", "/amount", "/kind", "/noted_on", "/nope"}


def test_a_form_begins_with_what_is_so_today_and_an_import_does_not():
    day = {"title": "登记日期", "type": "string", "format": "date", "begin": "today()"}
    year = {"title": "年度", "type": "integer", "format": "year", "begin": "year(today())"}
    month = {"title": "月份", "type": "string", "format": "month", "begin": "month(today())"}
    kind = {"title": "类别", "type": "string", "default": "乙"}
    made = gate(properties={"noted_on": day, "year": year, "month": month, "kind": kind})
    today = clock.get()()

    begun = made.to_json(made.beginnings())

    assert begun == {
        "noted_on": today.isoformat(), "year": today.year, "month": f"{today:%Y-%m}", "kind": "乙",
    }  # fmt: skip
    assert made.defaults() == {"kind": "乙"}


@pytest.mark.parametrize(
    ("changed", "raw", "said"),
    [
        (
            {"description": "甲 + 两位数字。"},
            "乙",
            "编码的写法不符合要求：乙。要求：甲 + 两位数字。",
        ),
        ({"placeholder": "甲01"}, "乙", "编码的写法不符合要求：乙。写法如 甲01。"),
        ({}, "乙", "编码的写法不符合要求：乙"),
        ({}, "", "请填写编码。"),
        ({"pattern": None, "enum": ["甲"]}, "", "请选择编码。"),
        ({"pattern": None, "format": "attachment"}, "", "请上传编码。"),
    ],
)
def test_a_refusal_says_what_to_do(changed, raw, said):
    written = {"title": "编码", "type": "string", "pattern": "^甲[0-9]{2}$"} | changed
    code = {keyword: value for keyword, value in written.items() if value is not None}
    made = gate(properties={"code": code}, required=["name", "code"])

    verdict = judge(made, {"name": "甲", "code": raw})

    assert [say(problem, CHINESE) for problem in verdict.problems] == [said]


def test_what_cannot_be_read_is_not_also_called_missing():
    verdict = judge(gate(required=["name", "amount"]), {"name": "甲", "amount": "x"})

    assert [(p.at, p.code) for p in verdict.problems] == [("/amount", "value.unreadable")]


def test_a_rule_with_a_missing_input_does_not_apply():
    made = gate(**rules({"check": "amount < 10.0", "at": "amount", "message": "太大"}))

    assert judge(made, {"name": "甲"}).problems == []
    assert [p.text for p in judge(made, {"name": "甲", "amount": 11}).problems] == ["太大"]


def test_a_blank_list_is_a_list_of_none():
    made = gate(
        properties=VISITS,
        **rules({"check": "size(visits) >= 1", "at": "visits", "message": "至少一次"}),
    )

    assert [p.at for p in judge(made, {"name": "甲"}).problems] == ["/visits"]
    assert judge(made, {"name": "甲", "visits": [{"cost": 1}]}).problems == []


def test_a_mistake_in_a_child_row_names_row_and_column():
    made = gate(properties=VISITS)

    verdict = judge(made, {"name": "甲", "visits": [{"cost": 1}, {"cost": "-2"}, {"cost": "x"}]})

    assert {p.at for p in verdict.problems} == {"/visits/1/cost", "/visits/2/cost"}


def test_an_expression_that_fails_refuses_the_record_and_says_which():
    growth = {"title": "增速", "scale": 2, "computed": "(amount - base) / base * 100.0"}
    base = {"title": "基数", "type": "number", "scale": 2}
    made = gate(properties={"base": base, "growth": growth})

    verdict = judge(made, {"name": "甲", "amount": 5, "base": 0})

    assert [(p.at, p.code) for p in verdict.problems] == [("/growth", "formula.failed")]


def test_a_computed_number_is_rounded_half_up_and_must_fit():
    third = {"title": "三分", "scale": 2, "computed": "amount / 3.0"}
    huge = {"title": "巨大", "scale": 2, "computed": "amount * 10000000000000000.0"}
    made = gate(properties={"third": third, "huge": huge})

    verdict = judge(made, {"name": "甲", "amount": "200"})

    assert verdict.values["third"] == Decimal("66.67")
    assert [(p.at, p.code) for p in verdict.problems] == [("/huge", "formula.unfit")]


def test_sums_are_exact():
    parts = {n: {"title": n, "type": "number", "scale": 2} for n in ("a", "b", "c")}
    made = gate(
        properties=parts, **rules({"check": "a + b == c", "at": "c", "message": "合计不符"})
    )

    assert judge(made, {"name": "甲", "a": "0.1", "b": "0.2", "c": "0.3"}).problems == []


def test_a_warning_is_no_problem():
    rule = {"check": "amount < 10.0", "at": "amount", "message": "偏大", "severity": "warning"}

    verdict = judge(gate(**rules(rule)), {"name": "甲", "amount": 11})

    assert verdict.problems == []
    assert [w.text for w in verdict.warnings] == ["偏大"]


def stored(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(["name", "amount", "kind", "noted_on"]) | values


def test_a_stored_problem_is_forgiven_while_nothing_it_depends_on_changes():
    made = gate(**rules({"check": "amount < 10.0", "at": "amount", "message": "太大"}))
    old = stored(name="甲", amount=Decimal("11.00"))

    assert judge(made, {"kind": "a"}, old).problems == []
    assert [p.text for p in judge(made, {"amount": 12}, old).problems] == ["太大"]


def test_a_condition_met_by_the_change_is_not_forgiven():
    made = gate(
        **{"if": {"properties": {"kind": {"const": "b"}}, "required": ["kind"]}},
        then={"required": ["noted_on"]},
    )
    old = stored(name="甲", kind="a")

    assert [p.at for p in judge(made, {"kind": "b"}, old).problems] == ["/noted_on"]
    assert judge(made, {"amount": 3}, stored(name="甲", kind="b")).problems == []


def test_a_rule_compares_with_the_stored_record():
    made = gate(**rules({"check": "amount >= old.amount", "at": "amount", "message": "只能增加"}))

    assert judge(made, {"name": "甲", "amount": 1}).problems == []
    fewer = judge(made, {"amount": 1}, stored(name="甲", amount=Decimal(2)))
    assert [p.text for p in fewer.problems] == ["只能增加"]


def test_a_hidden_field_is_not_asked_for():
    note = {"title": "说明", "type": "string", "visible": "kind == 'b'"}
    made = gate(properties={"note": note}, required=["name", "note"])

    hidden = judge(made, {"name": "甲", "kind": "a"})
    shown = judge(made, {"name": "甲", "kind": "b"})

    assert (hidden.problems, hidden.visible) == ([], {"note": False})
    assert [p.at for p in shown.problems] == ["/note"]


def test_a_field_that_may_not_be_changed_keeps_its_value():
    code = {"title": "代码", "type": "string", "editable": "kind != 'b'"}
    made = gate(properties={"code": code})
    old = stored(name="甲", kind="b", code="1")

    assert [p.code for p in judge(made, {"code": "2"}, old).problems] == ["value.locked"]
    assert judge(made, {"amount": "2"}, old).problems == []


@pytest.mark.parametrize("blank", [None, "", "  ", "\u3000", [], ()])
def test_blank_says_nothing(blank):
    values, problems = gate().read({"amount": blank})

    assert (values, problems) == ({"amount": None}, [])


@pytest.mark.parametrize("said", [False, 0, "0"])
def test_false_and_zero_say_something(said):
    made = gate(properties={"open": {"title": "开", "type": "boolean"}})

    values, problems = made.read({"open": said})

    assert (values, problems) == ({"open": False}, [])


def test_values_survive_as_json():
    made = gate(properties=VISITS)
    values, _ = made.read(
        {"name": "甲", "amount": "0.10", "noted_on": "2024-06-30", "visits": [{"cost": "1.5"}]}
    )

    back = made.from_json(made.to_json(values))

    assert {k: v for k, v in back.items() if v is not None} == values
