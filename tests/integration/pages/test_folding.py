"""Folding: what nobody enters stands behind what is entered, and is unfolded when it is wrong."""

from __future__ import annotations

import re

import pytest

from tests.support.flows import STEPS, flow_definition
from tests.support.register import definition

NEW = "/registers/demo/new"
COMPUTED = {
    "doubled": {"title": "两倍", "unit": "万元", "scale": 2, "computed": "amount * 2.0"},
    "peers": {
        "title": "同类数",
        "rollup": {"count": "demo", "where": {"kind": "$kind"}},
        "description": "同一类别的条数。",
    },
    "parent": {"title": "上级", "reference": "demo"},
    "parent_kind": {"title": "上级类别", "lookup": "parent.kind"},
}
#: a rule of its own severity, at a computed field
LARGE = {"name": "large", "check": "doubled < 100.0", "at": "doubled", "message": "两倍过大"}


@pytest.fixture
def demo(register):
    """Publish a register with computed fields between the entered ones, and one section that
    holds nothing else; ``rule`` is added to it."""

    def run(**rule):
        sections = [
            {"title": "填写", "fields": ["name", "doubled", "amount", "kind", "peers"]},
            {"title": "填写二", "fields": ["noted_on", "parent"]},
            {"title": "带出", "fields": ["parent_kind"]},
        ]
        laid = {"sections": sections, "rules": [LARGE | rule]}
        register(definition(properties=COMPUTED, register=laid))

    return run


def folds(page):
    """Return each fold as (attributes, line, what it holds)."""
    pattern = (
        r'<details class="derived" data-derived([^>]*)>\s*<summary>(.*?)</summary>(.*?)</details>'
    )
    found = re.findall(pattern, page, re.DOTALL)
    return [(a.strip(), re.sub(r"<[^>]+>", " ", line).split(), inner) for a, line, inner in found]


def test_computed_fields_of_a_new_record_stand_behind_the_entered_ones(browser, demo):
    demo()

    page = browser.get(NEW).text

    (first, line, inner), (_, alone, _) = folds(page)
    assert first == "" and line[0] == "自动计算的字段（2）" and alone[0] == "带出"
    assert 'data-given="doubled"' in inner and 'data-given="peers"' in inner
    assert page.index('name="f_kind"') < page.index('data-given="doubled"')
    assert page.count('class="given"') == 0


def test_fold_says_how_each_value_comes_about(browser, demo):
    demo()

    (_, _, own), (_, _, taken) = folds(browser.get(NEW).text)

    assert "由金额算出。" in own and "随所选的“上级”带出。" in taken
    assert "同一类别的条数。" in own and "计数" not in own


def test_form_of_a_stored_record_says_on_one_line_what_came_out(browser, demo, store):
    demo()
    id = store("demo", name="甲厂", amount="3", kind="a")

    first, _ = folds(browser.get(f"/registers/demo/{id}/edit").text)

    assert " ".join(first[1]) == "自动计算的字段（2） 两倍 6.00 万元 · 同类数 1"


@pytest.mark.parametrize(("severity", "status"), [("error", 422), ("warning", 409)])
def test_fold_is_open_where_a_sentence_points_into_it(browser, demo, severity, status):
    demo(severity=severity)

    answer = browser.post(NEW, f_name="甲厂", f_amount="60", f_kind="a")

    first, second = folds(answer.text)
    assert answer.status_code == status and 'href="#f_doubled"' in answer.text
    assert 'id="f_doubled"' in first[2] and (first[0], second[0]) == ("open", "")


def test_form_says_what_a_step_fills_in_and_does_not_ask_for_the_state(browser, register):
    stage = {
        "title": "阶段", "type": "string", "default": "draft",
        "oneOf": [{"const": s["name"], "title": s["title"]} for s in STEPS["states"]],
    }  # fmt: skip
    flow = STEPS | {"field": "stage"}
    register(flow_definition(flow=flow, properties={"stage": stage}))

    page = browser.get(NEW).text

    assert re.search(r'id="f_noted_on-help">办理“报送”时自动填写。<', page)
    (_, line, inner) = folds(page)[0]
    assert 'data-given="stage"' in inner and "随办理步骤变化，不用填写。" in inner
    assert line[0] == "自动计算的字段（1）" and 'name="f_stage"' not in page
