"""Mending: what a rule complains of is changed to what the rule would take.

What is tried comes from ``trying``; the gate says which of it helps.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.definitions.gate import Judgement, Values
from app.definitions.register import Register, Rule
from app.errors import Problem
from app.services.demo.referring import Referrer
from app.services.demo.ruling import holds, scope
from app.services.demo.totals import own_sums
from app.services.demo.trying import Candidates
from app.storage.catalog import Published

#: a rule that so many records could not be mended for, and none could, is left alone
HOPELESS = 12
#: how often what a change brings about is mended in its turn
ROUNDS = 3
MISSING = "schema.required"

Score = tuple[int, int]


@dataclass(slots=True)
class Mender:
    """Mends the records of one register."""

    published: Published
    referrer: Referrer
    today: datetime.date
    _tried: Counter[str] = field(default_factory=Counter, init=False)
    _helped: Counter[str] = field(default_factory=Counter, init=False)
    _sums: dict[str, str] = field(default_factory=dict, init=False)
    _rules: dict[str, Rule] = field(default_factory=dict, init=False)
    _candidates: Candidates = field(init=False)

    def __post_init__(self) -> None:
        self._sums = dict(own_sums(self.register))
        self._candidates = Candidates(self.register, self.referrer, self.today)
        self._rules = {rule.code: rule for rule in self.register.rules}

    @property
    def register(self) -> Register:
        return self.published.register

    def mend(self, values: Values, problems: Sequence[Problem], row: int) -> Values:
        """Return the changes of entered fields that leave fewer problems; none where no
        change helps. ``values`` are those judged, with all that is derived."""
        changes: Values = {}
        now, found = dict(values), list(problems)
        for _ in range(ROUNDS):
            fresh = self._round(now, found, row)
            if not fresh:
                break
            changes |= fresh
            now = self.changed(now, fresh)
            verdict = self.judged(now)
            found = verdict.problems + verdict.warnings
        return changes

    def _round(self, values: Values, problems: Sequence[Problem], row: int) -> Values:
        changes: Values = {}
        now = dict(values)
        for problem in problems:
            rule = self._rules.get(problem.code)
            hopeless = self._tried[problem.code] >= HOPELESS and not self._helped[problem.code]
            if hopeless or (rule is None and problem.code != MISSING):
                continue
            if not any(self._score(now)):
                break
            self._tried[problem.code] += 1
            found = self._best(rule, problem, now, row)
            if found:
                self._helped[problem.code] += 1
                changes |= found
                now = self.changed(now, found)
        return changes

    def _best(self, rule: Rule | None, problem: Problem, now: Values, row: int) -> Values:
        """Return the change that leaves the fewest problems: the first that mends without
        bringing others about, or the best of all."""
        best = errors, warnings = self._score(now)
        warned = problem.severity == "warning"
        fewest = (errors, warnings - 1) if warned else (errors - 1, warnings)
        chosen: Values = {}
        for name, value in self._candidates.likely(rule, problem, now, row):
            if value == now.get(name):
                continue
            changed = self.changed(now, {name: value})
            if rule is not None and not holds(rule, scope(self.register, changed)):
                continue
            score = self._score(changed)
            if score < best:
                best, chosen = score, {name: value}
            if score <= fewest:
                break
        return chosen

    def changed(self, values: Values, changes: Values) -> Values:
        """Return the record with other entered values, and what follows from them."""
        gathered = {f.name: values.get(f.name) for f in self.register.fields if f.derived}
        for entry in self.register.fields:
            if entry.lookup and entry.lookup.reference in changes:
                pool = self.referrer.pools.get(self.register[entry.lookup.reference].reference)
                facts = pool.facts.get(changes[entry.lookup.reference], {}) if pool else {}
                gathered[entry.name] = facts.get(entry.lookup.field)
        for total, part in self._sums.items():
            counted = gathered.get(total)
            if part in changes and counted is not None:
                gathered[total] = counted + (changes[part] or 0) - (values.get(part) or 0)
        return self.published.gate.derive({**values, **changes}, gathered)

    def _score(self, values: Values) -> Score:
        found = self.judged(values)
        return len(found.problems), len(found.warnings)

    def judged(self, values: Values) -> Judgement:
        """Return what the gate says of a record, without asking the database."""
        return self.published.gate.judge(dict(values), [], None, values)


def mendable(problem: Problem) -> bool:
    """Return whether a problem is one that mending knows."""
    return problem.code == MISSING or problem.code.startswith("rule.")
