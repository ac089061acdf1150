"""The people pages: what is shown before it is done, who is let in, what they say."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.config import Config
from app.services import identity, records
from tests.support.appointing import Office
from tests.support.browser import PASSWORD, Browser
from tests.support.register import ME, definition, publish

FILL = {"permissions": {"fill": ["township"], "read": ["leader"]}, "scope": "own-organisation"}


@pytest.fixture
def app(url: str, tmp_path: Path) -> Iterator[Flask]:
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    yield app
    app.extensions["taizhang"].database.dispose()


@pytest.fixture
def office(app: Flask) -> Office:
    return Office(app.extensions["taizhang"])


@pytest.fixture
def browser(app: Flask, office: Office) -> Browser:
    """The administrator's browser; there is a register with two records, one of the town."""
    browser = Browser(app)
    browser.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    browser.sign_in()
    office.found("town", "root", title="石桥镇")
    office.found("other", "root", title="潦河镇")
    publish(browser.platform, definition(register=FILL))
    with browser.platform.writing(ME) as work:
        for name, unit in (("甲厂", 2), ("乙厂", None)):
            made = records.create(work, "demo", {"name": name})
            main = work.published("demo").tables.main
            work.tx.execute(main.update().where(main.c["_id"] == made.id).values(_unit=unit))
    return browser


def signed_in(app: Flask, office: Office, login: str, *held: tuple[str, int]) -> Browser:
    """Return the browser of somebody with posts."""
    with office.platform.database.writing() as tx:
        number, _ = identity.create_account(tx, login, f"{login} 同志", PASSWORD)
    for role, unit in held:
        office.appoint(number, role, unit)
    visitor = Browser(app)
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", username=login, password=PASSWORD).status_code == 302
    visitor.get("/")
    return visitor


def shown(text: str) -> str:
    found = re.search(r'name="shown" value="(\w*)"', text)
    assert found is not None
    return found[1]


def confirmed(browser: Browser, page: str, **given: Any) -> str:
    """Send a change, confirm what it shows, and return what was shown."""
    first = browser.post(page, given)
    assert first.status_code == 200, first.text
    done = browser.post(page, given | {"shown": shown(first.text)})
    assert done.status_code == 302, done.text
    return first.text


def ending(browser: Browser) -> str:
    """Return the page that ends the only pairing."""
    [found] = re.findall(r"/people/pairings/\d+/end", browser.get("/people/pairings/").text)
    return str(found)


def test_a_post_is_stored_once_its_effect_was_shown(browser: Browser, office: Office) -> None:
    number = office.person("zhang")
    given = {"person": number, "unit": 2, "role": "township", "since": "2024-01-01"}

    first = browser.post("/people/posts/new", given)

    assert "see 0 record rows → 1 record rows" in first.text
    assert "import no → yes" in first.text
    assert office.standing(number).holdings == ()
    stale = browser.post("/people/posts/new", given | {"shown": "0" * 64})
    assert stale.status_code == 200
    assert "different from what was shown" in stale.text
    assert office.standing(number).holdings == ()
    done = browser.post("/people/posts/new", given | {"shown": shown(first.text)})
    assert done.status_code == 302
    assert office.standing(number).roles == {"township"}
    assert "zhang 同志" in browser.get("/people/posts/").text


def test_what_was_changed_after_the_preview_is_shown_anew(browser: Browser, office: Office) -> None:
    number = office.person("zhang")
    given = {"person": number, "unit": 2, "role": "township", "since": "2024-01-01"}
    digest = shown(browser.post("/people/posts/new", given).text)

    answer = browser.post("/people/posts/new", given | {"role": "leader", "shown": digest})

    assert answer.status_code == 200
    assert "see 0 record rows → 2 record rows" in answer.text
    assert office.standing(number).holdings == ()


