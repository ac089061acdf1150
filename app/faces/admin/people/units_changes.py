"""Changing units: a form for each kind of change, with a preview of what it touches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.faces.admin import desk
from app.faces.admin.controls import Control
from app.faces.admin.people import common, pairings_pages
from app.faces.admin.people.common import Answer
from app.services import access, reorganising, units
from app.services.people import day_after
from app.services.tree import Unit
from app.services.units import Facts
from app.services.work import Work
from app.words import gettext as _

#: units that may come out of a split by the page
PARTS = 4
ACTS = {
    "rename": "Rename {unit}",
    "move": "Move {unit}",
    "merge": "Merge {unit}",
    "split": "Split {unit}",
    "end": "End {unit}",
    "link": "Link {unit} with a record",
}
#: acts whose reach is shown before they are done
SHOWN = ("move", "merge", "split", "end")


def new() -> Answer:
    """Enter a unit."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "administer")
            controls = [
                common.control("title", _("Name of the unit"), required=True),
                common.control("code", _("Code"), required=True, help=_(
                    "Letters, digits, points and hyphens. It stays when the name changes.")),
                common.choice("kind", _("Kind"), common.kind_options(), "department"),
                common.choice("parent", _("Under"), common.unit_options(work.tree, _("the top"))),
                common.day_control("since", _("From"), work.today, required=True),
                common.day_control(
                    "last", _("Until and with"), help=_("Empty for as long as it lasts.")),
            ]  # fmt: skip
            return common.form(
                work, _("New unit"), controls, url_for("people.units"),
                crumbs=common.crumbs((_("Units"), url_for("people.units")), (_("New unit"), "")),
                **more,
            )  # fmt: skip

    def act() -> Response:
        facts = Facts(
            common.typed("code"), common.typed("title"), common.typed("kind"),
            common.number("parent", _("Under"), needed=False),
            common.the_day("since", _("From")), day_after(common.day("last", _("Until and with"))),
        )  # fmt: skip
        with desk.writing() as work:
            number = units.found(work, facts)
        flash(_("The unit {title} was entered.", title=facts.title), "success")
        return redirect(url_for("people.unit", id=number))

    return common.attempt(draw, act) if request.method == "POST" else draw()


def change(id: int, act: str) -> Answer:
    """Rename, move, merge, split, end or link a unit."""

    def draw(**more: Any) -> str:
        with desk.reading() as work:
            access.require(work, "administer")
            unit = units.get(work, id)
            heading = _(ACTS[act], unit=unit.title)
            back = url_for("people.unit", id=id)
            return common.form(
                work, heading, CONTROLS[act](work, unit), back, submit=_(
                    "Show what it touches" if act in SHOWN and not more.get("shown") else "Save"),
                crumbs=common.crumbs(
                    (_("Units"), url_for("people.units")), (unit.title, back), (heading, "")),
                help=_(HELP[act]), **more,
            )  # fmt: skip

    def do() -> Response | dict[str, Any]:
        with desk.writing() as work:
            access.require(work, "administer")
            unit = units.get(work, id)
            if act in SHOWN:
                preview = touched(work, unit, act)
                if common.typed("shown") != preview["shown"]:
                    return preview
            if act == "link" and unasked():
                return {}
            DOES[act](work, unit)
        flash(_("{unit} was changed.", unit=unit.title), "success")
        return redirect(url_for("people.unit", id=id))

    return common.attempt(draw, do) if request.method == "POST" else draw()


HELP = {
    "rename": "The earlier name stays readable in the history and on earlier days.",
    "move": "Records and posts stay with the unit; who reads from above changes on the day.",
    "merge": "Records keep the unit that entered them; the other unit reads them from the day on.",
    "split": "The unit that answers for the old one reads its records from the day on.",
    "end": "Nobody acts for the unit from the day on; units above still read its records.",
    "link": "Permissions by a field reach the unit through the record that stands for it.",
}


def effective(work: Work) -> Control:
    return common.day_control("effective", _("With effect of"), work.today, required=True)


def reason() -> Control:
    help = _("For the history: the decision, its number.")
    return common.control("reason", _("Reason"), widget="long", wide=True, help=help)


def rename_controls(work: Work, unit: Unit) -> list[Control]:
    return [
        common.control("title", _("Name of the unit"), unit.title, required=True),
        common.choice("kind", _("Kind"), common.kind_options(), unit.kind),
        effective(work), reason(),
    ]  # fmt: skip


def move_controls(work: Work, unit: Unit) -> list[Control]:
    options = common.unit_options(work.tree, _("the top"))
    return [common.choice("parent", _("Under"), options, unit.parent), effective(work), reason()]


