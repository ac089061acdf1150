"""What leaves an entry in the audit log, by page and by command; and reading it."""

from __future__ import annotations

import datetime
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.config import Config
from app.errors import NotAllowed
from app.faces.security import OriginRefused
from app.services import access, audit, backup, identity, people
from app.services.audit import checking, heads
from app.services.audit.searching import PAGE, Search, page_query
from app.services.work import Actor, Platform
from app.storage.models_audit import audit as table
from app.storage.session import Database
from tests.support.browser import PASSWORD, Browser
from tests.support.databases import migrate
from tests.support.register import ME, definition, platform_on, publish

#: typed as passwords, tokens, numbers: nothing of it may ever stand in the log
CANARIES = ("Canary-Pass-1!", "zq7-token", "13812345678", "11010519491231002X")
CLI = Actor(None, "command line", "cli")
Entries = Callable[[], list[Any]]


@pytest.fixture
def app(url: str, tmp_path: Path) -> Iterator[Flask]:
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    yield app
    app.extensions["taizhang"].database.dispose()


@pytest.fixture
def browser(app: Flask) -> Browser:
    browser = Browser(app)
    browser.sign_in()
    return browser


@pytest.fixture
def entries(app: Flask) -> Entries:
    """Return what was noted since the last call."""
    platform: Platform = app.extensions["taizhang"]
    seen = 0

    def fresh() -> list[Any]:
        nonlocal seen
        query = sa.select(table).where(table.c.number > seen).order_by(table.c.number)
        with platform.database.reading() as tx:
            found = list(tx.execute(query))
        seen = found[-1].number if found else seen
        return found

    return fresh


@pytest.fixture
def flask(app: Flask) -> Callable[..., Any]:
    return lambda *words: app.test_cli_runner().invoke(args=[str(word) for word in words])


def events(found: list[Any]) -> list[str]:
    return [row.event for row in found]


# ── act → entry


def test_signing_in_and_out(app: Flask, entries: Entries) -> None:
    browser = Browser(app)
    browser.sign_in()
    found = entries()
    browser.post("/sign-out")

    assert events(found) == ["account.created", "password.set", "sign_in.ok"]
    [out] = entries()
    assert (out.event, out.actor_name, out.session) == ("sign_out", "管理员", found[2].session)
    assert (found[2].actor, found[2].address) == (out.actor, "127.0.0.1")
    assert found[2].session and len(out.request) == 32


def test_a_sign_in_that_is_refused_and_the_lock(app: Flask, entries: Entries) -> None:
    browser = Browser(app)
    browser.sign_in()
    entries()
    stranger = Browser(app)
    stranger.get("/sign-in")
    for _ in range(5):
        stranger.post("/sign-in", username="ADMIN", password=CANARIES[0])

    found = entries()
    assert events(found).count("sign_in.refused") == 5
    assert events(found).count("account.locked") == 1
    assert {row.result for row in found if row.event == "sign_in.refused"} == {"refused"}
    assert json.loads(found[0].detail) == {"login": "admin"}


def test_what_is_typed_as_a_login_name_that_is_nobodys_is_not_kept(
    app: Flask, entries: Entries
) -> None:
    browser = Browser(app)
    browser.get("/sign-in")
    browser.post("/sign-in", username=CANARIES[0], password="x")

    [row] = entries()
    assert (row.event, row.detail) == ("sign_in.refused", '{"login": "?"}')


def test_changing_the_password(browser: Browser, entries: Entries) -> None:
    entries()
    wrong = {"old": CANARIES[0], "new": "wieder ein langer Satz", "again": "wieder ein langer Satz"}
    browser.get("/account/password")
    browser.post("/account/password", wrong)
    browser.post("/account/password", {**wrong, "old": PASSWORD})

    assert events(entries()) == ["password.refused", "password.changed", "sign_in.ok"]