def test_a_post_ends_and_a_deputy_is_named(browser: Browser, office: Office) -> None:
    holder, deputy = office.person("holder"), office.person("deputy")
    post = office.appoint(holder, "leader", 2)
    place = f"/people/posts/{post}"
    given = {"person": deputy, "since": "2026-01-01", "last": "2199-12-31"}
    digest = shown(browser.post(f"{place}/deputy", given).text)
    assert browser.post(f"{place}/deputy", given | {"shown": digest}).status_code == 302
    assert office.standing(deputy).roles == {"leader"}

    ending = {"last": "2199-01-01"}
    first = browser.post(f"{place}/end", ending)
    assert "holder 同志" in first.text
    assert "deputy 同志" in first.text
    assert browser.post(f"{place}/end", ending | {"shown": shown(first.text)}).status_code == 302


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Person is missing"),
        ({"person": "x"}, "cannot be read"),
        ({"person": "99", "unit": "2", "role": "leader", "since": "2024-01-01"}, "no account"),
        ({"person": "1", "unit": "2", "role": "leader", "since": "soon"}, "cannot be read"),
        ({"person": "1", "unit": "2", "role": "emperor", "since": "2024-01-01"}, "no role"),
        ({"person": "1", "unit": "99", "role": "leader", "since": "2024-01-01"}, "no unit"),
    ],
)
def test_a_post_that_cannot_be_is_refused_in_words(
    browser: Browser, given: dict[str, Any], said: str
) -> None:
    answer = browser.post("/people/posts/new", given)

    assert answer.status_code in (404, 409, 422)
    assert said in answer.text


def test_a_merge_shows_what_it_touches_before_it_is_done(browser: Browser) -> None:
    given = {"into": 3, "effective": "2026-01-01", "reason": "机构改革"}

    first = browser.post("/people/units/2/merge", given)

    assert "1 records" in first.text
    assert "is not in force" not in browser.get("/people/units/2").text
    done = browser.post("/people/units/2/merge", given | {"shown": shown(first.text)})
    assert done.status_code == 302
    page = browser.get("/people/units/2").text
    assert "answered for by" in page
    assert "机构改革" in page
    assert "石桥镇" in browser.get("/people/units/3").text
    assert (
        "石桥镇"
        not in browser.get("/people/units/", q="石桥").text.split("<main")[1].split("value=")[0]
    )
    assert "石桥镇" in browser.get("/people/units/", on="2025-12-31").text


def test_a_merge_shows_who_reads_more_and_who_less(browser: Browser, office: Office) -> None:
    office.person("mine", ("township", 2))
    office.person("other", ("township", 3))
    office.person("above", ("leader", 1))

    said = confirmed(browser, "/people/units/2/merge", into=3, effective="2026-01-01")

    table = said.split("What this changes")[1]
    assert "other 同志" in table
    assert "see 0 record rows → 1 record rows" in table
    # the merged unit's people act for the heir, and still read what was theirs
    assert "mine 同志" not in table
    assert "above 同志" not in table


def test_a_unit_that_ends_takes_from_its_people_what_they_might_do(
    browser: Browser, office: Office
) -> None:
    number = office.person("mine", ("township", 2))
    given = {"effective": "2026-01-01"}

    first = browser.post("/people/units/2/end", given)

    assert "see 1 record rows → 0 record rows" in first.text
    assert "enter yes → no" in first.text
    assert office.standing(number).roles == {"township"}
    stale = browser.post("/people/units/2/end", given | {"shown": "0" * 64})
    assert "different from what was shown" in stale.text
    assert office.standing(number).roles == {"township"}


def test_what_is_only_shown_or_checked_stands_in_no_log(browser: Browser, office: Office) -> None:
    def changes() -> int:
        log = browser.get("/audit/").text
        return sum(log.count(f"</span> 管理员 {did}") for did in ("changed", "created"))

    before = changes()
    number = office.person("zhang")
    browser.post("/people/units/2/merge", into=3, effective="2026-01-01")
    given = {"person": number, "unit": 2, "role": "township", "since": "2024-01-01"}
    browser.post("/people/posts/new", given)
    file = (io.BytesIO("登录名,姓名\nsun,孙七\n".encode()), "people.csv")
    browser.post("/people/import/people", {"file": file, "dry_run": "1"})

    assert changes() == before
    confirmed(browser, "/people/units/2/merge", into=3, effective="2026-01-01")
    assert changes() == before + 2


def test_a_role_that_a_register_names_already_says_so_before_it_is_added(browser: Browser) -> None:
    grants = {"permissions": [{"role": ["guest"], "may": ["see"], "rows": "all"}]}
    publish(browser.platform, definition(register=grants))

    first = browser.post("/people/roles/new", slug="guest", title="来访")

    assert "示例台账" in first.text.split("What it touches")[1]


def test_a_pairing_shows_which_rows_it_opens(browser: Browser, office: Office) -> None:
    grants = {"permissions": [{"role": ["cadre"], "may": ["see"], "rows": "paired"}]}
    publish(browser.platform, definition(register=grants))
    office.person("cadre", ("cadre", 2))
    given = {"slug": "demo", "record-demo": 1, "unit": 2, "since": "2024-01-01"}

    said = confirmed(browser, "/people/pairings/new", **given)

    assert "see 0 record rows → 1 record rows" in said
    first = browser.post(ending(browser), last="2026-01-01")
    assert "see 1 record rows → 0 record rows" in first.text


