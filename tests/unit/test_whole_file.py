"""A file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.services.whole_file import appearing


def test_a_file_is_replaced_when_all_of_it_is_written(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old")

    with appearing(target) as partial:
        partial.write_text("new")
        assert target.read_text() == "old"

    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_broken_off_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old")

    with pytest.raises(ZeroDivisionError), appearing(target) as partial:
        partial.write_text("ne")
        raise ZeroDivisionError

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
