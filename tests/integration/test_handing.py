"""Tasks that somebody has taken: handed over with a reason, put back when the person leaves."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app import create_app
from app.config import Config
from app.services import (
    accounts,
    handing,
    identity,
    inbox,
    joblist,
    jobs,
    notices,
    people,
    posts,
    records,
    tasks,
)
from app.services.work import Actor, Platform
from app.storage import models_people
from app.storage.models_audit import audit
from app.storage.models_identity import account
from app.storage.models_together import task
from tests.support.browser import Browser
from tests.support.office import PASSWORD, Office
from tests.support.register import ME, definition, publish

GRANTS = [
    {"role": ["township"], "may": ["see", "create", "change"], "rows": "own-unit"},
    {"role": ["giib_staff"], "may": ["see", "review"]},
]

#: who looks after accounts and posts
ABOVE = Actor(None, "command line", "cli")


@pytest.fixture
def office(platform: Platform) -> Office:
    """An office in which the township has a second clerk, and a record waits for its unit."""
    return with_a_task(platform)


def with_a_task(platform: Platform) -> Office:
    office = Office(platform)
    publish(platform, definition(register={"permissions": GRANTS}))
    with platform.database.writing() as tx:
        number, _ = identity.create_account(tx, "clerk-a2", "甲二", PASSWORD)
        office.accounts["clerk-a2"] = number
        people.appoint(tx, number, office.units["a"], "township")
    with platform.writing(office.actor("clerk-a")) as work:
        record = records.create(work, "demo", {"name": "甲厂"}).id
    with platform.writing(ME) as work:
        to = tasks.To(unit=office.units["a"])
        tasks.open_task(work, tasks.New("demo", record, tasks.OTHER, "Look", to, "k"))
    return office


def number(office: Office) -> int:
    with office.platform.reading(ME) as work:
        return int(work.tx.scalar(sa.select(task.c.id)) or 0)


def take(office: Office, login: str = "clerk-a") -> int:
    found = number(office)
    with office.platform.writing(office.actor(login)) as work:
        tasks.take(work, found)
    return found


def waiting(office: Office, login: str) -> list[tasks.Task]:
    name = "甲二" if login == "clerk-a2" else "甲"
    actor = Actor(office.accounts[login], name, "web")
    with office.platform.reading(actor) as work:
        return list(inbox.waiting(work, inbox.Query()).tasks)


def noted(office: Office, event: str) -> list[Any]:
    with office.platform.reading(ME) as work:
        return list(work.tx.execute(sa.select(audit).where(audit.c.event == event)))


def test_a_colleague_gets_the_task_with_the_reason_and_is_told(office: Office) -> None:
    found = take(office)

    with office.platform.writing(office.actor("clerk-a")) as work:
        [whom] = handing.receivers(work, handing.mine(work, found))
        handing.hand_over(work, found, office.accounts["clerk-a2"], " 外出\n学习 ")

    assert (whom.account, whom.name, whom.note) == (office.accounts["clerk-a2"], "甲二", "石桥镇")
    assert waiting(office, "clerk-a") == []
    [theirs] = waiting(office, "clerk-a2")
    assert theirs.taken
    assert theirs.facts == {"handed_by": "甲", "handed_why": "外出 学习"}
    with office.platform.reading(Actor(whom.account, "甲二", "web")) as work:
        [told] = notices.listed(work)
    assert (told.title, told.text) == ("甲 handed over to you: Look", "外出 学习")
    [entry] = noted(office, "task.handed")
    assert (entry.actor_name, entry.slug, entry.object_id) == ("甲", "demo", "1")
    assert "外出 学习" in entry.detail and "甲二" in entry.detail and "甲厂" not in entry.detail


@pytest.mark.parametrize("login", ["clerk-a", "clerk-b", "staff", "outsider"])
def test_a_task_goes_to_nobody_it_does_not_wait_for(office: Office, login: str) -> None:
    found = take(office)

    with office.platform.writing(office.actor("clerk-a")) as work:
        with pytest.raises(handing.NotTheirs):
            handing.hand_over(work, found, office.accounts[login], "外出")
        with pytest.raises(handing.NotTheirs):
            handing.hand_over(work, found, 10**12, "外出")

    assert len(waiting(office, "clerk-a")) == 1


def test_only_who_has_taken_it_hands_it_over_and_says_why(office: Office) -> None:
    found, to = number(office), office.accounts["clerk-a2"]

    with office.platform.writing(office.actor("clerk-a")) as work:
        with pytest.raises(handing.TaskNotTaken):
            handing.hand_over(work, found, to, "外出")
        tasks.take(work, found)
        for reason in ("", " \n", "长" * 301):
            with pytest.raises(handing.ReasonMissing):
                handing.hand_over(work, found, to, reason)
    other = office.platform.writing(office.actor("clerk-b"))
    with other as work, pytest.raises(tasks.TaskNotFound):
        handing.hand_over(work, found, to, "外出")


def test_what_was_handed_over_and_put_back_says_nothing_of_it_any_more(office: Office) -> None:
    found, to = take(office), office.accounts["clerk-a2"]
    with office.platform.writing(office.actor("clerk-a")) as work:
        handing.hand_over(work, found, to, "外出")

    with office.platform.writing(Actor(to, "甲二", "web")) as work:
        tasks.put_back(work, found)

    [mine] = waiting(office, "clerk-a")
    assert not mine.taken and mine.facts == {}


# ── whoever leaves


def closed(office: Office) -> None:
    with office.platform.writing(ABOVE) as work:
        accounts.act(work, office.accounts["clerk-a"], "disable")


def ended(office: Office) -> None:
    with office.platform.writing(ABOVE) as work:
        accounts.change(work, office.accounts["clerk-a"], "甲", False, work.now)


def dismissed(office: Office) -> None:
    with office.platform.writing(ABOVE) as work:
        wanted = posts.Filter(account=office.accounts["clerk-a"])
        [post] = posts.listed(work, wanted)[0]
        posts.finish(work, post.id, work.today)


@pytest.mark.parametrize("leave", [closed, ended, dismissed])
def test_what_was_taken_by_who_leaves_waits_for_the_unit_again(
    office: Office, leave: Callable[[Office], None]
) -> None:
    take(office)
    assert waiting(office, "clerk-a2") == []

    leave(office)

    [back] = waiting(office, "clerk-a2")
    assert not back.taken
    [entry] = noted(office, "task.released")
    assert (entry.slug, entry.object_id, entry.actor_name) == ("demo", "1", ABOVE.name)
    assert '"whom": "甲"' in entry.detail


def test_what_ends_by_a_date_is_put_back_by_the_daily_job(office: Office) -> None:
    """Nobody does anything on the day a post, or an account, ends."""
    take(office)
    past = datetime.date.today() - datetime.timedelta(days=3)
    with office.platform.database.writing() as tx:
        post = models_people.post
        mine = post.c.account_id == office.accounts["clerk-a"]
        tx.execute(post.update().where(mine).values(valid_until=past))
        people.touch(tx)

    jobs.run_now(office.platform, joblist.JOBS, "release-tasks", ABOVE)

    assert len(waiting(office, "clerk-a2")) == 1
    assert len(noted(office, "task.released")) == 1


def test_the_daily_job_leaves_what_is_held_rightly(office: Office) -> None:
    take(office)
    with office.platform.database.writing() as tx:
        later = datetime.datetime.now() + datetime.timedelta(days=30)
        tx.execute(account.update().values(ends_at=later))

    with office.platform.writing(ME) as work:
        assert handing.release(work) == 0

    assert len(waiting(office, "clerk-a")) == 1
    assert waiting(office, "clerk-a2") == []


# ── the pages


@pytest.fixture
def signed_in(url: str, tmp_path: Path) -> Any:
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    office = with_a_task(app.extensions["taizhang"])

    def run(login: str) -> Browser:
        browser = Browser(app)
        browser.sign_in(login)
        return browser

    yield office, run
    office.platform.database.dispose()


def test_a_task_is_handed_over_by_plain_forms(signed_in: Any) -> None:
    office, sign_in = signed_in
    browser, found = sign_in("clerk-a"), number(office)
    here, to = f"/inbox/{found}/hand-over", office.accounts["clerk-a2"]

    untaken = browser.get(here)
    assert untaken.location == "/inbox/" and "请先认领待办" in browser.get("/inbox/").text
    browser.post(f"/inbox/{found}/hand", do="take")
    assert here in browser.get("/inbox/").text

    page = browser.get(here)
    assert f'<option value="{to}">甲二（石桥镇）</option>' in page.text
    assert "潦河镇" not in page.text and "股室" not in page.text

    silent = browser.post(here, to=str(to), reason=" ")
    assert silent.status_code == 422 and "请填写转交的原因" in silent.text
    assert f'<option value="{to}" selected>' in silent.text
    nobody = browser.post(here, to="", reason="外出<b>")
    assert nobody.status_code == 422 and "请选择转交给谁" in nobody.text
    assert "外出&lt;b&gt;" in nobody.text
    foreign = browser.post(here, to=str(office.accounts["clerk-b"]), reason="外出")
    assert foreign.status_code == 422 and "不能转交给" in foreign.text
    assert "乙" not in foreign.text.split("<main", 1)[-1]

    done = browser.post(here, to=str(to), reason="外出<b>")
    assert done.location == "/inbox/"
    assert "待办已转交" in browser.get("/inbox/").text

    theirs = sign_in("clerk-a2")
    assert "甲 转交：外出&lt;b&gt;" in theirs.get("/inbox/").text
    assert "外出&lt;b&gt;" in theirs.get("/notices/").text
    assert browser.post(here, to=str(to), reason="再来").location == "/inbox/"
    assert "没有待您办理的事项" in browser.get("/inbox/").text


def test_who_does_not_have_the_task_cannot_ask_for_its_page(signed_in: Any) -> None:
    office, sign_in = signed_in
    browser, found = sign_in("clerk-b"), number(office)

    assert browser.get(f"/inbox/{found}/hand-over").location == "/inbox/"
    sent = browser.post(f"/inbox/{found}/hand-over", to=str(office.accounts["clerk-b"]), reason="x")

    assert sent.location == "/inbox/"
    assert "没有待您办理的事项" in browser.get("/inbox/").text
    assert take(office) == found