def test_a_unit_is_entered_renamed_moved_split_linked_and_ended(browser: Browser) -> None:
    made = browser.post(
        "/people/units/new", title="新局", code="xin", kind="bureau", parent="1", since="2020-01-01"
    )
    place = made.headers["Location"]
    given = {"title": "新新局", "kind": "bureau", "effective": "2024-01-01"}
    nothing = "nobody may do anything more or less"
    assert nothing in confirmed(browser, f"{place}/rename", **given)
    assert "新新局" in browser.get(place).text
    assert "<h1>新局" in browser.get(place, on="2023-12-31").text
    for act, given in {
        "move": {"parent": "2", "effective": "2025-01-01"},
        "split": {"title1": "左", "code1": "zuo", "heir": "xin", "effective": "2025-02-01"},
        "end": {"effective": "2025-03-01"},
    }.items():
        confirmed(browser, f"{place}/{act}", **given)
    assert "not in force today" in browser.get(place).text

    asked = browser.post("/people/units/2/link", slug="demo")
    assert "record-demo" in asked.text
    confirmed(browser, "/people/units/2/link", **{"slug": "demo", "record-demo": 1})
    assert "甲厂" in browser.get("/people/units/2").text


def test_a_role_is_added_renamed_and_removed(browser: Browser) -> None:
    nothing = "nobody may do anything more or less"
    assert nothing in confirmed(browser, "/people/roles/new", slug="guest", title="来访")
    first = browser.post("/people/roles/guest", do="rename", title="访客")
    assert 'name="do" value="rename"' in first.text
    assert "访客" not in browser.get("/people/roles/").text
    confirmed(browser, "/people/roles/guest", do="rename", title="访客")
    assert "访客" in browser.get("/people/roles/").text
    assert browser.post("/people/roles/leader", do="remove").status_code == 409
    confirmed(browser, "/people/roles/guest", do="remove")
    assert browser.get("/people/roles/guest").status_code == 404
    assert "enter, change" in browser.get("/people/roles/township").text


def test_a_pairing_is_entered_and_ended(browser: Browser, office: Office) -> None:
    number = office.person("zhang")
    assert "record-demo" in browser.post("/people/pairings/new", slug="demo").text
    given = {"slug": "demo", "record-demo": 1, "person": number, "since": "2024-01-01"}
    confirmed(browser, "/people/pairings/new", **given)
    assert "甲厂" in browser.get("/people/pairings/").text
    confirmed(browser, ending(browser), last="2026-01-01")
    assert "甲厂" in browser.get("/people/pairings/", state="over").text
    found = browser.get("/people/find/demo", q="甲").json
    assert found == {"results": [{"id": 1, "label": "甲厂"}]}


def test_access_is_explained_for_a_record_and_a_person(
    browser: Browser, app: Flask, office: Office
) -> None:
    clerk = office.person("clerk", ("township", 2))
    stranger = office.person("stranger", ("township", 3))

    page = browser.get("/registers/demo/1/access", person=stranger, field="amount").text

    assert "the role is held, but the record is not among" in page
    assert "clerk 同志" in page
    own = browser.get(f"/people/access/{clerk}").text
    assert "示例台账" in own
    assert "石桥镇" in own
    visitor = signed_in(app, office, "visitor", ("township", 3))
    assert visitor.get("/registers/demo/1/access").status_code == 404
    assert visitor.get(f"/people/access/{clerk}").status_code == 403


def test_units_and_people_come_in_through_the_page(browser: Browser, office: Office) -> None:
    def send(what: str, text: str, **more: str) -> Any:
        file = (io.BytesIO(text.encode()), f"{what}.csv")
        return browser.post(f"/people/import/{what}", {"file": file, **more})

    assert "1 new" in send("units", "代码,名称,上级\nnew,新镇,root\n", dry_run="1").text
    assert "新镇" not in browser.get("/people/units/").text
    assert send("units", "代码,名称,上级\nnew,新镇,root\n").status_code == 200
    assert "新镇" in browser.get("/people/units/").text
    bad = send("units", "代码,名称,上级\nn,新,nowhere\n")
    assert bad.status_code == 422
    assert "There is no unit nowhere" in bad.text
    people = "登录名,姓名,单位代码,角色\nwang,王五,new,township\n"
    made = send("people", people)
    assert re.search(r"\w{5}-\w{5}-\w{5}-\w{5}", made.text)
    assert not re.search(r"\w{5}-\w{5}-\w{5}-\w{5}", send("people", people).text)
    trial = send("people", people.replace("王五", "王伍") + "sun,孙七,,\n", dry_run="1").text
    assert "name: 王五 → 王伍" in trial
    assert "new account" in trial
    assert "王伍" not in browser.get("/people/accounts/").text
    sheet = send("people", "登录名,姓名\nzhao,赵六\n", as_file="1")
    assert sheet.data.startswith(b"PK")
    assert sheet.headers["Cache-Control"] == "no-store"
    for what in ("units", "people", "pairings"):
        assert browser.get(f"/people/import/{what}/template.xlsx").data.startswith(b"PK")
    assert browser.post("/people/import/units").status_code == 422


