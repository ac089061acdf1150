"""Names that come from outside – fields, operators, orders, formats – are looked up, never written
into a statement: what is not known is refused, and nothing is changed. That no statement holds
what was typed is watched over the whole suite (``conftest``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app import create_app
from app.config import Config
from app.services import records
from tests.support.browser import Browser
from tests.support.register import ME, definition, publish
from tests.support.wholeness import digest

INJECTIONS = (
    "name'zq7", 'name"zq7', "name`zq7", "name--zq7", "name/*zq7*/", "name;DROP TABLE r_demo;--zq7",
    "CASE WHEN 1=1 THEN name ELSE zq7 END", "(SELECT zq7)", "name\x00zq7", "name.zq7",
    "r_demo._id.zq7", "name zq7", "name\nzq7", "name\x1bzq7", "_connector_zq7", "__class__zq7",
    "_id__zq7", "name__zq7", "_label_zq7", "password_hash_zq7", "1 UNION SELECT zq7", "%(zq7)s",
    "%szq7", ":zq7", "?zq7", "{zq7}", "${zq7}", "name) zq7 --", "\\zq7", "ＮＡＭＥzq7",
    "-" * 50 + "zq7", "zq7" * 300, "name COLLATE zq7", "name DESC, zq7", "$zq7$", "E'\\zq7'",
    "0x7a7137zq7",
    "\udcffzq7",
)  # fmt: skip
#: columns that are there and are nobody's to name
SYSTEM = ("_id", "_version", "_deleted_at", "_created_by", "_label", "_revision", "ctid", "rowid")


@pytest.fixture
def browser(url: str, tmp_path: Path) -> Iterator[Browser]:
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    browser = Browser(app)
    browser.sign_in()
    parent = {"title": "上级", "reference": "demo"}
    publish(browser.platform, definition(properties={"parent": parent}))
    with browser.platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲zq7", "amount": "1"})
    yield browser
    browser.platform.database.dispose()


def escaped(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe="")


@pytest.mark.parametrize("page", ["", "export.csv", "export.jsonl"])
def test_names_in_an_address_of_a_list_are_looked_up(browser: Browser, page: str) -> None:
    before = digest(browser.platform)

    for given in INJECTIONS:
        name = escaped(given)
        for query in (
            f"sort={name}", f"sort=-{name}", f"f.{name}=1", f"f.name.{name}=1", f"{name}=1",
            f"f.name={name}&sort={name}",
        ):  # fmt: skip
            answer = browser.get(f"/registers/demo/{page}?{query}")
            assert answer.status_code in (400, 404), (query, answer.status_code)
    for name in SYSTEM:
        for query in (f"f.{name}=1", f"sort=-{name}x"):
            assert browser.get(f"/registers/demo/{page}?{query}").status_code in (400, 404), name

    assert digest(browser.platform) == before


def test_names_in_a_path_are_looked_up(browser: Browser) -> None:
    before = digest(browser.platform)

    for given in INJECTIONS:
        name = escaped(given)
        for path in (
            f"/registers/{name}/", f"/registers/{name}/new", f"/registers/{name}/export.csv",
            f"/registers/demo/export.{name}", f"/registers/demo/lookup/{name}",
            f"/registers/demo/lookup/name?column={name}", f"/registers/demo/{name}",
            f"/registers/demo/1{name}", f"/definitions/{name}/", f"/attachments/{name}",
            f"/definitions/{name}/definition.json", f"/definitions/demo/?revision={name}",
        ):  # fmt: skip
            answer = browser.get(path)
            assert answer.status_code in (400, 404), (path, answer.status_code)
        upload = browser.post(f"/registers/demo/upload/{name}")
        assert upload.status_code in (400, 404), given

    assert digest(browser.platform) == before


def test_values_are_only_values(browser: Browser) -> None:
    before = digest(browser.platform)

    for given in INJECTIONS:
        value = escaped(given)
        for query in (
            f"q={value}", f"f.name={value}", f"f.name.contains={value}", f"f.parent={value}",
            f"f.kind.in={value}", f"f.amount.ge={value}", f"f.noted_on={value}",
        ):  # fmt: skip
            answer = browser.get(f"/registers/demo/?{query}")
            assert answer.status_code in (200, 400), (query, answer.status_code)
        answer = browser.get(f"/registers/demo/lookup/parent?q={value}")
        assert answer.status_code in (200, 400), given

    assert digest(browser.platform) == before


def test_fields_nobody_offers_are_not_stored(browser: Browser) -> None:
    system: dict[str, Any] = {f"f_{n}": "7" for n in (*SYSTEM, "id", "version", "deleted_at")}
    system |= {f"f_{n}": "zq7" for n in INJECTIONS if n.isascii()} | {n: "7" for n in SYSTEM[2:]}

    answer = browser.post("/registers/demo/new", {"f_name": "乙zq7", **system})

    assert answer.status_code == 302
    with browser.platform.reading(ME) as work:
        record = records.get(work, "demo", int(answer.location.rsplit("/", 1)[1]))
    assert (record.id, record.version, record.deleted_at) == (2, 1, None)
    assert {n for n, v in record.values.items() if v is not None} == {"name"}


def test_names_on_the_command_line_are_looked_up(browser: Browser, tmp_path: Path) -> None:
    before = digest(browser.platform)
    runner = browser.app.test_cli_runner()
    out = str(tmp_path / "out.csv")
    names = [n for n in INJECTIONS if "\x00" not in n and "\udcff" not in n]

    for name in names:
        export = ["records", "export", "demo", "--format", "csv", "--out", out]
        for command in (
            [*export, f"--sort={name}"], [*export, "--filter", f"{name} = 1"],
            [*export, "--filter", f"name {name} 1"], ["register", "history", "--", name],
            ["records", "export", "--format", "csv", "--out", out, "--", name],
            ["records", "show", "--", "demo", name], ["register", "show", "--", name],
            ["register", "debt", "--", name], ["records", "history", "--", name, "1"],
        ):  # fmt: skip
            done = runner.invoke(args=command)
            assert done.exit_code in (1, 2), (command, done.output)
            assert isinstance(done.exception, SystemExit), (command, done.exception)
            assert "Traceback" not in done.output and "sqlalchemy" not in done.output

    assert digest(browser.platform) == before


@pytest.mark.parametrize("text", ["'); DROP TABLE account;--zq7", "\\'zq7%s%(x)s:x", "普通 zq7"])
def test_a_default_fills_stored_rows_and_is_only_a_value(browser: Browser, text: str) -> None:
    note = {"title": "备注", "type": "string", "default": text}
    parent = {"title": "上级", "reference": "demo"}

    publish(browser.platform, definition(properties={"parent": parent, "note": note}))

    with browser.platform.reading(ME) as work:
        assert records.get(work, "demo", 1).values["note"] == text
