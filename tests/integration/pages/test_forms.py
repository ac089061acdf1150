"""Forms: what a person types is judged, kept, stored once, and never lost, on both engines."""

from __future__ import annotations

import copy
import html
import io
import re
from typing import Any

import pytest

from app.services import records
from tests.support.browser import Browser, sink
from tests.support.register import OTHER, definition, publish

NEW, ROOT = "/registers/demo/new", "/registers/demo/"
#: names that Flask-Admin's or WTForms' own forms cannot have
AWKWARD = (
    *("validate", "data", "errors", "meta", "process", "populate_obj", "csrf_token", "csrf"),
    *("id", "keys", "items", "query", "metadata", "class", "hidden_tag", "obj", "prefix"),
)


def hidden(page: str, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


def stored(browser: Browser, id: int, slug: str = "demo") -> Any:
    with browser.platform.reading(OTHER) as work:
        return records.get(work, slug, id)


def count(browser: Browser, slug: str = "demo") -> str:
    found = re.search(r"共 ([\d,]+) 条", browser.get(f"/registers/{slug}/").text)
    assert found
    return found[1]


def test_record_is_entered_changed_and_shown(browser, register):
    register(definition())
    form = browser.get(NEW).text

    entered = browser.post(
        NEW, _token=hidden(form, "_token"), f_name=" 甲厂 ", f_amount="１２．５", f_kind="a"
    )
    page = browser.get(entered.location)
    edit = browser.get(entered.location + "/edit").text
    changed = browser.post(
        entered.location + "/edit", f_amount="13", f_name="甲厂", _version=hidden(edit, "_version")
    )

    assert entered.status_code == 302 and "甲厂" in page.text and "12.50" in page.text
    assert changed.status_code == 302
    told = browser.get(changed.location).text
    assert "13.00" in told and "<del>12.50</del>" in told and "甲" in told


def test_refused_form_comes_back_with_every_mistake_and_everything_typed(browser, register):
    register(definition())

    answer = browser.post(NEW, f_name="", f_amount="十二", f_kind="zzz", f_noted_on="2024年6月")

    assert answer.status_code == 422 and count(browser) == "0"
    for typed in ('value="十二"', 'value="2024年6月"', 'value="zzz" selected'):
        assert typed in answer.text
    for target in ("#f_name", "#f_amount", "#f_kind", "#f_noted_on"):
        assert f'href="{target}"' in answer.text
    assert re.search(r'id="f_amount"[^>]*aria-describedby="f_amount-said"', answer.text)


def test_form_sent_twice_makes_one_record(browser, register):
    register(definition())
    token = hidden(browser.get(NEW).text, "_token")

    first = browser.post(NEW, _token=token, f_name="甲厂")
    again = browser.post(NEW, _token=token, f_name="甲厂")
    other = browser.post(NEW, _token=token, f_name="乙厂")

    assert first.location == again.location and count(browser) == "1"
    assert other.status_code == 422 and 'value="乙厂"' in other.text
    assert browser.post(NEW, _token=hidden(other.text, "_token"), f_name="乙厂").status_code == 302


def test_second_of_two_savers_sees_both_and_keeps_what_they_typed(browser, register, store):
    register(definition())
    id = store("demo", name="甲厂", amount="1", kind="a")
    mine = {"_version": 1, "_revision": 1, "f_name": "甲厂", "f_amount": "3", "f_kind": "a"}
    with browser.platform.writing(OTHER) as work:
        records.change(work, "demo", id, 1, {"amount": "2", "kind": "b"})

    answer = browser.post(f"{ROOT}{id}/edit", mine)
    again = browser.post(
        f"{ROOT}{id}/edit", mine, _version=hidden(answer.text, "_version"), f_kind="b"
    )

    assert answer.status_code == 409 and "李雷" in answer.text
    assert 'name="f_amount" type="text" inputmode="decimal" value="3"' in answer.text
    assert '<option value="b" selected>乙</option>' in answer.text and "双方都改了" in answer.text
    assert again.status_code == 302
    values = stored(browser, id).values
    assert (str(values["amount"]), values["kind"]) == ("3.00", "b")


def test_warning_is_confirmed_by_the_person_and_kept(browser, register):
    rule = {
        "name": "big",
        "check": "amount < 100.0",
        "at": "amount",
        "message": "金额异常",
        "severity": "warning",
    }
    register(definition(register={"rules": [rule]}))

    asked = browser.post(NEW, f_name="甲厂", f_amount="500")
    code = hidden(asked.text, "_confirmed")
    done = browser.post(NEW, f_name="甲厂", f_amount="500", _confirmed=code)

    assert asked.status_code == 409 and "金额异常" in asked.text and "我已核实" in asked.text
    assert done.status_code == 302 and count(browser) == "1"


def test_form_is_judged_while_it_is_filled_and_nothing_is_stored(browser, register):
    register(sink())
    lines = {
        "f_lines-rows": "1",
        "f_lines-0-item": "",
        "f_lines-3-item": "设备",
        "f_lines-3-amount": "x",
    }

    answer = browser.post(
        "/registers/kitchen_sink/check",
        lines,
        f_code="K1",
        f_name="电机",
        f_count="3",
        f_price="2.5",
        f_flag="false",
    ).json

    assert answer["computed"]["total"] == "7.50"
    assert set(answer["errors"]) >= {"/code", "/lines/3/amount"}
    assert answer["visible"] == {"secret": True} and answer["editable"] == {"sealed": False}
    assert count(browser, "kitchen_sink") == "0"


def test_child_rows_and_several_choices_are_edited_in_their_parent(browser, register):
    register(sink())
    root = "/registers/kitchen_sink/"
    form = {"f_code": "K001", "f_name": "电机", "f_lines-rows": "1", "f_tags": ["", "a", "c"]}
    rows = {
        **{
            "f_lines-7-item": "后",
            "f_lines-7-amount": "2",
            "f_lines-2-item": "先",
            "f_lines-2-amount": "1",
        },
        "f_lines-4-item": " ",
    }

    made = browser.post(f"{root}new", {**form, **rows})
    edit = browser.get(made.location + "/edit").text
    emptied = browser.post(
        made.location + "/edit",
        {"f_lines-rows": "1", "f_tags": ""},
        _version=hidden(edit, "_version"),
    )

    id = int(made.location.rsplit("/", 1)[1])
    assert re.findall(r'name="f_lines-(\d)-item" type="text" value="([^"]*)"', edit) == [
        ("0", "先"),
        ("1", "后"),
    ]
    assert re.findall(r'name="f_tags" value="(\w)" checked', edit) == ["a", "c"]
    assert emptied.status_code == 302
    assert stored(browser, id, "kitchen_sink").values["lines"] is None
    assert stored(browser, id, "kitchen_sink").values["tags"] is None
    assert stored(browser, id, "kitchen_sink").values["name"] == "电机"


@pytest.mark.parametrize("name", AWKWARD)
def test_field_of_any_name_is_judged_and_kept(browser, register, name):
    limited = {"title": "限长", "type": "string", "maxLength": 3}
    register(definition(properties={name: limited}))

    refused = browser.post(NEW, {"f_name": "甲厂", f"f_{name}": "四个字啊"})
    made = browser.post(NEW, {"f_name": "甲厂", f"f_{name}": "三个字"})

    assert refused.status_code == 422 and f'href="#f_{name}"' in refused.text
    assert stored(browser, int(made.location.rsplit("/", 1)[1])).values[name] == "三个字"


def test_record_is_deleted_with_a_reason_and_brought_back(browser, register, store):
    register(definition())
    id = store("demo", name="甲厂")

    nothing = browser.post(f"{ROOT}{id}/delete", _version=1, reason=" ")
    gone = browser.post(f"{ROOT}{id}/delete", _version=1, reason="重复录入")
    listed = browser.get(f"{ROOT}bin").text
    seen = browser.get(f"{ROOT}{id}")
    back = browser.post(f"{ROOT}{id}/undelete")

    assert nothing.status_code == 422 and gone.status_code == 302
    assert "重复录入" in listed and "这条记录在回收站中" in seen.text
    assert back.status_code == 302 and count(browser) == "1"


def test_record_is_shown_as_it_was_and_restored(browser, register, store):
    register(definition())
    id = store("demo", name="甲厂", amount="1")
    browser.post(f"{ROOT}{id}/edit", _version=1, f_amount="2")

    past = browser.get(f"{ROOT}{id}?version=1")
    restored = browser.post(f"{ROOT}{id}/restore", to=1, _version=2)
    late = browser.post(f"{ROOT}{id}/restore", to=1, _version=2)

    assert "第 1 次保存时的样子" in past.text and "1.00" in past.text
    assert restored.status_code == 302 and str(stored(browser, id).values["amount"]) == "1.00"
    assert late.status_code == 302 and stored(browser, id).version == 3


def test_file_is_kept_under_its_own_name_and_only_given_out_to_be_saved(browser, register):
    register(sink())
    root = "/registers/kitchen_sink/"

    def send(name: str, content: bytes, type: str, field: str = "file") -> Any:
        file = (io.BytesIO(content), name, type)
        return browser.post(f"{root}upload/{field}", {"file": file})

    kept = send("营业执照 2024.pdf", b"%PDF-1.4 x", "application/pdf")
    made = browser.post(f"{root}new", f_code="K001", f_name="电机", f_file=["", kept.json["id"]])
    given = browser.get(kept.json["url"])

    assert "营业执照 2024.pdf" in browser.get(made.location).text
    assert given.data == b"%PDF-1.4 x"
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in given.headers["Content-Security-Policy"]
    assert send("a.html", b"<script>", "text/html").status_code == 422
    assert send("a.pdf", b"<script>", "application/pdf").status_code == 422
    assert send("a.pdf", b"", "application/pdf").status_code == 422
    assert send("a.pdf", b"%PDF-", "application/pdf", "name").status_code == 404
    assert browser.post(f"{root}upload/file").status_code == 422


@pytest.mark.parametrize(
    "path", ["new", "1/edit", "1/delete", "1/undelete", "1/restore", "import", "check"]
)
def test_nothing_is_written_without_the_forms_token(browser, register, store, path):
    register(definition())
    store("demo", name="甲厂")

    answer = browser.client.post(
        ROOT + path, data={"f_name": "乙厂", "_version": "1", "reason": "x", "to": "1"}
    )

    assert answer.status_code == 400 and count(browser) == "1"
    assert stored(browser, 1).version == 1


@pytest.mark.parametrize(
    "form",
    [
        *({"_version": "x"}, {"_version": "-1"}, {"_version": "9" * 30}, {"_revision": "9" * 30}),
        *(
            {"f_name": "a\x00b"},
            {"f_name": "\ud800"},
            {"f_amount": "1e999999"},
            {"f_amount": "NaN"},
        ),
        *({"f_name": "x" * 100_000}, {"f_kind": ["a", "b"]}, {"f_nope": "1"}, {"_id": "9" * 30}),
    ],
)
def test_form_filled_with_anything_is_answered_calmly(browser, register, store, form):
    register(definition())
    id = store("demo", name="甲厂")
    form = {
        k: v.encode("utf-8", "surrogatepass") if isinstance(v, str) else v for k, v in form.items()
    }

    for path in (NEW, f"{ROOT}{id}/edit", f"{ROOT}check"):
        answer = browser.post(path, {"_version": "1", **form})
        assert answer.status_code in (200, 302, 400, 409, 422)


@pytest.mark.parametrize("typed", ["9" * 5000, "9" * 18, "-1", "0", "牧原", "1.5", "１", "[1]"])
def test_reference_to_anything_is_answered_calmly(browser, register, typed):
    register(sink())
    rows = {"f_lines-rows": "1", "f_lines-0-item": "a", "f_lines-999999-amount": typed}
    form = {**rows, "f_code": "K001", "f_name": "电机", "f_link": typed, "f_file": typed}
    form |= {
        "f_photos": [typed, typed],
        "_version": "9" * 18,
        "_revision": "9" * 18,
        "_id": "9" * 18,
    }

    for path in ("new", "check"):
        answer = browser.post(f"/registers/kitchen_sink/{path}", form)
        assert answer.status_code in (404, 422)


# ── a form that was opened before the definition changed


def revised(browser: Browser, **changes: Any) -> None:
    publish(browser.platform, definition(**copy.deepcopy(changes)))


def sent(browser: Browser, id: int, **form: Any) -> Any:
    return browser.post(
        f"{ROOT}{id}/edit", {"_version": 1, "_revision": 1, "f_name": "甲厂", **form}
    )


def test_old_form_is_saved_where_its_meaning_is_unchanged(browser, register, store):
    register(definition())
    id = store("demo", name="甲厂", amount="1")
    revised(browser, properties={"extra": {"title": "新增", "type": "string"}})

    answer = sent(browser, id, f_amount="2")

    assert answer.status_code == 302 and str(stored(browser, id).values["amount"]) == "2.00"


def test_entry_of_an_old_form_follows_its_renamed_field(browser, register, store):
    register(definition())
    id = store("demo", name="甲厂", amount="1")
    money = {"title": "金额", "type": "number", "scale": 2, "unit": "万元", "was": "amount"}
    listed = {"list": ["name", "money"], "sort": ["-money"]}
    revised(browser, properties={"amount": None, "money": money}, register=listed)

    answer = sent(browser, id, f_amount="2")

    assert answer.status_code == 302 and str(stored(browser, id).values["money"]) == "2.00"


@pytest.mark.parametrize(
    "changes",
    [
        {"properties": {"amount": None}, "register": {"list": ["name"], "sort": ["name"]}},
        {"properties": {"amount": {"title": "金额", "type": "number", "scale": 2, "unit": "元"}}},
        {"properties": {"amount": {"title": "金额", "type": "string"}}},
    ],
)
def test_old_form_whose_field_is_gone_or_means_something_else_comes_back(
    browser, register, store, changes
):
    register(definition())
    id = store("demo", name="甲厂", amount="1")
    revised(browser, **changes)

    answer = sent(browser, id, f_amount="2.5", f_name="改名厂")

    assert answer.status_code == 409 and stored(browser, id).values["name"] == "甲厂"
    assert "2.5" in answer.text and 'value="改名厂"' in answer.text and "金额" in answer.text
    again = browser.post(
        f"{ROOT}{id}/edit", _version=1, _revision=hidden(answer.text, "_revision"), f_name="改名厂"
    )
    assert again.status_code == 302


def test_old_form_is_refused_by_todays_rules(browser, register, store):
    register(definition())
    id = store("demo", name="甲厂", amount="1", kind="a")
    kinds = {"title": "类别", "type": "string", "oneOf": [{"const": "a", "title": "甲"}]}
    revised(browser, properties={"kind": kinds}, required=["name", "noted_on"])

    dropped = sent(browser, id, f_kind="b")
    fresh = browser.post(NEW, _revision=1, f_name="乙厂")

    assert dropped.status_code == 422 and fresh.status_code == 422 and 'value="乙厂"' in fresh.text


def test_the_value_that_did_not_fit_stands_beside_its_field(browser, register, store):
    register(definition("sized", properties={"size": {"title": "规模", "type": "string"}}))
    store("sized", name="甲厂", size="约一百人")
    register(definition("sized", properties={"size": {"title": "规模", "type": "integer"}}))

    assert "约一百人" in browser.get("/registers/sized/1/edit").text
