"""Pages of a workflow: steps, what they ask for, joint review's way in, many at once."""

from __future__ import annotations

import copy

import pytest

from app.services import records
from tests.support.flows import STEPS, flow_definition
from tests.support.register import ME, publish


@pytest.fixture
def demo(browser):
    publish(browser.platform, flow_definition())
    with browser.platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲厂", "amount": "1", "kind": "a"})
        records.create(work, "demo", {"name": "乙厂"})
    return browser


def test_a_step_is_offered_made_and_told(demo):
    assert "/registers/demo/1/step/submit" in demo.get("/registers/demo/1").text
    demo.get("/registers/demo/1/step/submit")
    answer = demo.post("/registers/demo/1/step/submit", _version="1", comment="请审核")
    assert answer.status_code == 302
    page = demo.get("/registers/demo/1").text
    assert "已报送" in page
    assert "请审核" in page


def test_a_guard_stands_beside_its_button_and_refuses_the_step(demo):
    assert "请先填写金额" in demo.get("/registers/demo/2").text
    answer = demo.post("/registers/demo/2/step/submit", _version="1")
    assert answer.status_code == 409
    assert "请先填写金额" in answer.text


def test_a_refusal_says_each_of_its_reasons_once(browser):
    flow = copy.deepcopy(STEPS)
    flow["transitions"][0]["guard"] = [
        {"check": "amount > 1.0", "message": "金额太小"},
        {"check": "kind == 'b'", "message": "类别应为乙"},
    ]
    publish(browser.platform, flow_definition(flow=flow))
    with browser.platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲厂", "amount": "1", "kind": "a"})

    answer = browser.post("/registers/demo/1/step/submit", _version="1").text

    assert [answer.count(reason) for reason in ("金额太小", "类别应为乙")] == [1, 1]


def test_the_second_reviewer_is_told(demo):
    demo.post("/registers/demo/1/step/submit", _version="1")
    assert demo.post("/registers/demo/1/step/return", _version="2").status_code == 422
    demo.post("/registers/demo/1/step/return", _version="2", comment="请补充")
    assert (
        demo.post("/registers/demo/1/step/reject", _version="2", comment="不符").status_code == 409
    )


def test_many_are_previewed_then_moved(demo):
    preview = demo.get("/registers/demo/steps", step="submit", all="1").text
    assert "请先填写金额" in preview
    answer = demo.post("/registers/demo/steps", step="submit", all="1", go="1")
    assert answer.status_code == 302
    listed = demo.get("/registers/demo/", state="submitted").text
    assert "甲厂" in listed
    assert "乙厂" not in listed


def test_an_address_of_no_step_is_not_found(demo):
    assert demo.get("/registers/demo/1/step/nothing").status_code == 404
    assert demo.get("/registers/demo/steps", step="nothing", id="1").status_code == 404
