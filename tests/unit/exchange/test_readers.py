"""Csv files as offices save them, heading rows, and cells that look like formulas."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FileRefused
from app.services.exchange.cells import guard, looks_rewritten, unguard
from app.services.exchange.readers import CSV, XLSX, detect, read_table
from tests.support.sheets import workbook

KNOWN = {"名称", "营业收入", "年度"}


def score(row: Any) -> int:
    return sum(cell in KNOWN for cell in row)


def table(content: bytes) -> tuple[list[Any], list[tuple[int, list[Any]]]]:
    found = read_table(io.BytesIO(content), CSV, score)
    return list(found.heading), [(n, list(cells)) for n, cells in found.rows]


def code_of(content: bytes) -> str:
    with pytest.raises(FileRefused) as refusal:
        table(content)
    return refusal.value.problems[0].code


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
def test_the_encoding_is_the_one_that_reads_everything(encoding: str, found: str) -> None:
    text = "名称,年度\n卧龙区企业,2024\n" * 3 + ("" if encoding == "gbk" else "\U00020bb7,2025\n")

    assert detect(io.BytesIO(text.encode(encoding))) == found
    assert table(text.encode(encoding))[0] == ["名称", "年度"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xff\xfe,1\n", "file.encoding"),
        ("名称\n甲\x00乙\n".encode(), "file.nul"),
        (b"PK\x03\x04", "file.not_text"),
        (b"", "file.empty"),
        (b"\n\n,,\n", "file.empty"),
        ('名称,年度\n"甲,2024\n'.encode(), "file.csv"),
        ("名称,年度\n".encode() + b"x" * 200_000, "file.csv"),
    ],
)
def test_what_is_no_csv_is_refused(content: bytes, code: str) -> None:
    assert code_of(content) == code


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_the_one_that_shows_the_headings(delimiter: str) -> None:
    text = f"名称{delimiter}年度\n甲,乙；丙{delimiter}2024\n"
    if delimiter == ",":
        text = text.replace("甲,乙；丙", '"甲,乙；丙"')

    assert table(text.encode()) == (["名称", "年度"], [(2, ["甲,乙；丙", "2024"])])


def test_rows_keep_the_numbers_that_a_spreadsheet_shows() -> None:
    text = '名称,年度\n"一\n二",1\n\n,\n三,4\n'

    assert table(text.encode())[1] == [(2, ["一\n二", "1"]), (5, ["三", "4"])]


def test_the_heading_row_is_found_below_title_and_unit() -> None:
    sheet = [
        ["规上企业培育库（2024年）"],
        ["单位：万元"],
        ["序号", "名称", "营业收入"],
        [1, "甲", 3],
    ]

    found = read_table(workbook(sheet), XLSX, score)

    assert (found.heading_row, found.heading) == (3, ["序号", "名称", "营业收入"])
    assert list(found.rows) == [(4, [1, "甲", 3])]


def test_the_first_row_is_the_heading_when_none_is_known() -> None:
    assert table(b"a,b\n1,2\n")[0] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+86",
        "-5",
        "@x",
        "\tx",
        "\rx",
        "\nx",
        "＝1",
        "＋1",
        "－1",
        "＠a",
        " =1",
        "'=1",
        '"=1',
        "''-",
    ],
)
def test_a_text_that_looks_like_a_formula_is_made_harmless(text: str) -> None:
    assert guard(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "甲", "1-2", "a=b", "'甲'", "O'Neil", "（=1）"])
def test_an_ordinary_text_stays(text: str) -> None:
    assert guard(text) == text


@given(st.text(alphabet="=+-@\t\r\n＝＠ '\"a1甲", max_size=6) | st.text())
def test_the_guard_is_taken_off_exactly(text: str) -> None:
    assert unguard(guard(text)) == text


@pytest.mark.parametrize("text", ["9.14E+17", "1.10101E+17", "1E+18", " 9.1e17 "])
def test_a_rewritten_code_is_recognised(text: str) -> None:
    assert looks_rewritten(text)


@pytest.mark.parametrize("text", ["1E5", "2E3", "91411300MA1E17", "1.5", "E17", "1E+9"])
def test_a_code_with_an_e_is_not(text: str) -> None:
    assert not looks_rewritten(text)
