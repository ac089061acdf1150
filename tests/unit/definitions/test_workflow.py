"""Workflows: what a definition may say, and every mistake at its place."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from app.definitions.compile import check_definition, compile_register
from app.definitions.library import common_parts, compile_kept
from app.definitions.workflow import templates
from app.definitions.world import Alone
from tests.support.flows import STEPS
from tests.support.register import definition

#: what a template needs beside itself
BESIDE = {"periodic-report": {"period": "month"}}


def problems(flow: Any, **register: Any) -> list[tuple[str, str]]:
    document = definition(register={"workflow": flow, **register})
    found = check_definition(document, Alone(), common_parts())
    return [(p.at.removeprefix("/register/workflow"), p.sentence()) for p in found]


def changed(**more: Any) -> dict[str, Any]:
    """Return the steps with one more transition from draft to paid."""
    flow = copy.deepcopy(STEPS)
    flow["transitions"].append({"name": "extra", "from": ["draft"], "to": "paid"} | more)
    return flow


@pytest.mark.parametrize("name", sorted(templates()))
def test_every_template_is_a_workflow(name):
    document = definition(register={"workflow": {"template": name}, **BESIDE.get(name, {})})
    made = compile_register(document, Alone(), common_parts()).workflow

    assert made is not None
    assert made.initial == templates()[name]["states"][0]["name"]


def test_the_plain_steps_have_no_mistake():
    assert problems(STEPS) == []


EXTRA = "/transitions/7"
MISTAKES: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown state": (changed(to="nowhere"), f"{EXTRA}/to", "no state nowhere"),
    "from a final state": (changed(**{"from": ["paid"]}), f"{EXTRA}/from/0", "final"),
    "nothing to": ({**STEPS, "transitions": [{"name": "a", "from": ["draft"]}]},
                   "/transitions/0", "needs from and to"),
    "twice": (changed(name="pay"), f"{EXTRA}/name", "stands here twice"),
    "guard of a type": (changed(guard=[{"check": "amount + 1.0", "message": "x"}]),
                        f"{EXTRA}/guard/0/check", "bool"),
    "guard of no field": (changed(guard=[{"check": "amuont > 1.0", "message": "x"}]),
                          f"{EXTRA}/guard/0/check", "amuont"),
    "set of no field": (changed(set={"amuont": 1}), f"{EXTRA}/set/amuont", "amount"),
    "set of a wrong value": (changed(set={"kind": "z"}), f"{EXTRA}/set/kind", "not one of"),
    "set of a wrong type": (changed(set={"noted_on": "=amount"}),
                            f"{EXTRA}/set/noted_on", "timestamp"),
    "required field": (changed(require=["nmae"]), f"{EXTRA}/require/0", "name"),
    "joint without units": (changed(joint={"agreed": "pay"}), f"{EXTRA}/joint", "needs units"),
    "joint leads nowhere": (changed(units="choose", joint={"agreed": "submit"}),
                            f"{EXTRA}/joint/agreed", "not a transition"),
    "automatic without time": (changed(automatic=True), f"{EXTRA}/automatic", "no time limit"),
    "due into a text": (changed(due={"days": 5, "field": "name"}), f"{EXTRA}/due/field", "date"),
    "due on a text": (changed(due={"on": "name"}), f"{EXTRA}/due/on", "date"),
    "due on no field": (changed(due={"on": "notedon"}), f"{EXTRA}/due/on", "noted_on"),
    "due without a day": (changed(due={"field": "noted_on"}), f"{EXTRA}/due", "days, or on"),
    "due said twice": (changed(due={"days": 5, "on": "noted_on"}), f"{EXTRA}/due", "days, or on"),
    "a day in two fields": (changed(due={"on": "noted_on", "field": "noted_on"}),
                            f"{EXTRA}/due/field", "leave field out"),
    "apart from nothing": (changed(apart=["sumbit"]), f"{EXTRA}/apart", "submit"),
    "moves to nowhere": ({**STEPS, "moves": {"old": "gone"}}, "/moves/old", "no state gone"),
    "moves of a state": ({**STEPS, "moves": {"paid": "draft"}}, "/moves/paid", "is a state"),
    "unreachable": ({**STEPS, "states": [*STEPS["states"], {"name": "lost", "final": True}]},
                    "/states/5", "ever reaches"),
    "dead end": ({**STEPS, "states": [
        {**s, "final": False} if s["name"] == "paid" else s for s in STEPS["states"]]},
        "/states/3", "leads on"),
    "unknown template": ({"template": "repot-review"}, "/template", "report-review"),
    "role shape": (changed(role=["区长"]), f"{EXTRA}/role/0", ""),
    "field that is none": ({**STEPS, "field": "stage"}, "/field", "no field"),
    "field of another kind": ({**STEPS, "field": "name"}, "/field", "choice"),
    "field of other options": ({**STEPS, "field": "kind"}, "/field", "no option for the states"),
    "initial": ({**STEPS, "initial": "darft"}, "/initial", "draft"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_at_its_place(name):
    flow, at, said = MISTAKES[name]
    found = problems(flow)

    assert any(place == at and said in sentence for place, sentence in found), found


def test_a_grant_in_a_state_that_is_not_there_is_a_mistake():
    grants = [{"role": ["a"], "may": ["see"], "in": ["draft", "sumbitted"]}]

    [(at, sentence)] = problems(STEPS, permissions=grants)
    assert at == "/register/permissions/0/in/1"
    assert "submitted" in sentence


def test_a_definition_changes_a_template_by_name():
    flow = {
        "template": "apply-approve-pay",
        "without": ["paid"],
        "states": [{"name": "approved", "final": True}, {"name": "draft", "title": "起草"}],
        "transitions": [{"name": "approve", "role": ["mayor"]}],
    }
    made = compile_register(
        definition(register={"workflow": flow}), Alone(), common_parts()
    ).workflow
    assert made is not None
    approve = made.transition("approve")

    assert "paid" not in made
    assert made.transition("pay") is None
    assert made.state("draft").title == "起草"
    assert approve is not None
    assert (approve.roles, approve.deadline, approve.title) == (("mayor",), "after", "审定")


@pytest.mark.parametrize("flow", [{"template": "apply-approve"}, {"states": [{"name": "a"}]}])
def test_what_was_kept_before_workflows_did_anything_still_compiles(flow):
    document = definition(register={"workflow": flow})

    kept = compile_kept(document, Alone())
    assert kept.workflow is None
    assert kept.document == document
    assert problems(flow) != []
