"""The parts of the demonstration data that need no database."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from app.definitions.compile import compile_register
from app.definitions.flow import Workflow
from app.definitions.library import common_parts
from app.definitions.register import Register
from app.definitions.world import Alone
from app.services.demo.advancing import Journey, choose
from app.services.demo.labelling import SAID, labelled, note_of
from app.services.demo.totals import agreed, totals_of
from tests.support.register import definition


def compiled(**changes: Any) -> Register:
    return compile_register(definition(**changes), Alone(), common_parts())


def flow_of(template: str) -> Workflow:
    found = compiled(register={"workflow": {"template": template}}).workflow
    assert found is not None
    return found


def ends(flow: Workflow, recent: bool = True) -> Counter[str]:
    """Return where a thousand records come to stand when every step is possible."""
    found: Counter[str] = Counter()
    for number in range(1000):
        one = Journey(number, flow.initial, recent)
        for step in range(len(flow.states)):
            one.seen.add(one.state)
            way = choose(flow, one, "demo", step)
            if way is None:
                break
            one.state = way.target
        found[one.state] += 1
    return found


def test_most_reports_are_confirmed_and_some_stand_in_every_other_state() -> None:
    found = ends(flow_of("report-review"))

    assert found["confirmed"] > 500
    assert all(found[name] > 20 for name in ("draft", "submitted", "returned"))


def test_records_of_former_months_are_mostly_done() -> None:
    assert ends(flow_of("report-review"), recent=False)["confirmed"] > 900


def test_what_is_in_use_is_seldom_put_away() -> None:
    found = ends(flow_of("simple"))

    assert found["active"] > 10 * found["archived"] > 0


def test_nobody_is_taken_through_a_joint_review() -> None:
    found = ends(flow_of("apply-approve-pay"))

    assert not found["joint_review"] + found["public_notice"] + found["approved"]
    assert found["first_review"] > found["withdrawn"] + found["rejected"]


@pytest.mark.parametrize(
    ("said", "most", "shown"),
    [(None, 100, SAID), ("", 100, SAID), ("已核实", 100, f"{SAID}。已核实"), (SAID, 100, SAID),
     ("已核实", 4, "示例数据")],
)  # fmt: skip
def test_a_remark_begins_with_what_the_record_is(said: str | None, most: int, shown: str) -> None:
    assert labelled(said, most) == shown


def test_a_remark_is_known_by_its_name_or_title() -> None:
    text = {"type": "string", "format": "multiline"}

    assert note_of(compiled(properties={"remark": {"title": "说明", **text}})) == "remark"
    assert note_of(compiled(properties={"more": {"title": "备注", **text}})) == "more"
    assert note_of(compiled(properties={"more": {"title": "说明", **text}})) == ""


def checked(check: str) -> Register:
    """Return a register whose ``amount`` a rule holds against the sum of its other records."""
    total = {"sum": "demo.amount", "where": {"kind": "$kind"}}
    return compiled(
        properties={"told": {"title": "合计", "unit": "万元", "scale": 2, "rollup": total}},
        register={"rules": [{"name": "r", "check": check, "at": "amount", "message": "不符"}]},
    )


@pytest.mark.parametrize(
    ("check", "found"),
    [
        ("abs(amount - told) <= amount * 0.1", {"amount": Decimal("80.00")}),
        ("amount == told", {"amount": Decimal("80.00")}),
        ("told <= amount", {}),
        ("amount <= told", {}),
    ],
)
def test_a_total_is_entered_where_the_rule_takes_nothing_else(
    check: str, found: dict[str, Any]
) -> None:
    register = checked(check)
    values = {"amount": Decimal(50), "told": Decimal(80)}

    assert agreed(register, totals_of(register), values) == found
