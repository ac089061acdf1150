"""Mending: what a rule complains of is changed to what the rule would take.

What is tried comes from ``trying``; the gate says which of it helps.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.definitions.gate import Judgement, Values, prefixed
from app.definitions.register import Field, Register, Rule
from app.errors import Problem
from app.services.deciding import scope
from app.services.demo.referring import Referrer
from app.services.demo.ruling import holds, reads_old
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
    #: fields that stay as they are
    kept: frozenset[str] = frozenset()
    _tried: Counter[str] = field(default_factory=Counter, init=False)
    _helped: Counter[str] = field(default_factory=Counter, init=False)
    _gathered: list[str] = field(default_factory=list, init=False)
    _looked_up: list[Field] = field(default_factory=list, init=False)
    _references: set[str] = field(default_factory=set, init=False)
    _sums: dict[str, str] = field(default_factory=dict, init=False)
    _rules: dict[str, Rule] = field(default_factory=dict, init=False)
    _candidates: Candidates = field(init=False)
    #: the rules that keep what is stored from being changed, and the record as it is stored
    _keeping: list[Rule] = field(default_factory=list, init=False)
    _old: Values | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        fields = self.register.fields
        self._gathered = [f.name for f in fields if f.lookup or f.rollup]
        self._looked_up = [f for f in fields if f.lookup]
        self._references = {f.lookup.reference for f in fields if f.lookup}
        self._sums = dict(own_sums(self.register))
        self._candidates = Candidates(self.register, self.referrer, self.today, self.kept)
        self._keeping = [r for r in self.register.rules if r.severity != "warning" and reads_old(r)]
        self._rules = {rule.code: rule for rule in self.register.rules}

    @property
    def register(self) -> Register:
        return self.published.register

    def mend(
        self, values: Values, problems: Sequence[Problem], row: int, old: Values | None = None
    ) -> Values:
        """Return the changes of entered fields that leave fewer problems; none where no
        change helps. ``values`` are those judged, with all that is derived. What else is said
        against the record already is left as it is. ``old`` is the record as it is stored."""
        self._old = prefixed(old) if old is not None else None
        changes: Values = {}
        now, found = dict(values), list(problems)
        asked = {problem.code for problem in problems}
        left: set[str] | None = None
        for _ in range(ROUNDS):
            fresh = self._round(now, found, row)
            if not fresh:
                break
            changes |= fresh
            now = self.changed(now, fresh)
            if left is None:
                left = {problem.code for problem in self._complaints(values)} - asked
            found = [problem for problem in self._complaints(now) if problem.code not in left]
        return changes

    def _complaints(self, values: Values) -> list[Problem]:
        verdict = self.judged(values)
        return verdict.problems + verdict.warnings

    def _round(self, values: Values, problems: Sequence[Problem], row: int) -> Values:
        changes: Values = {}
        asked = [problem for problem in problems if self._is_open(problem)]
        if not asked:
            return changes
        now, score = dict(values), self._score(values)
        for problem in asked:
            if not any(score):
                break
            rule = self._rules.get(problem.code)
            self._tried[problem.code] += 1
            found, score = self._best(rule, problem, now, score, row)
            if found:
                self._helped[problem.code] += 1
                changes |= found
                now = self.changed(now, found)
        return changes

    def _is_open(self, problem: Problem) -> bool:
        """Return whether mending may help: not where it never did, and not where what is warned
        of is how something was entered and not what it says."""
        if self._tried[problem.code] >= HOPELESS and not self._helped[problem.code]:
            return False
        rule = self._rules.get(problem.code)
        if rule is None:
            return problem.code == MISSING
        return problem.severity != "warning" or not reads_old(rule)

    def _best(
        self, rule: Rule | None, problem: Problem, now: Values, score: Score, row: int
    ) -> tuple[Values, Score]:
        """Return the change that leaves the fewest problems, and how many: the first that mends
        without bringing others about, or the best of all."""
        best = errors, warnings = score
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
        return chosen, best

    def changed(self, values: Values, changes: Values) -> Values:
        """Return the record with other entered values, and what follows from them."""
        gathered = {name: values.get(name) for name in self._gathered}
        for entry in self._looked_up if changes.keys() & self._references else ():
            assert entry.lookup is not None
            if entry.lookup.reference in changes:
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
        kept = 0
        if self._old is not None:
            names = scope(self.register, values) | self._old
            kept = sum(not holds(rule, names) for rule in self._keeping)
        return len(found.problems) + kept, len(found.warnings)

    def judged(self, values: Values) -> Judgement:
        """Return what the gate says of a record, without asking the database."""
        return self.published.gate.judge(dict(values), [], None, values)


def mendable(problem: Problem) -> bool:
    """Return whether a problem is one that mending knows."""
    return problem.code == MISSING or problem.code.startswith("rule.")
