"""Background jobs on both engines: each due time once, retried, never lost, never doubled."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app.errors import FileRefused, NotAllowed
from app.expressions import clock
from app.services import jobs
from app.services.jobs import GiveUp, Job, Run
from app.services.jobs.job import ACTOR
from app.services.jobs.queue import mark, take
from app.services.jobs.running import JobBusy, JobFailed, JobUnknown
from app.services.office import Office
from app.services.work import Actor, Platform, Work
from app.storage.models_jobs import job_run
from tests.support.counted_jobs import counted, effects, prepare
from tests.support.register import ME

HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)
NOON = datetime.datetime(2026, 3, 2, 12, 0, 30)
TOP = NOON.replace(second=0)


@pytest.fixture
def office(platform: Platform) -> Platform:
    """A platform with a table of effects, on which the hourly job has been seen before."""
    prepare(platform)
    assert jobs.run_due(platform, listed(counted()), NOON - HOUR) == 0
    return platform


def listed(*found: Job) -> Mapping[str, Job]:
    return {one.name: one for one in found}


def rows(platform: Platform, **where: Any) -> list[sa.Row[Any]]:
    conditions = [job_run.c[name] == value for name, value in where.items()]
    with platform.reading(ACTOR) as work:
        query = sa.select(job_run).where(*conditions).order_by(job_run.c.id)
        return list(work.tx.execute(query))


def test_a_due_time_is_run_once(office: Platform) -> None:
    assert jobs.run_due(office, listed(counted()), NOON) == 1
    assert jobs.run_due(office, listed(counted()), NOON + MINUTE) == 0

    assert effects(office) == [(TOP, 1), (TOP, 2)]
    [run] = rows(office, state="done")
    assert (run.due, run.attempts) == (TOP, 1)


def test_a_job_seen_for_the_first_time_is_not_due_for_what_was_before(platform: Platform) -> None:
    prepare(platform)

    assert jobs.run_due(platform, listed(counted()), NOON) == 0
    assert jobs.run_due(platform, listed(counted()), NOON + HOUR) == 1

    assert effects(platform) == [(TOP + HOUR, 1), (TOP + HOUR, 2)]


def test_what_was_missed_while_nothing_ran_is_made_up_for_once(office: Platform) -> None:
    assert jobs.run_due(office, listed(counted()), NOON + 10 * HOUR) == 1

    assert effects(office) == [(TOP + 10 * HOUR, 1), (TOP + 10 * HOUR, 2)]


def test_a_clock_set_back_runs_nothing_again(office: Platform) -> None:
    for hour in range(4):
        jobs.run_due(office, listed(counted()), NOON + hour * HOUR)
    before = effects(office)

    for hour in (2, 1, 0, 1, 2, 3):
        assert jobs.run_due(office, listed(counted()), NOON + hour * HOUR) == 0

    assert effects(office) == before
    assert jobs.run_due(office, listed(counted()), NOON + 4 * HOUR) == 1


def test_a_clock_that_was_years_ahead_for_a_moment_silences_nothing(office: Platform) -> None:
    ahead = NOON + datetime.timedelta(days=2000)
    assert jobs.run_due(office, listed(counted()), ahead) == 1

    assert jobs.run_due(office, listed(counted()), NOON) == 1
    assert jobs.run_due(office, listed(counted()), NOON + HOUR) == 1

    assert [due for due, part in effects(office) if part == 2][1:] == [TOP, TOP + HOUR]


def test_what_fails_is_rolled_back_and_tried_again_later_and_later(office: Platform) -> None:
    fails = [True, True, False]

    def between() -> None:
        if fails.pop(0):
            raise ZeroDivisionError("per mille")

    one = counted(between)
    assert jobs.run_due(office, listed(one), NOON) == 1
    assert effects(office) == []
    [run] = rows(office, state="waiting")
    assert "per mille" in run.outcome
    assert run.next_at == NOON + MINUTE

    assert jobs.run_due(office, listed(one), NOON + 0.5 * MINUTE) == 0
    assert jobs.run_due(office, listed(one), NOON + MINUTE) == 1
    assert rows(office, state="waiting")[0].next_at == NOON + 3 * MINUTE
    assert jobs.run_due(office, listed(one), NOON + 3 * MINUTE) == 1
    assert effects(office) == [(TOP, 1), (TOP, 2)]


def test_after_its_last_try_a_run_has_failed_with_its_reason(office: Platform) -> None:
    @jobs.job("broken", title="Broken", tries=2)
    def broken(work: Work, run: Run) -> str | None:
        raise FileRefused(reason=f"try {run.attempt}, last: {run.last}")

    with office.writing(ME) as work:
        jobs.enqueue(work, "broken", {"a": 1}, NOON)
    for hours in range(4):
        jobs.run_due(office, listed(broken), NOON + hours * HOUR)

    [run] = rows(office, job="broken")
    assert (run.state, run.attempts) == ("failed", 2)
    with office.reading(ME) as work:
        [shown] = jobs.runs(work, state="failed")
    assert shown.outcome is not None
    assert shown.outcome.sentence() == "The file was not read: try 2, last: True"

    with office.writing(ME) as work:
        jobs.retry(work, run.id)
    assert rows(office, job="broken")[0].state == "waiting"


def test_where_trying_again_is_no_use_none_follows(office: Platform) -> None:
    @jobs.job("hopeless", title="Hopeless")
    def hopeless(work: Work, run: Run) -> str | None:
        raise GiveUp(FileRefused(reason="gone"))

    with office.writing(ME) as work:
        jobs.enqueue(work, "hopeless", not_before=NOON)
    jobs.run_due(office, listed(hopeless), NOON)

    [run] = rows(office, job="hopeless")
    assert (run.state, run.attempts) == ("failed", 1)


def test_a_run_left_behind_is_taken_when_its_time_is_over(office: Platform) -> None:
    one = counted()
    with office.writing(ACTOR) as work:
        jobs.enqueue(work, "count", not_before=TOP, key=TOP.isoformat())
        assert take(work, listed(one), NOON, "who died") is not None

    assert jobs.run_due(office, listed(one), NOON + MINUTE) == 0
    assert jobs.run_due(office, listed(one), NOON + 11 * MINUTE) == 1

    assert effects(office) == [(TOP, 1), (TOP, 2)]
    assert rows(office, state="done")[0].attempts == 2


def test_who_was_too_slow_has_lost_the_run(office: Platform) -> None:
    one = counted()
    with office.writing(ACTOR) as work:
        jobs.enqueue(work, "count", not_before=TOP, key=TOP.isoformat())
        taken = take(work, listed(one), NOON, "slow")
    assert taken is not None
    jobs.run_due(office, listed(one), NOON + 11 * MINUTE)

    with office.writing(ACTOR) as work:
        assert not mark(work, taken[0].id, "slow", "failed", "")

    assert rows(office, job="count")[-1].state == "done"


def test_a_run_that_ends_its_scheduler_each_time_fails_at_last(office: Platform) -> None:
    one = counted()
    with office.writing(ACTOR) as work:
        jobs.enqueue(work, "count", not_before=TOP, key=TOP.isoformat())
    for turn in range(one.tries):
        with office.writing(ACTOR) as work:
            assert take(work, listed(one), NOON + turn * HOUR / 4, f"victim {turn}")

    jobs.run_due(office, listed(one), NOON + 11 * HOUR / 4)

    assert [run.state for run in rows(office, key=TOP.isoformat())] == ["failed"]


def test_what_is_enqueued_is_there_exactly_when_the_deed_is(office: Platform) -> None:
    with pytest.raises(ZeroDivisionError), office.writing(ME) as work:
        jobs.enqueue(work, "count", key="a")
        raise ZeroDivisionError
    with office.writing(ME) as work:
        assert jobs.enqueue(work, "count", {"name": "甲"}, key="b")
        assert not jobs.enqueue(work, "count", key="b")

    assert [run.key for run in rows(office, state="waiting")] == ["b"]


def test_a_job_that_is_not_whole_opens_its_own_units_of_work(office: Platform) -> None:
    seen: list[Any] = []

    @jobs.job("apart", title="Apart", whole=False)
    def apart(platform: Platform, run: Run) -> str | None:
        with platform.writing(ACTOR) as work:
            jobs.enqueue(work, "other", key="follows")
        seen.append((run.payload, run.attempt))
        return None

    with office.writing(ME) as work:
        jobs.enqueue(work, "apart", {"n": 1}, NOON)
    jobs.run_due(office, listed(apart), NOON)

    assert seen == [({"n": 1}, 1)]
    assert rows(office, job="apart")[0].state == "done"
    assert rows(office, job="other")[0].state == "waiting"


def test_due_times_are_those_of_the_offices_clocks(office: Platform) -> None:
    one = counted(cron="5 0 * * *")
    evening = datetime.datetime(2026, 3, 2, 16, 5)

    assert one.latest(office.office, evening) == evening
    assert one.latest(office.office, evening - MINUTE / 60) == evening - 24 * HOUR
    assert one.next(office.office, evening) == evening + 24 * HOUR


def test_today_in_an_expression_is_the_day_of_the_offices_clocks(platform: Platform) -> None:
    days = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        platform.office = Office(ZoneInfo(zone))
        with platform.reading(ME) as work:
            assert clock.get()() == work.today
            days.append(work.today)

    assert datetime.timedelta(days=1) <= days[0] - days[1]


def test_a_job_run_by_hand_is_done_once_for_a_due_time(office: Platform) -> None:
    known = listed(counted())

    said = jobs.run_now(office, known, "count", ME, TOP)
    assert said is not None
    assert said.sentence() == "counted"
    with pytest.raises(JobBusy):
        jobs.run_now(office, known, "count", ME, TOP)
    jobs.run_now(office, known, "count", ME)

    assert len(effects(office)) == 4
    with pytest.raises(JobUnknown):
        jobs.run_now(office, known, "none", ME)


def test_a_job_run_by_hand_says_why_it_failed(office: Platform) -> None:
    def fail() -> None:
        raise FileRefused(reason="torn")

    with pytest.raises(JobFailed) as refused:
        jobs.run_now(office, listed(counted(fail)), "count", ME)

    assert "torn" in str(refused.value)


def test_only_who_administers_sees_and_runs_jobs(office: Platform) -> None:
    nobody = Actor(7, "张三", "web")

    for ask in (lambda w: jobs.states(w, {}), jobs.runs, lambda w: jobs.retry(w, 1)):
        with pytest.raises(NotAllowed), office.writing(nobody) as work:
            ask(work)
    with pytest.raises(NotAllowed):
        jobs.run_now(office, listed(counted()), "count", nobody)


def test_old_runs_are_removed_but_the_latest_of_each_job(platform: Platform) -> None:
    prepare(platform)
    one, long_ago = counted(), datetime.datetime(2020, 1, 1, 0, 0, 1)
    for hour in range(4):
        jobs.run_due(platform, listed(one), long_ago + hour * HOUR)

    with platform.writing(ACTOR) as work:
        assert jobs.purge(work) == 3

    assert [run.due.hour for run in rows(platform)] == [3]
    assert jobs.run_due(platform, listed(one), long_ago + 3 * HOUR) == 0
