"""The audit log: written with the act, bound to the entry before, never changed."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.errors import Collision
from app.services import audit, publishing, records
from app.services.audit import checking, heads, purging
from app.services.audit.chain import AuditFailed, hash_of
from app.services.standing import EVERYTHING
from app.services.work import Actor, Platform, Work
from app.storage import audit_guard
from app.storage.models_audit import audit as table
from tests.support.register import ME, definition, publish

CLI = Actor(None, "command line", "cli")
REFUSED_BY_TRIGGER = (sa.exc.DBAPIError, Collision)


def act(platform: Platform, number: int = 1, actor: Actor = ME) -> None:
    """Do something that leaves ``number`` entries."""
    for turn in range(number):
        with platform.writing(actor) as work:
            told = {"title": "测试", "change": f"第 {turn} 次"}
            audit.note(work, "setting.changed", audit.About("setting", "", turn), told)


def rows(platform: Platform) -> list[Any]:
    with platform.reading(CLI) as work:
        return list(work.tx.execute(sa.select(table).order_by(table.c.number)))


def tamper(platform: Platform, change: Callable[[sa.Connection], None]) -> None:
    """Change the log as somebody who owns the database could, and leave its triggers as found."""
    with platform.database.writing() as tx:
        audit_guard.remove(tx)
        change(tx)
        audit_guard.install(tx)


def said(verdict: checking.Verdict) -> list[str]:
    return [str(problem) for problem in verdict.breaks]


def numbers(verdict: checking.Verdict) -> list[int]:
    return [p.values["number"] for p in verdict.breaks if "number" in p.values]


@pytest.fixture
def days_ago(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the application's clock stand so many days back."""
    real = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)

    def set_clock(days: int) -> None:
        moment = real - datetime.timedelta(days=days)
        monkeypatch.setattr("app.services.work.now", lambda: moment)

    return set_clock


# ── with the act


def test_an_act_leaves_one_entry_with_who_when_where_and_what(platform: Platform) -> None:
    who = Actor(7, "李雷", "web", "10.0.0.9", "req-1", 42, 5, EVERYTHING)
    with platform.writing(who, publishing=True) as work:
        publishing.publish(work, definition())

    [row] = rows(platform)
    assert (row.number, row.event, row.result) == (1, "register.published", "ok")
    assert (row.actor, row.actor_name, row.unit, row.face) == (7, "李雷", 5, "web")
    assert (row.address, row.request, row.session) == ("10.0.0.9", "req-1", 42)
    assert (row.object_type, row.slug, row.revision) == ("register", "demo", 1)
    assert json.loads(row.detail) == {"title": "示例台账", "revision": 1}
    assert row.before == "0" * 64
    assert row.hash == hash_of(dict(row._mapping))


def test_what_is_only_tried_leaves_none(platform: Platform) -> None:
    def act_in(work: Work, turn: int) -> None:
        audit.note(work, "setting.changed", audit.About("setting", "", turn), {"title": "x"})

    with platform.writing(ME) as work:
        act_in(work, 1)
        outer = work.tx.begin_nested()
        act_in(work, 2)
        with work.tx.begin_nested():
            act_in(work, 3)
        outer.rollback()
        with work.tx.begin_nested():
            act_in(work, 4)
        act_in(work, 5)
    with platform.writing(ME) as work:
        trial = work.tx.begin_nested()
        act_in(work, 6)
        trial.rollback()

    assert [row.object_id for row in rows(platform)] == ["1", "4", "5"]


def test_an_act_that_is_rolled_back_leaves_none(platform: Platform) -> None:
    with pytest.raises(ZeroDivisionError), platform.writing(ME, publishing=True) as work:
        publishing.publish(work, definition())
        raise ZeroDivisionError

    assert rows(platform) == []


def test_an_act_is_not_done_when_its_entry_cannot_be_written(platform: Platform) -> None:
    with platform.database.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE audit RENAME TO elsewhere")

    with pytest.raises(AuditFailed):
        publish(platform, definition())

    with platform.reading(ME) as work:
        assert work.snapshot.entries == {}


