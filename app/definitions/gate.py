"""Gate: the one judge of a record, whatever the face.

Four steps: the kinds *read* (marshmallow), derived fields are *computed*, the definition's own
JSON Schema *judges* (all errors with pointers), the rules *check* (CEL). What needs the
database – look-ups, roll-ups, references, uniqueness – is handed in by the service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import jsonschema_rs

from app.definitions.register import Field, Register, Rule
from app.definitions.sentences import problem_of
from app.definitions.stages import Stage, make_stages
from app.errors import Problem
from app.expressions import Formula, FormulaFailed
from app.kinds.base import Kind, Reader, Unreadable

Values = dict[str, Any]
NOTHING: Mapping[str, Any] = {}


@dataclass(slots=True)
class Judgement:
    """The gate's verdict. ``forgiven`` are stored problems that do not block (ratchet)."""

    values: Values
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    forgiven: list[Problem] = field(default_factory=list)
    visible: dict[str, bool] = field(default_factory=dict)
    editable: dict[str, bool] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    #: fields the person does not see, and those that are not theirs to change
    concealed: frozenset[str] = frozenset()
    not_theirs: frozenset[str] = frozenset()
    #: ``values`` as they were judged
    json: dict[str, Any] = field(default_factory=dict)


class Gate:
    """Compiled once for each revision of a register; holds no state of a record."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self._readers = {f.name: reading_of(f.kind) for f in register.fields}
        self._entered = tuple(f for f in register.fields if not f.derived)
        self._derived = tuple(register[name] for name in register.computing)
        self._computed = tuple(f for f in self._derived if f.computed)
        self._gathered = tuple(f for f in register.fields if f.lookup or f.rollup)
        self.stages = make_stages(register)
        self._lists = tuple(f for f in register.fields if f.columns)
        self._row_readers = {
            f.name: {c.name: c.kind.reader() for c in f.columns} for f in self._lists
        }
        self._shown = tuple((f.name, f.visible) for f in register.fields if f.visible)
        self._open = tuple((f.name, f.editable) for f in register.fields if f.editable)
        self._serials = tuple(f.name for f in register.fields if f.serial)
        self._to_json = tuple(
            (f.name, partial(rows_to_json, f) if f.columns else json_writer(f.kind))
            for f in register.fields
        )
        self._required = frozenset(f.name for f in register.fields if f.required)
        read = {name for formula in self._formulas() for name in formula.reads}
        self._old = any(name.startswith("old.") for name in read)
        # A blank list has no rows: to a formula that is a list of none, not a missing input.
        self._listed = tuple(
            f.name
            for f in register.fields
            if f.formula_type_is_list and any(n.split(".")[0] == f.name for n in read)
        )
        self._schema = jsonschema_rs.Draft202012Validator(
            dict(register.schema),
            offline=True,
            validate_formats=False,
            pattern_options=jsonschema_rs.RegexOptions(),
        )

    def _formulas(self) -> list[Formula]:
        found = [f.computed for f in self._computed if f.computed]
        found += [formula for _, formula in (*self._shown, *self._open) if formula]
        for rule in self.register.rules:
            found += [rule.check, *([rule.when] if rule.when else [])]
        return found

    # ── step 1

    def read(self, raw: Mapping[str, Any]) -> tuple[Values, list[Problem]]:
        """Read raw input. Blank is None; what is derived is not read; a name that is not a
        field is a problem. A value that cannot be read is left out and reported."""
        values: Values = {}
        problems: list[Problem] = []
        readers = self._readers
        for name, item in raw.items():
            reader = readers.get(name)
            if reader is None:
                problems.append(unknown_field(name, self.register))
            elif item is None or (
                not item or item.isspace() if item.__class__ is str else is_blank(item)
            ):
                values[name] = None
            else:
                try:
                    values[name] = reader(item)
                except Unreadable as error:
                    problems.append(
                        Problem(
                            f"/{name}",
                            "value.unreadable",
                            error.text,
                            {"value": shorten(item), **error.values},
                            frozenset((name,)),
                        )
                    )
        for entry in self._lists:
            if values.get(entry.name):
                values[entry.name] = self._read_rows(entry, values[entry.name], problems)
        for entry in self._derived:
            values.pop(entry.name, None)
        return values, problems

    def _read_rows(self, entry: Field, rows: Any, problems: list[Problem]) -> Any:
        readers = self._row_readers[entry.name]
        result = []
        for position, row in enumerate(rows):
            values: Values = {c.name: None for c in entry.columns}
            for name, item in row.items():
                at = f"/{entry.name}/{position}/{name}"
                if name not in readers:
                    problems.append(unknown_field(name, self.register, at))
                elif not is_blank(item):
                    try:
                        values[name] = readers[name].deserialize(item)
                    except Unreadable as error:
                        where = frozenset((entry.name,))
                        shown = {"value": shorten(item), **error.values}
                        problems.append(Problem(at, "value.unreadable", error.text, shown, where))
            self._compute_row(entry, values, f"/{entry.name}/{position}", problems)
            if any(v is not None for v in values.values()):
                result.append(values)
        return tuple(result) or None

    def _compute_row(self, entry: Field, values: Values, at: str, problems: list[Problem]) -> None:
        for column in entry.columns:
            if column.computed:
                values[column.name] = compute(column, values, f"{at}/{column.name}", problems)

    # ── steps 2 to 4

    def judge(
        self,
        values: Values,
        problems: list[Problem],
        old: Values | None = None,
        gathered: Mapping[str, Any] | None = None,
    ) -> Judgement:
        """Judge read ``values`` (every entered field; absent is None) and derive the rest.

        ``problems`` are those of reading. With ``old``, the stored record, a problem that
        depends on nothing that changed is forgiven. ``gathered`` holds look-ups and roll-ups, and
        what was computed to gather them.
        """
        if self._gathered:
            for entry in self._gathered:
                values[entry.name] = gathered.get(entry.name) if gathered else None
        names = self._names(values, old)
        self._compute(self._computed, values, names, problems, gathered or {})
        verdict = Judgement(values, problems)
        self._decide(verdict, names, old)
        self._apply_schema(verdict)
        self._apply_rules(verdict, names)
        if old is not None:
            self._ratchet(verdict, old)
        return verdict

    def _names(self, values: Values, old: Values | None) -> Values:
        """Return what formulas see: the values, the stored ones as ``old.…``, lists never None."""
        names = values
        if self._old and old is not None:
            names = {**values, **prefixed(old)}
        for name in self._listed:
            if names.get(name) is None:
                names = {**names, name: ()} if names is values else names
                names[name] = ()
        return names

    def _compute(
        self,
        fields: tuple[Field, ...],
        values: Values,
        names: Values,
        problems: list[Problem],
        known: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Compute ``fields`` in order, each seeing those before it; what is ``known`` already
        was computed from the same values a moment ago."""
        for entry in fields:
            name = entry.name
            value = known.get(name)
            if value is None:
                value = compute(entry, names, f"/{name}", problems)
            values[name] = names[name] = value

    def _decide(self, verdict: Judgement, names: Mapping[str, Any], old: Values | None) -> None:
        for name, formula in self._shown:
            verdict.visible[name] = ask(formula, names, name, verdict.problems) is not False
        for name, formula in self._open:
            allowed = ask(formula, names, name, verdict.problems) is not False
            verdict.editable[name] = allowed
            if not allowed:
                self._keep(verdict, name, old)
        for name in self._serials:
            # a record from before the numbering may still be given its number by hand
            if old is not None and old.get(name) is not None:
                verdict.editable[name] = False
                self._keep(verdict, name, old)

    def _keep(self, verdict: Judgement, name: str, old: Values | None) -> None:
        """Note that a field which cannot be changed was changed."""
        if old is not None and verdict.values.get(name) != old.get(name):
            shown = {"field": self.register[name].title}
            text = "{field} cannot be changed here any more."
            found = Problem(f"/{name}", "value.locked", text, shown, frozenset((name,)))
            verdict.problems.append(found)

    def _apply_schema(self, verdict: Judgement) -> None:
        json = verdict.json = self.to_json(verdict.values)
        if self._schema.is_valid(json):
            return
        unread = {p.name for p in verdict.problems if p.code == "value.unreadable"}
        for error in self._schema.iter_errors(json):
            problem = problem_of(error, self.register)
            hidden = (
                verdict.visible.get(problem.name) is False and problem.code == "schema.required"
            )
            if not hidden and not (problem.name in unread and problem.code == "schema.required"):
                verdict.problems.append(problem)

    def _apply_rules(self, verdict: Judgement, names: Mapping[str, Any]) -> None:
        for rule in self.register.rules:
            where = f"/{rule.at}" if rule.at else ""
            try:
                applies = rule.when is None or rule.when(names) is True
                held = rule.check(names) if applies else None
            except FormulaFailed as failed:
                reads = depends(rule)
                verdict.problems.append(
                    Problem(where, "formula.failed", failed.text, failed.values, reads)
                )
                continue
            if held is False:
                problem = Problem(
                    where, rule.code, rule.message, {}, depends(rule), rule.severity, True
                )
                target = verdict.warnings if rule.severity == "warning" else verdict.problems
                target.append(problem)

    def _ratchet(self, verdict: Judgement, old: Values) -> None:
        """Let pass what was stored and does not depend on anything that is being changed."""
        values = verdict.values
        changed = frozenset(
            f.name for f in self.register.fields if values.get(f.name) != old.get(f.name)
        )
        verdict.changed = changed
        blocking: list[Problem] = []
        for problem in verdict.problems:
            stored = problem.fields and not (problem.fields & changed)
            reading = problem.code in ("value.unreadable", "record.unknown_field")
            (verdict.forgiven if stored and not reading else blocking).append(problem)
        verdict.problems = blocking
        verdict.warnings = [w for w in verdict.warnings if w.fields & changed or not w.fields]

    # ── whole records

    def derive(self, values: Values, gathered: Mapping[str, Any]) -> Values:
        """Return ``values`` with every derived field computed anew and nothing judged; an
        expression that fails leaves its field empty."""
        for entry in self._gathered:
            values[entry.name] = gathered.get(entry.name)
        self._compute(self._computed, values, self._names(values, None), [], gathered)
        return values

    def prepare(self, stage: Stage, values: Values, old: Values | None) -> None:
        """Compute in ``values`` what a stage of gathering compares with."""
        if stage.computed:
            self._compute(stage.computed, values, self._names(values, old), [])

    def defaults(self) -> Values:
        """Return the values a new record starts with."""
        values, _ = self.read({f.name: f.default for f in self._entered if f.default is not None})
        flow = self.register.workflow
        if flow and flow.field:
            values[flow.field] = flow.initial
        return values

    def beginnings(self) -> Values:
        """Return what the form of a new record begins with: the defaults, and what is so today."""
        values = self.defaults()
        for entry in self._entered:
            if entry.begin:
                values[entry.name] = result_of(entry, entry.begin, {}, f"/{entry.name}", [])
        return values

    def to_json(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``values`` as JSON, blank fields left out; rows as lists of objects."""
        return {
            name: value if to_json is None else to_json(value)
            for name, to_json in self._to_json
            if (value := values.get(name)) is not None
        }

    def from_json(self, json: Mapping[str, Any]) -> Values:
        """Return the values that ``to_json`` wrote; fields it does not have are None."""
        lists = {f.name: f for f in self._lists}
        values: Values = {}
        for entry in self.register.fields:
            item = json.get(entry.name)
            if item is None:
                values[entry.name] = None
            elif entry.name in lists:
                values[entry.name] = rows_from_json(entry, item)
            else:
                values[entry.name] = entry.kind.from_json(item)
        return values


def rows_to_json(entry: Field, rows: Any) -> list[dict[str, Any]]:
    """Return child rows as JSON, blank cells left out."""
    return [
        {c.name: c.kind.to_json(row[c.name]) for c in entry.columns if row.get(c.name) is not None}
        for row in rows
    ]


def rows_from_json(entry: Field, json: Any) -> tuple[Values, ...]:
    """Return the child rows that ``rows_to_json`` wrote."""
    return tuple(
        {
            c.name: None if row.get(c.name) is None else c.kind.from_json(row[c.name])
            for c in entry.columns
        }
        for row in json
    )


def compute(entry: Field, names: Mapping[str, Any], at: str, problems: list[Problem]) -> Any:
    """Return the value of a computed field; None where it has no result or cannot be."""
    if entry.computed is None:
        return None
    return result_of(entry, entry.computed, names, at, problems)


def result_of(
    entry: Field, formula: Formula, names: Mapping[str, Any], at: str, problems: list[Problem]
) -> Any:
    """Return what a formula gives a field; None where it has no result or cannot be."""
    try:
        result = formula(names)
    except FormulaFailed as failed:
        fields = reads_of(formula) | {entry.name}
        problems.append(Problem(at, "formula.failed", failed.text, failed.values, fields))
        return None
    if result is None:
        return None
    try:
        return entry.kind.from_formula(result)
    except (Unreadable, ArithmeticError):
        fields = reads_of(formula) | {entry.name}
        text = "{field}: the computed value {value} does not fit the field."
        shown = {"field": entry.title, "value": shorten(result)}
        problems.append(Problem(at, "formula.unfit", text, shown, fields))
        return None


def reading_of(kind: Kind) -> Callable[[Any], Any]:
    """Return the function behind a kind's marshmallow field: an import calls it most of all."""
    reader = kind.reader()
    return reader.read if isinstance(reader, Reader) else reader.deserialize


def json_writer(kind: Kind) -> Callable[[Any], Any] | None:
    """Return a kind's ``to_json``, or None where it returns the value as it is."""
    return None if type(kind).to_json is Kind.to_json else kind.to_json


def round_half_up(number: Decimal, scale: int) -> Decimal:
    """Return ``number`` with ``scale`` decimal places, halves away from zero."""
    return number.quantize(Decimal(1).scaleb(-scale), rounding="ROUND_HALF_UP")


def ask(formula: Formula, names: Mapping[str, Any], name: str, problems: list[Problem]) -> Any:
    """Return a yes/no expression's answer; a failure is a problem at ``name``."""
    try:
        return formula(names)
    except FormulaFailed as failed:
        fields = reads_of(formula) | {name}
        problems.append(Problem(f"/{name}", "formula.failed", failed.text, failed.values, fields))
        return None


def reads_of(formula: Formula) -> frozenset[str]:
    """Return the fields of the record itself that ``formula`` reads."""
    return frozenset(name.split(".")[0] for name in formula.reads if not name.startswith("old."))


def depends(rule: Rule) -> frozenset[str]:
    """Return the fields a rule's verdict depends on."""
    reads = reads_of(rule.check)
    return reads | reads_of(rule.when) if rule.when else reads


def prefixed(old: Values) -> Values:
    """Return the stored values under the names formulas know them by."""
    return {f"old.{name}": value for name, value in old.items()}


def is_blank(raw: Any) -> bool:
    """Return whether a raw value says nothing. ``False`` and ``0`` say something."""
    if raw is None:
        return True
    if isinstance(raw, str):
        return not raw or raw.isspace()
    return isinstance(raw, (list, tuple)) and not raw


def unknown_field(name: str, register: Register, at: str = "") -> Problem:
    text = "{register} has no field {name}. Check the spelling, or leave it out."
    shown = {"register": register.title, "name": shorten(name)}
    return Problem(at or f"/{shorten(name)}", "record.unknown_field", text, shown)


def shorten(raw: Any) -> str:
    """Return a raw value for a message: at most 60 characters."""
    text = str(raw)
    return text if len(text) <= 60 else text[:57] + "…"
