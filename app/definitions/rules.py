"""Rules: the conditions a record must meet, written as expressions."""

from __future__ import annotations

from collections.abc import Iterator

from app.definitions.draft import Draft
from app.definitions.names import name_facts, why_not
from app.definitions.register import Rule


def make_rules(draft: Draft) -> Iterator[Rule]:
    """Yield the rules that are well; note what is wrong with the others."""
    taken: dict[str, int] = {}
    for place, said in enumerate(draft.body.get("register", {}).get("rules", ())):
        if said is None:
            continue
        at = ("register", "rules", place)
        name = said.get("name", str(place + 1))
        if "name" in said and (sentence := why_not(name, field=False)):
            draft.findings.add((*at, "name"), "bad_name", sentence, **name_facts(name))
        if name in taken:
            text = "The rule {name} stands here twice."
            draft.findings.add((*at, "name"), "duplicate_rule", text, name=name)
        taken[name] = place
        target = said.get("at")
        if target is not None and target not in draft.declared:
            text = "There is no field {name}."
            draft.findings.unknown((*at, "at"), "unknown_field", text, target, draft.declared)
        check = draft.write(said["check"], (*at, "check"), "bool") if "check" in said else None
        when = draft.write(said["when"], (*at, "when"), "bool") if "when" in said else None
        if check is None or (when is None and "when" in said) or not target:
            continue
        severity = said.get("severity", "error")
        yield Rule(f"rule.{name}", check, target, said.get("message", ""), severity, when)
