"""``flask records``: exit status, what is printed, and the files it leaves."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app import create_app
from app.config import Config
from app.storage.session import Database
from tests.integration.exchange_support import csv_of, platform_with

Run = Callable[..., Any]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    """Run a command as ``flask`` does, in English; return its exit status and output."""
    settings = {
        "DATABASE_URL": url,
        "DATA_DIR": str(tmp_path / "var"),
        "SECRET_KEY": "k" * 40,
        "LANGUAGE": "en",
    }
    config = Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()})
    app = create_app(config)
    database = Database(url)
    platform_with(database, tmp_path, "kitchen_sink")
    database.dispose()
    yield lambda *words: app.test_cli_runner().invoke(args=["records", *map(str, words)])
    app.extensions["taizhang"].database.dispose()


@pytest.fixture
def a_file(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: str, heading: str = "编号,名称,数量") -> Path:
        path = tmp_path / "rows.csv"
        path.write_text(csv_of(heading, rows), "utf-8")
        return path

    return write


def test_a_good_file_is_stored_and_counted(run: Run, a_file: Run) -> None:
    done = run("import", "kitchen_sink", a_file("K001,样品,1", "K002,样品,2"))

    assert done.exit_code == 0
    assert "2 created, 0 changed, 0 unchanged, 0 refused." in done.stdout


def test_a_refused_file_stores_nothing_and_leaves_a_report(
    run: Run, a_file: Run, tmp_path: Path
) -> None:
    bad = a_file("K001,样品,1", "K002,样品,=2", "X,样品,三")

    for name in ("report.csv", "report.xlsx"):
        done = run("import", "kitchen_sink", bad, "--report", tmp_path / name)
        assert done.exit_code == 1
        assert "2 rows have mistakes, the first is row 3" in done.stderr

    lines = list(csv.reader((tmp_path / "report.csv").read_text("utf-8-sig").splitlines()))
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx").active
    assert lines[0] == ["Row", "Column", "Value", "Reason"]
    assert [line[:3] for line in lines[1:]] == [
        ["3", "数量", "'=2"],
        ["4", "数量", "三"],
        ["4", "编号", "X"],
    ]
    assert (sheet["A2"].value, sheet["C2"].value, sheet["C2"].data_type) == (3, "=2", "s")
    assert run("show", "kitchen_sink", 1).exit_code == 1


def test_a_script_reads_json(run: Run, a_file: Run) -> None:
    path = a_file("K001,样品,1", "X,样品,1")

    stopped = run("import", "kitchen_sink", path, "--json")
    tried = run("import", "kitchen_sink", path, "--on-error", "skip", "--dry-run", "--json")
    skipped = run("import", "kitchen_sink", path, "--on-error", "skip", "--json")

    answers = [json.loads(done.stdout) for done in (stopped, tried, skipped)]
    assert [(a["created"], a["refused"], a["stored"]) for a in answers] == [
        (0, 1, False),
        (1, 1, False),
        (1, 1, True),
    ]
    assert answers[0]["problems"][0]["at"] == "/3/code"


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_an_export_comes_back_unchanged(run: Run, a_file: Run, tmp_path: Path, format: str) -> None:
    run("import", "kitchen_sink", a_file("K001,样品,1", "K002,=样品,2", "K003,样品,3"))
    out = tmp_path / f"out.{format}"

    sent = run(
        "export", "kitchen_sink", "--format", format, "--out", out,
        "--filter", "count >= 2", "--sort", "-code",
    )  # fmt: skip
    back = run("import", "kitchen_sink", out, "--mode", "update")

    assert (sent.exit_code, back.exit_code) == (0, 0)
    assert "2 records" in sent.stdout
    assert "0 created, 0 changed, 2 unchanged, 0 refused." in back.stdout


def test_a_refused_export_leaves_no_file(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"

    done = run("export", "kitchen_sink", "--format", "csv", "--out", out, "--filter", "nothing = 1")

    assert done.exit_code == 1
    assert "nothing" in done.stderr
    assert list(tmp_path.glob("out*")) == []


def test_a_record_and_its_history_are_shown(run: Run, a_file: Run) -> None:
    run("import", "kitchen_sink", a_file("K001,样品,1"))
    run("import", "kitchen_sink", a_file("K001,新名,1"), "--mode", "upsert")

    shown, told = run("show", "kitchen_sink", 1), run("history", "kitchen_sink", 1)

    assert "名称: 新名" in shown.stdout
    assert "样品 → 新名" in told.stdout
    assert run("show", "kitchen_sink", 9).exit_code == 1
    assert run("history", "nowhere", 1).exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["import", "kitchen_sink", "missing.csv"],
        ["import", "kitchen_sink"],
        ["import", "kitchen_sink", __file__, "--mode", "overwrite"],
        ["export", "kitchen_sink", "--format", "pdf", "--out", "x"],
        ["show", "kitchen_sink", "one"],
    ],
)
def test_wrong_usage_is_exit_status_2(run: Run, words: list[str]) -> None:
    assert run(*words).exit_code == 2


def test_a_file_of_no_known_kind_is_refused(run: Run) -> None:
    done = run("import", "kitchen_sink", __file__)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "py cannot be imported" in done.stderr
