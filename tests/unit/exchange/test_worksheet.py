"""The cells of a worksheet, as the reader understands them."""

from __future__ import annotations

import datetime
import io
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from app.errors import FileRefused
from app.services.exchange.cells import FORMULA, MERGED, Spoiled
from app.services.exchange.guard import Package
from app.services.exchange.workbook import open_workbook
from app.services.exchange.worksheet import rows
from tests.support.sheets import MAIN, raw_workbook, saved, text_cell, workbook


def read(stream: io.BytesIO, sheet: str | None = None) -> dict[int, list[Any]]:
    package = Package(stream)
    return dict(rows(package, open_workbook(package, sheet)))


def one(stream: io.BytesIO) -> Any:
    return read(stream)[1][0]


def number(value: str, style: str = "") -> str:
    return f'<row r="1"><c r="A1"{style}><v>{value}</v></c></row>'


def code_of(stream: io.BytesIO) -> str:
    with pytest.raises(FileRefused) as refusal:
        read(stream)
    return refusal.value.problems[0].code


def test_the_reader_agrees_with_an_independent_one() -> None:
    moment = datetime.datetime(2024, 6, 30, 8, 0, 1)
    day = datetime.date(2024, 6, 30)
    sheet = [
        ["名称", "数", "日期", "时刻", "是"],
        ["甲", 1.5, day, moment, True],
        ["乙", -7, None, None, False],
    ]
    stream = workbook(sheet)

    ours = read(stream)
    theirs = openpyxl.load_workbook(stream).active.iter_rows(values_only=True)

    assert ours[2] == ["甲", 1.5, day, moment, True]
    for number, row in enumerate(theirs, 1):
        blanks = [None] * (len(row) - len(ours[number]))
        assert [as_date(c) for c in row] == [as_date(c) for c in [*ours[number], *blanks]]


def as_date(cell: Any) -> Any:
    """Return midnight as a day: the other reader knows no days."""
    midnight = isinstance(cell, datetime.datetime) and cell.time() == datetime.time()
    return cell.date() if midnight else cell


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("7.0", 7),
        ("5.0999999999999996", 5.1),
        ("-0.5", -0.5),
        ("1E3", 1000),
        ("999999999999999", 999999999999999),
    ],
)
def test_a_number_is_what_the_program_shows(text: str, value: float) -> None:
    found = one(raw_workbook(number(text)))

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["911101010101010100", "9.14E+17", "1.101011990030712e+17", "1E15"]
)
def test_a_number_that_lost_digits_is_spoiled(text: str) -> None:
    assert one(raw_workbook(number(text))).code == "cell.rewritten"


@pytest.mark.parametrize("text", ["NaN", "1e400", "-inf", "zwölf"])
def test_what_is_no_number_is_spoiled(text: str) -> None:
    assert one(raw_workbook(number(text))).code == "cell.number"


def test_formulas_error_values_and_merged_cells_are_spoiled() -> None:
    data = (
        '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1"><f>1</f></c>'
        '<c r="C1" t="e"><v>#REF!</v></c><c r="D1" t="str"><v>好</v></c></row>'
        f'<row r="2">{text_cell("A2", "甲")}</row><row r="3">{text_cell("B3", "乙")}</row>'
    )
    merged = '<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>'

    found = read(raw_workbook(data, merged))

    assert found[1][:2] == [FORMULA, FORMULA]
    assert found[1][2] == Spoiled(
        "cell.error", "The cell shows the error {cell}.", {"cell": "#REF!"}
    )
    assert found[1][3] == "好"
    assert found[2] == [MERGED]
    assert found[3] == [MERGED, "乙"]


