"""Workbooks for tests: ordinary ones, and hostile ones written part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import openpyxl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(rows: Iterable[Iterable[Any]], formats: Mapping[str, str] | None = None) -> io.BytesIO:
    """Return a workbook of ``rows`` as a spreadsheet program writes it."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    for cell, number_format in (formats or {}).items():
        book.active[cell].number_format = number_format
    return saved(book)


def saved(book: openpyxl.Workbook) -> io.BytesIO:
    """Return ``book`` as a file."""
    stream = io.BytesIO()
    book.save(stream)
    stream.seek(0)
    return stream


def raw_workbook(data: str = "", after: str = "", **parts: str | bytes) -> io.BytesIO:
    """Return a workbook whose first sheet has the XML ``data`` as its rows.

    ``parts`` replace or add parts; ``__`` in a name stands for ``/`` and the extension is xml.
    """
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData>{after}</worksheet>'
    contents: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="甲" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="r1" '
        f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="r3" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
    }
    contents |= {f"xl/{name.replace('__', '/')}.xml": part for name, part in parts.items()}
    return archive(contents)


def archive(contents: Mapping[str, str | bytes]) -> io.BytesIO:
    """Return a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in contents.items():
            packed.writestr(name, part)
    stream.seek(0)
    return stream


def text_cell(reference: str, text: str) -> str:
    """Return a cell that holds ``text``."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'