def test_an_entry_that_is_not_the_next_is_refused_with_its_act(platform: Platform) -> None:
    """As when somebody else wrote past the lock: the trigger is the last to say no."""
    act(platform)
    [row] = rows(platform)
    with pytest.raises(REFUSED_BY_TRIGGER), platform.database.writing() as tx:
        tx.execute(table.insert(), {**row._mapping, "number": 5})
    with pytest.raises(REFUSED_BY_TRIGGER), platform.database.writing() as tx:
        tx.execute(table.insert(), {**row._mapping, "number": 2, "before": "f" * 64})


def test_a_refusal_is_noted_although_its_act_is_rolled_back(platform: Platform) -> None:
    audit.note_refusal(platform.database, "access.refused", None, {"action": "see"}, actor=ME)

    [row] = rows(platform)
    assert (row.event, row.result, row.actor) == ("access.refused", "refused", 1)


def test_records_leave_their_trace_in_the_history_not_here(platform: Platform) -> None:
    publish(platform, definition())
    with platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲厂"})

    assert [row.event for row in rows(platform)] == ["register.published"]


def test_a_clock_that_moved_back_is_told(platform: Platform, days_ago: Any) -> None:
    act(platform)
    days_ago(1)
    act(platform, 2)

    found = rows(platform)
    events = [row.event for row in found]
    assert events == ["setting.changed", "clock.skew", "setting.changed", "setting.changed"]
    assert json.loads(found[1].detail)["seconds"] >= 86400 - 60
    assert checking.verify(platform).whole


# ── append-only


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor_name = 'x' WHERE number = 1",
        "UPDATE audit SET number = 99",
        "DELETE FROM audit WHERE number = 2",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE number = 2",
        "INSERT INTO audit SELECT * FROM audit WHERE number = 2 ON CONFLICT (number) "
        "DO UPDATE SET actor_name = 'x'",
    ],
)
def test_the_database_refuses_to_change_the_log(platform: Platform, statement: str) -> None:
    act(platform, 3)
    before = rows(platform)
    if platform.database.sqlite:
        statement = statement.replace("TRUNCATE audit", "DELETE FROM audit WHERE true")
    else:
        statement = statement.replace("INSERT OR REPLACE", "INSERT")

    with pytest.raises(REFUSED_BY_TRIGGER), platform.database.writing() as tx:
        tx.exec_driver_sql(statement)

    assert rows(platform) == before


# ── proof


def test_a_log_that_nobody_touched_is_whole(platform: Platform) -> None:
    act(platform, 3)
    line = heads.write_head(platform)
    act(platform, 2)

    verdict = checking.verify(platform, {3: line.hash[:12]})

    assert said(verdict) == []
    assert (verdict.first, verdict.last, verdict.heads) == (1, 5, 1)


def change(**values: Any) -> Callable[[sa.Connection], None]:
    return lambda tx: tx.execute(table.update().where(table.c.number == 4).values(**values))


def rehashed(tx: sa.Connection) -> None:
    """Change an entry and give it the hash it should have."""
    row = tx.execute(sa.select(table).where(table.c.number == 4)).mappings().one()
    changed = {**row, "actor_name": "别人"}
    changed["hash"] = hash_of(changed)
    tx.execute(table.update().where(table.c.number == 4).values(changed))


def swapped(tx: sa.Connection) -> None:
    for old, new in ((4, 1004), (5, 4), (1004, 5)):
        tx.execute(table.update().where(table.c.number == old).values(number=new))


def cut(tx: sa.Connection) -> None:
    tx.execute(table.delete().where(table.c.number > 4))


def forged_from_the_start(tx: sa.Connection) -> None:
    """Write the whole log anew, consistent in itself."""
    found = tx.execute(sa.select(table).order_by(table.c.number)).mappings().all()
    tx.execute(table.delete())
    before = "0" * 64
    for row in found:
        made = {**row, "before": before}
        if row["number"] == 4:
            made["actor_name"] = "别人"
        before = made["hash"] = hash_of(made)
        tx.execute(table.insert(), made)


