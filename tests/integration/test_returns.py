"""Returns by period: made, handed in, late, closed and opened again, on both engines."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app import create_app
from app.config import Config
from app.errors import AppError, RecordRefused
from app.services import backup, exchange, publishing, records, removal, seeding, workflow
from app.services.exchange.report import ImportStopped
from app.services.returns import carrying, deeds, listing, opening, seeing
from app.services.returns.facts import PeriodClosed, ReturnRefused
from app.services.returns.owing import Matching
from app.services.work import Platform
from app.storage.rows import write
from tests.support.register import ME, definition, publish
from tests.support.returns import (
    add_units,
    appoint,
    at,
    facts,
    file,
    firms,
    merge,
    monthly,
    ready,
    run,
    states,
)


def test_the_daily_run_makes_what_is_owed_and_makes_it_once(platform: Platform) -> None:
    nan, bei = ready(platform)

    [first] = run(platform, "2026-02-02")
    [again] = run(platform, "2026-02-02")

    assert (first.opened, again.opened) == (2, 0)
    assert states(platform) == {("2026-01", nan): "open", ("2026-01", bei): "open"}
    assert str(facts(platform, "2026-01", nan).opens_on) == "2026-02-01"


def test_spring_festival_moves_the_due_day(platform: Platform) -> None:
    [nan] = ready(platform, "nan", due={"day": 16})

    run(platform, "2026-02-02")

    # 15 to 23 February 2026 are free
    assert str(facts(platform, "2026-01", nan).due_on) == "2026-02-24"
    assert str(facts(platform, "2026-01", nan).locks_on) == "2026-03-01"


def test_after_being_down_for_months_every_period_is_there(platform: Platform) -> None:
    nan, bei = ready(platform)
    run(platform, "2026-02-02")

    run(platform, "2026-06-03")

    found = states(platform)
    assert sorted({period for period, _ in found}) == [f"2026-0{n}" for n in range(1, 6)]
    assert {found[f"2026-0{n}", bei] for n in range(1, 5)} == {"closed"}
    assert found["2026-05", nan] == "open"


def test_two_runs_at_once_make_each_return_once(
    platform: Platform, another_process: Callable[[], Platform]
) -> None:
    ready(platform)
    failures: list[BaseException] = []

    def go(one: Platform) -> None:
        try:
            run(one, "2026-04-02")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(p,)) for p in (platform, another_process())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(states(platform)) == 6


def test_a_clock_that_is_moved_back_changes_nothing(platform: Platform) -> None:
    ready(platform)
    run(platform, "2026-04-20")
    before = states(platform)

    run(platform, "2026-02-02")

    assert states(platform) == before


def test_a_record_hands_in_and_its_deletion_opens_again(platform: Platform) -> None:
    nan, bei = ready(platform)
    run(platform, "2026-02-02")

    number = file(platform, "2026-02-03", town="nan", month="2026-01")

    assert states(platform) == {("2026-01", nan): "submitted", ("2026-01", bei): "open"}
    assert facts(platform, "2026-01", nan).record == number
    with platform.writing(ME) as work:
        work.now = at("2026-02-04")
        removal.delete(work, "report", number, 1, "填错")
    assert states(platform)["2026-01", nan] == "open"
    with platform.writing(ME) as work:
        removal.undelete(work, "report", number)
    assert states(platform)["2026-01", nan] == "submitted"


def test_a_record_that_moves_to_another_month_opens_the_first(platform: Platform) -> None:
    [nan] = ready(platform, "nan", lock=None)
    run(platform, "2026-03-02")
    number = file(platform, "2026-03-03", town="nan", month="2026-01")

    with platform.writing(ME) as work:
        work.now = at("2026-03-03")
        records.change(work, "report", number, 1, {"month": "2026-02"})

    assert states(platform) == {("2026-01", nan): "late", ("2026-02", nan): "submitted"}


def test_what_was_entered_before_its_return_was_made_counts_as_of_then(platform: Platform) -> None:
    nan, bei = ready(platform)
    file(platform, "2026-01-31", town="nan", month="2026-01")
    file(platform, "2026-02-20", town="bei", month="2026-01")

    run(platform, "2026-03-05")

    one, other = facts(platform, "2026-01", nan), facts(platform, "2026-01", bei)
    assert (one.state, one.late, str(one.submitted_at)[:10]) == ("submitted", False, "2026-01-31")
    assert (other.state, other.late) == ("submitted", True)


def test_a_new_record_is_the_return_of_the_unit_it_will_belong_to(platform: Platform) -> None:
    """Also for somebody who chose to act for a unit and has no post there any more."""
    nan, bei = ready(platform, by={"kinds": ["township"]})
    actor = replace(appoint(platform, "钱七", bei, "township"), unit=nan)

    with platform.reading(actor) as work:
        pair = Matching(work, work.published("report")).pair({"month": "2026-01"})

    assert pair == ("2026-01", work.unit) == ("2026-01", bei)


def test_late_is_marked_and_told_once(platform: Platform) -> None:
    nan, _ = ready(platform, lock=None)
    run(platform, "2026-02-02")

    [marked] = run(platform, "2026-02-11")
    [again] = run(platform, "2026-02-12")

    assert (marked.late, again.late) == (2, 0)
    file(platform, "2026-02-12", town="nan", month="2026-01")
    assert (facts(platform, "2026-01", nan).state, facts(platform, "2026-01", nan).late) == (
        "submitted", True,
    )  # fmt: skip


def test_a_reminder_is_sent_once_for_each_number_of_days(platform: Platform) -> None:
    [nan] = ready(platform, "nan")
    for day in ("02-02", "02-05", "02-05", "02-06", "02-09", "02-09", "02-10"):
        run(platform, f"2026-{day}")

    with platform.reading(ME) as work:
        found = seeing.get(work, "report", facts(platform, "2026-01", nan).id)
        said = [action for _, _, action, _ in listing.told(work, found)]

    # opened on the 2nd, three working days before on the 5th, one day before on the 9th
    assert said == ["remind", "remind", "opened"]


# ── closed


def closed(platform: Platform) -> tuple[int, int, int]:
    """Close January with 南镇's record in it and 北镇's missing; return both and the record."""
    nan, bei = ready(platform)
    run(platform, "2026-02-02")
    number = file(platform, "2026-02-03", town="nan", month="2026-01")
    run(platform, "2026-02-20")
    assert states(platform) == {("2026-01", nan): "submitted", ("2026-01", bei): "closed"}
    return nan, bei, number


def test_a_closed_period_is_refused_through_every_form(platform: Platform) -> None:
    _, _, number = closed(platform)

    with pytest.raises(RecordRefused) as created, platform.writing(ME) as work:
        records.create(work, "report", {"town": "bei", "month": "2026-01"})
    with pytest.raises(RecordRefused) as changed, platform.writing(ME) as work:
        records.change(work, "report", number, 1, {"amount": "3"})
    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        records.change(work, "report", number, 1, {"month": "2026-02"})
    with pytest.raises(PeriodClosed), platform.writing(ME) as work:
        removal.delete(work, "report", number, 1, "x")

    [problem] = created.value.problems
    assert problem.at == "/month"
    assert problem.sentence().startswith("2026年1月 is closed for 北镇. Hand in a supplementary")
    assert "ask the reviewing office" in changed.value.problems[0].sentence().lower()


def reviewed(platform: Platform, **changes: Any) -> list[int]:
    """Publish the monthly register with a review: a draft is not handed in."""
    ids = ready(platform, **changes)
    # the first account is the one that ``ME`` acts for: it is told of what comes back to it
    assert appoint(platform, "管理员", ids[0], "giib_head").id == ME.id
    document = monthly(**changes)
    document["register"]["workflow"] = {"template": "report-review"}
    publish(platform, document)
    return ids


def step(platform: Platform, number: int, name: str, day: str, comment: str = "") -> None:
    with platform.writing(ME) as work:
        work.now = at(day)
        workflow.move(work, "report", number, None, name, comment)


def test_a_draft_is_begun_and_hands_in_once_it_is_submitted(platform: Platform) -> None:
    nan, _ = reviewed(platform)
    run(platform, "2026-02-02")

    number = file(platform, "2026-02-03", town="nan", month="2026-01")
    begun = facts(platform, "2026-01", nan)
    step(platform, number, "submit", "2026-02-04")
    handed = facts(platform, "2026-01", nan)
    step(platform, number, "withdraw", "2026-02-05")
    back = facts(platform, "2026-01", nan)
    run(platform, "2026-02-11")
    late = facts(platform, "2026-01", nan)
    step(platform, number, "submit", "2026-02-12")
    behind = facts(platform, "2026-01", nan)

    assert (begun.state, begun.record, begun.submitted_at) == ("open", number, None)
    assert (handed.state, handed.record, handed.submitted_at) == (
        "submitted", number, at("2026-02-04"),
    )  # fmt: skip
    assert (back.state, back.record, back.submitted_at) == ("open", number, None)
    assert (late.state, late.record) == ("late", number)
    assert (behind.state, behind.late) == ("submitted", True)


def test_what_is_sent_back_stays_handed_in_and_in_time(platform: Platform) -> None:
    nan, _ = reviewed(platform)
    run(platform, "2026-02-02")
    number = file(platform, "2026-02-03", town="nan", month="2026-01")
    step(platform, number, "submit", "2026-02-04")

    step(platform, number, "return", "2026-02-12", "补附件")
    step(platform, number, "submit", "2026-02-13")

    found = facts(platform, "2026-01", nan)
    assert (found.state, found.late, found.submitted_at) == (
        "submitted", False, at("2026-02-04"),
    )  # fmt: skip


def test_a_closed_period_takes_no_draft_in_and_gives_none_back(platform: Platform) -> None:
    nan, bei = reviewed(platform)
    run(platform, "2026-02-02")
    left = file(platform, "2026-02-03", town="nan", month="2026-01")
    done = file(platform, "2026-02-03", town="bei", month="2026-01")
    step(platform, done, "submit", "2026-02-04")
    run(platform, "2026-02-20")

    with pytest.raises(workflow.TransitionRefused) as late:
        step(platform, left, "submit", "2026-02-20")
    with pytest.raises(workflow.TransitionRefused):
        step(platform, done, "withdraw", "2026-02-20")
    step(platform, done, "return", "2026-02-20", "看过")

    assert late.value.problems[0].sentence().startswith("2026年1月 is closed for 南镇.")
    assert states(platform) == {("2026-01", nan): "closed", ("2026-01", bei): "submitted"}
    clerk = appoint(platform, "经办", nan, "township")
    with platform.writing(clerk) as work:
        deeds.ask_supplement(work, "report", facts(platform, "2026-01", nan).id, "漏了")
    step(platform, left, "submit", "2026-02-21")
    assert facts(platform, "2026-01", nan).state == "supplemented"


def test_a_period_with_a_draft_begun_is_not_proposed_again(platform: Platform) -> None:
    [nan, _] = reviewed(platform, lock=None)
    run(platform, "2026-02-02")
    file(platform, "2026-02-03", town="nan", month="2026-01")
    run(platform, "2026-03-02")
    clerk = appoint(platform, "经办", nan, "township")

    with platform.reading(clerk) as work:
        work.now = at("2026-03-02")
        found = carrying.carry(work, "report", {})

    assert found.period == "2026-02"


def test_saving_a_closed_record_unchanged_is_no_change(platform: Platform) -> None:
    _, _, number = closed(platform)

    with platform.writing(ME) as work:
        records.change(work, "report", number, 1, {"town": "nan"})


@pytest.mark.parametrize("mode", ["insert", "update"])
def test_a_closed_period_is_refused_in_an_import(
    platform: Platform, tmp_path: Path, mode: str
) -> None:
    closed(platform)
    town = "bei" if mode == "insert" else "nan"
    path = tmp_path / "a.csv"
    path.write_text(f"乡镇,月份,金额\n{town},2026-01,5\n{town},2026-02,6\n", "utf-8")
    if mode == "update":
        file(platform, "2026-02-20", town="nan", month="2026-02")

    with pytest.raises(ImportStopped) as stopped, platform.writing(ME) as work:
        exchange.import_file(work, "report", path, mode=mode)
    with platform.writing(ME) as work:
        report = exchange.import_file(work, "report", path, mode=mode, on_error="skip")

    [refusal] = stopped.value.report.refused
    assert (refusal.row, refusal.heading) == (2, "月份")
    assert (report.faulty, report.created + report.changed) == (1, 1)


def test_an_earlier_version_is_not_restored_in_a_closed_period(platform: Platform) -> None:
    nan, _ = ready(platform)
    run(platform, "2026-02-02")
    number = file(platform, "2026-02-03", town="nan", month="2026-01", amount="1")
    with platform.writing(ME) as work:
        records.change(work, "report", number, 1, {"amount": "2"})
    gone = file(platform, "2026-02-03", town="bei", month="2026-01")
    with platform.writing(ME) as work:
        removal.delete(work, "report", gone, 1, "重复")
    run(platform, "2026-02-20")

    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        removal.restore(work, "report", number, 1, 2)
    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        removal.undelete(work, "report", gone)
    assert states(platform)["2026-01", nan] == "submitted"


def test_a_record_does_not_leave_or_enter_a_closed_period(platform: Platform) -> None:
    nan, _ = ready(platform)
    run(platform, "2026-02-20")
    number = file(platform, "2026-02-20", town="nan", month="2026-02")

    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        records.change(work, "report", number, 1, {"month": "2026-01"})
    assert states(platform) == {("2026-01", s): "closed" for s in (nan, nan + 1)}


def test_a_supplementary_return_opens_one_period_for_one_unit(platform: Platform) -> None:
    _, bei, _ = closed(platform)
    with platform.writing(ME) as work:
        number = facts(platform, "2026-01", bei).id
        with pytest.raises(ReturnRefused):
            deeds.ask_supplement(work, "report", number, "  ")
        deeds.ask_supplement(work, "report", number, "经办人出差")

    record = file(platform, "2026-02-21", town="bei", month="2026-01")

    found = facts(platform, "2026-01", bei)
    assert (found.state, found.late, found.reason) == ("supplemented", True, "经办人出差")
    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        records.change(work, "report", record, 1, {"amount": "1"})
    with pytest.raises(ReturnRefused), platform.writing(ME) as work:
        deeds.ask_supplement(work, "report", number, "再来一次")


def test_a_reopened_return_can_be_corrected_until_its_day(platform: Platform) -> None:
    nan, _, record = closed(platform)
    with platform.writing(ME) as work:
        work.now = at("2026-02-24")
        number = facts(platform, "2026-01", nan).id
        deeds.reopen(work, "report", number, "数字有误")
    run(platform, "2026-02-25")

    with platform.writing(ME) as work:
        records.change(work, "report", record, 1, {"amount": "2"})
    assert str(facts(platform, "2026-01", nan).locks_on) == "2026-03-02"
    run(platform, "2026-03-03")
    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        records.change(work, "report", record, 2, {"amount": "3"})


def test_nil_is_declared_and_taken_back(platform: Platform) -> None:
    nan, bei = ready(platform)
    run(platform, "2026-02-02")
    with platform.writing(ME) as work:
        work.now = at("2026-02-03")
        number = facts(platform, "2026-01", nan).id
        deeds.declare_nil(work, "report", number)
        with pytest.raises(ReturnRefused):
            deeds.declare_nil(work, "report", number)
    assert states(platform)["2026-01", nan] == "nil"
    with platform.writing(ME) as work:
        work.now = at("2026-02-03")
        deeds.take_nil_back(work, "report", number)
    assert states(platform)["2026-01", nan] == "open"
    with platform.writing(ME) as work:
        deeds.declare_nil(work, "report", facts(platform, "2026-01", bei).id)

    file(platform, "2026-02-04", town="bei", month="2026-01")

    assert states(platform)["2026-01", bei] == "submitted"


def test_where_nil_is_not_allowed_it_is_refused(platform: Platform) -> None:
    [nan] = ready(platform, "nan", nil=False)
    run(platform, "2026-02-02")

    with pytest.raises(ReturnRefused), platform.writing(ME) as work:
        deeds.declare_nil(work, "report", facts(platform, "2026-01", nan).id)


def test_a_unit_is_excused_with_a_reason(platform: Platform) -> None:
    nan, _ = ready(platform)
    run(platform, "2026-02-02")
    with platform.writing(ME) as work:
        deeds.excuse(work, "report", facts(platform, "2026-01", nan).id, "当月停产整顿")

    run(platform, "2026-02-20")

    assert states(platform)["2026-01", nan] == "excused"


# ── units that change


def test_the_heir_of_a_merged_unit_answers_for_what_was_open(platform: Platform) -> None:
    nan, bei = ready(platform)
    run(platform, "2026-04-02")
    clerk = appoint(platform, "钱七", nan, "township")
    merge(platform, bei, nan, "2026-04-03")

    run(platform, "2026-04-04")

    assert facts(platform, "2026-03", bei).unit_id == nan
    with platform.reading(clerk) as work:
        found = listing.grid(work, "report", listing.Wish())
        assert [(line.title, line.heir) for line in found.lines] == [("南镇", ""), ("北镇", "南镇")]
        assert {(w.period, w.state, w.count) for w in listing.mine(work)} == {
            ("2026-03", "open", 2)
        }
    file(platform, "2026-04-07", town="bei", month="2026-03")
    assert states(platform)["2026-03", bei] == "submitted"
    run(platform, "2026-05-02")
    assert ("2026-04", bei) not in states(platform)
    assert ("2026-04", nan) in states(platform)


def test_a_new_unit_answers_for_those_it_was_made_of(platform: Platform) -> None:
    """Where the unit that enters a record says whose return it is: one record of a unit that
    owes none of its own hands in for the units merged into it."""
    by = {"kinds": ["township"]}
    nan, bei = ready(platform, "nan", "bei", by=by)
    run(platform, "2026-04-02")
    [dong] = add_units(platform, "dong", valid_from=at("2026-04-03").date())
    merge(platform, nan, dong, "2026-04-03")
    merge(platform, bei, dong, "2026-04-03")
    run(platform, "2026-04-04")
    number = file(platform, "2026-04-07", town="dong", month="2026-03")
    with platform.writing(ME) as work:
        main = work.published("report").tables.main
        work.tx.execute(main.update().values({"_unit": dong}))

    run(platform, "2026-04-08")

    found = states(platform)
    assert (found["2026-03", nan], found["2026-03", bei]) == ("submitted", "submitted")
    assert facts(platform, "2026-03", nan).record == number


def test_a_unit_founded_later_owes_nothing_for_before(platform: Platform) -> None:
    [nan] = ready(platform, "nan")
    [dong] = add_units(platform, "dong", valid_from=at("2026-02-10").date())

    run(platform, "2026-03-02")

    assert set(states(platform)) == {("2026-01", nan), ("2026-02", nan), ("2026-02", dong)}


# ── rows of another register


def test_each_row_that_is_meant_owes_a_return(platform: Platform) -> None:
    seeding.seed_calendar(platform)
    [nan] = add_units(platform, "nan")
    publish(platform, *firms())
    one = file(platform, "2026-03-01", "firm", name="甲厂", kind="a", town="nan")
    file(platform, "2026-03-01", "firm", name="乙厂", kind="b", town="nan")
    run(platform, "2026-04-02")
    assert states(platform, "firm_quarter") == {("2026Q1", one): "open"}
    found = facts(platform, "2026Q1", one, "firm_quarter")
    # 4 to 6 April 2026 are free: 1, 2, 3, 7, 8
    assert (found.unit_id, str(found.due_on)) == (nan, "2026-04-08")

    later = file(platform, "2026-04-03", "firm", name="丙厂", kind="a", town="nan")
    run(platform, "2026-04-03")
    file(platform, "2026-04-03", "firm_quarter", firm=one, quarter="2026Q1")
    with platform.writing(ME) as work:
        work.now = at("2026-04-07")
        records.change(work, "firm", later, 1, {"kind": "b"})
    run(platform, "2026-04-07")

    assert states(platform, "firm_quarter") == {
        ("2026Q1", one): "submitted", ("2026Q1", later): "excused",
    }  # fmt: skip


# ── who sees what


def test_a_unit_sees_its_own_lines_and_the_office_all(platform: Platform) -> None:
    nan, bei = ready(platform)
    clerk = appoint(platform, "赵六", nan, "township")
    [office] = add_units(platform, "giib", kind="bureau")
    staff = appoint(platform, "孙八", office, "giib_staff")
    run(platform, "2026-02-02")

    with platform.reading(clerk) as work:
        assert [line.title for line in listing.grid(work, "report", listing.Wish()).lines] == [
            "南镇"
        ]
        with pytest.raises(AppError):
            seeing.get(work, "report", facts(platform, "2026-01", bei).id)
    with platform.reading(staff) as work:
        assert listing.grid(work, "report", listing.Wish()).count == 2
        assert listing.mine(work) == []
    with pytest.raises(AppError), platform.writing(clerk) as work:
        deeds.excuse(work, "report", facts(platform, "2026-01", nan).id, "x")
    with pytest.raises(AppError), platform.writing(staff) as work:
        deeds.declare_nil(work, "report", facts(platform, "2026-01", nan).id)
    with platform.writing(clerk) as work:
        deeds.declare_nil(work, "report", facts(platform, "2026-01", nan).id)


def test_the_late_are_listed_and_urged(platform: Platform) -> None:
    nan, bei = ready(platform, lock=None)
    run(platform, "2026-02-02")
    file(platform, "2026-02-03", town="nan", month="2026-01")
    run(platform, "2026-03-11")

    with platform.writing(ME) as work:
        work.now = at("2026-03-11")
        assert deeds.urge(work, "report", [bei], "请今天报送") == 1
        found = listing.chase(work, "report")

    assert [(c.title, c.count, c.urged) for c in found] == [("北镇", 2, 1), ("南镇", 1, 0)]


# ── the definition changes


def test_taking_the_calendar_away_is_said_and_loses_nothing(platform: Platform) -> None:
    ready(platform)
    run(platform, "2026-02-02")
    before = states(platform)
    document = monthly()
    document["register"]["period"] = "month"

    with platform.writing(ME, publishing=True) as work:
        made = publishing.plan(work, document)
        [step] = made.confirmations
        assert (step.code, step.rows) == ("returns", 2)
        publishing.publish(work, document, confirmed=True)

    run(platform, "2026-03-02")
    assert states(platform) == before
    publish(platform, monthly())
    run(platform, "2026-03-02")
    assert len(states(platform)) == 4


def test_every_register_with_a_calendar_is_run(platform: Platform) -> None:
    ready(platform)
    publish(platform, monthly("second"))
    publish(platform, definition("plain"))

    done = opening.open_periods(platform, at("2026-02-02"))

    assert [one.opened for one in done] == [2, 2]


def test_many_rows_and_periods_take_few_statements(platform: Platform) -> None:
    seeding.seed_calendar(platform)
    publish(platform, *firms(every="quarter", **{"from": "2024Q1"}))
    with platform.writing(ME) as work:
        main = work.published("firm").tables.main
        plain = {"_version": 1, "_revision": 1, "_created_at": work.now, "_created_by": "x",
                 "_updated_at": work.now, "_updated_by": "x", "kind": "a"}  # fmt: skip
        rows = [{**plain, "_id": n, "_label": f"厂{n:05d}", "name": f"厂{n:05d}"}
                for n in range(1, 20_001)]  # fmt: skip
        write(work.tx, main, rows)
    count = 0

    def watch(*_: object) -> None:
        nonlocal count
        count += 1

    sa.event.listen(platform.database.engine, "before_cursor_execute", watch)
    [done] = run(platform, "2026-10-15")
    made = count
    count = 0
    with platform.reading(ME) as work:
        found = listing.grid(work, "firm_quarter", listing.Wish(page=400))
    sa.event.remove(platform.database.engine, "before_cursor_execute", watch)

    assert done.opened == 11 * 20_000
    assert made < 200
    assert (found.count, found.pages, len(found.lines), len(found.periods)) == (20_000, 400, 50, 11)
    assert count < 20


@pytest.mark.parametrize(
    ("every", "kind", "period", "held", "day"),
    [
        ("year", {"type": "integer", "format": "year"}, "2025", 2025, "2026-01-05"),
        ("half-year", {"type": "string", "maxLength": 6}, "2025H2", "2025H2", "2026-01-05"),
        ("quarter", {"type": "string", "format": "quarter"}, "2025Q4", "2025Q4", "2026-01-05"),
    ],
)
def test_every_length_of_period_is_handed_in(
    platform: Platform, every: str, kind: dict[str, Any], period: str, held: Any, day: str
) -> None:
    seeding.seed_calendar(platform)
    [nan] = add_units(platform, "nan")
    document = monthly(every=every, **{"from": period})
    document["properties"]["month"] = {"title": "期", **kind}
    publish(platform, document)
    run(platform, day)
    assert states(platform) == {(period, nan): "open"}

    number = file(platform, day, town="nan", month=held)

    assert states(platform) == {(period, nan): "submitted"}
    with platform.writing(ME) as work:
        work.now = at(day)
        removal.delete(work, "report", number, 1, "x")
    assert states(platform) == {(period, nan): "open"}


def test_a_unit_is_found_by_the_record_that_stands_for_it(platform: Platform) -> None:
    """The field refers to the record of a township, as the shipped registers do."""
    seeding.seed_calendar(platform)
    publish(platform, definition("town"))
    place = file(platform, "2026-01-05", "town", name="南镇")
    [nan] = add_units(platform, "nan", slug="town", record=place)
    document = monthly()
    document["properties"]["town"] = {"title": "乡镇", "reference": "town"}
    publish(platform, document)
    run(platform, "2026-02-02")

    file(platform, "2026-02-03", town=place, month="2026-01")

    assert states(platform) == {("2026-01", nan): "submitted"}
    run(platform, "2026-02-20")
    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        records.change(work, "report", 1, 1, {"amount": "3"})


def test_an_import_takes_few_statements_for_many_rows(platform: Platform, tmp_path: Path) -> None:
    names = [f"u{n:03d}" for n in range(200)]
    ready(platform, *names)
    run(platform, "2026-04-02")
    path = tmp_path / "a.csv"
    lines = [f"{name},2026-03,{n}" for n, name in enumerate(names)]
    path.write_text("\n".join(["乡镇,月份,金额", *lines]), "utf-8")
    statements: list[str] = []

    def watch(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(platform.database.engine, "before_cursor_execute", watch)
    with platform.writing(ME) as work:
        work.now = at("2026-04-03")
        exchange.import_file(work, "report", path)
    sa.event.remove(platform.database.engine, "before_cursor_execute", watch)

    assert sum("return_due" in one for one in statements) == 3
    handed_in = [s for (p, _), s in states(platform).items() if p == "2026-03"]
    assert handed_in == ["submitted"] * 200


def test_returns_are_in_a_backup(platform: Platform, blank_url: str, tmp_path: Path) -> None:
    nan, _ = ready(platform)
    run(platform, "2026-02-02")
    with platform.writing(ME) as work:
        deeds.excuse(work, "report", facts(platform, "2026-01", nan).id, "停产")

    backup.backup(platform, ME, tmp_path / "b.zip")

    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert {"return_due", "return_event"} <= {Path(n).stem for n in archive.namelist()}


def test_the_command_line_opens_lists_and_excuses(platform: Platform, tmp_path: Path) -> None:
    ready(platform, **{"from": None})
    url = platform.database.url.render_as_string(hide_password=False)
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))

    def flask(*words: str) -> Any:
        return app.test_cli_runner().invoke(args=list(words))

    opened = flask("returns", "open")
    listed = json.loads(flask("returns", "list", "report", "--json").output)
    excused = flask("returns", "excuse", "report", str(listed[0]["id"]), "停产")
    refused = flask("returns", "excuse", "report", str(listed[0]["id"]), "停产")
    none = flask("returns", "list", "report", "--period", "1999-01")
    app.extensions["taizhang"].database.dispose()

    assert "2" in opened.output and opened.exit_code == 0
    assert {one["owed_by"] for one in listed} == {"南镇", "北镇"}
    assert (excused.exit_code, refused.exit_code, none.exit_code) == (0, 1, 0)
    assert "excused" in states(platform).values()
