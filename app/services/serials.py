"""Serials: numbers that the platform gives to new records, such as ``WL-2024-0001``.

The next number is one more than the greatest there is of the same beginning, the recycle bin
included. It is asked for while the register is held (``Work.hold``), so no two records get one
number; a form that is only drawn holds nothing and shows none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.register import Field
from app.services.work import Work
from app.storage.catalog import Published

_COUNTER = re.compile(r"\{(0+)\}$")


def fill(work: Work, published: Published, new: Sequence[dict[str, Any]]) -> None:
    """Give every one of ``new`` the numbers it lacks, in their order."""
    for field in published.register.fields:
        if field.serial:
            blank = [values for values in new if values.get(field.name) is None]
            if blank:
                number(work, published, field, new, blank)


def number(
    work: Work,
    published: Published,
    field: Field,
    new: Sequence[dict[str, Any]],
    blank: Sequence[dict[str, Any]],
) -> None:
    beginning, digits = shape(work, field.serial)
    brought = (values.get(field.name) for values in new)
    last = max(
        [greatest(work, published, field.name, beginning), *(count(v, beginning) for v in brought)]
    )
    for values in blank:
        last += 1
        values[field.name] = f"{beginning}{last:0{digits}d}"


def shape(work: Work, serial: str) -> tuple[str, int]:
    """Return what today's numbers begin with, and how many digits they count with at least."""
    found = _COUNTER.search(serial)
    if found is None:
        raise ValueError(serial)
    day, beginning = work.today, serial[: found.start()]
    for name, text in (("year", f"{day:%Y}"), ("month", f"{day:%m}"), ("day", f"{day:%d}")):
        beginning = beginning.replace(f"{{{name}}}", text)
    return beginning, len(found[1])


def count(value: object, beginning: str) -> int:
    """Return how far a number has counted; 0 for one of another shape."""
    if not isinstance(value, str) or not value.startswith(beginning):
        return 0
    rest = value.removeprefix(beginning)
    return int(rest) if rest.isascii() and rest.isdigit() and len(rest) <= 18 else 0


def greatest(work: Work, published: Published, name: str, beginning: str) -> int:
    """Return how far the stored numbers of one beginning have counted."""
    column = published.tables.main.c[name]
    # longest first: 10000 comes after 9999; a number of another shape may stand among them
    query = sa.select(column).where(column.startswith(beginning, autoescape=True))
    query = query.order_by(sa.func.length(column).desc(), column.desc())
    with work.tx.execute(query.execution_options(yield_per=50)) as found:
        return next((reached for row in found if (reached := count(row[0], beginning))), 0)
