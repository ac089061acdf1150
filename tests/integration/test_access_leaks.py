"""Nobody is told what is not theirs: every address is asked by every sort of person, and no
answer may hold a mark that stands in rows and fields the person may not see (AC-18, PR-176)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app import create_app
from app.config import Config
from app.services import attachments, records, removal
from app.services.together import comments
from app.storage import models
from tests.support.browser import Browser
from tests.support.office import Office
from tests.support.register import ME as SOMEBODY
from tests.support.register import definition, publish

#: who enters everything; none of the office's accounts
ME = replace(SOMEBODY, id=99)

#: what stands in whose rows; the secret and the phone stand in fields of their own
MARKS = {"a": "QMARKA", "a1": "QMARKAA", "b": "QMARKB"}
SECRET = {"a": "QSECRETA", "a1": "QSECRETAA", "b": "QSECRETB"}
PHONE = {"a": "13812340001", "a1": "13812340002", "b": "13812340003"}

FIRM = definition(
    "firm",
    register={
        "permissions": [
            {"role": ["township"], "may": ["see", "create"], "rows": "own-unit"},
            {"role": ["giib_staff", "leader"], "may": ["see"]},
        ]
    },
)
CASE = definition(
    "case",
    properties={
        "secret": {"title": "机密", "type": "string", "maxLength": 40},
        "phone": {"title": "电话", "type": "string", "format": "cn-mobile", "private": "phone"},
        "firm": {"title": "企业", "reference": "firm"},
        "paper": {"title": "材料", "type": "string", "format": "attachment"},
        "visits": {
            "title": "走访",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "who": {"title": "谁", "type": "string", "private": "name"},
                    "note": {"title": "记录", "type": "string"},
                },
            },
        },
        "shout": {"title": "喊", "computed": "secret + '!'"},
    },
    register={
        "search": ["name", "secret", "phone"],
        "filters": ["kind", "secret", "phone", "firm"],
        "list": ["name", "amount", "secret", "phone", "firm", "shout"],
        "permissions": [
            {
                "role": ["township"],
                "may": ["see", "create", "change", "delete", "export", "import"],
                "rows": "unit-and-below",
                "hide": ["secret", "shout"],
            },
            {"role": ["giib_staff"], "may": ["see", "export", "change", "whole"]},
            {"role": ["leader"], "may": ["see", "reveal"], "hide": ["secret", "shout"]},
        ],
    },
)


class Scene:
    def __init__(self, url: str, folder: Path) -> None:
        settings = {"DATABASE_URL": url, "DATA_DIR": str(folder), "SECRET_KEY": "k" * 40}
        self.app = create_app(
            Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()})
        )
        self.platform = self.app.extensions["taizhang"]
        publish(self.platform, FIRM, CASE)
        self.office = Office(self.platform)
        self.ids = {code: self.enter(code) for code in MARKS}
        self.browsers: dict[str, Browser] = {}

    def enter(self, code: str) -> dict[str, int]:
        """Enter a firm, a case with a file and a history, and a deleted case of one unit."""
        with self.platform.writing(ME) as work:
            firm = records.create(work, "firm", {"name": f"{MARKS[code]} firm"}).id
            file = attachments.store(
                work, "case", "paper", f"{MARKS[code]}.txt", "text/plain",
                io.BytesIO(MARKS[code].encode()),
            ).id  # fmt: skip
            raw: dict[str, Any] = {
                "name": f"{MARKS[code]} case", "secret": SECRET[code], "phone": PHONE[code],
                "firm": firm, "paper": [file], "amount": 5, "kind": "a",
                "visits": [{"who": f"王{MARKS[code]}", "note": f"{MARKS[code]} note"}],
            }  # fmt: skip
            case = records.create(work, "case", raw)
            records.change(
                work, "case", case.id, 1, {"secret": SECRET[code] + "2", "name": raw["name"] + "2"}
            )
            gone = records.create(work, "case", {**raw, "name": f"{MARKS[code]} gone"})
            removal.delete(work, "case", gone.id, 1, f"{MARKS[code]} reason")
            for slug in ("firm", "case"):
                main = work.published(slug).tables.main
                ids = [firm] if slug == "firm" else [case.id, gone.id]
                unit = self.office.units[code]
                work.tx.execute(main.update().where(main.c["_id"].in_(ids)).values(_unit=unit))
            debt = {
                "slug": "case", "record": case.id, "at": "/secret", "code": "rule.x",
                "sentence": f'["{SECRET[code]}", {{}}, true]', "since": work.now, "revision": 1,
            }  # fmt: skip
            work.tx.execute(models.debt.insert(), debt)
            comments.add(work, "case", case.id, f"{MARKS[code]} says")
        return {"firm": firm, "case": case.id, "gone": gone.id, "file": file}

    def browser(self, login: str) -> Browser:
        if login not in self.browsers:
            self.browsers[login] = Browser(self.app)
            self.browsers[login].sign_in(login)
        return self.browsers[login]


@pytest.fixture
def scene(url: str, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(url, tmp_path)
    yield made
    made.platform.database.dispose()


def addresses(scene: Scene) -> Iterator[str]:
    """Give every address of the two registers that reads, with every question one can ask."""
    yield from ("/", "/definitions/", "/definitions/case/", "/definitions/case/definition.json")
    yield from ("/inbox/", "/drafts/", "/notices/", "/people/", "/people/units/", "/audit/")
    every = [id for found in scene.ids.values() for id in found.values()]
    for slug in ("firm", "case"):
        root = f"/registers/{slug}/"
        yield root
        yield from (root + part for part in ("new", "bin", "changes", "debt", "import"))
        yield from (root + f"export.{format}" for format in ("csv", "xlsx", "jsonl"))
        yield from (root + part for part in ("template.xlsx", "returns/", "steps"))
        for id in sorted({*every, 999}):
            yield from (f"{root}{id}", f"{root}{id}/edit", f"{root}{id}/delete")
            yield from (f"{root}{id}?version=1", f"{root}{id}?history=all")
            yield from (f"{root}{id}/access", f"{root}{id}/people?q=", f"{root}{id}/step/submit")
    fields = ("name", "secret", "phone", "firm", "amount", "kind", "visits", "shout")
    for field in fields:
        yield from (f"/registers/case/?sort={sign}{field}" for sign in ("", "-"))
        yield f"/registers/case/lookup/{field}?q=Q"
    for code, field in product(MARKS, ("secret", "phone", "name")):
        value = {"secret": SECRET, "phone": PHONE, "name": MARKS}[field][code]
        yield from (f"/registers/case/?f.{field}{op}={value}" for op in ("", ".contains"))
        yield f"/registers/case/?q={value}"
        yield f"/registers/case/export.csv?q={value}"
    for field in ("secret", "shout", "phone"):
        yield from (f"/registers/case/?f.{field}.{op}=1" for op in ("empty", "present"))
    yield from ("/registers/case/lookup/firm", "/registers/case/lookup/firm?q=QMARK")
    for found, of in product(scene.ids.values(), scene.ids.values()):
        yield from (
            f"/attachments/{found['file']}",
            f"/attachments/{found['file']}?of={of['case']}",
        )


def text_of(answer: Any) -> str:
    """Return everything an answer says: headers, body, and what lies in a zipped body."""
    said = f"{answer.status} {answer.headers} "
    body = answer.data
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            said += " ".join(archive.read(n).decode("utf-8", "replace") for n in archive.namelist())
    return said + body.decode("utf-8", "replace")


def without_echo(said: str, address: str) -> str:
    """Return an answer without the question it repeats: what was asked for is known."""
    for value in re.findall(r"=([^&]+)", address):
        if len(value) > 4:
            said = said.replace(value, "")
    return said


ALL = [*MARKS.values(), *SECRET.values(), *PHONE.values()]


def allowed(login: str) -> list[str]:
    """Return the marks a person may meet. AA is below A; the longer mark is looked for first."""
    rows = {"clerk-a": ("a", "a1"), "clerk-a1": ("a1",), "clerk-b": ("b",), "outsider": ()}
    codes = rows.get(login, tuple(MARKS))
    found = [MARKS[code] for code in codes]
    if login == "staff":
        found += [*SECRET.values(), *PHONE.values()]
    return found


@pytest.mark.parametrize("login", ["clerk-a", "clerk-a1", "clerk-b", "staff", "reader", "outsider"])
def test_no_answer_holds_a_mark_that_is_not_the_persons(scene: Scene, login: str) -> None:
    browser, may = scene.browser(login), allowed(login)
    met: set[str] = set()

    for address in addresses(scene):
        said = without_echo(text_of(browser.get(address)), address)
        for mark in sorted(ALL, key=len, reverse=True):
            if mark in said:
                assert mark in may, f"{login} met {mark} at {address}"
                met.add(mark)
                said = said.replace(mark, "")

    assert met >= {m for m in may if not m.startswith("138")}, "the marks are there to be met"


def test_counts_do_not_vary_with_what_is_hidden(scene: Scene) -> None:
    """AC-23: whatever the hidden field holds, the answers are the same to the letter."""
    browser = scene.browser("clerk-a")
    asked = [
        "/registers/case/?f.secret=QSECRETA",
        "/registers/case/?f.secret.present=1",
        "/registers/case/?sort=secret",
        "/registers/case/?q=QSECRETA2",
        "/registers/case/export.csv",
    ]
    before = [strip(browser.get(address).text) for address in asked]

    with scene.platform.writing(ME) as work:
        main = work.published("case").tables.main
        work.tx.execute(main.update().values(secret=None))
        table = models.register
        work.tx.execute(
            sa.update(table).where(table.c.slug == "case").values(changes=table.c.changes + 1)
        )

    assert [strip(browser.get(address).text) for address in asked] == before


def strip(text: str) -> str:
    text = re.sub(r"请求号：\w+", "", text)
    return re.sub(r'(name="csrf_token" value|name="csrf-token" content)="[^"]*"', "", text)


#: what one may try with the id of another's record
TRIES: dict[str, Callable[[Browser, Scene, int], Any]] = {
    "record": lambda b, s, id: b.get(f"/registers/case/{id}"),
    "edit": lambda b, s, id: b.get(f"/registers/case/{id}/edit"),
    "change": lambda b, s, id: b.post(f"/registers/case/{id}/edit", _version="2", f_amount="7"),
    "ask to delete": lambda b, s, id: b.get(f"/registers/case/{id}/delete"),
    "delete": lambda b, s, id: b.post(f"/registers/case/{id}/delete", _version="2", reason="x"),
    "restore": lambda b, s, id: b.post(f"/registers/case/{id}/restore", to="1", _version="2"),
    "check": lambda b, s, id: b.post("/registers/case/check", _id=str(id), f_amount="7"),
    "undelete": lambda b, s, id: b.post(f"/registers/case/{id + 1}/undelete"),
}


@pytest.mark.parametrize("tried", TRIES.values(), ids=TRIES)
def test_the_record_of_another_unit_is_not_there(scene: Scene, tried: Any) -> None:
    """AC-19: 404, as for a record that never was, and nothing changes."""
    browser, other = scene.browser("clerk-a"), scene.ids["b"]["case"]
    before = state(scene)

    answer = tried(browser, scene, other)

    assert answer.status_code == 404, answer.text[:500]
    assert state(scene) == before


def state(scene: Scene) -> Any:
    with scene.platform.reading(ME) as work:
        main = work.published("case").tables.main
        stored = work.tx.execute(sa.select(main).order_by(main.c["_id"])).all()
        return stored, work.tx.scalar(sa.select(sa.func.count()).select_from(models.history))


SYSTEM = (
    "_id", "_version", "_revision", "_label", "_created_at", "_created_by", "_updated_by",
    "_deleted_at", "_deleted_by", "_unit", "_owner", "_state", "_state_since",
)  # fmt: skip


def test_system_columns_and_hidden_fields_are_never_taken_from_a_form(scene: Scene) -> None:
    """AC-21: whatever else a form sends, it is left out or refused."""
    browser, id = scene.browser("clerk-a"), scene.ids["a"]["case"]
    extra = {f"f_{name}": "3" for name in SYSTEM} | {name: "3" for name in SYSTEM[3:]}

    answer = browser.post(f"/registers/case/{id}/edit", {**extra, "_version": "2"}, f_amount="8")
    sly = browser.post(
        f"/registers/case/{id}/edit", {"_version": "3", "f_secret": "stolen"}, f_amount="9"
    )

    assert answer.status_code == 302, answer.text
    assert sly.status_code == 422
    with scene.platform.reading(ME) as work:
        record = records.get(work, "case", id)
        assert record.values["secret"] == SECRET["a"] + "2"
        assert (record.unit, record.owner, record.state) == (scene.office.units["a"], 99, None)
        assert str(record.values["amount"]) == "8.00"


def test_a_masked_value_comes_back_unchanged(scene: Scene) -> None:
    browser, id = scene.browser("clerk-a"), scene.ids["a"]["case"]
    form = browser.get(f"/registers/case/{id}/edit").text
    shown = re.search(r'name="f_phone"[^>]*value="([^"]*)"', form)

    answer = browser.post(
        f"/registers/case/{id}/edit",
        {"f_visits-rows": "1", "f_visits-0-who": "王" + "*" * 6, "f_visits-0-note": "neu"},
        _version="2", f_phone=shown[1] if shown else "", f_amount="6",
    )  # fmt: skip

    assert shown and shown[1] == "138****0001"
    assert answer.status_code == 302, answer.text
    with scene.platform.reading(ME) as work:
        values = records.get(work, "case", id).values
        assert values["phone"] == PHONE["a"]
        assert [dict(row) for row in values["visits"]] == [{"who": "王QMARKA", "note": "neu"}]


def test_a_private_value_is_shown_whole_to_who_may_one_at_a_time(scene: Scene) -> None:
    reader, clerk = scene.browser("reader"), scene.browser("clerk-a")
    place = f"/registers/case/{scene.ids['a']['case']}/reveal/"

    assert PHONE["a"] in reader.post(place + "phone").text
    assert PHONE["a"] not in reader.get(f"/registers/case/{scene.ids['a']['case']}").text
    assert reader.post(place + "secret").status_code == 400
    assert clerk.post(place + "phone").status_code == 403
    other = place.replace(str(scene.ids["a"]["case"]), str(scene.ids["b"]["case"]))
    assert clerk.post(other + "phone").status_code == 404


def test_a_file_of_another_cannot_be_put_into_ones_own_record(scene: Scene) -> None:
    browser, own = scene.browser("clerk-a"), scene.ids["a"]["case"]

    answer = browser.post(
        f"/registers/case/{own}/edit", _version="2", f_paper=str(scene.ids["b"]["file"])
    )

    assert answer.status_code == 422


def test_a_record_is_not_entered_for_another_unit_by_the_back_door(scene: Scene) -> None:
    """AC-24: a posted reference that the picker never offered is refused."""
    browser = scene.browser("clerk-a")

    answer = browser.post("/registers/case/new", f_name="neu", f_firm=str(scene.ids["b"]["firm"]))

    assert answer.status_code == 422
    assert MARKS["b"] not in answer.text
