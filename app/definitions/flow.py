"""What a workflow says: facts only, frozen, made by ``workflow``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.expressions import Formula

#: in ``role`` and ``notify``: who entered the record, anybody of its unit
OWNER, UNIT = "owner", "unit"
#: who decides a joint review, unless a unit is named
ALL, MAJORITY = "all", "majority"
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class State:
    """A state. ``fields`` are those nobody changes there, where not the whole is ``locked``;
    a record that is not yet ``handed_in`` leaves the return of its period open."""

    name: str
    title: str
    colour: str = "grey"
    final: bool = False
    locked: bool = False
    fields: frozenset[str] = frozenset()
    was: str = ""
    handed_in: bool = True


@dataclass(frozen=True, slots=True)
class Guard:
    check: Formula
    message: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A value given to a field: of an expression over the record, or a constant."""

    field: str
    formula: Formula | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Joint:
    """How several units decide. ``decide`` is all, majority or the code of a unit."""

    decide: str
    agreed: str
    refused: str = ""
    automatic: bool = False
    days: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """A record that is entered in another register; ``values`` are as they would be sent."""

    register: str
    via: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """A way from one state to another, and who may take it."""

    name: str
    title: str
    sources: tuple[str, ...]
    target: str
    #: roles by name; ``owner`` and ``unit`` are kept apart
    roles: tuple[str, ...] = ()
    people: frozenset[str] = frozenset()
    rows: tuple[str, ...] = ("all",)
    by: str = ""
    apart: frozenset[str] = frozenset()
    guards: tuple[Guard, ...] = ()
    comment: str = "optional"
    require: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    #: working days the record has in the state, and the field that takes the last of them
    days: int = 0
    due_field: str = ""
    #: or the date of the record that is the last day
    due_on: str = ""
    deadline: str = ""
    automatic: bool = False
    #: codes of the units it is referred to; ``chosen``: whoever makes it names them
    units: tuple[str, ...] = ()
    chosen: bool = False
    joint: Joint | None = None
    opens: Opening | None = None
    notify: tuple[str, ...] = ()

    @property
    def anybody(self) -> bool:
        """Return whether it is for whoever may change the record."""
        return not self.roles and not self.people

    @property
    def limited(self) -> bool:
        """Return whether the record may stay only for a time in the state it leads to."""
        return bool(self.days or self.due_on)


@dataclass(frozen=True, slots=True)
class Workflow:
    """The states of a register's records and the ways between them."""

    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    initial: str
    field: str = ""
    template: str = ""
    moves: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return any(state.name == name for state in self.states)

    def state(self, name: str | None) -> State:
        """Return a state; a record that has none, or one nobody knows, is at the beginning."""
        found = {state.name: state for state in self.states}
        return found.get(name or "", found[self.initial])

    @property
    def begun(self) -> frozenset[str]:
        """Return the states in which a record is begun and does not hand in its return."""
        return frozenset(state.name for state in self.states if not state.handed_in)

    def hands(self, way: Transition) -> bool:
        """Return whether a transition may hand a record's return in, or take it back."""
        begun = self.begun
        return {source in begun for source in way.sources} != {way.target in begun}

    def transition(self, name: str) -> Transition | None:
        return next((one for one in self.transitions if one.name == name), None)

    def leaving(self, state: str) -> Iterator[Transition]:
        """Give the transitions that lead on from a state."""
        return (one for one in self.transitions if state in one.sources)

    def timed(self, state: str) -> Transition | None:
        """Return the transition the platform makes when the time in a state is over."""
        return next((one for one in self.leaving(state) if one.automatic), None)

    def deciding(self, state: str, name: str) -> str:
        """Return the result a joint review must have for a transition from ``state``."""
        for one in self.transitions:
            if one.joint and one.target == state:
                if name == one.joint.agreed:
                    return "agreed"
                if name == one.joint.refused:
                    return "refused"
        return ""
