"""Workflow: who may take which step, what it asks for, what it does."""

from __future__ import annotations

import copy
import datetime
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from app.errors import AppError, RecordMoved, RecordRefused
from app.services import deciding, history, lists, notices, records, removal, workflow
from app.services.exchange import import_file
from app.services.moves import Order
from app.services.states import RecordLocked
from app.services.workflow import TransitionDenied, TransitionIncomplete, TransitionRefused
from app.storage.models_workflow import deadline
from tests.support.agreement import disagreements
from tests.support.flows import GRANTS, STEPS, Desk, flow_definition
from tests.support.register import ME, definition, platform_on, publish


@pytest.fixture
def desk(platform):
    return Desk(platform)


def path(desk: Desk, record: int) -> list[tuple[str, str, str]]:
    with desk.platform.reading(ME) as work:
        entries = history.of_record(work, desk.slug, record)
    notes = [e.note for e in reversed(entries) if e.action == "transition"]
    return [(note["transition"], note["from"], note["to"]) for note in notes]


def test_a_new_record_begins_in_the_first_state(desk):
    record = desk.enter()

    assert (record.state, record.state_since) == ("draft", record.created_at)


def test_a_record_goes_its_way_and_the_history_tells_it(desk):
    record = desk.enter()
    desk.move("clerk-a", record.id, "submit")
    desk.move("staff", record.id, "approve")
    paid = desk.move("staff", record.id, "pay")

    assert (paid.state, paid.version) == ("paid", 4)
    assert paid.values["noted_on"] is not None, "set by the step"
    assert path(desk, record.id) == [
        ("submit", "draft", "submitted"),
        ("approve", "submitted", "approved"),
        ("pay", "approved", "paid"),
    ]
    assert disagreements(desk.platform) == []


def test_a_step_writes_also_what_people_may_not_change(platform):
    day = {"title": "支付日期", "type": "string", "format": "date", "editable": "false"}
    desk = Desk(platform, flow_definition(properties={"noted_on": day}))
    record = desk.enter()
    desk.move("clerk-a", record.id, "submit")
    desk.move("staff", record.id, "approve")

    assert desk.move("staff", record.id, "pay").values["noted_on"] is not None
    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        records.change(work, "demo", record.id, 4, {"noted_on": "2024-01-01"})


def test_only_the_steps_of_ones_role_are_offered(desk):
    record = desk.enter()
    desk.move("clerk-a", record.id, "submit")

    assert desk.steps("clerk-a", record.id) == {"withdraw": []}
    assert desk.steps("staff", record.id) == {"return": [], "approve": [], "reject": []}


@pytest.mark.parametrize(
    ("login", "step", "kind"),
    [
        ("staff", "submit", TransitionDenied),
        ("clerk-a", "approve", TransitionRefused),
        ("clerk-a", "nothing", workflow.NoWorkflow),
    ],
)
def test_a_step_that_is_not_theirs_or_not_there_is_refused(desk, login, step, kind):
    record = desk.enter()

    with pytest.raises(kind):
        desk.move(login, record.id, step)
    assert desk.get(record.id).version == 1


def test_a_step_of_the_rows_own_unit_is_for_other_roles_where_they_may_change_it(platform):
    flow = copy.deepcopy(STEPS)
    flow["transitions"][0]["role"] = ["owner", "unit", "township", "leader", "giib_staff"]
    grants = [
        *GRANTS,
        {"role": ["township"], "may": ["see"]},
        {"role": ["leader"], "may": ["see", "review"]},
    ]
    desk = Desk(platform, flow_definition(flow=flow, register={"permissions": grants}))
    record = desk.enter()

    people = ("clerk-a", "clerk-b", "reader", "staff")
    offered = [who for who in people if "submit" in desk.steps(who, record.id)]

    assert offered == ["clerk-a", "staff"]
    with pytest.raises(TransitionDenied):
        desk.move("clerk-b", record.id, "submit")


def test_a_guard_says_in_words_what_is_missing(desk):
    record = desk.enter(amount="")

    assert desk.steps("clerk-a", record.id) == {"submit": ["请先填写金额"]}
    with pytest.raises(TransitionRefused, match="请先填写金额"):
        desk.move("clerk-a", record.id, "submit")


