"""Opening: a transition enters a record in another register that refers to the one it moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.definitions.flow import Opening
from app.errors import RecordRefused
from app.services import records
from app.services.standing import EVERYTHING
from app.services.work import Work


def open_children(
    work: Work,
    opening: Opening,
    moved: Sequence[Mapping[str, Any]],
) -> None:
    """Enter a record for each of ``moved``, by the platform's own right: whoever makes the
    transition need not be allowed to enter records there. Raises ``RecordRefused``."""
    target = work.published(opening.register)
    own = replace(work, actor=replace(work.actor, standing=EVERYTHING), accesses={})
    verdicts = []
    for row in moved:
        values = {**opening.values, opening.via: row["_id"]}
        for one in opening.settings:
            result = one.formula(row) if one.formula else None
            if result is not None:
                kind = target.register[one.field].kind
                values[one.field] = kind.to_form(kind.from_formula(result))
        verdict = records.judge_new(own, target, values)
        if verdict.problems:
            raise RecordRefused(verdict.problems, count=len(verdict.problems))
        verdicts.append(verdict)
    records.insert(own, target, verdicts)