@pytest.mark.parametrize(
    ("serial", "code", "value"),
    [
        (45473, "yyyy-mm-dd", datetime.date(2024, 6, 30)),
        (45473, 'yyyy"年"m"月"d"日"', datetime.date(2024, 6, 30)),
        (45444, "[$-804]yyyy年m月;@", datetime.date(2024, 6, 1)),
        (45473.5, "yyyy/m/d", datetime.datetime(2024, 6, 30, 12)),
        (45473.25, "yyyy/m/d h:mm", datetime.datetime(2024, 6, 30, 6)),
        (0.5, "h:mm", "12:00:00"),
        (45473, "#,##0.00", 45473),
        (12, '0"days"', 12),
        (61, "yyyy-mm-dd", datetime.date(1900, 3, 1)),
    ],
)
def test_a_serial_number_is_a_date_when_its_format_says_so(
    serial: float, code: str, value: Any
) -> None:
    assert one(workbook([[serial]], {"A1": code})) == value


@pytest.mark.parametrize(("serial", "code"), [(60, "yyyy-mm-dd"), (-1, "yyyy-mm-dd"), (1e14, "d")])
def test_a_date_that_never_was_is_spoiled(serial: float, code: str) -> None:
    assert one(workbook([[serial]], {"A1": code})).code == "cell.date"


def test_the_1904_calendar_is_honoured() -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active["A1"] = datetime.date(2026, 3, 1)

    assert one(saved(book)) == datetime.date(2026, 3, 1)


def test_a_percentage_is_never_guessed_at() -> None:
    assert one(workbook([[0.35]], {"A1": "0.0%"})).code == "cell.percent"


def test_shared_texts_lose_their_readings_and_keep_their_runs() -> None:
    strings = (
        f'<sst xmlns="{MAIN}"><si><r><t>南</t></r><r><t>阳</t></r><rPh><t>ナン</t></rPh></si>'
        "<si><t>a_x000D_b</t></si></sst>"
    )
    data = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'

    assert read(raw_workbook(data, sharedStrings=strings))[1] == ["南阳", "a\rb"]


def test_a_sheet_with_prefixed_elements_is_read_the_same() -> None:
    sheet = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="4"><x:c r="B4"><x:v>9</x:v></x:c>'
        '<x:c t="inlineStr"><x:is><x:t>甲</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>'
    )

    assert read(raw_workbook(worksheets__sheet1=sheet)) == {4: [None, 9, "甲"]}


def test_a_claimed_extent_is_not_believed() -> None:
    rows_of = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 3001))
    for claimed in ("A1:A2", "A1:XFD1048576"):
        sheet = (
            f'<worksheet xmlns="{MAIN}"><dimension ref="{claimed}"/>'
            f"<sheetData>{rows_of}</sheetData></worksheet>"
        )
        assert len(read(raw_workbook(worksheets__sheet1=sheet))) == 3000


def test_the_first_visible_sheet_or_the_named_one_is_read() -> None:
    book = openpyxl.Workbook()
    book.active.title, book.active["A1"] = "隐", "x"
    book.active.sheet_state = "hidden"
    book.create_sheet("乙")["A1"] = "y"
    stream = saved(book)

    assert one(stream) == "y"
    assert read(stream, "隐")[1] == ["x"]
    with pytest.raises(FileRefused, match="no sheet 丙. It has: 隐, 乙"):
        read(stream, "丙")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "file.columns"),
        ('<row r="1048577"><c><v>1</v></c></row>', "file.rows"),
        ('<row r="2"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row>', "file.order"),
        ('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>', "file.order"),
        ('<row r="1"><c r="A5"><v>1</v></c></row>', "file.order"),
        ('<row r="1"><c t="s"><v>9</v></c></row>', "file.broken"),
        ("<row", "file.xml"),
        (f'<row r="1" x="{"y" * (2 << 20)}"/>', "file.token"),
    ],
)
def test_a_sheet_that_cannot_be_right_is_refused(data: str, code: str) -> None:
    assert code_of(raw_workbook(data)) == code


def test_a_text_of_a_million_characters_is_refused() -> None:
    data = f'<row r="1">{text_cell("A1", "x" * ((1 << 20) + 1))}</row>'

    assert code_of(raw_workbook(data)) == "file.text"