def test_who_submits_does_not_approve_not_even_the_administrator(desk):
    record = desk.enter()
    desk.move("me", record.id, "submit")

    with pytest.raises(TransitionRefused, match="earlier step yourself"):
        desk.move("me", record.id, "approve")
    assert desk.move("staff", record.id, "approve").state == "approved"


def test_a_comment_and_a_field_are_asked_for(desk):
    record = desk.enter(kind="")
    desk.move("clerk-a", record.id, "submit")

    with pytest.raises(TransitionIncomplete) as refused:
        desk.move("staff", record.id, "return", "  ")
    assert [p.at for p in refused.value.problems] == ["/comment"]
    with pytest.raises(TransitionIncomplete) as refused:
        desk.move("staff", record.id, "approve")
    assert [p.at for p in refused.value.problems] == ["/kind"]
    assert desk.move("staff", record.id, "approve", values={"kind": "b"}).values["kind"] == "b"


def test_a_step_takes_no_field_it_does_not_ask_for(desk):
    record = desk.enter()
    desk.move("clerk-a", record.id, "submit")

    with pytest.raises(TransitionRefused, match="does not ask for amount"):
        desk.move("staff", record.id, "approve", values={"amount": "99"})


def test_a_locked_state_keeps_its_fields_and_its_record(desk):
    record = desk.enter()
    sent = desk.move("clerk-a", record.id, "submit")
    with desk.platform.writing(desk.who("clerk-a")) as work:
        with pytest.raises(RecordRefused) as refused:
            records.change(work, "demo", record.id, sent.version, {"amount": "13"})
        assert [p.code for p in refused.value.problems] == ["workflow.locked_field"]
        changed = records.change(work, "demo", record.id, sent.version, {"name": "乙厂"})
    done = desk.move("staff", record.id, "approve", version=changed.version)
    with desk.platform.writing(ME) as work:
        with pytest.raises(RecordRefused) as refused:
            records.change(work, "demo", record.id, done.version, {"name": "丙厂"})
        assert [p.code for p in refused.value.problems] == ["record.locked"]
        with pytest.raises(RecordLocked):
            removal.delete(work, "demo", record.id, done.version, "重复")
    with desk.platform.reading(ME) as work:
        from app.services import rights

        assert not rights.may_record(work, "demo", record.id).change


def test_two_reviewers_at_once_exactly_one_wins(desk):
    record = desk.enter()
    sent = desk.move("clerk-a", record.id, "submit")
    ready, results = threading.Barrier(2), []

    def decide(step: str, comment: str) -> None:
        url = desk.platform.database.url.render_as_string(hide_password=False)
        other = platform_on(type(desk.platform.database)(url), desk.platform.data_dir)
        ready.wait()
        try:
            with other.writing(desk.who("staff")) as work:
                workflow.move(work, "demo", record.id, sent.version, step, comment)
            results.append("won")
        except RecordMoved:
            results.append("moved")
        finally:
            other.database.dispose()

    reviewers = [
        threading.Thread(target=decide, args=one)
        for one in (("approve", ""), ("reject", "材料不全"))
    ]
    for one in reviewers:
        one.start()
    for one in reviewers:
        one.join()

    assert sorted(results) == ["moved", "won"]
    assert len(path(desk, record.id)) == 2
    assert disagreements(desk.platform) == []


ROUNDS, AT_ONCE = 200, 20


