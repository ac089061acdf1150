"""A field or a register may be called what an office calls it: it works like any other, or is
refused with the reason. Every allowed name is compared with the name ``plain``."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.config import Config
from app.services import exchange, publishing, records
from tests.support.browser import Browser
from tests.support.register import ME, definition, publish
from tests.support.wholeness import digest

#: what forms, views, SQL, the engines, Python and the addresses keep for themselves
ALLOWED = (
    *("validate", "data", "errors", "meta", "process", "csrf_token", "id", "keys", "items"),
    *("values", "query", "metadata", "class", "order", "select", "table", "group", "user"),
    *("ctid", "xmin", "rowid", "oid", "tableoid", "sqlite_x", "sqlite_sequence", "pg_x", "f_x"),
    *("label", "version", "revision", "new", "bin", "check", "export", "import", "edit", "lookup"),
    *("def", "lambda", "none", "self", "type", "string", "size", "name_", "q", "sort", "page"),
    *("slug", "default", "primary", "index", "where", "x" * 40),
)
#: what expressions call so themselves; ``check`` says to write ``this.`` before it
SPELLED_OUT = ("import", "type", "string")
REFUSED = (
    *("", "Meta", "_fields", "__proto__", "__class__", "_id", "_version", "NAME", "a b", "a.b"),
    *("a" * 300, "名称", "名😀", "a-b", "a'b", 'a"b', "a`b", "a;--", "a%s", "a:b", "a\x00", "ａ"),
    *("old", "true", "null", "in", "this", "а", "a__b", "f.x", "-a", "1a", "a\n"),
)


@pytest.fixture
def browser(url: str, tmp_path: Path) -> Iterator[Browser]:
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    browser = Browser(app)
    browser.sign_in()
    yield browser
    browser.platform.database.dispose()


def named(name: str) -> dict[str, Any]:
    """Return a register called ``name`` whose first field is called so too."""
    spelled = f"this.{name}" if name in SPELLED_OUT else name
    return definition(
        name,
        title="名册",
        properties={
            **dict.fromkeys(("name", "amount", "kind", "noted_on")),
            name: {"title": "数", "type": "integer", "minimum": 0},
            "beside": {"title": "旁", "type": "string"},
            "twice": {"title": "倍", "type": "integer", "computed": f"{spelled} * 2"},
        },
        required=[name],
        register={
            "key": [name],
            "label": f"{{{name}}}",
            "list": [name, "beside", "twice"],
            "search": ["beside"],
            "filters": [name],
            "sort": [f"-{name}"],
            "rules": [{"check": f"{spelled} < 100", "at": name, "message": "过大"}],
        },
    )


def life(browser: Browser, name: str) -> list[Any]:
    """Live a record's life in the register ``name``; return what was seen, the name taken out."""
    root, field = f"/registers/{name}/", f"f_{name}"
    publish(browser.platform, named(name))
    seen: list[Any] = [browser.get(f"{root}new").status_code]
    for wrong in ("-1", "", "200", "x", "1.5"):
        seen.append(browser.post(f"{root}new", {field: wrong, "f_beside": "旁zq7"}).status_code)
    judged = browser.post(f"{root}check", {field: "200"}).json
    seen += [sorted(judged["errors"]), judged["computed"]]
    entered = browser.post(f"{root}new", {field: "5", "f_beside": "旁zq7"})
    seen += [entered.status_code, browser.get(entered.location).status_code]
    for query in (f"f.{name}=5", f"f.{name}.ge=6", f"sort={name}", f"sort=-{name}", "q=zq7"):
        page = browser.get(f"{root}?{query}")
        seen.append((page.status_code, page.text.count("旁zq7")))
    file = browser.get(f"{root}export.csv")
    seen.append(file.data.decode("utf-8-sig"))
    with browser.platform.writing(ME) as work:
        report = exchange.import_file(
            work, name, io.BytesIO(file.data), format="csv", mode="upsert", on_error="stop"
        )
    seen.append((report.created, report.changed, report.unchanged))
    edited = browser.post(
        f"{entered.location}/edit", {field: "6", "f_beside": "旁zq7", "_version": "1"}
    )
    seen.append(edited.status_code)
    with browser.platform.reading(ME) as work:
        id = int(entered.location.rsplit("/", 1)[1])
        record = records.get(work, name, id)
        seen.append((record.version, record.label, dict(record.values)))
    seen.append(browser.get(f"/definitions/{name}/").status_code)
    return [re.sub(rf"\b{re.escape(name)}\b", "NAME", str(one)) for one in seen]


def test_every_allowed_name_works_like_any_other(browser: Browser) -> None:
    plain = life(browser, "plain")
    assert plain[:6] == ["200", "422", "422", "422", "422", "422"]

    for name in ALLOWED:
        assert life(browser, name) == plain, name


def test_every_other_name_is_refused_with_the_reason(browser: Browser) -> None:
    before = digest(browser.platform)

    for name in REFUSED:
        field = named("fine")
        field["properties"][name] = {"title": "数", "type": "integer"}
        with browser.platform.reading(ME) as work:
            for document in (field, {**named("fine"), "$id": name}):
                if document["$id"] == name and name in ("old", "true", "null", "in", "this"):
                    continue
                problems = publishing.check(work, document)
                assert problems and all(p.sentence() for p in problems), name
                assert any(p.at.startswith(("/properties", "/$id")) for p in problems), name

    assert digest(browser.platform) == before


def test_names_that_nearly_meet_stay_apart(browser: Browser) -> None:
    near = [("x" * 39 + "a", "x" * 39 + "b"), ("ab", "a_b"), ("ctid", "ctid_1"), ("f_a", "a")]
    for one, other in near:
        both = {n: {"title": n, "type": "string"} for n in (one, other)}
        for slug in (one, other):
            publish(browser.platform, definition(slug, properties=both))
        with browser.platform.writing(ME) as work:
            made = records.create(work, one, {"name": "甲zq7", one: "这zq7"})
            read = records.get(work, one, made.id).values
            assert (read[one], read.get(other)) == ("这zq7", None)
        assert "甲zq7" not in browser.get(f"/registers/{other}/").text
