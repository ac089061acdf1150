"""Notices on both engines: written with the deed, sent for real, tried again, given up."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.definitions.library import compile_kept
from app.errors import NotAllowed
from app.services import identity, jobs, notices, people
from app.services.joblist import JOBS
from app.services.jobs.job import ACTOR
from app.services.notices import channels, sending
from app.services.notices.channels import WebhookSealed
from app.services.notices.inbox import NoticeNotFound
from app.services.notices.posting import WebhookFailed
from app.services.notices.times import DIGEST, ONCE, Rhythm, TimeRefused
from app.services.office import MailServer, Office
from app.services.work import Actor, Platform, now
from app.storage import models_notices
from app.storage.catalog import Catalog
from app.storage.models_identity import account
from app.storage.models_notices import delivery
from app.storage.session import Database
from tests.support.receivers import Mailbox, Robot, mail_server, robot
from tests.support.register import ME, definition, platform_on, publish

GIVEN = {
    "title": "工作群", "recipe": "wecom", "url": "", "secret": "",
    "mode": ONCE, "digest_at": "08:30", "quiet_from": "", "quiet_to": "",
}  # fmt: skip
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def group() -> Iterator[Robot]:
    with robot() as found:
        yield found


@pytest.fixture
def office(database: Database, tmp_path: Path, mailbox: Mailbox) -> Platform:
    """A platform whose mail server is the mailbox."""
    platform = platform_on(database, tmp_path)
    server = MailServer("127.0.0.1", mailbox.port, "none", "", "", "taizhang@office.example.cn")
    platform.office = Office(site="https://t.example.cn", mail=server)
    return platform


@pytest.fixture
def person(office: Platform) -> Callable[..., Actor]:
    """Make an account, and its mail settings where an address is given."""

    def make(login: str, email: str = "", **rhythm: Any) -> Actor:
        with office.database.writing() as tx:
            number, _password = identity.create_account(tx, login, login)
        actor = Actor(number, login, "web")
        if email:
            with office.writing(actor) as work:
                channels.change_setting(work, email, Rhythm(**rhythm), ())
        return actor

    return make


@pytest.fixture
def hook(office: Platform, group: Robot) -> Callable[..., int]:
    """Make a webhook to the robot."""

    def make(slugs: tuple[str, ...] = (), kinds: tuple[str, ...] = (), **given: str) -> int:
        with office.writing(ME) as work:
            return channels.save_webhook(
                work, None, {**GIVEN, "url": group.url, **given}, slugs, kinds
            )

    return make


def tell(office: Platform, *to: Actor, **more: Any) -> int:
    numbers = [actor.id for actor in to if actor.id is not None]
    said = {"kind": "task", "title": "待审核：甲厂", "text": "请于今日办理。"} | more
    with office.writing(ME) as work:
        return notices.notify(work, numbers, link="/registers/demo/1", **said)


def work_off(office: Platform, later: datetime.timedelta = HOUR * 0) -> None:
    jobs.run_due(office, JOBS, now() + later)


def sent(office: Platform) -> list[sa.Row[Any]]:
    with office.reading(ACTOR) as work:
        return list(work.tx.execute(sa.select(delivery).order_by(delivery.c.id)))


def test_a_notice_is_there_when_the_deed_is_and_read_once(
    office: Platform, person: Callable[..., Actor]
) -> None:
    wang, li = person("wang"), person("li")
    with pytest.raises(ZeroDivisionError), office.writing(ME) as work:
        notices.notify(work, [wang.id or 0], "task", "x")
        raise ZeroDivisionError
    assert tell(office, wang, li) == 2

    with office.reading(wang) as work:
        assert notices.unread(work) == 1
        [found] = notices.listed(work)
    with office.writing(li) as work, pytest.raises(NoticeNotFound):
        notices.mark_read(work, found.id)
    with office.writing(wang) as work:
        assert notices.mark_read(work, found.id) == "/registers/demo/1"
        assert notices.unread(work) == 0
    with office.reading(li) as work:
        assert notices.unread(work) == 1
    with office.writing(li) as work:
        assert notices.mark_all_read(work) == 1
        assert notices.unread(work) == 0


def test_the_same_thing_is_told_once(office: Platform, person: Callable[..., Actor]) -> None:
    wang, li = person("wang"), person("li")

    assert tell(office, wang, key="due 7") == 1
    assert tell(office, wang, li, wang, key="due 7") == 1

    assert tell(office, wang) == 1


def test_two_who_tell_the_same_thing_at_once_tell_it_once(
    office: Platform, person: Callable[..., Actor]
) -> None:
    wang = person("wang")
    both, told = threading.Barrier(2), []

    def one() -> None:
        both.wait()
        told.append(tell(office, wang, key="due 7"))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == [0, 1]


def test_a_whole_office_is_told_at_once(
    office: Platform, person: Callable[..., Actor], mailbox: Mailbox
) -> None:
    with office.database.writing() as tx:
        row = {
            "name": "x", "password_hash": "", "password_changed_at": now(), "created_at": now(),
            "failed": 0,
        }  # fmt: skip
        rows = [{**row, "login": f"p{n}", "login_key": f"p{n}"} for n in range(1200)]
        tx.execute(account.insert(), rows)
        numbers = list(tx.scalars(sa.select(account.c.id).where(account.c.name == "x")))

    with office.writing(ME) as work:
        assert notices.notify(work, numbers, "system", "停机维护", key="m") == 1200
        assert notices.notify(work, numbers, "system", "停机维护", key="m") == 0


def test_nobody_has_no_notices(office: Platform) -> None:
    with office.reading(Actor(None, "", "web")) as work:
        assert notices.unread(work) == 0
        with pytest.raises(NotAllowed):
            notices.listed(work)


def test_mail_arrives_with_its_link_and_nothing_breaks_its_head(
    office: Platform, person: Callable[..., Actor], mailbox: Mailbox
) -> None:
    wang = person("wang", "wang@office.example.cn")

    tell(office, wang, title="待审核\r\nBcc: all@evil.example")
    work_off(office)

    [mail] = mailbox.mails
    assert mail["To"] == "wang@office.example.cn"
    assert mail["Subject"] == "待审核 Bcc: all@evil.example"
    assert mail["Bcc"] is None
    assert mail.get_content().strip().splitlines() == [
        "请于今日办理。", "", "https://t.example.cn/registers/demo/1",
    ]  # fmt: skip
    assert [row.state for row in sent(office)] == ["done"]
    work_off(office, HOUR)
    assert len(mailbox.mails) == 1


def test_a_mail_that_is_not_taken_is_tried_again_with_the_same_id(
    office: Platform, person: Callable[..., Actor], mailbox: Mailbox
) -> None:
    wang = person("wang", "wang@office.example.cn")
    mailbox.answers = ["451 come back later"]
    tell(office, wang)

    work_off(office)
    [row] = sent(office)
    assert (row.state, row.attempts) == ("waiting", 1)
    assert "come back later" in row.error

    work_off(office, HOUR)
    [row] = sent(office)
    assert (row.state, row.attempts, row.error) == ("done", 2, "")
    assert mailbox.mails[0]["Message-ID"] == f"<notice-{row.id}-1@office.example.cn>"


def test_a_mail_refused_for_good_is_given_up_with_the_reason_and_may_be_sent_again(
    office: Platform, person: Callable[..., Actor], mailbox: Mailbox
) -> None:
    wang = person("wang", "wang@office.example.cn")
    mailbox.answers = ["550 no such person"]
    tell(office, wang)

    work_off(office)

    with office.reading(ME) as work:
        [shown] = sending.deliveries(work)
    assert shown.state == "failed"
    assert shown.error is not None
    assert "550 no such person" in shown.error.sentence()
    with office.writing(ME) as work:
        sending.send_again(work, shown.id)
    work_off(office)
    assert len(mailbox.mails) == 1


def test_a_mail_server_that_is_away_is_waited_for_and_given_up_at_last(
    office: Platform, person: Callable[..., Actor]
) -> None:
    wang = person("wang", "wang@office.example.cn")
    assert office.office.mail is not None
    away = MailServer("127.0.0.1", 1, "none", "", "", "taizhang@office.example.cn")
    office.office = Office(mail=away)
    tell(office, wang)

    for turn in range(sending.TRIES):
        assert sent(office)[0].state == "waiting"
        work_off(office, turn * 7 * HOUR)

    [row] = sent(office)
    assert (row.state, row.attempts) == ("failed", sending.TRIES)


def test_a_digest_says_everything_once(
    office: Platform, person: Callable[..., Actor], mailbox: Mailbox
) -> None:
    wang = person("wang", "wang@office.example.cn", mode=DIGEST, digest_at="08:30")
    for number in range(3):
        tell(office, wang, title=f"第 {number} 件")

    work_off(office)
    assert mailbox.mails == []
    work_off(office, 24 * HOUR)

    [mail] = mailbox.mails
    assert [f"第 {n} 件" in mail.get_content() for n in range(3)] == [True] * 3
    assert {row.state for row in sent(office)} == {"done"}


def test_nothing_goes_out_in_quiet_hours(
    office: Platform, person: Callable[..., Actor], mailbox: Mailbox
) -> None:
    local = office.office.local(now())
    ends = f"{local + HOUR:%H:%M}"
    wang = person("wang", "w@o.example.cn", quiet_from=f"{local - HOUR:%H:%M}", quiet_to=ends)
    tell(office, wang)

    work_off(office)
    assert mailbox.mails == []
    work_off(office, HOUR)

    assert len(mailbox.mails) == 1


def test_a_disabled_account_gets_no_mail(
    office: Platform, person: Callable[..., Actor], mailbox: Mailbox
) -> None:
    wang = person("wang", "wang@office.example.cn")
    tell(office, wang)
    with office.database.writing() as tx:
        identity.disable(tx, "wang")

    work_off(office)
    tell(office, wang)

    assert mailbox.mails == []
    assert [row.state for row in sent(office)] == ["failed"]


def test_a_robot_is_told_once_for_all_persons(
    office: Platform, person: Callable[..., Actor], hook: Callable[..., int], group: Robot
) -> None:
    hook()

    tell(office, person("wang"), person("li"))
    work_off(office)

    [(path, headers, body)] = group.got
    assert path == "/hook"
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(body)["markdown"]["content"].startswith("**待审核：甲厂**")


def test_a_robot_hears_of_its_registers_and_kinds_only(
    office: Platform, person: Callable[..., Actor], hook: Callable[..., int], group: Robot
) -> None:
    publish(office, definition())
    hook(("demo",), ("deadline",))
    wang = person("wang")

    tell(office, wang, kind="deadline", slug="other")
    tell(office, wang, kind="task", slug="demo")
    assert sent(office) == []
    tell(office, wang, kind="deadline", slug="demo")

    assert len(sent(office)) == 1


def test_a_signature_is_over_time_and_body(
    office: Platform, person: Callable[..., Actor], hook: Callable[..., int], group: Robot
) -> None:
    secret = "0123456789abcdef"
    hook(recipe="generic", secret=secret)

    tell(office, person("wang"))
    work_off(office)

    [(_path, headers, body)] = group.got
    signed = headers["X-Taizhang-Timestamp"].encode() + b"." + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Taizhang-Signature"] == f"sha256={expected}"
    assert json.loads(body)["link"] == "https://t.example.cn/registers/demo/1"
    assert headers["X-Taizhang-Delivery"] == json.loads(body)["id"]


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"broken", {}),
        (429, b"slow down", {}),
        (200, b'{"errcode":45009,"errmsg":"api freq out of limit"}', {}),
        (200, b"not json", {}),
        (200, b"x" * 100_000, {}),
    ],
)
def test_a_robot_that_fails_is_told_again(
    office: Platform, person: Callable[..., Actor], hook: Callable[..., int], group: Robot,
    answer: Any,
) -> None:  # fmt: skip
    hook()
    group.answers = [answer]
    tell(office, person("wang"))

    work_off(office)
    [row] = sent(office)
    assert (row.state, row.attempts) == ("waiting", 1)
    work_off(office, HOUR)

    assert sent(office)[0].state == "done"
    assert len(group.got) == 2


@pytest.mark.parametrize(
    "answer", [(404, b"gone", {}), (302, b"", {"Location": "http://127.0.0.1:9/"})]
)
def test_an_address_that_is_wrong_is_given_up_and_nobody_is_followed(
    office: Platform, person: Callable[..., Actor], hook: Callable[..., int], group: Robot,
    answer: Any,
) -> None:  # fmt: skip
    hook()
    group.answers = [answer]
    tell(office, person("wang"))

    work_off(office)

    [row] = sent(office)
    assert row.state == "failed"
    assert str(answer[0]) in row.error
    assert len(group.got) == 1


def test_a_robot_that_does_not_answer_is_not_waited_for(
    office: Platform, person: Callable[..., Actor], hook: Callable[..., int], group: Robot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    answer = threading.Event()
    group.before = answer.wait
    monkeypatch.setattr("app.services.notices.posting.READ", 0.2)
    hook()
    tell(office, person("wang"))

    work_off(office)
    answer.set()

    [row] = sent(office)
    assert row.state == "waiting"
    assert "did not answer in time" in row.error


def test_a_robot_that_cannot_be_reached_says_so(
    office: Platform, person: Callable[..., Actor], hook: Callable[..., int]
) -> None:
    hook(url="http://127.0.0.1:1/hook?key=zq7hidden")
    tell(office, person("wang"))

    work_off(office)

    [row] = sent(office)
    assert "cannot be reached" in row.error
    assert "zq7hidden" not in row.error


def test_what_speaks_no_tls_gets_no_message(
    office: Platform, person: Callable[..., Actor], hook: Callable[..., int], group: Robot
) -> None:
    hook(url=group.url.replace("http:", "https:"))
    tell(office, person("wang"))

    work_off(office)

    assert group.got == []
    assert sent(office)[0].state == "waiting"


def test_sending_by_hand_with_nothing_to_send_does_nothing(office: Platform) -> None:
    for name in ("send-notice", "send-digest", "tidy-notices", "tidy-jobs"):
        jobs.run_now(office, JOBS, name, ME)


def test_a_test_message_is_sent_for_real(
    office: Platform, hook: Callable[..., int], group: Robot
) -> None:
    number = hook()

    sending.try_webhook(office, ME, number, "测试", "能看到这条消息，说明设置正确。")
    group.answers = [(403, b"bad key", {})]
    with pytest.raises(WebhookFailed) as refused:
        sending.try_webhook(office, ME, number, "测试", "")

    assert len(group.got) == 2
    assert "403 bad key" in refused.value.sentence()


def test_the_database_holds_neither_address_nor_secret_of_a_webhook(
    office: Platform, hook: Callable[..., int], tmp_path: Path
) -> None:
    number = hook(recipe="generic", secret="0123456789abcdef")
    table = models_notices.webhook

    with office.writing(ME) as work:
        [row] = work.tx.execute(sa.select(table))
        known = channels.find(work, number)
        assert known.secret == "0123456789abcdef"
        assert "http" not in row.url
        assert "0123456789abcdef" not in row.secret
        # an earlier release stored them in the clear
        plain = {"url": known.url, "secret": known.secret}
        work.tx.execute(table.update().values(plain))
        assert channels.find(work, number) == known
        assert (channels.seal_all(work), channels.seal_all(work)) == (1, 0)
        assert channels.find(work, number) == known
    other = Platform(office.database, Catalog(compile_kept), tmp_path, "another key" * 4)
    with other.reading(ME) as work:
        assert [(found.url, found.secret) for found in channels.webhooks(work)] == [("", "")]
    with pytest.raises(WebhookSealed):
        sending.try_webhook(other, ME, number, "试", "试")


def test_a_secret_is_kept_when_it_is_left_empty(office: Platform, hook: Callable[..., int]) -> None:
    number = hook(recipe="generic", secret="0123456789abcdef")

    with office.writing(ME) as work:
        channels.save_webhook(work, number, {**GIVEN, "recipe": "generic", "title": "新名"}, (), ())
        found = channels.find(work, number)

    assert (found.title, found.secret) == ("新名", "0123456789abcdef")
    assert "0123456789abcdef" not in repr(found)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ftp://a.example/x"}, {"url": "file:///etc/passwd"}, {"url": "http://u:p@a/x"},
        {"url": "//a"}, {"url": "http://"}, {"url": "http://a:99999/"}, {"url": "http://a/\nb"},
        {"title": " "}, {"title": "长" * 61}, {"recipe": "none"}, {"mode": "sometimes"},
        {"recipe": "generic", "secret": "short"}, {"digest_at": "25:00"}, {"quiet_from": "22:00"},
    ],
)  # fmt: skip
def test_a_webhook_that_cannot_work_is_refused(
    hook: Callable[..., int], change: dict[str, str]
) -> None:
    with pytest.raises((channels.ChannelRefused, TimeRefused)):
        hook(**change)


@pytest.mark.parametrize(
    "email", ["", "wang", "wang@", "a b@c.cn", "a@b", "a@b.cn\nBcc: x@y.cn", "王@b.cn", "<a@b.cn>"]
)
def test_an_address_no_mail_can_be_sent_to_is_refused(
    office: Platform, person: Callable[..., Actor], email: str
) -> None:
    wang = person("wang")

    with pytest.raises(channels.EmailRefused), office.writing(wang) as work:
        channels.change_setting(work, email, Rhythm(ONCE), ())


def test_kinds_one_does_not_want_are_not_sent(
    office: Platform, person: Callable[..., Actor]
) -> None:
    wang = person("wang")
    with office.writing(wang) as work:
        channels.change_setting(work, "w@o.example.cn", Rhythm(ONCE), ("comment", "unknown"))
        assert channels.setting(work).muted == ("comment",)

    tell(office, wang, kind="comment")
    assert sent(office) == []
    tell(office, wang, kind="task")
    assert len(sent(office)) == 1


def test_webhooks_are_for_administrators(office: Platform, person: Callable[..., Actor]) -> None:
    wang = person("wang")
    asked: list[Callable[[Any], Any]] = [
        channels.webhooks, sending.deliveries,
        lambda w: channels.save_webhook(w, None, GIVEN, (), ()),
        lambda w: channels.remove_webhook(w, 1), lambda w: sending.send_again(w, 1),
    ]  # fmt: skip

    for ask in asked:
        with pytest.raises(NotAllowed), office.writing(wang) as work:
            ask(work)
    with pytest.raises(NotAllowed):
        sending.try_webhook(office, wang, 1, "", "")


def test_holders_of_a_role_are_found_with_their_deputies(
    office: Platform, person: Callable[..., Actor]
) -> None:
    with office.database.writing() as tx:
        people.ensure_roles(tx)
        root = people.ensure_root(tx)
    wang, li, zhao = person("wang"), person("li"), person("zhao")
    with office.database.writing() as tx:
        for actor in (wang, zhao):
            post = people.appoint(tx, actor.id or 0, root, "leader")
            people.appoint(tx, li.id or 0, root, "leader", deputy_of=post)
        identity.disable(tx, "zhao")

    with office.reading(ME) as work:
        assert notices.holders(work, "leader", root) == [wang.id, li.id]
        assert notices.holders(work, "leader") == [wang.id, li.id]
        assert notices.holders(work, "leader", root + 100) == []
        assert notices.holders(work, "auditor") == []
