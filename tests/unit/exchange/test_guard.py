"""Hostile archives are refused with a sentence, before they cost anything."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FileRefused
from app.services.exchange.guard import Limits, Package
from app.services.exchange.workbook import open_workbook
from app.services.exchange.worksheet import rows
from tests.support.sheets import MAIN, archive, raw_workbook, workbook

ROOT = Path(__file__).parents[3]
MANY_STYLES = f'<s xmlns="{MAIN}"><cellXfs>{"<xf/>" * 100_000}</cellXfs></s>'
ENTITY = '<!DOCTYPE x [<!ENTITY a "boom">]>'


def code_of(stream: io.BytesIO, limits: Limits | None = None) -> str:
    with pytest.raises(FileRefused) as refusal:
        package = Package(stream, limits or Limits())
        list(rows(package, open_workbook(package)))
    assert "{" not in refusal.value.sentence()
    return refusal.value.problems[0].code


def zeros(size: int) -> io.BytesIO:
    """Return a workbook with a sheet of ``size`` bytes that packs extremely well."""
    stream = raw_workbook()
    with (
        zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/media/image1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(size >> 20):
            part.write(b" " * (1 << 20))
    return stream


def encrypted() -> io.BytesIO:
    content = bytearray(raw_workbook("<row/>").getvalue())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    return io.BytesIO(bytes(content))


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (lambda: archive({f"xl/{n}.xml": "" for n in range(2001)}), "file.entries"),
        (lambda: zeros(500 << 20), "file.size"),
        (lambda: zeros(40 << 20), "file.ratio"),
        (lambda: archive({"a.xml": "", "A.xml": ""}), "file.broken"),
        (lambda: raw_workbook(embeddings__a=b"") and archive({"xl/b.zip": "x"}), "file.nested"),
        (lambda: archive({"xl/media/b.png": b"PK\x03\x04rest"}), "file.nested"),
        (lambda: archive({"xl/vbaProject.bin": b"x"}), "file.macros"),
        (encrypted, "file.encrypted"),
        (lambda: io.BytesIO(b"\xd0\xcf\x11\xe0" + b"\0" * 600), "file.old"),
        (lambda: io.BytesIO(b"<html><table></table></html>"), "file.kind"),
        (lambda: io.BytesIO(b""), "file.kind"),
        (lambda: archive({"word/document.xml": "<x/>"}), "file.kind"),
        (lambda: io.BytesIO(workbook([["a"]]).getvalue()[:-400]), "file.broken"),
        (lambda: raw_workbook(worksheets__sheet1=ENTITY + "<worksheet/>"), "file.doctype"),
        (lambda: raw_workbook(sharedStrings=ENTITY + "<sst/>"), "file.doctype"),
        (lambda: raw_workbook(styles=ENTITY + "<styleSheet/>"), "file.doctype"),
        (lambda: raw_workbook(workbook=ENTITY + "<workbook/>"), "file.doctype"),
        (lambda: raw_workbook(worksheets__sheet1="<worksheet/>".encode("utf-16")), "file.encoding"),
        (lambda: raw_workbook(styles='<?xml version="1.0" encoding="gbk"?><x/>'), "file.encoding"),
        (lambda: raw_workbook(styles=MANY_STYLES), "file.styles"),
        (lambda: raw_workbook(workbook="<workbook/>"), "file.sheets"),
    ],
)
def test_a_hostile_or_foreign_file_gets_a_sentence(stream, code: str) -> None:
    assert code_of(stream()) == code


def test_too_many_cells_texts_and_merged_areas_are_refused() -> None:
    cells = '<row r="1">' + "<c/>" * 50 + "</row>"
    texts = f'<sst xmlns="{MAIN}">{"<si><t>x</t></si>" * 50}</sst>'
    areas = "<mergeCells>" + '<mergeCell ref="A1:B2"/>' * 50 + "</mergeCells>"

    assert code_of(raw_workbook(cells), Limits(cells=49)) == "file.cells"
    assert code_of(raw_workbook(sharedStrings=texts), Limits(string_count=49)) == "file.strings"
    assert code_of(raw_workbook(sharedStrings=texts), Limits(strings=500)) == "file.part"
    assert code_of(raw_workbook(after=areas), Limits(merged=49)) == "file.merged"


def test_damage_inside_a_part_is_found() -> None:
    content = bytearray(workbook([["甲" * 50, n] for n in range(500)]).getvalue())
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as packed:
        at = packed.getinfo("xl/worksheets/sheet1.xml").header_offset
    content[at + 200] ^= 0xFF

    assert code_of(io.BytesIO(bytes(content))) in {"file.broken", "file.xml"}


READ = """
    import resource, sys
    sys.path.insert(0, {root!r})
    from app.errors import FileRefused
    from app.services.exchange.guard import Package
    from app.services.exchange.workbook import open_workbook
    from app.services.exchange.worksheet import rows
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (200 << 20),) * 2)
    try:
        with open({path!r}, "rb") as stream:
            package = Package(stream)
            print(sum(1 for _ in rows(package, open_workbook(package))))
    except FileRefused as refusal:
        print(refusal.problems[0].code)
"""


def within_200_mb(stream: io.BytesIO, folder: Path) -> str:
    """Read the file in a process that may take 200 MB more than it has; return what it printed."""
    path = folder / "hostile.xlsx"
    path.write_bytes(stream.getvalue())
    program = textwrap.dedent(READ.format(root=str(ROOT), path=str(path)))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and address limits")
@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (lambda: zeros(450 << 20), "file.size"),
        (
            lambda: raw_workbook(
                '<row r="1"><c r="A1"><v>1</v></c></row>'
                '<row r="1048576"><c r="SF1048576"><v>1</v></c></row>'
            ),
            "2",
        ),
        (
            lambda: raw_workbook(
                "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 300_001))
            ),
            "300000",
        ),
        (
            # one text of 30,000 characters, shown by 100,000 cells
            lambda: raw_workbook(
                "".join(f'<row r="{n}"><c t="s"><v>0</v></c></row>' for n in range(1, 100_001)),
                sharedStrings=f'<sst xmlns="{MAIN}"><si><t>{"x" * 30_000}</t></si></sst>',
            ),
            "100000",
        ),
    ],
    ids=["bomb", "far cell", "many rows", "one text many times"],
)
def test_memory_stays_bounded(make, answer: str, tmp_path: Path) -> None:
    assert within_200_mb(make(), tmp_path) == answer


ORDINARY = workbook([["名称", "数"], ["甲", 1.5], ["乙", 45473]], {"B3": "yyyy-mm-dd"}).getvalue()
SHEET = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>甲</t></is></c><c s="1"><v>45473</v></c></row>'
    '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="e"><v>#REF!</v></c></row>'
)


def read_or_refuse(stream: io.BytesIO) -> None:
    with suppress(FileRefused):
        package = Package(stream)
        list(rows(package, open_workbook(package)))


@given(st.data())
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(ORDINARY)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    read_or_refuse(io.BytesIO(bytes(content)))


@given(st.data())
def test_whatever_is_changed_in_a_sheet_it_is_read_or_refused(data: st.DataObject) -> None:
    text = SHEET
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        new = data.draw(
            st.sampled_from(["9" * 5000, "-1", "²", '"', "<f>", "</c>", "<c/>", 's="9"', "_xD800_"])
        )
        text = text[:at] + new + text[at + data.draw(st.integers(0, 3)) :]

    read_or_refuse(raw_workbook(text, sharedStrings=f'<sst xmlns="{MAIN}"><si><t>a</t></si></sst>'))
