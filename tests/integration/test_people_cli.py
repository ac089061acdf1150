"""``flask unit``, ``flask role``, ``flask user import``, and ``--as`` for records."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.config import Config
from app.services import records
from tests.support.appointing import Office
from tests.support.register import ME, definition, publish

FILL = {"permissions": {"fill": ["township"], "read": ["leader"]}, "scope": "own-organisation"}


@pytest.fixture
def app(url: str, tmp_path: Path) -> Iterator[Flask]:
    settings = {
        "DATABASE_URL": url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40, "LANGUAGE": "en",
    }  # fmt: skip
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    yield app
    app.extensions["taizhang"].database.dispose()


@pytest.fixture
def office(app: Flask) -> Office:
    office = Office(app.extensions["taizhang"])
    office.found("root")
    office.found("town", "root")
    publish(office.platform, definition(register=FILL))
    with office.platform.writing(ME) as work:
        for name, unit in (("甲厂", 2), ("乙厂", 1)):
            made = records.create(work, "demo", {"name": name})
            main = work.published("demo").tables.main
            work.tx.execute(main.update().where(main.c["_id"] == made.id).values(_unit=unit))
    return office


@pytest.fixture
def run(app: Flask, office: Office) -> Any:
    def call(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=list(words))

    return call


def test_a_role_is_granted_explained_and_revoked(run: Any, office: Office) -> None:
    number = office.person("zhang")

    assert run("role", "grant", "zhang", "township", "town").exit_code == 0
    assert office.standing(number).roles == {"township"}
    told = run("role", "explain", "zhang", "demo", "--record", "1", "--field", "amount")
    assert "see: 乡镇街道经办 in town" in told.output
    assert "may be changed" in told.output
    none = run("role", "explain", "zhang", "demo", "--record", "2")
    assert "Nothing" in none.output
    facts = json.loads(run("role", "explain", "zhang", "demo", "--record", "1", "--json").output)
    assert facts["may"]["see"] == [0]
    assert run("role", "revoke", "zhang", "township", "town").exit_code == 0
    assert office.standing(number).roles == set()
    assert run("role", "revoke", "zhang", "township", "town").exit_code == 1


def test_a_deputy_is_granted_for_a_time(run: Any, office: Office) -> None:
    office.person("holder", ("leader", 2))
    deputy = office.person("deputy")

    assert run("role", "grant", "deputy", "leader", "town", "--deputy-of", "holder").exit_code == 2
    given = ("--deputy-of", "holder", "--from", "2026-01-01", "--to", "2199-01-01")
    assert run("role", "grant", "deputy", "leader", "town", *given).exit_code == 0
    assert office.standing(deputy).holdings[0].deputy_for == "holder 同志"


@pytest.mark.parametrize(
    "words",
    [
        ("role", "grant", "nobody", "leader", "town"), ("role", "grant", "zhang", "x", "town"),
        ("role", "grant", "zhang", "leader", "nowhere"), ("role", "explain", "nobody", "demo"),
        ("role", "explain", "zhang", "nothing"),
        ("role", "explain", "zhang", "demo", "--record", "99"),
        ("role", "explain", "zhang", "demo", "--field", "nothing"),
        ("records", "show", "demo", "1", "--as", "nobody"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_in_a_sentence(
    run: Any, office: Office, words: tuple[str, ...]
) -> None:
    office.person("zhang")

    result = run(*words)

    assert result.exit_code == 1
    assert "There is no" in result.output + result.stderr


def test_files_come_in_by_command(run: Any, office: Office, tmp_path: Path) -> None:
    units, people = tmp_path / "units.csv", tmp_path / "people.csv"
    units.write_text("代码,名称,上级\nnew,新镇,root\n", "utf-8")
    people.write_text("登录名,姓名,单位代码,角色\nwang,王五,new,township\n", "utf-8")
    secret = tmp_path / "secret.csv"

    assert "nothing was stored" in run("unit", "import", str(units), "--dry-run").output
    assert "1 created" in run("unit", "import", str(units)).output
    assert "1 unchanged" in run("unit", "import", str(units)).output
    trial = run("user", "import", str(people), "--dry-run").output
    assert "Row 2, wang 王五:" in trial
    assert "new post: 乡镇街道经办 in 新镇" in trial
    [facts] = json.loads(run("user", "import", str(people), "--dry-run", "--json").output)["people"]
    assert (facts["new"], facts["posts"][0]["after"]["unit"]) == (True, "新镇")
    done = run("user", "import", str(people), "--passwords", str(secret))
    assert "1 created" in done.output
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "wang" in secret.read_text("utf-8-sig")
    units.write_text("代码,名称,上级\nx,新,nowhere\n", "utf-8")
    refused = run("unit", "import", str(units))
    assert refused.exit_code == 1
    assert "There is no unit nowhere" in refused.output + refused.stderr


def test_records_are_shown_as_somebody_sees_them(run: Any, office: Office, tmp_path: Path) -> None:
    office.person("clerk", ("township", 2))
    out = tmp_path / "out.csv"

    assert run("records", "show", "demo", "1", "--as", "clerk").exit_code == 0
    assert run("records", "show", "demo", "2", "--as", "clerk").exit_code == 1
    assert run("records", "history", "demo", "2", "--as", "clerk").exit_code == 1
    given = ("records", "export", "demo", "--format", "csv", "--out", str(out))
    assert run(*given, "--as", "clerk").exit_code == 0
    assert "甲厂" in out.read_text("utf-8-sig")
    assert "乙厂" not in out.read_text("utf-8-sig")


def test_records_come_in_in_somebodys_name(run: Any, office: Office, tmp_path: Path) -> None:
    office.person("clerk", ("township", 2))
    office.person("reader", ("leader", 2))
    file = tmp_path / "in.csv"
    file.write_text("name\n丙厂\n", "utf-8")

    assert run("records", "import", "demo", str(file), "--as", "reader").exit_code == 1
    assert run("records", "import", "demo", str(file), "--as", "clerk").exit_code == 0
    with office.platform.reading(ME) as work:
        main = work.published("demo").tables.main
        row = work.tx.execute(main.select().where(main.c["name"] == "丙厂")).mappings().one()
    assert (row["_unit"], row["_created_by"]) == (2, "clerk 同志")


def test_roles_are_listed(run: Any, office: Office) -> None:
    office.person("clerk", ("township", 2))

    found = {row["slug"]: row["held"] for row in json.loads(run("role", "list", "--json").output)}

    assert found["township"] == 1
    assert found["leader"] == 0
    assert "township" in run("role", "list").output