TAMPERED: dict[str, tuple[Callable[[sa.Connection], Any], int]] = {
    "an entry is changed": (change(actor_name="别人"), 4),
    "an entry's time is changed": (change(at=datetime.datetime(2020, 1, 1)), 4),
    "an entry is changed with its hash": (rehashed, 5),
    "an entry is taken out": (lambda tx: tx.execute(table.delete().where(table.c.number == 4)), 4),
    "two entries are swapped": (swapped, 4),
    "the first entries are cut off": (
        lambda tx: tx.execute(table.delete().where(table.c.number < 4)), 4
    ),
    "the last entries are cut off": (cut, 8),
    "everything is taken out": (lambda tx: tx.execute(table.delete()), 8),
    "everything is written anew": (forged_from_the_start, 8),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_tampered_with_is_found_and_named(platform: Platform, how: str) -> None:
    act(platform, 8)
    heads.write_head(platform)
    forge, first = TAMPERED[how]

    tamper(platform, forge)

    verdict = checking.verify(platform)
    assert numbers(verdict)[0] == first, said(verdict)


def test_a_cut_log_that_went_on_is_found(platform: Platform) -> None:
    act(platform, 8)
    heads.write_head(platform)
    tamper(platform, cut)
    act(platform, 6)

    assert numbers(checking.verify(platform)) == [8]


def test_a_printed_head_is_compared(platform: Platform) -> None:
    act(platform, 3)

    assert checking.verify(platform, {2: rows(platform)[1].hash}).whole
    assert numbers(checking.verify(platform, {2: "abc"})) == [2]
    assert numbers(checking.verify(platform, {9: "abc"})) == [9]


@pytest.mark.parametrize("name", ["audit_changes", "audit_deletes", "audit_inserts"])
@pytest.mark.parametrize("how", ["dropped", "weakened", "switched off"])
def test_a_trigger_that_is_gone_is_found(platform: Platform, name: str, how: str) -> None:
    sqlite = platform.database.sqlite
    if sqlite and how == "switched off":
        pytest.skip("SQLite has no way of switching a trigger off")
    with platform.database.writing() as tx:
        if how == "switched off":
            tx.exec_driver_sql(f"ALTER TABLE audit DISABLE TRIGGER {name}")
        else:
            tx.exec_driver_sql(f"DROP TRIGGER {name}" + ("" if sqlite else " ON audit"))
        if how == "weakened" and sqlite:
            tx.exec_driver_sql(
                audit_guard.SQLITE[name].replace(" BEGIN ", " WHEN false BEGIN ").replace(
                    "\n    BEGIN", "\n    WHEN false BEGIN"
                ) if " WHEN " not in audit_guard.SQLITE[name]
                else audit_guard.SQLITE[name].replace("WHEN ", "WHEN false AND ", 1)
            )  # fmt: skip
        elif how == "weakened":
            moment = audit_guard.POSTGRESQL[name].replace(" OR TRUNCATE", "")
            when = "" if "STATEMENT" in moment else " WHEN (false)"
            tx.exec_driver_sql(
                f"CREATE TRIGGER {name} {moment}{when} EXECUTE FUNCTION audit_refuses()"
            )

    assert any(name in text for text in said(checking.verify(platform)))


def test_a_function_that_lets_everything_pass_is_found(platform: Platform) -> None:
    if platform.database.sqlite:
        pytest.skip("SQLite's triggers have no function")
    with platform.database.writing() as tx:
        tx.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NEW; END $$"
        )

    assert len(said(checking.verify(platform))) == 3


@pytest.mark.parametrize("edit", ["changed", "removed", "swapped", "another key"])
def test_a_file_of_heads_that_was_edited_is_found(platform: Platform, edit: str) -> None:
    for _ in range(3):
        act(platform)
        heads.write_head(platform)
    path = heads.path_of(platform)
    lines = path.read_text().splitlines()
    if edit == "changed":
        lines[1] = lines[1].replace(" head 2 ", " head 3 ")
    elif edit == "removed":
        del lines[1]
    elif edit == "swapped":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        platform.secret = "x" * 40
    path.write_text("\n".join(lines) + "\n")

    assert not checking.verify(platform).whole


