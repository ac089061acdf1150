"""Ruling: one rule asked of one record, without the rest of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.register import Rule
from app.expressions import FormulaFailed


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
