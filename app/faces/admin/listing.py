"""Listing: a page of records as the list page shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from app.definitions.register import Field, Register
from app.errors import RecordNotFound
from app.faces.admin import addresses
from app.kinds.base import ANY_OF, AT_LEAST, AT_MOST, CONTAINS, EMPTY, EQUALS, PRESENT
from app.services import access, records
from app.services.access import Access
from app.services.lists import SIZES, Page, Query
from app.services.reading import Record
from app.services.work import Work
from app.words import gettext as _

#: colours of states → classes of badges
COLOURS = {"green": " tag-good", "amber": " tag-warn", "blue": " tag-accent", "red": " tag-bad"}

Show = Callable[[Record], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A heading of the list."""

    title: str
    unit: str
    number: bool
    url: str
    sorted: str
    icon: str


@dataclass(slots=True)
class Chip:
    """One filter: closed it says what it holds, open it is a small form."""

    title: str
    param: str
    unit: str = ""
    shown: str = ""
    options: list[tuple[str, str, bool]] = field(default_factory=list)
    lookup: str = ""
    label: str = ""
    value: str = ""
    range: bool = False
    low: str = ""
    high: str = ""
    input: str = "text"
    mode: str = ""
    operator: str = ""
    pick: str = "checkbox"
    blank: bool = False
    is_empty: bool = False
    is_present: bool = False
    clear_url: str = ""


def shower(entered: Field) -> Show:
    """Return the function that shows a record's field in a list."""
    name, show = entered.name, entered.kind.show
    if entered.reference:
        return lambda record: record.references.get(name, "")
    if hasattr(entered.kind, "accepts"):
        return lambda record: (
            str(len(record.values.get(name) or ())) if record.values.get(name) else ""
        )
    return lambda record: show(record.values.get(name))


class Lister:
    """What the list of one revision needs, worked out once."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.fields = [register[name] for name in register.list] or list(register.fields[:8])
        self._opens = ['<td class="n">' if number(f) else "<td>" for f in self.fields]
        self._shows = [shower(f) for f in self.fields]
        names = [register[name].title for name in register.search]
        self.searched = "、".join(names)

    def context(self, work: Work, page: Page, root: str) -> dict[str, Any]:
        """Return what ``list.html`` shows of ``page``."""
        query, total = page.query, page.total
        asked = access.of(work, self.register.slug)
        seen = [place for place, f in enumerate(self.fields) if asked.ever_shows(f.name)]
        first = (query.page - 1) * query.size + 1
        filtered = bool(query.filters or query.search or query.state)
        return {
            "columns": self.columns(query, root, seen),
            "rows": self.rows(page.rows, str(escape(root)), seen),
            "chips": self.chips(work, query, root, asked),
            "filtered": filtered,
            "clear_url": root + addresses.build(Query(sort=query.sort, size=query.size)),
            "total_text": f"{total:,}",
            "first": f"{first:,}",
            "last": f"{first + len(page.rows) - 1:,}",
            "search": query.search,
            "search_hint": _("Search {fields}", fields=self.searched)
            if self.searched
            else _("Search"),
            "sort": query.sort,
            "size": query.size,
            "default_size": addresses.DEFAULT_SIZE,
            "sizes": [(n, self.sized(query, root, n)) for n in SIZES],
            "before_url": root + addresses.build(query, page=query.page - 1)
            if query.page > 1
            else "",
            "after_url": root + addresses.build(query, page=query.page + 1)
            if query.page < page.pages
            else "",
            "kept": [pair for pair in addresses.pairs(query) if pair[0] != "page"],
            "page": query.page,
            "pages": f"{page.pages:,}",
            "export_query": addresses.build(query, page=1, size=addresses.DEFAULT_SIZE),
        }

    def sized(self, query: Query, root: str, size: int) -> str:
        return "" if size == query.size else root + addresses.build(query, size=size, page=1)

    def columns(self, query: Query, root: str, seen: Sequence[int]) -> list[Column]:
        order = query.sort or (self.register.sort[0] if self.register.sort else "")
        found = [self.column(self.fields[place], query, order, root) for place in seen]
        return [*found, Column(_("State"), "", False, "", "", "")] if self.stated else found

    @property
    def stated(self) -> bool:
        """Return whether the list has a column for the state: no field of it shows it."""
        flow = self.register.workflow
        return flow is not None and flow.field not in [f.name for f in self.fields]

    def around(self, record: Record) -> tuple[str, str]:
        """Return what stands before and after a line where there is a workflow."""
        named = escape(record.label or f"#{record.id}")
        box = f'<input type="checkbox" form="bulk" name="id" value="{record.id}"'
        before = f'<td class="check">{box} aria-label="{named}"></td>'
        return before, f"<td>{self.badge(record)}</td>" if self.stated else ""

    def badge(self, record: Record) -> Markup:
        flow = self.register.workflow
        if flow is None:
            return Markup("")
        state = flow.state(record.state)
        look = COLOURS.get(state.colour, "")
        return Markup('<span class="tag{}">{}</span>').format(look, state.title)

    def column(self, entered: Field, query: Query, order: str, root: str) -> Column:
        url = sorted_ = ""
        icon = "sort"
        if entered.kind.sortable and not entered.columns:
            url = root + addresses.build(addresses.turned(query, entered.name, order))
        if order.removeprefix("-") == entered.name:
            down = order.startswith("-")
            sorted_, icon = ("descending", "desc") if down else ("ascending", "asc")
        return Column(entered.title, entered.unit, number(entered), url, sorted_, icon)

    def rows(self, found: Sequence[Record], root: str, seen: Sequence[int]) -> Markup:
        """Return the lines of the table. Written here and not in the template: with a thousand
        cells a page the template's own loop would take half of the time."""
        cells = [(self._opens[place], self._shows[place]) for place in seen[1:]]
        first = self._shows[seen[0]] if seen else lambda record: record.label
        lines = []
        flow = self.register.workflow
        for record in found:
            before, after = self.around(record) if flow is not None else ("", "")
            name = escape(first(record) or record.label or f"#{record.id}")
            rest = "".join([f"{open}{escape(show(record))}</td>" for open, show in cells])
            link = f'<th scope="row"><a href="{root}{record.id}">{name}</a></th>'
            lines.append(f"<tr>{before}{link}{rest}{after}</tr>")
        return Markup("\n".join(lines))

    def chips(self, work: Work, query: Query, root: str, asked: Access) -> list[Chip]:
        """Return the filters: those the definition names, and any other that is in use."""
        used = [f.field for f in query.filters]
        names = dict.fromkeys((*self.register.filters, *used))
        return [
            chip(work, self.register[n], query, root)
            for n in names
            if n in self.register and asked.ever_shows(n, whole=True)
        ]


