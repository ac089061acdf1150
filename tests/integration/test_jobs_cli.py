"""``flask jobs`` and ``flask calendar``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from app import create_app
from app.config import Config
from app.services import seeding


@pytest.fixture
def flask(url: str, tmp_path: Path) -> Iterator[Callable[..., Result]]:
    """Run a command of the application on each engine in turn."""
    settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path / "var"), "SECRET_KEY": "k" * 40}
    app = create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))
    seeding.seed_calendar(app.extensions["taizhang"])

    def run(*words: object) -> Result:
        return app.test_cli_runner().invoke(args=[str(word) for word in words])

    yield run
    app.extensions["taizhang"].database.dispose()


def test_jobs_are_listed_and_run_once_for_a_due_time(flask: Callable[..., Result]) -> None:
    assert flask("jobs", "run", "tidy-jobs", "--due", "2026-03-02 03:20").exit_code == 0
    again = flask("jobs", "run", "tidy-jobs", "--due", "2026-03-02 03:20")
    assert again.exit_code == 1

    listed = flask("jobs", "list")
    assert listed.exit_code == 0
    assert "tidy-jobs" in listed.output
    found = {one["job"]: one for one in json.loads(flask("jobs", "list", "--json").output)}
    assert found["tidy-jobs"]["state"] == "done"
    assert found["tidy-jobs"]["next"].endswith("03:20:00+08:00")


def test_the_head_of_the_audit_log_is_written_by_a_job(
    flask: Callable[..., Result], tmp_path: Path
) -> None:
    assert flask("jobs", "run", "audit-heads").exit_code == 0

    assert "head" in (tmp_path / "var" / "audit-heads" / "heads.txt").read_text()


def test_a_job_nobody_knows_is_refused_with_those_there_are(flask: Callable[..., Result]) -> None:
    refused = flask("jobs", "run", "nothing")

    assert refused.exit_code == 1
    assert "tidy-jobs" in refused.output


def test_a_year_is_read_in_and_shown(flask: Callable[..., Result], tmp_path: Path) -> None:
    table = tmp_path / "2027.csv"
    table.write_text("日期,类型,名称\n2027-01-01,休,元旦\n2027-01-03,班,元旦\n", "utf-8")
    unknown = flask("calendar", "show", "2027")
    assert "尚未录入" in unknown.output

    assert flask("calendar", "import", table).exit_code == 0

    shown = json.loads(flask("calendar", "show", "2027", "--json").output)
    assert shown["known"]
    assert [day["on"] for day in shown["days"]] == ["2027-01-01", "2027-01-03"]
    assert shown["working_days"][0] == 21
    text = flask("calendar", "show", "2026").output
    assert "2026-02-14" in text
    assert "248" in text


def test_a_faulty_table_is_refused_with_its_line(
    flask: Callable[..., Result], tmp_path: Path
) -> None:
    table = tmp_path / "wrong.csv"
    table.write_text("日期,类型\n2027-13-01,休\n", "utf-8")

    refused = flask("calendar", "import", table)

    assert refused.exit_code == 1
    assert "2027-13-01" in refused.output
    assert flask("calendar", "show", "99999").exit_code == 1
