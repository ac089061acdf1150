"""Addresses of lists: parameters of a URL ↔ ``Query``. Pure; knows no request.

``?q=电机&sort=-revenue&page=2&size=50&f.township=T07&f.revenue.ge=100&f.tier.in=A&f.tier.in=B``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from app.errors import Problem, QueryRefused
from app.kinds.base import ANY_OF, EMPTY, EQUALS, PRESENT
from app.services.lists import LONGEST_SEARCH, SIZES, Filter, Query

DEFAULT_SIZE = 50
#: A page number is read up to here; the list itself stops at its last page.
LAST_PAGE = 10**9
MOST_FILTERS = 40
LONGEST_VALUE = 2000
PREFIX = "f."
SINGLE = ("q", "sort", "page", "size", "state")


def parse(items: Iterable[tuple[str, str]]) -> Query:
    """Return the query that the parameters ``items`` ask for.

    Numbers of pages are clamped, an unknown size is the default one. Raises ``QueryRefused``
    for a name that is not known here or given twice; fields are looked at by the service.
    """
    given: dict[str, str] = {}
    filters: dict[tuple[str, str], list[str]] = {}
    for name, value in items:
        check_text(name, value)
        if name in SINGLE:
            if name in given:
                raise refuse("{name} is given twice.", name=name)
            given[name] = value
        elif name.startswith(PREFIX):
            if value != "":
                filters.setdefault(place(name), []).append(value)
        else:
            raise refuse("There is no parameter {name}.", name=name[:60])
    return Query(
        search=given.get("q", "").strip()[:LONGEST_SEARCH],
        filters=tuple(as_filters(filters)),
        sort=given.get("sort", ""),
        page=whole(given.get("page", ""), 1),
        size=size_of(given.get("size", "")),
        state=given.get("state", "")[:40],
    )


def refuse(text: str, **values: Any) -> QueryRefused:
    """Return the refusal of an address; its reason is a sentence of its own."""
    return QueryRefused(reason=Problem("", "query.unreadable", text, values))


def check_text(name: str, value: str) -> None:
    if "\x00" in name or "\x00" in value:
        raise refuse("The address holds a character that is no text.")
    if len(value) > LONGEST_VALUE:
        raise refuse("{name} is too long.", name=name[:60])


def place(name: str) -> tuple[str, str]:
    """Return (field, operator) of a parameter such as ``f.revenue.ge``."""
    parts = name.removeprefix(PREFIX).split(".")
    if len(parts) > 2 or not parts[0]:
        raise refuse("There is no parameter {name}.", name=name[:60])
    return parts[0], parts[1] if len(parts) == 2 else EQUALS


def as_filters(given: dict[tuple[str, str], list[str]]) -> list[Filter]:
    """Return one filter for each place; several values of ``in`` are one filter."""
    if len(given) > MOST_FILTERS:
        raise refuse("There are too many filters.")
    found = []
    for (field, operator), values in given.items():
        if operator == ANY_OF:
            found.append(Filter(field, operator, ",".join(values)))
        elif operator in (EMPTY, PRESENT):
            found.append(Filter(field, operator))
        elif len(values) > 1:
            raise refuse("{name} is given twice.", name=PREFIX + field)
        else:
            found.append(Filter(field, operator, values[0]))
    return found


def digits(text: str, most: int = 18) -> int | None:
    """Return the number a text is, written in no more than ``most`` digits; None for any other."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= most else None


def whole(text: str, default: int) -> int:
    """Return a page number, clamped; what is not a number is ``default``."""
    text = text.strip()
    if not text.isascii() or not text.isdigit():
        return default
    return min(max(int(text[:12]), 1), LAST_PAGE)


def size_of(text: str, sizes: Sequence[int] = SIZES, default: int = DEFAULT_SIZE) -> int:
    """Return how many lines a page has: one of ``sizes``, else ``default``."""
    number = whole(text, default)
    return number if number in sizes else default


def pairs(query: Query) -> list[tuple[str, str]]:
    """Return the parameters that ``parse`` reads as ``query``; defaults are left out."""
    found: list[tuple[str, str]] = []
    if query.search:
        found.append(("q", query.search))
    for wanted in query.filters:
        name = PREFIX + wanted.field
        if wanted.operator != EQUALS:
            name += "." + wanted.operator
        if wanted.operator == ANY_OF:
            found += [(name, part) for part in wanted.value.split(",")]
        else:
            found.append((name, wanted.value or "1"))
    if query.state:
        found.append(("state", query.state))
    if query.sort:
        found.append(("sort", query.sort))
    if query.size != DEFAULT_SIZE:
        found.append(("size", str(query.size)))
    if query.page > 1:
        found.append(("page", str(query.page)))
    return found


def build(query: Query, **changes: Any) -> str:
    """Return the query string of ``query`` with ``changes``, with its ``?``, or ``""``."""
    return encode(pairs(replace(query, **changes) if changes else query))


def encode(parameters: Sequence[tuple[str, str]]) -> str:
    written = [f"{quote(n, safe='.')}={quote(v, safe='-')}" for n, v in parameters]
    return "?" + "&".join(written) if written else ""


def without(query: Query, field: str) -> Query:
    """Return ``query`` with no filter on ``field``, at its first page."""
    kept = tuple(f for f in query.filters if f.field != field)
    return replace(query, filters=kept, page=1)


def turned(query: Query, field: str, shown: str) -> Query:
    """Return ``query`` sorted by ``field``; asked again (``shown`` is the order now), reversed."""
    sort = f"-{field}" if shown == field else field
    return replace(query, sort=sort, page=1)