def number(entered: Field) -> bool:
    return entered.kind.align == "end"


def chip(work: Work, entered: Field, query: Query, root: str) -> Chip:
    """Return the filter on one field, by what its kind can be asked."""
    given = {f.operator: f.value for f in query.filters if f.field == entered.name}
    allowed = entered.kind.filters
    made = Chip(entered.title, addresses.PREFIX + entered.name, entered.unit)
    options = choices(entered)
    if options:
        choose(made, options, allowed, given)
    elif entered.reference:
        made.lookup = f"{root}lookup/{entered.name}"
        made.value = given.get(EQUALS, "")
        made.label = made.shown = named(work, entered.reference, made.value)
    elif AT_LEAST in allowed:
        spread(made, entered, given)
    elif CONTAINS in allowed or EQUALS in allowed:
        operator = CONTAINS if CONTAINS in allowed else EQUALS
        made.operator = "." + CONTAINS if operator == CONTAINS else ""
        made.value = made.shown = given.get(operator, "")
    made.blank = EMPTY in allowed
    made.is_empty, made.is_present = EMPTY in given, PRESENT in given
    extra = [_("Not filled in")] if made.is_empty else []
    extra += [_("Filled in")] if made.is_present else []
    extra += [f"{op} {value}" for op, value in given.items() if op in ("gt", "lt", "ne")]
    if EQUALS in given and made.range:
        extra.append(f"= {given[EQUALS]}")
    made.shown = "；".join([*([made.shown] if made.shown else []), *extra])
    made.clear_url = root + addresses.build(addresses.without(query, entered.name))
    return made


def choose(
    made: Chip, options: list[tuple[str, str]], allowed: Sequence[str], given: dict[str, str]
) -> None:
    """Make a chip that lists options: any of them where the kind can be asked so, else one."""
    operator = next((op for op in (ANY_OF, CONTAINS) if op in allowed), EQUALS)
    made.operator = "" if operator == EQUALS else f".{operator}"
    made.pick = "checkbox" if operator == ANY_OF else "radio"
    chosen = {*given.get(ANY_OF, "").split(","), given.get(EQUALS, ""), given.get(CONTAINS, "")}
    made.options = [(value, text, value in chosen) for value, text in options]
    made.shown = "、".join(text for _value, text, on in made.options if on)


def spread(made: Chip, entered: Field, given: dict[str, str]) -> None:
    """Make a chip that asks from … to …"""
    made.range = True
    made.low, made.high = given.get(AT_LEAST, ""), given.get(AT_MOST, "")
    unbound = entered.kind.form_field(entered.title)
    widget = unbound.kwargs.get("widget")
    made.input = getattr(widget, "input_type", "text")
    made.mode = (unbound.kwargs.get("render_kw") or {}).get("inputmode", "")
    if made.low and made.high:
        made.shown = f"{made.low} – {made.high}"
    elif made.low or made.high:
        made.shown = f"≥ {made.low}" if made.low else f"≤ {made.high}"


def choices(entered: Field) -> list[tuple[str, str]]:
    """Return (value, text) of a kind with a list of options; ``[]`` for any other."""
    listed = entered.kind.form_field("").kwargs.get("choices")
    if callable(listed) or not listed:
        return []
    return [(str(o.value), str(o.label)) for o in listed if str(o.value)]


def named(work: Work, slug: str, text: str) -> str:
    """Return how the record ``text`` (an id) of ``slug`` is called; the text itself if unknown."""
    number = addresses.digits(text)
    if number is None:
        return text
    try:
        return records.get(work, slug, number).label or f"#{text}"
    except RecordNotFound:
        return f"#{text}"