def test_somebody_with_several_posts_chooses_for_which_unit_to_act(
    app: Flask, browser: Browser, office: Office
) -> None:
    clerk = signed_in(app, office, "clerk", ("township", 2), ("township", 3))
    assert "The unit you act for" in clerk.get("/").text
    assert "The unit you act for" not in browser.get("/").text

    clerk.post("/people/acting", unit="3", next="/")
    clerk.post("/registers/demo/new", f_name="丙厂", _token="t" * 32)
    clerk.post("/people/acting", unit="1", next="/")  # no post there: nothing is chosen
    with browser.platform.reading(ME) as work:
        main = work.published("demo").tables.main
        query = main.select().where(main.c["name"] == "丙厂")
        assert [row["_unit"] for row in work.tx.execute(query).mappings()] == [3]


def test_accounts_stand_among_the_pages_of_people(browser: Browser) -> None:
    for page in ("/people/accounts/", "/people/accounts/1", "/people/accounts/new"):
        text = browser.get(page).text
        assert '<a href="/people/accounts/" aria-current="page">' in text, page
        assert '<a href="/people/units/">' in text
    assert '<a href="/people/accounts/">' in browser.get("/people/units/").text


#: page → the powers that may open it
OPENED: dict[str, set[str]] = {
    "/people/units/": {"system"}, "/people/units/1": {"system"}, "/people/units/new": {"system"},
    "/people/units/1/rename": {"system"}, "/people/import/units": {"system"},
    "/people/import/people": {"system", "security"}, "/people/posts/": {"security"},
    "/people/posts/new": {"security"}, "/people/posts/1/end": {"security"},
    "/people/posts/1/deputy": {"security"}, "/people/roles/": {"security"},
    "/people/roles/leader": {"security"}, "/people/roles/new": {"security"},
    "/people/pairings/": {"security"}, "/people/pairings/new": {"security"},
    "/people/import/pairings": {"security"}, "/people/find": {"security"},
    "/people/powers": {"system", "security"}, "/people/access/1": {"system", "security"},
    "/people/import/units/template.xlsx": {"system"}, "/definitions/": {"system"},
    "/registers/demo/": set(), "/registers/demo/1": set(),
}  # fmt: skip


def test_each_power_opens_its_own_pages_and_no_other(
    app: Flask, browser: Browser, office: Office
) -> None:
    visitors = {
        power: signed_in(app, office, power, (f"{power}_administrator", 1))
        for power in ("system", "security", "audit")
    }
    visitors["nobody"] = signed_in(app, office, "nobody")
    confirmed(browser, "/people/powers", do="on")

    for page, powers in OPENED.items():
        for power, visitor in visitors.items():
            status = visitor.get(page).status_code
            assert (status == 200) == (power in powers), (page, power, status)
            if power not in powers:
                assert status in (403, 404), (page, power, status)
    assert browser.get("/people/units/").status_code == 403  # the administrator has no effect


def test_the_powers_are_kept_apart_and_two_switch_it_off(
    app: Flask, browser: Browser, office: Office
) -> None:
    assert browser.post("/people/powers", do="on").status_code == 409
    system, security, _audit = (
        signed_in(app, office, power, (f"{power}_administrator", 1))
        for power in ("system", "security", "audit")
    )
    said = confirmed(browser, "/people/powers", do="on")
    assert "see 2 record rows → 0 record rows" in said  # the undivided administrator's
    assert security.post("/people/powers", do="off").status_code == 409
    assert system.post("/people/powers", do="ask").status_code == 302
    assert "system 同志" in security.get("/people/powers").text
    assert "see 0 record rows → 2 record rows" in confirmed(security, "/people/powers", do="off")
    assert "not kept apart" in system.get("/people/powers").text
    assert system.post("/people/powers", do="nonsense").status_code == 400