def merge_controls(work: Work, unit: Unit) -> list[Control]:
    options = common.unit_options(work.tree)
    others = common.control("others", _("Further units"), help=_(
        "Codes of other units that are merged with it, separated by commas."))  # fmt: skip
    into = common.choice("into", _("Becomes part of"), options, required=True)
    return [into, others, effective(work), reason()]


def split_controls(work: Work, unit: Unit) -> list[Control]:
    made = []
    for n in range(1, PARTS + 1):
        made.append(common.control(f"title{n}", _("Name of part {number}", number=n)))
        made.append(common.control(f"code{n}", _("Code of part {number}", number=n)))
    help = _("The code of the part that reads the old records; {code} where the unit stays.",
             code=unit.code)  # fmt: skip
    heir = common.control("heir", _("Answers for the old unit"), required=True, help=help)
    return [*made, heir, effective(work), reason()]


def end_controls(work: Work, unit: Unit) -> list[Control]:
    return [effective(work), reason()]


def link_controls(work: Work, unit: Unit) -> list[Control]:
    """Return the choice of a register, and once one is chosen, of a record in it."""
    entries = [(e.slug, e.title) for e in work.snapshot.entries.values()]
    options = [("", _("(none)")), *entries]
    slug = common.typed("slug") or unit.slug or ""
    made = [common.choice("slug", _("Register"), options, slug)]
    if slug in work.snapshot.entries:
        value = unit.record if slug == unit.slug else None
        made.append(pairings_pages.record_control(work, slug, value))
    return made


def unasked() -> bool:
    """Return whether the register was chosen just now, so that its records can be offered."""
    slug = common.typed("slug")
    return bool(slug) and f"record-{slug}" not in request.form


CONTROLS: dict[str, Callable[[Work, Unit], list[Control]]] = {
    "rename": rename_controls, "move": move_controls, "merge": merge_controls,
    "split": split_controls, "end": end_controls, "link": link_controls,
}  # fmt: skip


def touched(work: Work, unit: Unit, act: str) -> dict[str, Any]:
    """Do the change on trial, and return what it reaches; raises what the change raises."""
    day = common.the_day("effective", _("With effect of"))
    reached = [unit.id, *(others(work) if act == "merge" else ())]
    found = reorganising.touched(work, reached, day)
    with work.trial():
        DOES[act](work, unit)
    facts = [
        (_("Posts held there"), f"{found.posts:,}"), (_("Pairings"), f"{found.pairings:,}"),
        (_("Units below"), "、".join(found.below) or "0"),
        *((title, _("{count} records", count=f"{n:,}")) for title, n in found.records),
    ]  # fmt: skip
    said = repr((act, day, reached, found, common.typed("into"), common.typed("heir")))
    return {
        "preview": {"day": day.isoformat(), "facts": facts},
        "shown": hashlib.sha256(said.encode()).hexdigest(),
    }


def others(work: Work) -> list[int]:
    """Return the further units named by their codes. Raises ``UnitNotFound``."""
    found = []
    for code in common.typed("others").replace("，", ",").replace("、", ",").split(","):
        if code.strip():
            unit = units.by_code(work, code.strip())
            if unit is None:
                raise units.UnitNotFound(unit=code.strip())
            found.append(unit.id)
    return found


def day(work: Work) -> Any:
    return common.the_day("effective", _("With effect of"))


def rename(work: Work, unit: Unit) -> None:
    given = common.typed("title"), day(work), common.typed("reason"), common.typed("kind")
    units.rename(work, unit.id, *given)


def move(work: Work, unit: Unit) -> None:
    parent = common.number("parent", _("Under"), needed=False)
    units.move(work, unit.id, parent, day(work), common.typed("reason"))


def merge(work: Work, unit: Unit) -> None:
    into = common.the_number("into", _("Becomes part of"))
    merged = [unit.id, *others(work)]
    reorganising.merge(work, merged, into, day(work), common.typed("reason"))


def split(work: Work, unit: Unit) -> None:
    parts = [
        Facts(common.typed(f"code{n}"), common.typed(f"title{n}"), unit.kind, None, day(work))
        for n in range(1, PARTS + 1)
        if common.typed(f"code{n}") or common.typed(f"title{n}")
    ]
    given = common.typed("heir"), day(work), common.typed("reason")
    reorganising.split(work, unit.id, parts, *given)


def end(work: Work, unit: Unit) -> None:
    units.end(work, unit.id, day(work), common.typed("reason"))


def link(work: Work, unit: Unit) -> None:
    slug = common.typed("slug")
    record = common.number(f"record-{slug}", _("Record")) if slug else None
    units.link(work, unit.id, slug, record)


DOES: dict[str, Callable[[Work, Unit], None]] = {
    "rename": rename, "move": move, "merge": merge, "split": split, "end": end, "link": link,
}  # fmt: skip
