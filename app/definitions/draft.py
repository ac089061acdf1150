"""A draft: one definition while it is being checked. What is not well is noted and left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.definitions import inference
from app.definitions.findings import Findings, Said
from app.definitions.gathering import make_lookup, make_rollup, rollup_kind, rollup_needs
from app.definitions.names import name_facts, propose, why_not
from app.definitions.register import Field, Lookup, Rollup
from app.definitions.shape import well_formed
from app.definitions.shared import SharedParts
from app.definitions.sound import Path_, is_sound
from app.definitions.world import World
from app.expressions import Formula, FormulaProblem, compile_formula
from app.kinds.base import Kind

#: fields of a register, columns of child rows counted
MOST_FIELDS = 200
#: look-ups that a reference is followed through to the register it refers to
DEEPEST = 20


class Draft:
    """One definition: its well-formed part, the kinds and formulas found so far, its problems."""

    def __init__(
        self, document: object, common: Mapping[str, Any], world: World, source: bytes | None
    ) -> None:
        self.findings = Findings()
        self.world = world
        self.document: dict[str, Any] = document if isinstance(document, dict) else {}
        self.body: dict[str, Any] = {}
        self.slug = ""
        #: names the definition means to declare, well or not, in order
        self.declared: dict[str, None] = {}
        #: property by name, shared parts filled in
        self.props: dict[str, dict[str, Any]] = {}
        self.kinds: dict[str, Kind] = {}
        self.columns: dict[str, dict[str, Kind]] = {}
        self.fields: dict[str, Field] = {}
        #: fields that stand in a circle: their values can never be had
        self.circular: set[str] = set()
        self._made: dict[tuple[str, str], Any] = {}
        self.readable = is_sound(document, source, self.findings)
        if self.readable:
            self._read(common)

    def _read(self, common: Mapping[str, Any]) -> None:
        self.body, cut = well_formed(self.document, self.findings)
        slug = self.body.get("$id", "")
        if slug and (sentence := why_not(slug, field=False)):
            self.findings.add(("$id",), "bad_name", sentence, **name_facts(slug))
        self.slug = slug
        raw = self.document.get("properties")
        self.declared = dict.fromkeys(raw) if isinstance(raw, dict) else {}
        parts = SharedParts(self.body.get("$defs", {}), common, self.findings)
        count = 0
        for name, prop in self.body.get("properties", {}).items():
            whole = parts.expand(prop, ("properties", name))
            count += 1 + (len((whole or {}).get("items", {}).get("properties", {})))
            if self._is_name(name, ("properties", name), self.declared) and whole is not None:
                self.props[name] = whole
        for name, part in self.body.get("$defs", {}).items():
            parts.expand(part, ("$defs", name))
        if count > MOST_FIELDS:
            text = "The register has {count} fields (columns counted), at most {most} are allowed."
            self.findings.add(
                ("properties",), "too_many_fields", text, count=count, most=MOST_FIELDS
            )
        self._leave_out(cut)

    def _leave_out(self, cut: Iterable[Path_]) -> None:
        """Drop fields whose kind is in doubt because something of theirs was cut out."""
        doubtful = {"type", "format", "items", "computed", "lookup", "rollup", "reference"}
        doubtful |= {"enum", "oneOf", "scale", "$ref"}
        for path in cut:
            if len(path) > 2 and path[0] == "properties" and path[2] in doubtful:
                self.props.pop(str(path[1]), None)

    def _is_name(self, name: str, at: Path_, taken: Iterable[str]) -> bool:
        sentence = why_not(name)
        if sentence and (proposal := propose(name, taken)):
            text, said = "{problem} It could be {proposal}.", Said(sentence, **name_facts(name))
            self.findings.add(at, "bad_name", text, problem=said, proposal=proposal)
        elif sentence:
            self.findings.add(at, "bad_name", sentence, **name_facts(name))
        return not sentence

    # --- kinds -----------------------------------------------------------------------------

    def declare_kinds(self) -> None:
        """Find the kinds that properties say themselves, and those of columns."""
        for name, prop in self.props.items():
            kind = inference.declared(prop)
            if kind is not None:
                self.kinds[name] = kind
            for column, inner in prop.get("items", {}).get("properties", {}).items():
                at = ("properties", name, "items", "properties", column)
                columns = prop["items"]["properties"]
                if self._is_name(column, at, columns) and (found := inference.declared(inner)):
                    self.columns.setdefault(name, {})[column] = found

    def needs(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the fields whose kinds decide the kind of ``name``."""
        prop = self.props.get(name, {})
        if name in self.kinds:
            return
        if "computed" in prop:
            own, old = inference.mentioned(prop["computed"])
            yield from ((self.slug, other) for other in self.props if other in own | old)
        elif "lookup" in prop:
            reference, _, target = prop["lookup"].partition(".")
            yield self.slug, reference
            yield self.target(reference), target
        elif "rollup" in prop:
            yield from rollup_needs(self.slug, prop["rollup"])

    def target(self, name: str, depth: int = 0) -> str:
        """Return the register that ``name`` refers to, also where the reference is looked up."""
        prop = self.props.get(name, {})
        if "lookup" not in prop or depth > DEEPEST:
            return str(prop.get("reference", ""))
        reference, _, there = prop["lookup"].partition(".")
        register = self.target(reference, depth + 1)
        if register in self.world.drafts:
            return self.world.drafts[register].target(there, depth + 1)
        return getattr(self.world.kind(register, there), "register", "")

    def infer(self, name: str) -> None:
        """Find the kind of ``name`` from what it is computed from, all of which is found."""
        prop = self.props.get(name)
        if prop is None or name in self.kinds or name in self.circular:
            return
        kind: Kind | None = None
        if "computed" in prop:
            formula = self.formula(name, "computed")
            kind = inference.made_by(formula.type, prop) if formula else None
            if formula and kind is None:
                text = "The expression gives {value}, which makes no kind of field. Say a type."
                self._note(name, "computed", "no_kind", text, value=formula.type)
        elif "lookup" in prop:
            lookup = self.lookup(name)
            kind = self.world.kind(lookup.register, lookup.field) if lookup else None
        elif "rollup" in prop:
            rollup = self.rollup(name)
            kind = rollup_kind(self, rollup) if rollup else None
        else:
            self._no_kind(name, prop)
        if kind is not None:
            self.kinds[name] = kind

    def _no_kind(self, name: str, prop: Mapping[str, Any]) -> None:
        if "type" in prop or "reference" in prop:
            said = {key: prop[key] for key in ("type", "format", "reference") if key in prop}
            text = "No kind of field is declared by {value}. See the kinds of the language."
            self._note(name, "", "no_kind", text, value=said)
        else:
            text = "The field {name} says neither a type nor a reference nor how it is computed."
            self.findings.add(("properties", name), "no_kind", text, name=name)

    # --- what a field is made from, each made once -------------------------------------------

    def lookup(self, name: str) -> Lookup | None:
        """Return the look-up of ``name``, None when it is not well."""
        found: Lookup | None = self._once("lookup", name, lambda: make_lookup(self, name))
        return found

    def rollup(self, name: str) -> Rollup | None:
        """Return the roll-up of ``name``, None when it is not well."""
        found: Rollup | None = self._once("rollup", name, lambda: make_rollup(self, name))
        return found

    def formula(self, name: str, keyword: str) -> Formula | None:
        """Return the expression under ``keyword`` of field ``name``, None when it is not well."""
        prop, at = self.props[name], ("properties", name, keyword)
        found: Formula | None = self._once(keyword, name, lambda: self.write(prop[keyword], at))
        return found

    def _once(self, keyword: str, name: str, make: Any) -> Any:
        if (keyword, name) not in self._made:
            self._made[keyword, name] = make()
        return self._made[keyword, name]

    def write(self, text: str, at: Path_, expects: str | None = None) -> Formula | None:
        """Compile an expression over the fields; note what is wrong with it.

        An expression that reads a field which is not well is passed over: the field is noted.
        """
        own, old = inference.mentioned(text)
        if any(name in self.declared and name not in self.kinds for name in own | old):
            return None
        try:
            return compile_formula(text, self.variables(), expects)
        except FormulaProblem as refused:
            for problem in refused.all:
                self._complain(problem, at)
        return None

    def _complain(self, problem: FormulaProblem, at: Path_) -> None:
        """Note what is wrong with an expression; a field it may not read is told from none."""
        kind = self.kinds.get(problem.values.get("name", ""))
        if kind is not None and kind.formula_type == "":
            text = "{name} is an attachment: expressions do not read it. Ask for it with required."
            self.findings.add(at, "expression", text, name=problem.values["name"])
            return
        text = "{problem} (at character {column})"
        self.findings.add(at, "expression", text, problem=problem, column=problem.column)

    def kinds_in_order(self) -> list[str]:
        """Return the fields whose kind is known, in the order of the definition."""
        return [name for name in self.props if name in self.kinds]

    def variables(self) -> dict[str, str]:
        """Return what expressions may read, with its type."""
        known: dict[str, str] = {}
        for name, kind in self.kinds.items():
            known.update(inference.variables(name, kind, self.columns.get(name, {})))
        return known

    def _note(self, name: str, keyword: str, code: str, text: str, **values: Any) -> None:
        path = ("properties", name, keyword) if keyword else ("properties", name)
        self.findings.add(path, code, text, **values)