def test_submit_recall_approve_return_at_once_one_wins_each_round(desk):
    """CO-115: whatever is tried at once, each version has one step and the way is legal."""
    tries = [("clerk-a", "submit"), ("clerk-a", "withdraw"), ("staff", "approve"),
             ("staff", "return")]  # fmt: skip
    records = [desk.enter()]

    def attempt(place: int, version: int) -> str:
        login, step = tries[place % len(tries)]
        try:
            desk.move(login, records[-1].id, step, "请补充", version=version)
        except AppError as refused:
            return refused.code
        return "won"

    with ThreadPoolExecutor(AT_ONCE) as people:
        for _ in range(ROUNDS):
            if desk.get(records[-1].id).state == "approved":
                records.append(desk.enter(name=f"厂{len(records)}"))
            version = desk.get(records[-1].id).version
            results = list(people.map(attempt, range(AT_ONCE), [version] * AT_ONCE))
            assert results.count("won") == 1, results
    ways = {(w["name"], s, w["to"]) for w in STEPS["transitions"] for s in w["from"]}
    told = [path(desk, record.id) for record in records]
    assert sum(map(len, told)) == ROUNDS
    for steps in told:
        assert set(steps) <= ways
        assert all(a[2] == b[1] for a, b in zip(steps, steps[1:], strict=False))
    assert disagreements(desk.platform) == []


def test_the_field_that_holds_the_state_is_moved_by_steps_alone(platform):
    options = [{"const": s["name"], "title": s["title"]} for s in STEPS["states"]]
    stage = {"title": "阶段", "type": "string", "oneOf": options}
    flow = {**STEPS, "field": "stage"}
    desk = Desk(platform, flow_definition(flow=flow, properties={"stage": stage}))
    record = desk.enter()

    assert record.values["stage"] == "draft"
    with pytest.raises(RecordRefused) as refused, platform.writing(ME) as work:
        records.change(work, "demo", record.id, 1, {"stage": "paid"})
    assert [p.code for p in refused.value.problems] == ["workflow.by_step"]
    with pytest.raises(RecordRefused) as refused:
        desk.enter(name="乙厂", stage="paid")
    assert [p.code for p in refused.value.problems] == ["workflow.beginning"]
    sent = desk.move("clerk-a", record.id, "submit")
    assert (sent.values["stage"], sent.state) == ("submitted", "submitted")
    assert disagreements(platform) == []


def test_an_import_changes_no_locked_field_and_brings_in_what_is_under_way(platform, tmp_path):
    options = [{"const": s["name"], "title": s["title"]} for s in STEPS["states"]]
    stage = {"title": "阶段", "type": "string", "oneOf": options}
    flow = {**STEPS, "field": "stage"}
    desk = Desk(platform, flow_definition(flow=flow, properties={"stage": stage}))
    source = tmp_path / "rows.csv"
    source.write_text("name,amount,stage\n老记录,3,paid\n", "utf-8")
    from dataclasses import replace

    with platform.writing(replace(ME, face="import")) as work:
        import_file(work, "demo", source)
    assert desk.get(1).state == "paid"
    source.write_text("name,amount\n老记录,4\n", "utf-8")
    with platform.writing(replace(ME, face="import")) as work:
        report = import_file(work, "demo", source, mode="update", on_error="skip")
    assert (report.faulty, report.changed) == (1, 0)


def timed(**more: Any) -> dict[str, Any]:
    """A notice of five working days, after which records are approved by themselves."""
    states = [
        {"name": "draft"}, {"name": "notice"}, {"name": "objected"},
        {"name": "done", "final": True, "locked": True},
    ]  # fmt: skip
    ways = [
        {
            "name": "publicise", "from": ["draft", "objected"], "to": "notice",
            "due": {"days": 5, "field": "noted_on"},
        },
        {
            "name": "object", "from": ["notice"], "to": "objected", "deadline": "before",
            "comment": "required",
        },
        {"name": "finish", "from": ["notice"], "to": "done", **more},
    ]  # fmt: skip
    return {"states": states, "transitions": ways}


def later(desk: Desk, days: int = 30) -> datetime.datetime:
    """Return a moment after every time limit."""
    with desk.platform.reading(ME) as work:
        return work.now + datetime.timedelta(days=days)


