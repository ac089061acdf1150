"""The line of sums below an export: written, and passed over when the file comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.services import exchange, lists, publishing, records
from app.services.work import Platform
from tests.support.register import ME, definition, publish

AMOUNTS = [("甲", "1.10"), ("乙", "2.20"), ("丙", None)]


def summed(platform: Platform, **register: Any) -> None:
    publish(platform, definition(register={"totals": ["amount"], **register}))
    with platform.writing(ME) as work:
        for name, amount in AMOUNTS:
            records.create(work, "demo", {"name": name, "amount": amount})


def exported(platform: Platform, path: Path) -> None:
    with platform.reading(ME) as work:
        exchange.export(work, "demo", lists.Query(sort="name"), path.suffix[1:], path)


def test_the_last_line_holds_the_sums(platform: Platform, tmp_path: Path) -> None:
    summed(platform)

    exported(platform, tmp_path / "a.csv")

    lines = (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 5
    assert lines[-1] == "合计,3.30,,"


def test_without_records_there_is_nothing_to_sum(platform: Platform, tmp_path: Path) -> None:
    publish(platform, definition(register={"totals": ["amount"]}))

    exported(platform, tmp_path / "a.csv")

    assert len((tmp_path / "a.csv").read_text("utf-8-sig").splitlines()) == 1


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_an_export_with_sums_comes_back_as_it_was(
    platform: Platform, tmp_path: Path, format: str
) -> None:
    summed(platform)
    path = tmp_path / f"a.{format}"
    exported(platform, path)

    with platform.writing(ME) as work:
        report = exchange.import_file(work, "demo", path, mode="update")

    assert (report.total, report.faulty, report.unchanged) == (3, 0, 3)


@pytest.mark.parametrize(
    ("line", "kept"),
    [("总计,5", 0), ("合 计,5.00", 0), ("合计,", 1), ('合计,"1,234.5"', 0), ("合计村,5", 1)],
)
def test_only_a_line_of_sums_is_passed_over(
    platform: Platform, tmp_path: Path, line: str, kept: int
) -> None:
    publish(platform, definition())
    path = tmp_path / "a.csv"
    path.write_text(f"名称,金额\n甲,1\n{line}\n", "utf-8")

    with platform.writing(ME) as work:
        report = exchange.import_file(work, "demo", path)

    assert report.total == 1 + kept


def test_only_numbers_are_summed(platform: Platform) -> None:
    with platform.reading(ME) as work:
        found = publishing.check(work, definition(register={"totals": ["name", "amount"]}))

    assert [problem.at for problem in found] == ["/register/totals/0"]
