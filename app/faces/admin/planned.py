"""Planned: a publication's plan and two revisions' differences in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import because
from app.services.publishing.steps import Plan, Step
from app.words import say


def planned(plan: Plan) -> dict[str, Any]:
    """Return a plan for its page. Nothing to do is a plan without steps."""
    return {
        "slug": plan.slug,
        "revision": plan.revision,
        "base_hash": plan.base_hash,
        "steps": [told(step) for step in plan.steps if step.needs != "refused"],
        "confirmations": [worded(step.text, step.values) for step in plan.confirmations],
        "refusals": [told(step) for step in plan.refusals],
        "unchanged": plan.unchanged,
    }


def told(step: Step) -> dict[str, Any]:
    return {
        "text": worded(step.text, step.values),
        "rows": f"{step.rows:,}" if step.rows else None,
        "examples": step.examples,
        "warn": step.needs == "confirm",
    }


def worded(text: str, values: Mapping[str, Any]) -> str:
    """Return a sentence with its values, in the language of the request."""
    return say(because(text, **values))