def test_a_notice_counts_working_days_and_opens_approval_when_it_is_over(platform):
    desk = Desk(platform, flow_definition(flow=timed(deadline="after")))
    record = desk.enter("me")
    out = desk.move("me", record.id, "publicise")
    with platform.reading(ME) as work:
        from app.services import calendar

        due = calendar.of(work).add_working_days(work.today, 5)
    assert out.values["noted_on"] == due
    assert list(desk.steps("me", record.id)) == ["object", "finish"]
    assert "possible after" in desk.steps("me", record.id)["finish"][0]
    with pytest.raises(TransitionRefused, match="possible after"):
        desk.move("me", record.id, "finish")
    with platform.writing(ME) as work:
        work.now = later(desk)
        with pytest.raises(TransitionRefused, match="possible until"):
            workflow.move(work, "demo", record.id, None, "object", "有异议")
        assert workflow.move(work, "demo", record.id, None, "finish").state == "done"


def until(**more: Any) -> dict[str, Any]:
    """Work that is to be done by a day that stands in the record, and may be given more time."""
    states = [{"name": "draft"}, {"name": "open"}, {"name": "done", "final": True}]
    ways = [
        {"name": "start", "from": ["draft"], "to": "open", "due": {"on": "last_day"}},
        {
            "name": "extend", "from": ["open"], "to": "open", "require": ["noted_on"],
            "due": {"on": "last_day"},
        },
        {"name": "finish", "from": ["open"], "to": "done", "deadline": "before"},
    ]  # fmt: skip
    last = {"title": "期限", "computed": "add_days(noted_on, 60)"}
    return flow_definition(
        flow={"states": states, "transitions": ways}, properties={"last_day": last}
    )


def test_a_time_limit_may_stand_in_the_record(platform):
    desk = Desk(platform, until())
    record = desk.enter("me", noted_on="2026-01-05")
    free = desk.enter("me", name="无期限")

    for one in (record, free):
        desk.move("me", one.id, "start")

    with platform.reading(ME) as work:
        asked = sa.select(deadline.c.record, deadline.c.due)
        assert work.tx.execute(asked).all() == [(record.id, datetime.date(2026, 3, 6))]
    with platform.writing(ME) as work:
        work.now = datetime.datetime(2026, 3, 7, tzinfo=datetime.UTC)
        with pytest.raises(TransitionRefused, match="possible until"):
            workflow.move(work, "demo", record.id, None, "finish")
        assert workflow.move(work, "demo", free.id, None, "finish").state == "done"


def test_a_step_that_moves_the_day_moves_the_limit(platform):
    desk = Desk(platform, until())
    record = desk.enter("me", noted_on="2026-01-05")
    desk.move("me", record.id, "start")

    with platform.writing(ME) as work:
        workflow.move(work, "demo", record.id, None, "extend", values={"noted_on": "2026-02-05"})

    with platform.reading(ME) as work:
        assert work.tx.scalars(sa.select(deadline.c.due)).all() == [datetime.date(2026, 4, 6)]


def test_an_objection_in_time_begins_the_notice_again(platform):
    desk = Desk(platform, flow_definition(flow=timed(deadline="after")))
    record = desk.enter("me")
    desk.move("me", record.id, "publicise")
    assert desk.move("me", record.id, "object", "金额不实").state == "objected"
    with platform.reading(ME) as work:
        assert work.tx.scalar(sa.select(sa.func.count()).select_from(deadline)) == 0
    desk.move("me", record.id, "publicise")
    with platform.reading(ME) as work:
        assert work.tx.scalar(sa.select(sa.func.count()).select_from(deadline)) == 1


def test_time_that_is_over_moves_records_once(platform):
    desk = Desk(platform, flow_definition(flow=timed(automatic=True)))
    for name in ("甲", "乙"):
        desk.move("me", desk.enter("me", name=name).id, "publicise")

    assert workflow.advance_due(platform, later(desk, 0)) == 0
    assert workflow.advance_due(platform, later(desk)) == 2
    assert workflow.advance_due(platform, later(desk)) == 0
    assert {desk.get(1).state, desk.get(2).state} == {"done"}
    assert desk.steps("me", 1) == {}
    assert disagreements(platform) == []


def test_a_deadline_that_passes_while_a_form_is_open_counts(platform):
    """The job has not run yet: neither an objection nor a saved form slips through."""
    desk = Desk(platform, flow_definition(flow=timed(automatic=True)))
    record = desk.enter("me")
    out = desk.move("me", record.id, "publicise")
    with platform.writing(ME) as work:
        work.now = later(desk)
        with pytest.raises(TransitionRefused, match="follows by itself"):
            workflow.move(work, "demo", record.id, out.version, "object", "有异议")
        with pytest.raises(RecordRefused) as refused:
            records.change(work, "demo", record.id, out.version, {"name": "改名"})
    assert [p.code for p in refused.value.problems] == ["record.locked"]


