"""What goes into a transition and what comes of it: facts that deciding and carrying out share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.definitions.flow import Transition
from app.definitions.gate import Judgement
from app.errors import Problem
from app.storage.catalog import Published

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What whoever makes a transition gives with it. ``by_itself``: the platform makes it."""

    comment: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    units: tuple[int, ...] = ()
    by_itself: bool = False


@dataclass(slots=True)
class Verdict:
    """Whether one row may be moved; ``values`` are those that it will have."""

    row: Row
    problems: list[Problem] = field(default_factory=list)
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What happened, for whoever tells people of it."""

    published: Published
    transition: Transition
    rows: tuple[Row, ...]
    comment: str
    units: tuple[int, ...]
