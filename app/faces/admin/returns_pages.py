"""Returns pages: units or rows by periods at a glance, and out as a file."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.definitions.periods import label
from app.errors import AppError
from app.faces import grant_words
from app.faces.admin import desk, entry
from app.faces.admin.exchange_pages import TYPES, sent, spool
from app.faces.admin.saving import whole
from app.services.exchange.writers import file_name, write_table
from app.services.returns import carrying, deeds, listing, seeing
from app.services.returns.facts import (
    EXCUSED,
    HANDED_IN,
    LATE,
    NIL,
    STATES,
    SUBMITTED,
    WAITING,
    Return,
    calendar_of,
    shown,
)
from app.services.returns.listing import Grid, Line, Total, Wish
from app.services.returns.owing import Matching
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView

#: state → sign and word; handed in after the due day has its own
SIGNS: Mapping[str, tuple[str, str]] = {
    "open": ("○", "to be handed in"),
    "late": ("!", "overdue"),
    "submitted": ("✓", "handed in"),
    "behind": ("✓*", "handed in late"),
    "nil": ("0", "nil return"),
    "supplemented": ("＋", "supplemented"),
    "excused": ("—", "excused"),
    "closed": ("✕", "missing, closed"),
}
#: lines of one page of an export
BATCH = 500


def listed(view: RegisterView) -> str:
    """Return the table of units, or rows, by periods."""
    slug, wish = view.register.slug, wished()
    with desk.reading() as work:
        found = listing.grid(work, slug, wish)
        review = seeing.may_review(work, slug)
        late = listing.chase(work, slug) if review else []
        drawing = Drawing(view, work, review)
        return view.page(
            "returns", crumbs=view.crumbs((_("Returns"), "")), review=review,
            periods=[heading(shown(view.published, p), p[:4]) for p in found.periods],
            lines=[drawing.line(found, one) for one in found.lines],
            totals=[drawing.total(one) for one in found.totals], count=f"{found.count:,}",
            states=[(s, state_word(s)) for s in STATES],
            legend=[(s, sign, _(word)) for s, (sign, word) in SIGNS.items()],
            years=listing.years(work, slug), kinds=drawing.kinds(), wish=wish,
            unit=work.tree.title(wish.unit), by_rows=bool(calendar_of(view.published).by.register),
            late=[drawing.chased(one) for one in late], page=found.page, pages=found.pages,
            before=address(view, wish, found.page - 1) if found.page > 1 else "",
            after=address(view, wish, found.page + 1) if found.page < found.pages else "",
            export=lambda name, **more: address(view, wish, 0, f"export.{name}", **more),
        )  # fmt: skip


def heading(label: str, year: str) -> tuple[str, str, str]:
    """Return a period's name, and its two parts for a narrow column: the year, and the rest."""
    rest = label.removeprefix(year).lstrip("年-")
    return label, year if rest else "", rest or label


def wished() -> Wish:
    """Return what the address asks for; what it misspells counts as not said."""
    asked = request.args
    state, kind = asked.get("state", ""), asked.get("kind", "")[:20]
    year, unit = whole(asked.get("year", "")), whole(asked.get("unit", ""))
    return Wish(
        year if 1900 <= year < 2200 else None, state if state in STATES else "", kind,
        unit or None, min(max(1, whole(asked.get("page", ""))), 10**9),
    )  # fmt: skip


def address(view: RegisterView, wish: Wish, page: int, tail: str = "", **more: str) -> str:
    """Return the address of another page of the same table."""
    given = {"year": wish.year, "state": wish.state, "kind": wish.kind, "unit": wish.unit}
    given |= {"page": page if page > 1 else None, **more}
    query: dict[str, Any] = {name: value for name, value in given.items() if value}
    base = url_for("register.returns_view", **query)
    path, _sign, rest = base.partition("?")
    return path + tail + (f"?{rest}" if rest else "")


def state_of(one: Return) -> str:
    """Return a return's state as it is shown."""
    return "behind" if one.late and one.state == SUBMITTED else one.state


def state_word(state: str) -> str:
    return _(SIGNS[state][1])


def day(on: datetime.date | None) -> str:
    return on.isoformat() if on else ""