def test_commands_for_accounts(flask: Callable[..., Any], entries: Entries) -> None:
    for words in (("create", "li"), ("password", "li"), ("unlock", "li"), ("disable", "li")):
        assert flask("account", *words).exit_code == 0

    found = entries()
    assert events(found) == [
        "account.created", "password.set", "account.unlocked", "account.disabled",
    ]  # fmt: skip
    assert {(row.actor_name, row.face) for row in found} == {("command line", "cli")}


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl"])
def test_an_export_from_a_page(browser: Browser, entries: Entries, format: str) -> None:
    publish(browser.platform, definition())
    browser.post("/registers/demo/new", f_name="甲厂")
    entries()

    answer = browser.get(f"/registers/demo/export.{format}?f.kind=a&q={CANARIES[2]}")

    [row] = entries()
    assert answer.status_code == 200
    assert (row.event, row.actor_name, row.slug, row.revision) == (
        "export.made", "管理员", "demo", 1,
    )  # fmt: skip
    assert json.loads(row.detail) == {
        "title": "示例台账", "count": 0, "format": format, "filters": ["kind"], "searched": True,
    }  # fmt: skip


def test_an_export_is_not_sent_when_it_cannot_be_noted(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(browser.platform, definition())
    with browser.platform.database.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE audit RENAME TO elsewhere")

    answer = browser.client.get("/registers/demo/export.csv")

    assert answer.status_code == 503
    assert "审计日志无法写入" in answer.text


def test_an_import_from_a_page(browser: Browser, entries: Entries) -> None:
    publish(browser.platform, definition())
    entries()
    for text in ("名称\n甲厂\n乙厂\n", f"名称,类别\n丙厂,{CANARIES[2]}\n"):
        file = (io.BytesIO(text.encode()), "in.csv")
        browser.get("/registers/demo/import")
        browser.post("/registers/demo/import", file=file, mode="insert", on_error="stop")

    done, stopped = entries()
    assert (done.event, done.result, done.face) == ("import.made", "ok", "import")
    assert json.loads(done.detail)["created"] == 2
    assert (stopped.event, stopped.result) == ("import.refused", "refused")


def test_a_trial_import_leaves_no_entry(browser: Browser, entries: Entries) -> None:
    publish(browser.platform, definition())
    entries()
    browser.get("/registers/demo/import")
    file = (io.BytesIO("名称\n甲厂\n".encode()), "in.csv")
    browser.post("/registers/demo/import", file=file, mode="insert", on_error="stop", dry_run="1")

    assert entries() == []


def test_commands_for_registers_and_records(
    flask: Callable[..., Any], entries: Entries, tmp_path: Path
) -> None:
    path, sheet, out = tmp_path / "demo.json", tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_text(json.dumps(definition()))
    sheet.write_text("名称\n甲厂\n")
    assert flask("register", "publish", path).exit_code == 0
    assert flask("records", "import", "demo", sheet).exit_code == 0
    assert flask("records", "import", "demo", sheet).exit_code == 1
    assert flask("records", "export", "demo", "--format", "csv", "--out", out).exit_code == 0
    assert flask("backup", tmp_path / "b.zip").exit_code == 0

    assert events(entries()) == [
        "register.published", "import.made", "import.refused", "export.made", "backup.made",
    ]  # fmt: skip


def test_a_forged_request_is_noted(browser: Browser, entries: Entries) -> None:
    entries()
    token = {"csrf_token": browser.token}
    browser.client.post("/definitions/new", data={"csrf_token": CANARIES[1]})
    browser.client.post("/definitions/new", data=token, headers={"Origin": "https://evil.example"})

    found = entries()
    assert events(found) == ["request.forged"] * 2
    codes = [json.loads(row.detail)["code"] for row in found]
    assert codes == ["form.forged", OriginRefused.code]
    assert {row.actor_name for row in found} == {"管理员"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/registers/demo/"),
        ("GET", "/registers/demo/export.csv"),
        ("POST", "/registers/demo/1/delete"),
        ("POST", "/registers/demo/import"),
        ("GET", "/audit/"),
    ],
)
def test_who_may_not_is_noted_once_however_the_page_answers(
    browser: Browser, entries: Entries, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    publish(browser.platform, definition())
    browser.post("/registers/demo/new", f_name="甲厂")
    entries()

    def refuse(_actor: Any, action: str, _slug: str = "") -> None:
        raise NotAllowed(action=action)

    monkeypatch.setattr(access, "require", refuse)
    if method == "GET":
        browser.get(path)
    else:
        file = (io.BytesIO(b"a\n1\n"), "in.csv")
        browser.post(path, reason="x", _version="1", mode="insert", on_error="stop", file=file)

    [row] = entries()
    assert (row.event, row.result, row.actor_name) == ("access.refused", "refused", "管理员")
    told = json.loads(row.detail)
    assert (told["method"], told["path"]) == (method, path)


def test_every_request_has_a_number_that_its_entries_carry(
    browser: Browser, entries: Entries
) -> None:
    publish(browser.platform, definition())
    entries()
    answer = browser.get("/registers/demo/export.csv")
    lost = browser.get("/nowhere")

    assert entries()[0].request == answer.headers["X-Request-Id"]
    assert lost.headers["X-Request-Id"] in lost.text
    assert lost.headers["X-Request-Id"] != answer.headers["X-Request-Id"]


# ── reading it


def test_reading_is_recorded_once_for_a_search_not_for_its_pages(
    browser: Browser, entries: Entries
) -> None:
    for turn in range(PAGE + 10):
        with browser.platform.writing(ME) as work:
            audit.note(work, "setting.changed", None, {"title": f"{turn}", "change": "甲"})
    entries()

    first = browser.get("/audit/?event=setting.changed").text
    more = re.search(r'href="([^"]+after=[^"]+)" rel="next"', first)
    assert more is not None
    second = browser.get(more[1].replace("&amp;", "&")).text

    [row] = entries()
    assert (row.event, json.loads(row.detail)) == ("audit.read", {"query": "event=setting.changed"})
    numbers = re.findall(r" · (?:No\. |第 ?)?(\d+)", first + second)
    assert len(set(numbers)) == len(numbers) == PAGE + 10
    assert numbers == sorted(numbers, key=int, reverse=True)


def test_an_address_of_a_further_page_serves_no_other_search(
    browser: Browser, entries: Entries
) -> None:
    for _ in range(PAGE + 1):
        with browser.platform.writing(ME) as work:
            audit.note(work, "setting.changed", None, {"title": "x", "change": "y"})
    page = browser.get("/audit/?event=setting.changed").text
    found = re.search(r"after=([\w.\-]+)", page)
    assert found is not None
    entries()

    browser.get(f"/audit/?after={found[1]}")
    browser.get("/audit/?event=setting.changed&after=forged")
    other = Browser(browser.app)
    other.sign_in()
    other.get(f"/audit/?event=setting.changed&after={found[1]}")

    assert events(entries()).count("audit.read") == 3


SEARCHES = {
    "person=王芳": 2, "person=li": 1, "person=command line": 1, "event=setting.changed": 3,
    "event=role.changed": 1, "object=register:demo": 1, "object=role&id=clerk": 1,
    "address=10.0.0.9": 1, "text=甲乙": 1, "text=%25": 0, "result=refused": 1,
    "since=2020-01-01&until=2020-12-31": 0, "since=2020-01-01": 6, "until=2020-01-01": 0,
    "person=王芳&event=role.changed": 0,
}  # fmt: skip


def test_the_log_is_searched(browser: Browser) -> None:
    platform = browser.platform
    with platform.database.writing() as tx:
        number, _ = identity.create_account(tx, "li", "李雷", PASSWORD)
    with platform.database.writing() as tx:
        base = tx.scalar(sa.select(sa.func.max(table.c.number)))
    li = Actor(number, "李雷", "web", "10.0.0.9")
    acts: list[tuple[Actor, str, audit.About | None, dict[str, Any], str]] = [
        (
            Actor(98, "王芳", "web"),
            "setting.changed",
            None,
            {"title": "甲乙", "change": "丙"},
            "ok",
        ),
        (Actor(98, "王芳", "web"), "setting.changed", None, {}, "ok"),
        (li, "setting.changed", None, {}, "refused"),
        (CLI, "role.changed", audit.About("role", "", "clerk"), {}, "ok"),
        (Actor(99, "周", "web"), "export.made", audit.About("register", "demo"), {}, "ok"),
        (Actor(99, "周", "web"), "backup.made", None, {}, "ok"),
    ]
    for actor, event, about, told, result in acts:
        with platform.writing(actor) as work:
            audit.note(work, event, about, told, result=result)

    for query, count in SEARCHES.items():
        text = browser.get("/audit/?" + query).text
        shown = [int(n) for n in re.findall(r"<dt>(?:Number|序号)</dt><dd>(\d+)", text)]
        assert len([n for n in shown if base < n <= base + 6]) == count, query


@pytest.mark.parametrize("query", ["since=yesterday", "event=nothing", "until=9999-99-99"])
def test_a_search_that_cannot_be_read_is_refused(
    browser: Browser, entries: Entries, query: str
) -> None:
    entries()
    assert browser.get("/audit/?" + query).status_code == 400
    assert entries() == []


@pytest.mark.parametrize("format", ["xlsx", "csv", "jsonl"])
def test_an_export_of_the_log_is_complete_guarded_and_recorded(
    browser: Browser, entries: Entries, format: str
) -> None:
    with browser.platform.writing(Actor(5, "=HYPERLINK(1)", "web")) as work:
        audit.note(work, "setting.changed", None, {"title": "@SUM(1)", "change": "x"})
    before = entries()

    answer = browser.post("/audit/export", format=format)

    [row] = entries()
    assert json.loads(row.detail) == {"count": len(before), "format": format, "query": "*"}
    if format == "csv":
        text = answer.get_data(as_text=True)
        assert not re.search(r'(?:^|,)"?[=@]', text, re.MULTILINE)
        assert len(text.splitlines()) == len(before) + 1
    elif format == "jsonl":
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [line["hash"] for line in lines] == [one.hash for one in before]


# ── quickly, and for whom


MOMENT = datetime.datetime(2026, 1, 1)
PLANNED = {
    "everything": (Search(), "ix_audit_at"),
    "a day": (Search(since=MOMENT, until=MOMENT), "ix_audit_at"),
    "an event": (Search(event="sign_in.ok"), "ix_audit_event"),
    "a register": (Search(slug="demo"), "ix_audit_slug"),
    "an object": (Search(kind="account", id="3"), "ix_audit_object"),
    "an address": (Search(address="10.0.0.9"), "ix_audit_address"),
    "a person": (Search(person="李雷"), "ix_audit_actor"),
}


@pytest.mark.parametrize("further", [False, True])
@pytest.mark.parametrize("what", PLANNED)
def test_every_search_walks_along_an_index_and_sorts_nothing(
    platform: Platform, what: str, further: bool
) -> None:
    """What makes a page of a million entries as quick as one of a hundred."""
    search, index = PLANNED[what]
    with platform.database.writing() as tx:
        identity.create_account(tx, "li", "李雷", PASSWORD)
    with platform.database.reading() as tx:
        query = page_query(tx, search, (MOMENT, 7) if further else None)
        told = query.compile(tx, compile_kwargs={"literal_binds": True})
        if tx.dialect.name == "sqlite":
            plan = str(tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {told}").all())
        else:
            # the planner of a table this small prefers to read it whole
            tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
            tx.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
            tx.exec_driver_sql("SET LOCAL enable_sort = off")
            plan = str(tx.exec_driver_sql(f"EXPLAIN {told}").all())

    assert index in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    ("role", "reads"),
    [
        ("audit_administrator", True),
        ("system_administrator", False),
        ("security_administrator", False),
        ("giib_staff", False),
        ("administrator", True),
    ],
)
def test_the_log_is_for_the_audit_administrator(app: Flask, role: str, reads: bool) -> None:
    browser = Browser(app)
    publish(browser.platform, definition())
    with browser.platform.database.writing() as tx:
        people.ensure_roles(tx)
        number, _ = identity.create_account(tx, "li", "李雷", PASSWORD)
        people.appoint(tx, number, people.ensure_root(tx), role)
    browser.get("/sign-in")
    browser.post("/sign-in", username="li", password=PASSWORD)
    link = 'href="/audit/"'

    assert browser.get("/audit/").status_code == (200 if reads else 403)
    assert browser.post("/audit/export", format="csv").status_code == (200 if reads else 403)
    assert (link in browser.get("/account/password").text) is reads
    if role == "audit_administrator":
        assert browser.get("/registers/demo/export.csv").status_code == 403


# ── by command


def test_the_command_proves_the_log_or_names_the_break(
    flask: Callable[..., Any], app: Flask
) -> None:
    flask("account", "create", "li")
    line = flask("audit", "head").output.split()
    good = flask("audit", "verify", "--head", f"{line[2]}:{line[3]}")
    bad = flask("audit", "verify", "--head", "1:00000000", "--json")
    odd = flask("audit", "verify", "--head", "what")

    assert (good.exit_code, bad.exit_code, odd.exit_code) == (0, 1, 1)
    assert "审计日志完整：第 1 至 1 条" in good.output
    assert json.loads(bad.stdout)["breaks"][0]["number"] == 1


def test_the_command_exports_by_time_and_person(
    flask: Callable[..., Any], tmp_path: Path, entries: Entries
) -> None:
    for login in ("li", "wang"):
        flask("account", "create", login)
    out = tmp_path / "log.csv"

    done = flask("audit", "export", out, "--from", "2020-01-01", "--event", "account.created")
    none = flask("audit", "export", out.with_suffix(".jsonl"), "--to", "2020-01-01")
    odd = flask("audit", "export", tmp_path / "log.pdf")

    assert (done.exit_code, none.exit_code, odd.exit_code) == (0, 0, 1)
    assert "命令行 开设了账号 wang" in out.read_text("utf-8-sig")
    assert out.with_suffix(".jsonl").read_text() == ""
    assert not (tmp_path / "log.pdf").exists()
    assert events(entries())[2:] == ["audit.exported"] * 2


def test_the_command_purges_nothing_young(flask: Callable[..., Any], entries: Entries) -> None:
    flask("account", "create", "li")

    assert flask("audit", "purge").exit_code == 0
    refused = flask("audit", "purge", "--days", 30)

    assert refused.exit_code == 1
    assert "184" in refused.output
    assert events(entries()) == ["account.created"]


# ── backup and restore


def test_a_restored_log_goes_on_and_tells_of_it(
    app: Flask, blank_url: str, tmp_path: Path, flask: Callable[..., Any]
) -> None:
    platform: Platform = app.extensions["taizhang"]
    publish(platform, definition())
    flask("account", "create", "li")
    backup.backup(platform, CLI, tmp_path / "b.zip")
    migrate(blank_url)
    other = platform_on(Database(blank_url), tmp_path / "other")
    with other.database.writing() as tx:
        identity.create_account(tx, "someone", "某人", PASSWORD)
    heads.write_head(other)
    backup.restore(other, CLI, tmp_path / "b.zip")

    verdict = checking.verify(other)
    with other.database.reading() as tx:
        found = list(tx.execute(sa.select(table).order_by(table.c.number)))
    other.database.dispose()
    assert [str(p) for p in verdict.breaks] == []
    assert len(verdict.remarks) == 1
    assert events(found) == ["register.published", "account.created", "restore.done"]
    assert json.loads(found[-1].detail)["instead_of"] == 1


# ── nothing secret


def test_no_password_token_or_number_is_in_the_log(
    app: Flask, browser: Browser, flask: Callable[..., Any], entries: Entries
) -> None:
    """Every address gets the canaries as everything it might take."""
    publish(browser.platform, definition())
    browser.post("/registers/demo/new", f_name=CANARIES[2])
    names = "username password old new again next reason f_name q text person format".split()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for canary in CANARIES:
            form = dict.fromkeys(names, canary)
            browser.client.get(path, query_string=form).close()
            if "POST" in (rule.methods or ()) and "sign-out" not in path:
                browser.post(path, form)
                browser.client.post(path, data={**form, "csrf_token": CANARIES[1]}).close()
    flask("account", "password", "admin")

    found = entries()
    whole = "\n".join(str(tuple(row)) for row in found)
    assert len(found) > 20
    assert [canary for canary in CANARIES if canary in whole] == []
    assert browser.client.get_cookie("session").value not in whole  # type: ignore[union-attr]
    assert PASSWORD not in whole
    # the form of every entry (AU-166)
    for row in found:
        assert row.event in audit.EVENTS
        assert row.result in ("ok", "refused")
        assert isinstance(json.loads(row.detail), dict)
        assert row.face != "web" or row.actor_name == ME.name or (row.request and row.address)
    assert checking.verify(browser.platform).whole
