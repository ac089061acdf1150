"""Steps of a publication: each says in words what it does, to how many rows, and does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.definitions.register import Register
from app.storage.layout import Layout

if TYPE_CHECKING:
    from app.services.work import Work

#: examples of touched records that a step shows
EXAMPLES = 5


@dataclass(slots=True)
class Step:
    """One step. ``needs`` is ``""``, ``confirm`` (somebody must say yes) or ``refused``."""

    code: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    rows: int = 0
    examples: list[str] = field(default_factory=list)
    needs: str = ""
    run: Callable[[Work], None] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what the revision keeps of the step."""
        return {
            "code": self.code,
            "text": self.text,
            "values": {k: str(v) for k, v in self.values.items()},
            "field": self.name,
            "rows": self.rows,
            "examples": self.examples,
            "needs": self.needs,
        }


@dataclass(slots=True)
class Plan:
    """What publishing a definition would do. Made again, and the same, when it is done."""

    slug: str
    register: Register
    document: Mapping[str, Any]
    #: revision the plan starts from; 0 for a new register
    base: int
    #: digest of that revision's definition; ``""`` for a new register
    base_hash: str
    layout: Layout
    steps: list[Step] = field(default_factory=list)

    @property
    def revision(self) -> int:
        return self.base + 1

    @property
    def confirmations(self) -> list[Step]:
        return [s for s in self.steps if s.needs == "confirm"]

    @property
    def refusals(self) -> list[Step]:
        return [s for s in self.steps if s.needs == "refused"]

    @property
    def unchanged(self) -> bool:
        """Return whether the definition is the published one, to the letter."""
        return not self.steps and self.base > 0
