"""Ruling: one rule asked of one record, without the rest of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.gate import Values
from app.definitions.register import Register, Rule
from app.expressions import FormulaFailed


def scope(register: Register, values: Values) -> Values:
    """Return what formulas see of a record: a blank list has no rows."""
    fields = register.fields
    blank = {f.name: () for f in fields if f.formula_type_is_list and not values.get(f.name)}
    return values | blank


def holds(rule: Rule, names: Mapping[str, Any]) -> bool:
    """Return whether a rule has nothing against a record."""
    try:
        if rule.when is not None and rule.when(names) is not True:
            return True
        return rule.check(names) is not False
    except FormulaFailed:
        return False


def reads_old(rule: Rule) -> bool:
    """Return whether a rule looks at what a record was before it is changed."""
    return any(name.startswith("old.") for name in rule.check.reads)