# ── many at once


def test_a_bulk_step_previews_what_is_refused_and_moves_the_rest(desk):
    good = desk.enter(name="甲厂")
    bare = desk.enter(name="乙厂", amount="")
    gone = desk.enter(name="丙厂")
    desk.move("clerk-a", gone.id, "submit")
    with desk.platform.reading(desk.who("clerk-a")) as work:
        ids = workflow.selection(work, "demo", lists.Query())
        shown = workflow.preview(work, "demo", ids, "submit")
    assert [r.id for r in shown.allowed] == [good.id]
    refused = {r.id: [p.sentence() for p in problems] for r, problems in shown.refused}
    assert refused[bare.id] == ["请先填写金额"]
    assert set(refused) == {bare.id, gone.id}
    with desk.platform.writing(desk.who("clerk-a")) as work:
        moved, left = workflow.move_many(work, "demo", ids, "submit", Order())
    assert (moved, {v.row["_id"] for v in left}) == (1, {bare.id, gone.id})
    assert desk.get(good.id).state == "submitted"
    assert disagreements(desk.platform) == []


def test_a_bulk_step_shows_nobody_what_is_not_theirs(desk):
    mine, other = desk.enter(name="甲厂"), desk.enter("clerk-b", name="乙厂")
    with desk.platform.reading(desk.who("clerk-a")) as work:
        assert workflow.selection(work, "demo", lists.Query()) == [mine.id]
        shown = workflow.preview(work, "demo", [mine.id, other.id], "submit")
    assert [r.id for r in shown.allowed] == [mine.id]
    assert shown.refused == ()


def test_a_thousand_records_take_a_few_statements(desk, tmp_path):
    source = tmp_path / "rows.csv"
    lines = ["name,amount,kind", *(f"第{n}厂,{n + 1},a" for n in range(1000))]
    source.write_text("\n".join(lines), "utf-8")
    with desk.platform.writing(ME) as work:
        import_file(work, "demo", source)
        ids = workflow.selection(work, "demo", lists.Query())
    counted = []

    def count(*_: Any) -> None:
        counted.append(1)

    with desk.platform.writing(ME) as work:
        sa.event.listen(work.tx, "before_cursor_execute", count)
        moved, left = workflow.move_many(work, "demo", ids, "submit", Order())
        sa.event.remove(work.tx, "before_cursor_execute", count)
    assert (moved, left) == (1000, [])
    assert len(counted) < 60
    assert disagreements(desk.platform) == []


def test_more_than_five_thousand_are_refused(desk):
    with desk.platform.reading(ME) as work, pytest.raises(workflow.TooMany):
        workflow.preview(work, "demo", range(1, 5002), "submit")


# ── effects


def test_a_step_opens_a_record_elsewhere_and_tells_whom_it_names(platform):
    visit = definition(
        "visit",
        properties={"about": {"title": "事项", "reference": "demo"}, "kind": None, "amount": None},
        register={"list": ["name", "about"], "filters": [], "sort": ["name"]},
    )
    flow = {
        "states": [{"name": "open"}, {"name": "seen", "final": True}],
        "transitions": [
            {
                "name": "see", "from": ["open"], "to": "seen", "role": ["giib_staff"],
                "open": {"register": "visit", "via": "about", "set": {"name": "='回访' + name"}},
                "notify": ["owner"],
            }
        ],
    }  # fmt: skip
    document = flow_definition(flow=flow)
    publish(platform, document, visit)
    desk = Desk(platform, document)
    record = desk.enter(name="甲厂")
    desk.move("staff", record.id, "see", "去看过了")

    with platform.reading(ME) as work:
        opened = lists.page(work, "visit", lists.Query()).rows
    assert [(r.values["name"], r.values["about"]) for r in opened] == [("回访甲厂", record.id)]
    with platform.reading(desk.who("clerk-a")) as work:
        told = [(one.title, one.text) for one in notices.listed(work)]
    assert told == [("示例台账：甲厂 — see", "去看过了")]