class Drawing:
    """The table's cells, for one reading."""

    def __init__(self, view: RegisterView, work: Work, review: bool) -> None:
        self.view, self.work, self.review = view, work, review
        self.matching = Matching(work, view.published)

    def line(self, found: Grid, one: Line) -> dict[str, Any]:
        note = ""
        if one.heir:
            note = _("merged into {unit}", unit=one.heir)
        cells = [self.cell(one, period) for period in found.periods]
        return {"title": one.title, "note": note or one.unit, "heir": bool(one.heir),
                "cells": cells}  # fmt: skip

    def cell(self, line: Line, period: str) -> dict[str, str]:
        label, one = shown(self.view.published, period), line.cells.get(period)
        if one is None:
            return {"period": label, "state": "", "sign": "", "word": "", "url": "", "hint": ""}
        state = state_of(one)
        sign, word = SIGNS[state]
        return {
            "period": label, "state": state, "sign": sign, "word": _(word),
            "url": self.url(one), "hint": self.hint(line, label, one),
        }  # fmt: skip

    def hint(self, line: Line, label: str, one: Return) -> str:
        """Return the cell in words: whose, which, how it stands, since when."""
        if one.submitted_at:
            when = _("{when}, {who}", when=desk.moment(one.submitted_at),
                     who=desk.person(one.submitted_by))  # fmt: skip
        else:
            when = _("due {day}", day=day(one.due_on))
        word = state_word(state_of(one))
        return f"{line.title} · {label} · {word} · {when}"

    def url(self, one: Return) -> str:
        """Return where a cell leads: to the record, to the form, else to the return's page."""
        mine = not self.review and (one.state in WAITING or one.supplementing)
        if one.record is not None and (mine or one.state in HANDED_IN):
            return f"{self.view.root}{one.record}"
        if mine:
            return form_url(self.view, self.matching, one)
        return f"{self.view.root}returns/{one.id}"

    def total(self, one: Total) -> dict[str, Any]:
        states = one.states
        return {
            "owed": one.owed, "handed_in": one.handed_in, "behind": one.late,
            "nil": states.get(NIL, 0), "late": states.get(LATE, 0),
            "excused": states.get(EXCUSED, 0), "missing": one.missing,
        }  # fmt: skip

    def kinds(self) -> list[tuple[str, str]]:
        """Return the kinds of unit there are."""
        found = sorted({unit.kind for unit in self.work.tree.units.values()})
        return [(kind, _(grant_words.KINDS.get(kind, kind))) for kind in found]

    def chased(self, one: listing.Chased) -> dict[str, Any]:
        url = url_for("register.returns_view", state=LATE, unit=one.unit) if one.unit else ""
        return {
            "unit": one.unit or "", "title": one.title or _("(no unit)"), "count": one.count,
            "since": day(one.since), "urged": one.urged, "url": url,
        }  # fmt: skip


def form_url(view: RegisterView, matching: Matching, one: Return) -> str:
    """Return the address of the empty form for a return."""
    period, owner = calendar_of(view.published).field, matching.owner(one.subject)
    given: dict[str, Any] = {f"{entry.PREFIX}{period}": one.period}
    given |= {entry.PREFIX + name: str(value) for name, value in owner.items()}
    return url_for("register.create_view", **given)


# ── urging, and out as a file


def urge(view: RegisterView) -> Response:
    """Urge one unit, or all that are late."""
    unit = request.form.get("unit", "")
    wanted = None if unit == "all" else [whole(unit) or None]
    try:
        with desk.writing() as work:
            count = deeds.urge(work, view.register.slug, wanted, request.form.get("text", ""))
    except AppError as error:
        flash(say(error), "danger")
    else:
        flash(_("{count} units were urged.", count=count), "success")
    return redirect(url_for("register.returns_view"))


def exported(view: RegisterView, format: str) -> Response:
    """Send the table, or with ``as=list`` its returns one by one."""
    as_list = request.args.get("as") == "list"
    title = f"{view.register.title}{_('Returns')}"
    with spool() as out, desk.reading() as work:
        today = work.today
        if as_list:
            rows: Iterator[Sequence[Any]] = list_rows(view, work, wished())
            headings = [_(word) for word in LIST]
        else:
            periods = listing.periods_shown(work, view.published, wished().year)
            rows = table_rows(view, work, wished())
            headings = [_("Owed by"), _("Unit")]
            headings += [shown(view.published, period) for period in periods]
        write_table(out, format, title, headings, rows)
    return sent(out, file_name(title, today, format), TYPES[format])


LIST = ("Owed by", "Unit", "Period", "State", "Due on", "Handed in", "By", "Reason")


def pages(view: RegisterView, work: Work, wish: Wish) -> Iterator[Grid]:
    """Give every page of the table, in pages of an export's size."""
    number = 1
    while True:
        asked = Wish(wish.year, wish.state, wish.kind, wish.unit, number, BATCH)
        found = listing.grid(work, view.register.slug, asked)
        yield found
        if number >= found.pages:
            return
        number += 1


def table_rows(view: RegisterView, work: Work, wish: Wish) -> Iterator[Sequence[Any]]:
    for found in pages(view, work, wish):
        for line in found.lines:
            cells = [line.cells.get(period) for period in found.periods]
            words = [state_word(state_of(one)) if one else "" for one in cells]
            yield [line.title, line.heir or line.unit, *words]


def list_rows(view: RegisterView, work: Work, wish: Wish) -> Iterator[Sequence[Any]]:
    for found in pages(view, work, wish):
        for line, one in listing.entries(found, wish):
            yield [
                line.title, work.tree.title(one.unit), shown(view.published, one.period),
                state_word(state_of(one)), day(one.due_on),
                desk.moment(one.submitted_at), desk.person(one.submitted_by),
                _(one.reason) if one.reason else "",
            ]  # fmt: skip


# ── used by other pages


def begun(view: RegisterView, typed: entry.Typed) -> tuple[entry.Typed, frozenset[str]]:
    """Return what the empty form begins with beside ``typed``: the period that is due and what
    the last record of it holds, and which fields those are."""
    if view.register.period is None:
        return {}, frozenset()
    known, _problems = view.published.gate.read(typed)
    with desk.reading() as work:
        found = carrying.carry(work, view.register.slug, known)
    values = entry.stored_as_typed(view.register, found.values)
    fresh = {name: values[name] for name in found.values if name in values}
    return fresh, found.names


def mine(work: Work) -> list[dict[str, Any]]:
    """Return the block “my returns”: what the person's units have to hand in, by due day."""
    return [
        {
            "title": one.register, "period": label(one.every, one.period),
            "due": day(one.due_on), "state": one.state, "word": state_word(one.state),
            "sign": SIGNS[one.state][0], "count": one.count,
            "url": url_for("register.return_view", slug=one.slug, id=one.id)
            if one.count == 1
            else url_for("register.returns_view", slug=one.slug),
        }
        for one in listing.mine(work)
    ]  # fmt: skip
