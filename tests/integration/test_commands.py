"""``flask register`` and its neighbours: exit status, sentences, JSON for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from app import create_app
from app.config import Config
from tests.support.register import definition


@pytest.fixture
def flask(url, tmp_path):
    """Run a command of the application on each engine in turn."""
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path / "var"), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))

    def run(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=[str(word) for word in words])

    yield run
    app.extensions["taizhang"].database.dispose()


@pytest.fixture
def file(tmp_path):
    """Write a definition to a file."""

    def write(document, name: str = "demo.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
        return path

    return write


def test_check_prints_every_problem_and_exits_with_1(flask, file):
    wrong = definition(register={"list": ["nope"], "sort": ["-nowhere"]})

    result = flask("register", "check", file(wrong))

    assert result.exit_code == 1
    assert "#/register/list/0" in result.output
    assert "#/register/sort/0" in result.output


def test_check_answers_scripts_in_json(flask, file):
    good, bad = file(definition("good"), "good.json"), file({"$id": "bad"}, "bad.json")

    result = flask("register", "check", good, bad, "--json")

    told = json.loads(result.stdout)
    assert told[str(good)] == []
    assert {"at", "code", "message", "severity"} == set(told[str(bad)][0])


def test_a_file_that_is_no_json_is_a_problem_with_its_place(flask, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"$id": ', "utf-8")

    result = flask("register", "check", path)

    assert (result.exit_code, "broken.json" in result.output) == (1, True)


def test_plan_changes_nothing_and_publish_does_it(flask, file):
    path = file(definition())

    planned = flask("register", "plan", path, "--json")
    before = flask("register", "list").stdout
    done = flask("register", "publish", path)
    again = flask("register", "publish", path, "--json")

    assert [s["code"] for s in json.loads(planned.stdout)["steps"]] == ["create"]
    assert before == ""
    assert (done.exit_code, flask("register", "list").stdout.split("\t")[:2]) == (0, ["demo", "1"])
    assert json.loads(again.stdout) == [{"slug": "demo", "revision": 1, "changed": False}]


def test_publish_refuses_without_yes_what_wants_a_confirmation(flask, file, tmp_path):
    flask("register", "publish", file(definition()))
    rows = tmp_path / "rows.csv"
    rows.write_text("名称,金额\n甲厂,5\n", "utf-8")
    assert flask("records", "import", "demo", rows).exit_code == 0
    without = file(definition(properties={"amount": None}, register={"list": None, "sort": None}))

    refused = flask("register", "publish", without)
    done = flask("register", "publish", without, "--yes")

    assert (refused.exit_code, done.exit_code) == (1, 0)
    assert "金额" in refused.stderr
    assert "1" in flask("register", "history", "demo").stdout


def test_show_prints_any_revision(flask, file):
    flask("register", "publish", file(definition()))
    flask("register", "publish", file(definition(title="新名")))

    first = json.loads(flask("register", "show", "demo", "--revision", "1").stdout)
    newest = json.loads(flask("register", "show", "demo").stdout)

    assert (first["title"], newest["title"]) == ("示例台账", "新名")
    assert flask("register", "show", "demo", "--revision", "9").exit_code == 1


def test_debt_names_rule_and_records(flask, file, tmp_path):
    flask("register", "publish", file(definition()))
    rows = tmp_path / "rows.csv"
    rows.write_text("名称,金额\n甲厂,5\n乙厂,\n", "utf-8")
    flask("records", "import", "demo", rows)
    flask("register", "publish", file(definition(required=["name", "amount"])), "--yes")

    told = json.loads(flask("register", "debt", "demo", "--json").stdout)

    assert [(r["code"], r["at"], r["records"]) for r in told["rules"]] == [
        ("schema.required", "/amount", 1)
    ]
    assert [r["record"] for r in told["records"]] == [2]


def test_backup_and_restore_from_the_command_line(flask, file, tmp_path):
    flask("register", "publish", file(definition()))
    kept = tmp_path / "backup.zip"

    assert flask("backup", kept).exit_code == 0
    assert flask("restore", kept).exit_code == 1  # not into a database that holds registers


@pytest.mark.parametrize(
    "words",
    [("register", "show"), ("register", "nope"), ("records", "export", "demo"), ("db", "down")],
)
def test_wrong_usage_exits_with_2(flask, words):
    assert flask(*words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [("show", "nope"), ("history", "nope"), ("debt", "nope")],
)
def test_a_register_that_is_not_there_is_a_refusal(flask, words):
    result = flask("register", *words)

    assert (result.exit_code, "nope" in result.stderr) == (1, True)


def test_a_database_without_tables_says_what_to_run(tmp_path):
    settings = {"TAIZHANG_DATA_DIR": str(tmp_path), "TAIZHANG_SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment(settings))

    result = app.test_cli_runner().invoke(args=["register", "list"])

    assert (result.exit_code, "flask db upgrade" in result.stderr) == (1, True)
    app.extensions["taizhang"].database.dispose()