def test_the_reasons_have_stable_codes(desk):
    record = desk.enter(amount="")
    with desk.platform.reading(desk.who("clerk-a")) as work:
        [possible] = workflow.of_record(work, "demo", record.id)
    assert [p.code for p in possible.reasons] == ["workflow.guard.1"]
    assert deciding.DENIED == "workflow.denied"


# ── publishing


def without(state: str, target: str = "", *, renamed: bool = False) -> dict[str, Any]:
    """Return the steps without a state, saying where its records go."""
    flow = {
        "states": [dict(s) for s in STEPS["states"] if s["name"] != state],
        "transitions": [
            w for w in STEPS["transitions"] if state not in (w["to"], *w["from"])
        ],
    }  # fmt: skip
    if renamed:
        flow["states"].insert(1, {"name": target, "title": "新名", "was": state})
        flow["transitions"] = [
            {**w, "from": [target if s == state else s for s in w["from"]],
             "to": target if w["to"] == state else w["to"]}
            for w in STEPS["transitions"]
        ]  # fmt: skip
    elif target:
        flow["moves"] = {state: target}
    return flow


def plan_of(desk: Desk, flow: dict[str, Any]) -> dict[str, tuple[int, str]]:
    from app.services import publishing

    with desk.platform.writing(ME, publishing=True) as work:
        made = publishing.plan(work, flow_definition(flow=flow))
    return {s.code: (s.rows, s.needs) for s in made.steps if s.code.startswith("workflow.")}


def test_no_publication_strands_a_record(desk):
    for name in ("甲", "乙"):
        desk.move("clerk-a", desk.enter(name=name).id, "submit")
    moved = [desk.move("staff", n, "approve") for n in (1, 2)]
    assert moved
    flow = without("approved")
    flow["states"] = [s for s in flow["states"] if s["name"] != "paid"]
    flow["transitions"] = [w for w in flow["transitions"] if w["name"] != "pay"]

    assert plan_of(desk, flow) == {"workflow.stranded": (2, "refused")}
    with pytest.raises(AppError, match="approved"):
        publish(desk.platform, flow_definition(flow=flow))
    flow["moves"] = {"approved": "submitted"}
    assert plan_of(desk, flow) == {"workflow.moved": (2, "confirm")}
    publish(desk.platform, flow_definition(flow=flow))
    assert [desk.get(n).state for n in (1, 2)] == ["submitted", "submitted"]
    assert path(desk, 1)[-1] == ("", "approved", "submitted")
    assert disagreements(desk.platform) == []


def test_a_renamed_state_takes_its_records_with_it(desk):
    desk.move("clerk-a", desk.enter().id, "submit")
    flow = without("submitted", "sent", renamed=True)

    assert plan_of(desk, flow) == {"workflow.moved": (1, "confirm")}
    publish(desk.platform, flow_definition(flow=flow))
    assert desk.get(1).state == "sent"
    assert "withdraw" in desk.steps("clerk-a", 1)


def test_a_first_workflow_takes_records_up_where_they_are(platform, add):
    options = [{"const": s["name"], "title": s["title"]} for s in STEPS["states"]]
    stage = {"title": "阶段", "type": "string", "oneOf": options}
    publish(platform, definition(properties={"stage": stage}))
    for name, at in (("甲", "paid"), ("乙", "")):
        add("demo", name=name, stage=at)
    flow = {**STEPS, "field": "stage"}
    desk = Desk(platform, flow_definition(flow=flow, properties={"stage": stage}))

    assert [desk.get(n).state for n in (1, 2)] == ["paid", "draft"]
    assert desk.get(2).values["stage"] == "draft"


def test_a_workflow_without_a_field_begins_at_the_beginning(platform, add):
    publish(platform, definition())
    add("demo", name="甲")
    desk = Desk(platform)

    assert desk.get(1).state == "draft"
    assert "submit" in desk.steps("me", 1)
