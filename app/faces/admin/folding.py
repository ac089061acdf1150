"""Folding: what a form shows and nobody enters in it – computed values, what others fill in –
stands behind what is entered, in one closed line that says what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from app.definitions.flow import Setting
from app.definitions.register import Field, Register, Rollup
from app.faces.admin.controls import Control
from app.services.work import Work
from app.words import gettext as _

#: operation of a roll-up → the sentence that says it
GATHERED: Mapping[str, str] = {
    "count": "Counted in {register}.",
    "sum": "Added up from {register}.",
    "avg": "The average of {register}.",
    "min": "The smallest of {register}.",
    "max": "The greatest of {register}.",
    "latest": "The latest of {register}.",
}


@dataclass(frozen=True, slots=True)
class Fold:
    """The folded fields of one section, and the line that stands for them."""

    items: list[Control]
    title: str
    #: the values there are, on one line
    glance: str
    #: something in it is wrong or unusual, and has to be seen
    open: bool
    hidden: bool


def parted(
    work: Work, register: Register, controls: Sequence[Control], pointed: AbstractSet[str]
) -> dict[str, Any]:
    """Return the controls that are entered, and the fold of the others, None where there is
    none. ``pointed`` are the fields that a sentence on the page points at."""
    folded = [one for one in controls if one.widget == "given" and not one.serial]
    entered = [one for one in controls if one not in folded]
    for one in folded:
        one.how = "" if one.help else how(work, register, register[one.name])
    return {"controls": entered, "fold": fold(folded, pointed) if folded else None}


def fold(items: list[Control], pointed: AbstractSet[str]) -> Fold:
    """Return the fold of ``items``."""
    others = sum(one.others for one in items)
    counts = (
        ("Computed fields ({count})", len(items) - others),
        ("Filled in by others ({count})", others),
    )
    seen = [
        f"{one.title} {one.value} {one.unit}".strip()
        for one in items
        if one.value and not one.hidden
    ]
    return Fold(
        items,
        " · ".join(_(text, count=count) for text, count in counts if count),
        " · ".join(seen),
        any(one.errors or one.name in pointed for one in items),
        all(one.hidden for one in items),
    )


def how(work: Work, register: Register, field: Field) -> str:
    """Return how a derived field comes about, in one sentence; ``""`` for an entered one."""
    if field.lookup:
        return _("Taken from the chosen {field}.", field=title(register, field.lookup.reference))
    if field.rollup:
        return gathered(work, field.rollup)
    if field.computed:
        read = dict.fromkeys(title(register, name) for name in reads(field))
        return _("Computed from {fields}.", fields="、".join(read)) if read else ""
    return ""


def gathered(work: Work, rollup: Rollup) -> str:
    return _(GATHERED[rollup.operation], register=work.published(rollup.register).register.title)


def reads(field: Field) -> list[str]:
    """Return the fields that a formula reads, those of the stored record left out."""
    assert field.computed is not None
    names = (name.partition(".")[0] for name, _type in field.computed.variables)
    return [name for name in names if name != "old"]


def state_of(register: Register) -> str:
    """Return the field that holds the state of the workflow, ``""`` where none does."""
    return register.workflow.field if register.workflow else ""


def stepped(register: Register) -> dict[str, str]:
    """Return the sentence on each field that steps of the workflow fill in by themselves."""
    flow = register.workflow
    if flow is None:
        return {}
    ways: dict[str, list[str]] = {}
    for way in flow.transitions:
        for name in [*(s.field for s in way.settings if not empties(s)), way.due_field]:
            if name and way.title not in ways.setdefault(name, []):
                ways[name].append(way.title)
    said = {n: _("Filled in by the step {step}.", step=quoted(t)) for n, t in ways.items()}
    return said | ({flow.field: _("Moves on with the steps.")} if flow.field else {})


def empties(setting: Setting) -> bool:
    """Return whether a step makes a field blank with it."""
    return setting.formula is not None and setting.formula.text == "none()"


def quoted(titles: Sequence[str]) -> str:
    """Return the first titles of steps, each in quotation marks."""
    return "、".join(f"“{one}”" for one in titles[:2])


def title(register: Register, name: str) -> str:
    return register[name].title if name in register else name
