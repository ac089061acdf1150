"""Alarms: what in the audit log asks for attention, told once, to those who read the log."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app import create_app
from app.config import Config
from app.services import audit, notices
from app.services.audit import alarms, clocks, watching
from app.services.audit.alarms import AlarmsUnreadable
from app.services.joblist import JOBS
from app.services.jobs import Run
from app.services.jobs.job import ACTOR
from app.services.standing import EVERYTHING
from app.services.work import Actor, Platform, now
from app.storage import audit_guard
from app.storage.models_audit import audit as table
from tests.support.appointing import Office
from tests.support.browser import Browser
from tests.support.register import ME

#: a Wednesday at ten in the office
START = datetime.datetime(2026, 3, 4, 2, 0)
CLERK = Actor(7, "李雷", "web", "10.0.0.9", standing=EVERYTHING)


class Log:
    """Writes entries at times of its own, and lets the job look at them."""

    def __init__(self, platform: Platform, set_clock: Callable[[datetime.datetime], None]) -> None:
        self.platform, self.set_clock, self.at = platform, set_clock, START
        self.watch()

    def add(self, event: str, times: int = 1, every: float = 1, **more: Any) -> None:
        actor = more.pop("actor", CLERK)
        for _ in range(times):
            self.at += datetime.timedelta(seconds=every)
            self.set_clock(self.at)
            with self.platform.writing(actor) as work:
                audit.note(work, event, audit.About("account"), more)

    def watch(self) -> list[tuple[str, str, int]]:
        self.set_clock(self.at)
        with self.platform.writing(ACTOR) as work:
            found = watching.watch(work, alarms.read(self.platform.data_dir))
        return [(one.name, one.subject, one.count) for one in found]


@pytest.fixture
def log(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Log:
    def set_clock(moment: datetime.datetime) -> None:
        monkeypatch.setattr("app.services.work.now", lambda: moment)

    set_clock(START)
    with platform.writing(ME) as work:
        audit.note(work, "sign_out")
    return Log(platform, set_clock)


def test_twenty_refusals_of_one_person_in_five_minutes_are_an_alarm(log: Log) -> None:
    log.add("access.refused", 19, every=10)
    log.add("access.refused", 5, actor=Actor(8, "韩梅梅", "web", standing=EVERYTHING))
    assert log.watch() == []

    log.add("access.refused", every=10)

    assert log.watch() == [("refusals", "李雷 #7", 20)]
    assert log.watch() == []


def test_the_same_number_spread_over_a_longer_time_is_none(log: Log) -> None:
    log.add("access.refused", 40, every=16)

    assert log.watch() == []


def test_what_raised_an_alarm_is_not_counted_again_and_an_attack_that_goes_on_is(log: Log) -> None:
    log.add("access.refused", 20)
    assert len(log.watch()) == 1

    log.add("access.refused", 19)
    assert log.watch() == []
    log.add("access.refused", 1)
    assert log.watch() == [("refusals", "李雷 #7", 20)]


def test_nothing_is_missed_while_the_job_stood_still(log: Log) -> None:
    log.add("access.refused", 20)
    log.at += datetime.timedelta(hours=9)
    log.add("sign_out", 3)

    assert log.watch() == [("refusals", "李雷 #7", 20)]


def test_the_shipped_conditions_each_raise_their_alarm(log: Log) -> None:
    somebody = Actor(None, "", "web", "203.0.113.5", standing=EVERYTHING)
    for events, expected in [
        ([("account.locked", 3, {})], "lockouts"),
        ([("sign_in.refused", 30, {"actor": somebody})], "guessing"),
        ([("export.made", 20, {"count": 5})], "exports"),
        ([("export.made", 1, {"count": 50_000})], "rows"),
        ([("value.revealed", 50, {})], "reveals"),
        ([("audit.broken", 1, {})], "broken"),
        ([("clock.apart", 1, {})], "clocks"),
    ]:
        log.at += datetime.timedelta(hours=2)
        for event, times, more in events:
            log.add(event, times, **more)
        log.at = log.at.replace(hour=3, minute=0) + datetime.timedelta(days=1)
        assert [name for name, _subject, _count in log.watch()] == [expected]


@pytest.mark.parametrize(
    ("moment", "raised"),
    [
        ("2026-03-04T02:00", False),  # ten in the morning
        ("2026-03-04T14:00", True),  # ten at night
        ("2026-03-07T02:00", True),  # a Saturday
    ],
)
def test_rights_given_at_night_or_on_a_day_off_are_an_alarm(
    log: Log, moment: str, raised: bool
) -> None:
    log.at = datetime.datetime.fromisoformat(moment)
    log.add("permission.changed")
    log.add("permission.changed", actor=Actor(None, "seed", "seed", standing=EVERYTHING))

    assert log.watch() == ([("odd_hours", "李雷 #7", 1)] if raised else [])


def test_an_alarm_stands_in_the_log_and_is_told_to_who_reads_it_and_nobody_else(
    log: Log, platform: Platform
) -> None:
    office = Office(platform)
    unit = office.found("root")
    reader = office.person("reader", ("audit_administrator", unit))
    other = office.person("other", ("security_administrator", unit))
    log.watch()
    log.add("access.refused", 20)
    log.watch()

    with platform.reading(Actor(reader, "r", "web")) as work:
        [shown] = notices.listed(work)
        [raised] = watching.recent(work)
    with platform.reading(Actor(other, "o", "web")) as work:
        assert notices.listed(work) == []
    assert shown.kind == "system"
    assert "Many refusals" in shown.title
    assert "李雷" not in shown.title + shown.text  # a notice may go to a mailbox or a group
    assert (raised.name, raised.subject, raised.count) == ("refusals", "李雷 #7", 20)
    with platform.reading(ME) as work:
        query = sa.select(table).where(table.c.event == watching.RAISED)
        [row] = work.tx.execute(query)
    assert json.loads(row.detail)["subject"] == "李雷 #7"


def test_an_office_changes_adds_and_switches_off_conditions(platform: Platform) -> None:
    own = [
        {"name": "refusals", "count": 5},
        {"name": "exports", "count": 0},
        {"name": "backups", "title": "备份", "events": ["backup.made"], "count": 1, "minutes": 5},
    ]
    (platform.data_dir / "alarms.json").write_text(json.dumps({"alarms": own}), "utf-8")

    found = {one.name: one for one in alarms.read(platform.data_dir)}

    assert (found["refusals"].count, found["refusals"].minutes) == (5, 5)
    assert "exports" not in found
    assert found["backups"].title == "备份"


@pytest.mark.parametrize(
    "text",
    [
        "not json", "[]", '{"alarms": [{"count": 1}]}',
        '{"alarms": [{"name": "refusals", "count": "5"}]}',
        '{"alarms": [{"name": "refusals", "minutes": 0}]}',
        '{"alarms": [{"name": "refusals", "by": "mood"}]}',
        '{"alarms": [{"name": "refusals", "events": ["nothing"]}]}',
        '{"alarms": [{"name": "odd_hours", "outside": ["late", "early"]}]}',
        '{"alarms": [{"name": "refusals", "when": "always"}]}',
    ],
)  # fmt: skip
def test_conditions_that_cannot_be_read_are_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "alarms.json").write_text(text, "utf-8")

    with pytest.raises(AlarmsUnreadable) as refused:
        alarms.read(tmp_path)

    assert "alarms.json" in str(refused.value)


def test_a_log_that_is_not_whole_is_said_in_it_and_raises_an_alarm(
    log: Log, platform: Platform
) -> None:
    log.add("sign_out", 3)
    assert watching.prove(platform, ACTOR).whole
    with platform.database.writing() as tx:
        audit_guard.remove(tx)
        tx.execute(table.update().where(table.c.number == 2).values(address="10.6.6.6"))
        audit_guard.install(tx)

    assert not watching.prove(platform, ACTOR).whole

    assert [name for name, _subject, _count in log.watch()] == ["broken"]


# ── where they are seen


def test_the_page_and_the_command_show_alarms_their_conditions_and_the_clocks(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "LANGUAGE": "en"}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    browser = Browser(app)
    browser.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    Office(browser.platform)
    browser.sign_in()
    assert "None." in browser.get("/audit/").text
    for turn in range(21):
        with browser.platform.writing(ACTOR if turn == 0 else CLERK) as work:
            if turn == 0:
                watching.watch(work, alarms.read(tmp_path))
            audit.note(work, "access.refused")
    with browser.platform.writing(ACTOR) as work:
        watching.watch(work, alarms.read(tmp_path))

    page = browser.get("/audit/").text

    raised = "Many refusals of one person: 李雷 #7 20 in 5 minutes"
    assert raised in page
    assert "Many refusals of one person: 20 or more within 5 minutes" in page
    assert "not between 07:00 and 20:00" in page
    assert "clocks of the application and of the database agree" in page
    assert f"Alarm: {raised}." in browser.get("/audit/", event=watching.RAISED).text
    told = app.test_cli_runner().invoke(args=["audit", "alarms"]).output
    assert raised in told
    assert "agree" in told
    facts = json.loads(app.test_cli_runner().invoke(args=["audit", "alarms", "--json"]).output)
    assert [one["name"] for one in facts["alarms"]] == ["refusals"]
    assert facts["wrong"] is False
    real = clocks.present
    monkeypatch.setattr(clocks, "present", lambda: real() + 20)
    assert "20 seconds apart" in browser.get("/audit/").text
    browser.platform.database.dispose()


# ── clocks


def test_the_clocks_of_the_application_and_the_database_agree(platform: Platform) -> None:
    with platform.reading(ME) as work:
        found = clocks.read(work.tx)

    assert abs(found.ahead) < 2
    assert not found.wrong


def test_clocks_apart_are_noted_once_in_an_hour_and_refused_at_the_start_beyond_a_minute(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clocks.present
    monkeypatch.setattr(clocks, "present", lambda: real() - 30)
    run = Run(now(), now().date())

    for _ in range(2):
        with platform.writing(ACTOR) as work:
            JOBS["audit-alarms"].function(work, run)

    with platform.reading(ME) as work:
        query = sa.select(table.c.detail).where(table.c.event == "clock.apart")
        [detail] = work.tx.scalars(query)
    assert 28 <= json.loads(detail)["seconds"] <= 31
    clocks.check(platform)
    monkeypatch.setattr(clocks, "present", lambda: real() + 90)
    with pytest.raises(clocks.ClocksApart):
        clocks.check(platform)
