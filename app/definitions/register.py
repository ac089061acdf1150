"""What a compiled definition says: facts only, frozen, made by ``compile``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.definitions.flow import Workflow
from app.expressions import Formula
from app.kinds.base import Kind

if TYPE_CHECKING:
    from app.definitions.periods import Periods


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a roll-up: a source row's ``field`` with a constant or with the
    reader's own field ``own`` (``plus`` is added to it, for "the same month of last year")."""

    field: str
    operator: str
    value: Any = None
    own: str = ""
    plus: int = 0


@dataclass(frozen=True, slots=True)
class Rollup:
    """A value gathered from rows of ``register``: sum, count, avg, min, max or latest."""

    operation: str
    register: str
    field: str
    where: tuple[Condition, ...] = ()
    #: the source's reference to the record that gathers; ``""`` when ``where`` alone chooses rows
    via: str = ""
    #: for ``latest``: the source field that orders the rows
    by: str = ""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return every condition on a source row, that of ``via`` included."""
        via = (Condition(self.via, "==", own="_id"),) if self.via else ()
        return (*via, *self.where)

    @property
    def own(self) -> tuple[Condition, ...]:
        """Return the conditions that compare a source row with a field of the reader."""
        return tuple(c for c in self.conditions if c.own)

    @property
    def constants(self) -> tuple[Condition, ...]:
        """Return the conditions that are the same for every reader."""
        return tuple(c for c in self.where if not c.own)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value read through a reference of the same record."""

    reference: str
    register: str
    field: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a register, or one column of a child list."""

    name: str
    title: str
    kind: Kind
    #: the property as judged: JSON Schema's own keywords only
    schema: Mapping[str, Any]
    help: str = ""
    unit: str = ""
    placeholder: str = ""
    #: how the platform numbers new records, such as ``WL-{year}-{0000}``
    serial: str = ""
    required: bool = False
    unique: bool = False
    index: bool = False
    default: Any = None
    #: what the form of a new record begins with
    begin: Formula | None = None
    computed: Formula | None = None
    lookup: Lookup | None = None
    rollup: Rollup | None = None
    visible: Formula | None = None
    editable: Formula | None = None
    source: str = ""
    private: str = ""
    #: other headings an imported column may have -> what its numbers are multiplied by
    factors: Mapping[str, str] = field(default_factory=dict)
    #: for a reference: what deleting the target does (restrict, cascade, clear)
    on_delete: str = "restrict"
    #: name the field had before
    was: str = ""
    #: fields of a child list, when the kind is ``rows``
    columns: tuple[Field, ...] = ()

    @property
    def derived(self) -> bool:
        """Return whether the platform, not a person, supplies the value."""
        return bool(self.computed or self.lookup or self.rollup)

    @property
    def formula_type_is_list(self) -> bool:
        """Return whether formulas see the field as a list."""
        return self.kind.formula_type == "rows" or self.kind.formula_type.startswith("list(")

    @property
    def reference(self) -> str:
        """Return the slug of the register this field refers to, or ``""``."""
        return getattr(self.kind, "register", "")


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition a record must meet. ``code`` is stable: ``rule.`` and the rule's own name
    or position."""

    code: str
    check: Formula
    at: str
    message: str
    severity: str = "error"
    #: name in the record -> evaluated only when this holds
    when: Formula | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What holders of ``roles`` may do, on which rows and fields.

    ``rows`` names whose rows, any of them (all, own, own-unit, unit-and-below, referred,
    paired); ``by`` the field that says to whom a row belongs, ``""`` for the unit that entered
    it. ``where`` and ``states`` narrow them. ``see`` and ``change`` are fields, None for all;
    ``by_source`` leaves those whose ``source`` is the role, or a unit of the person.
    """

    roles: tuple[str, ...]
    may: frozenset[str]
    rows: tuple[str, ...] = ("all",)
    by: str = ""
    where: tuple[Condition, ...] = ()
    states: tuple[str, ...] = ()
    see: frozenset[str] | None = None
    change: frozenset[str] | None = None
    by_source: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A record that must pass, or must fail at ``at``. ``given`` supplies look-ups and
    roll-ups, ``old`` is the stored record, ``expect`` holds computed values to compare."""

    record: Mapping[str, Any]
    valid: bool
    at: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    old: Mapping[str, Any] | None = None
    expect: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """A register as the platform uses it."""

    slug: str
    title: str
    document: Mapping[str, Any]
    fields: tuple[Field, ...]
    description: str = ""
    category: str = ""
    order: int = 0
    key: tuple[str, ...] = ()
    #: template such as ``"{enterprise} {year}"``
    label: str = ""
    sections: tuple[Section, ...] = ()
    list: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    #: default order, ``-`` first for descending
    sort: tuple[str, ...] = ()
    export: tuple[str, ...] = ()
    #: the passages of the plan it answers
    basis: tuple[str, ...] = ()
    #: numbers of an export that are summed in its last line
    totals: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    examples: tuple[Example, ...] = ()
    permissions: tuple[Grant, ...] = ()
    workflow: Workflow | None = None
    #: the calendar of returns; None where the register only says how often, or nothing
    period: Periods | None = None
    #: the JSON Schema that judges a record (draft 2020-12, local ``$defs`` resolved)
    schema: Mapping[str, Any] = field(default_factory=dict)
    #: derived fields in the order in which they must be computed
    computing: tuple[str, ...] = ()
    #: registers this one reads: references, look-ups, roll-ups
    neighbours: frozenset[str] = frozenset()
    _by_name: Mapping[str, Field] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all fields in order."""
        return tuple(self._by_name)