def test_the_file_of_heads_only_grows(platform: Platform) -> None:
    heads.write_head(platform)
    first = heads.path_of(platform).read_bytes()
    act(platform)
    heads.write_head(platform)

    assert heads.path_of(platform).read_bytes().startswith(first)
    assert [line.number for line in heads.read_heads(platform)] == [0, 1]
    assert heads.path_of(platform).stat().st_mode & 0o777 == 0o600


# ── kept for half a year, then purged with proof


def test_what_is_old_enough_is_purged_and_the_rest_still_provable(
    platform: Platform, days_ago: Any
) -> None:
    days_ago(400)
    act(platform, 4)
    heads.write_head(platform)
    days_ago(300)
    act(platform, 2)
    days_ago(0)
    act(platform)

    done = purging.purge(platform, CLI, 365)

    assert (done.rows, done.last) == (4, 4)
    found = rows(platform)
    assert [row.number for row in found] == [5, 6, 7, 8]
    assert (found[-1].event, found[-1].object_id, found[-1].actor_name) == (
        "purge.done", "4", "command line",
    )  # fmt: skip
    assert said(checking.verify(platform)) == []
    assert purging.purge(platform, CLI, 365) == purging.Purged()
    assert purging.purge(platform, CLI, 250).last == 6
    assert checking.verify(platform).first == 7
    assert checking.verify(platform).whole


def test_nothing_younger_than_half_a_year_is_purged(platform: Platform, days_ago: Any) -> None:
    days_ago(183)
    act(platform, 2)
    days_ago(0)

    with pytest.raises(purging.AuditTooYoung):
        purging.purge(platform, CLI, 30)
    with pytest.raises(purging.AuditTooYoung):
        purging.purge(platform, CLI, 183)
    assert purging.purge(platform, CLI, 184) == purging.Purged()
    assert len(rows(platform)) == 2


def test_a_clock_set_forward_does_not_help_to_purge(platform: Platform, days_ago: Any) -> None:
    """The trigger goes by the database's own clock."""
    act(platform, 2)
    days_ago(-400)

    with pytest.raises(purging.AuditTooYoung):
        purging.purge(platform, CLI, 184)

    assert [row.event for row in rows(platform)] == ["setting.changed"] * 2


def test_old_entries_stay_while_no_entry_tells_of_their_going(
    platform: Platform, days_ago: Any
) -> None:
    days_ago(400)
    act(platform, 3)

    with pytest.raises(REFUSED_BY_TRIGGER), platform.database.writing() as tx:
        tx.execute(table.delete().where(table.c.number == 1))

    assert len(rows(platform)) == 3


def test_a_log_that_is_not_whole_is_not_purged(platform: Platform, days_ago: Any) -> None:
    days_ago(400)
    act(platform, 4)
    days_ago(0)
    tamper(platform, lambda tx: tx.execute(table.update().values(actor_name="别人")))

    with pytest.raises(purging.AuditBroken):
        purging.purge(platform, CLI, 365)

    assert len(rows(platform)) == 4


def test_a_head_tells_that_what_was_purged_was_too_young(platform: Platform, days_ago: Any) -> None:
    """Somebody who drops the triggers and purges last week's entries with a proper entry."""
    act(platform, 2)
    heads.write_head(platform)
    act(platform, 2)
    last = rows(platform)[3]
    told = {"rows": 4, "last": 4, "hash": last.hash, "until": ""}
    with platform.writing(CLI) as work:
        audit.note(work, "purge.done", audit.About("audit", "", 4), told)
    tamper(platform, lambda tx: tx.execute(table.delete().where(table.c.number <= 4)))

    assert numbers(checking.verify(platform)) == [2]


def test_entries_hash_the_same_when_they_are_read_from_an_export(platform: Platform) -> None:
    act(platform, 2)
    from io import BytesIO

    from app.services.audit import searching

    out = BytesIO()
    rows_ = ("日志", [], lambda entry: [])
    with platform.reading(CLI) as work:
        count = searching.export(platform, work, searching.Search(), "jsonl", out, rows_)

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert count == len(lines) == 2
    for line in lines:
        given = {name: value for name, value in line.items() if name != "hash"}
        text = json.dumps(given, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == line["hash"]
    assert rows(platform)[-1].event == "audit.exported"
