"""Totals: what a record says beside what other records add up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.definitions.gate import Values, reads_of
from app.definitions.register import Register, Rule
from app.services.deciding import scope
from app.services.demo.amounts import NUMBERS, portion, same_sort
from app.services.demo.recipes import Grid
from app.services.demo.ruling import holds


def own_sums(register: Register) -> Iterator[tuple[str, str]]:
    """Give the roll-ups that add a field up over the register's own records, itself counted."""
    for entry in register.fields:
        said = entry.rollup
        if said is None or said.operation != "sum" or said.register != register.slug:
            continue
        if not any(c.operator in ("<", ">") or c.plus for c in said.where):
            yield entry.name, said.field


@dataclass(frozen=True, slots=True)
class Total:
    """A rule that compares what is entered with what is gathered from other records."""

    rule: Rule
    entered: str
    gathered: str


def totals_of(register: Register) -> list[Total]:
    """Return the rules that compare an entered amount with a roll-up of the same unit."""
    found = []
    for rule in register.rules:
        read = [register[name] for name in sorted(reads_of(rule.check)) if name in register]
        for one in read:
            for other in read:
                amounts = not one.derived and one.unit and one.kind.json_type == "number"
                if amounts and other.rollup and same_sort(one, other):
                    found.append(Total(rule, one.name, other.name))
    return found


def agreed(register: Register, totals: Sequence[Total], values: Values) -> Values:
    """Return the entered amounts that are what was gathered: where the rule takes that one, and
    neither much more nor much less."""
    found: Values = {}
    for total in totals:
        rule, told = total.rule, values.get(total.gathered)
        if told is None or told <= 0 or values.get(total.entered) is None:
            continue
        if rule.when is not None and rule.when(scope(register, values)) is not True:
            continue
        entry = register[total.entered]
        tries = [
            holds(rule, scope(register, values) | {entry.name: portion(entry, told, share)})
            for share in (Decimal(1), Decimal(3), Decimal(1) / 3)
        ]
        if tries == [True, False, False]:
            found[total.entered] = portion(entry, told, Decimal(1))
    return found


def climbing(register: Register, grid: Grid | None) -> frozenset[str]:
    """Return the entered amounts that a rule compares with themselves in earlier records:
    what was reached does not fall."""
    if grid is None:
        return frozenset()
    found = set()
    for rule in register.rules:
        for name in reads_of(rule.check):
            if name not in register or register[name].derived:
                continue
            if register[name].kind.json_type not in NUMBERS:
                continue
            others = reads_of(rule.check) - {name}
            earlier = (_gathered_from(register, other, name) for other in others)
            if rule.check.text.count("+") == 0 and any(earlier) and "<" not in rule.check.text:
                found.add(name)
    return frozenset(found)


def _gathered_from(register: Register, name: str, source: str) -> bool:
    """Return whether a derived field holds what ``source`` was in earlier records."""
    if name not in register or not register[name].derived:
        return False
    entry = register[name]
    if entry.computed:
        read = reads_of(entry.computed)
        return any(register[n].rollup and _gathered_from(register, n, source) for n in read)
    said = entry.rollup
    if said is None or said.register != register.slug or said.field != source:
        return False
    return said.operation in ("max", "latest") and any(
        c.operator == "<" or (c.operator == "==" and c.plus == -1) for c in said.where
    )
