"""The canonical form and the hash of an audit entry: never to change, or no old log is provable."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from app.faces import audited
from app.services import audit
from app.services.audit import searching
from app.services.audit.chain import canonical, hash_of
from app.services.audit.events import EVENTS
from app.services.audit.flood import Flood
from app.services.work import Actor
from app.translations.build import collect, places

ENTRY: dict[str, Any] = {
    "number": 7,
    "at": datetime.datetime(2026, 11, 24, 8, 30, 5),
    "actor": 3,
    "actor_name": "王芳",
    "unit": None,
    "face": "web",
    "address": "10.1.2.3",
    "session": 12,
    "request": "019ab",
    "event": "export.made",
    "result": "ok",
    "object_type": "register",
    "slug": "demo",
    "object_id": "",
    "revision": 2,
    "detail": '{"count": 120}',
    "before": "0" * 64,
}
ACTOR = Actor(1, "王芳", "web")


def test_the_canonical_form_is_json_with_sorted_keys_and_no_blanks() -> None:
    assert canonical(ENTRY).decode() == (
        '{"actor":3,"actor_name":"王芳","address":"10.1.2.3","at":"2026-11-24T08:30:05Z",'
        '"before":"' + "0" * 64 + '","detail":"{\\"count\\": 120}","event":"export.made",'
        '"face":"web","number":7,"object_id":"","object_type":"register","request":"019ab",'
        '"result":"ok","revision":2,"session":12,"slug":"demo","unit":null}'
    )


def test_the_hash_is_the_sha256_of_the_canonical_form() -> None:
    known = "fea14f4508e2bbfab75f2309b1afdce67484f9349f4b620a0c1e64dcad3ea332"

    assert hash_of(ENTRY) == known
    assert hash_of({**ENTRY, "hash": "whatever"}) == known


@pytest.mark.parametrize("name", ENTRY)
def test_the_hash_changes_with_every_value(name: str) -> None:
    value = ENTRY[name]
    if isinstance(value, datetime.datetime):
        other: Any = value + datetime.timedelta(seconds=1)
    else:
        other = 99 if isinstance(value, int) or value is None else value + "x"

    assert hash_of({**ENTRY, name: other}) != hash_of(ENTRY)


@pytest.mark.parametrize("name", ["password", "new_password", "token", "totp_secret", "cookie"])
def test_a_detail_may_not_speak_of_secrets(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        audit.entry(ACTOR, "setting.changed", None, {name: "x"}, "ok")


def test_an_event_nobody_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="coffee"):
        audit.entry(ACTOR, "coffee.made", None, {}, "ok")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("电话 13812345678 有误", "电话 138****5678 有误"),
        ("11010519491231002X", "110****002X"),
        ("a" * 400, "a" * 300 + "…"),
        ("编号 12345", "编号 12345"),
    ],
)
def test_telephones_and_identity_numbers_are_masked_and_texts_cut(written: str, kept: str) -> None:
    row = audit.entry(ACTOR, "setting.changed", None, {"change": [written]}, "ok")

    assert row["detail"] == audit.told({"change": [kept]})
    assert written not in row["detail"] or written == kept


def test_a_lone_surrogate_or_a_null_does_not_break_the_entry() -> None:
    row = audit.entry(ACTOR, "audit.read", None, {"query": "\ud800\x00"}, "ok")

    row["detail"].encode()
    assert "\x00" not in row["detail"]


def test_every_event_has_a_chinese_title_and_sentence() -> None:
    chinese, _ = collect()

    for code, event in EVENTS.items():
        assert len(code) <= 40
        assert chinese[event.title]
        assert places(chinese[event.told]) == places(event.told)


def test_every_heading_and_name_of_a_value_is_translated() -> None:
    chinese, _ = collect()
    named = (audited.HEADINGS, audited.OBJECTS, audited.RESULTS, audited.FACES, audited.VALUES)

    assert {word for words in named for word in words.values()} - set(chinese) == set()


def test_a_sentence_says_who_did_what_in_chinese() -> None:
    detail = audit.told({"title": "规上企业培育库", "count": 1200, "format": "xlsx"})
    at = datetime.datetime(2026, 1, 1)
    told = searching.Entry(**{**ENTRY, "at": at, "detail": detail, "hash": ""})

    assert audited.sentence(told) == "王芳 导出了“规上企业培育库”1,200 行（xlsx）。"
    names = ("command line", "seed", "background job", "")
    said = [audited.person(dataclasses.replace(told, actor_name=name)) for name in names]
    assert said == ["命令行", "系统", "后台任务", "未登录者"]
    assert audited.sentence(dataclasses.replace(told, detail="{}")) == "王芳 导出了“–”– 行（–）。"


def test_a_flood_of_entries_is_counted_and_told_with_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr("app.services.audit.flood.time.monotonic", lambda: clock[0])
    flood = Flood()

    passed = [flood.pass_by("request.forged") for _ in range(Flood.MOST + 5)]

    assert passed == [0] * Flood.MOST + [None] * 5
    assert flood.pass_by("sign_in.refused") == 0
    clock[0] += Flood.SPAN
    assert flood.pass_by("request.forged") == 5
