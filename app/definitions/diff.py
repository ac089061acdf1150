"""Two revisions of a register compared, in words: what a reader should know, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.definitions.flow import Workflow
from app.definitions.register import Field, Register
from app.expressions import Formula


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``name`` is the field it concerns, ``""`` for the whole register."""

    code: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


#: attributes of a field that are only words
WORDS = (
    ("title", "label"),
    ("help", "help text"),
    ("unit", "unit"),
    ("placeholder", "example"),
    ("serial", "numbering"),
)
#: judged keywords for which less is stricter, and more is stricter
STRICTER_UP = ("minimum", "exclusiveMinimum", "minLength", "minItems")
STRICTER_DOWN = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def compare(old: Register, new: Register) -> list[Difference]:
    """Return every difference between two revisions, field by field, then the register's."""
    found: list[Difference] = []
    former = {f.was: f.name for f in new.fields if f.was and f.was in old and f.was not in new}
    for entry in new.fields:
        before = entry.was if former.get(entry.was) == entry.name else entry.name
        if before not in old:
            shown = {"field": entry.title, "name": entry.name, "kind": entry.kind.name}
            text = "New field {field} ({name}, {kind})"
            found.append(Difference("field.added", text, shown, entry.name))
            continue
        if before != entry.name:
            shown = {"field": entry.title, "was": before, "name": entry.name}
            text = "Field {was} is now called {name} ({field})"
            found.append(Difference("field.renamed", text, shown, entry.name))
        found += compare_fields(old[before], entry)
    for entry in old.fields:
        if entry.name not in new and entry.name not in former:
            shown = {"field": entry.title, "name": entry.name}
            text = "Field {field} ({name}) is retired: hidden, its values are kept"
            found.append(Difference("field.retired", text, shown, entry.name))
    found += compare_rules(old, new)
    found += compare_wholes(old, new)
    return found


#: attribute → what switching it off and on says
SWITCHES = {
    "required": (
        ("field.optional", "{field} is no longer required"),
        ("field.required", "{field} becomes required"),
    ),
    "unique": (
        ("field.repeatable", "{field} need not be unique any more"),
        ("field.unique", "{field} must be unique"),
    ),
}


def compare_fields(old: Field, new: Field) -> Iterator[Difference]:
    """Give the differences between two revisions of one field."""
    yield from compare_words(old, new)
    if type(old.kind) is not type(new.kind) or not new.kind.holds(old.kind):
        text = "{field}: the kind changes from {was_kind} to {kind}"
        shown = {"field": new.title, "was_kind": old.kind.name, "kind": new.kind.name}
        yield Difference("field.kind", text, shown, new.name)
    for attribute, switched in SWITCHES.items():
        if getattr(old, attribute) != getattr(new, attribute):
            code, text = switched[getattr(new, attribute)]
            yield Difference(code, text, {"field": new.title}, new.name)
    if type(old.kind) is type(new.kind):
        yield from compare_limits(old, new)
    yield from compare_columns(old, new)


def compare_words(old: Field, new: Field) -> Iterator[Difference]:
    """Give the differences in what people read, and in what is computed and when."""
    for attribute, word in WORDS:
        before, after = getattr(old, attribute), getattr(new, attribute)
        if before != after:
            shown = {"field": new.title, "word": word, "before": before, "after": after}
            text = "{field}: the {word} changes from “{before}” to “{after}”"
            yield Difference("field.words", text, shown, new.name)
    for attribute in ("computed", "visible", "editable", "lookup", "rollup", "default", "begin"):
        before, after = spoken(getattr(old, attribute)), spoken(getattr(new, attribute))
        if before != after:
            shown = {"field": new.title, "what": attribute, "before": before, "after": after}
            text = "{field}: {what} changes from {before} to {after}"
            yield Difference(f"field.{attribute}", text, shown, new.name)


def compare_columns(old: Field, new: Field) -> Iterator[Difference]:
    """Give the differences between two revisions of a child list."""
    before = {c.name: c for c in old.columns}
    after = {c.name: c for c in new.columns}
    for name, column in after.items():
        shown = {"field": new.title, "column": column.title}
        if name not in before:
            yield Difference("column.added", "{field}: new column {column}", shown, new.name)
        elif before[name] != column:
            yield Difference("column.changed", "{field}: column {column} changes", shown, new.name)
    for name, column in before.items():
        if name not in after:
            shown = {"field": new.title, "column": column.title}
            yield Difference(
                "column.retired", "{field}: column {column} is retired", shown, new.name
            )


def compare_limits(old: Field, new: Field) -> Iterator[Difference]:
    """Give the differences in what the judge allows; choices by name."""
    for keyword in sorted({*old.schema, *new.schema} - {"type", "properties", "required"}):
        before, after = old.schema.get(keyword), new.schema.get(keyword)
        if keyword == "enum":
            yield from compare_choices(old, new, before or [], after or [])
        if before == after or keyword == "enum":
            continue
        stricter = is_stricter(keyword, before, after)
        shown = {"field": new.title, "keyword": keyword}
        shown |= {"before": spoken(before), "after": spoken(after)}
        text = "{field}: {keyword} changes from {before} to {after}"
        code = "field.tightened" if stricter else "field.widened"
        yield Difference(code, text, shown, new.name)


def compare_choices(old: Field, new: Field, before: Any, after: Any) -> Iterator[Difference]:
    for choice in after:
        if choice not in before:
            shown = {"field": new.title, "choice": new.kind.show(choice)}
            yield Difference("choice.added", "{field}: new choice {choice}", shown, new.name)
        elif (was := old.kind.show(choice)) != new.kind.show(choice):
            shown = {"field": new.title, "before": was, "after": new.kind.show(choice)}
            text = "{field}: choice “{before}” is now called “{after}”"
            yield Difference("choice.words", text, shown, new.name)
    for choice in before:
        if choice not in after:
            shown = {"field": new.title, "choice": old.kind.show(choice), "const": choice}
            text = "{field}: choice {choice} can no longer be chosen"
            yield Difference("choice.retired", text, shown, new.name)


def is_stricter(keyword: str, before: Any, after: Any) -> bool:
    """Return whether a changed limit may refuse what it used to allow."""
    if after is None:
        return False
    if before is None or not all(
        isinstance(v, (int, float)) or hasattr(v, "as_tuple") for v in (before, after)
    ):
        return True
    if keyword in STRICTER_UP:
        return bool(after > before)
    if keyword in STRICTER_DOWN:
        return bool(after < before)
    return True


def compare_rules(old: Register, new: Register) -> Iterator[Difference]:
    before = {r.check.text + "|" + (r.when.text if r.when else ""): r for r in old.rules}
    after = {r.check.text + "|" + (r.when.text if r.when else ""): r for r in new.rules}
    for key, rule in after.items():
        shown = {"check": rule.check.text, "message": rule.message}
        was = before.get(key)
        if was is None or (rule.severity == "error" and was.severity != "error"):
            yield Difference("rule.added", "New rule: {message} ({check})", shown, rule.at)
        elif (was.message, was.severity, was.at) != (rule.message, rule.severity, rule.at):
            yield Difference("rule.words", "Rule reworded: {message}", shown, rule.at)
    for key, rule in before.items():
        if key not in after:
            shown = {"check": rule.check.text, "message": rule.message}
            yield Difference("rule.removed", "Rule removed: {message} ({check})", shown, rule.at)


#: attributes of a register and what people call them
WHOLES = (
    ("title", "title"), ("description", "description"), ("category", "category"),
    ("key", "key"), ("label", "label of a record"), ("sections", "sections of the form"),
    ("list", "columns of the list"), ("search", "searched fields"), ("filters", "filters"),
    ("sort", "order of the list"), ("export", "columns of the export"),
    ("totals", "sums of the export"), ("basis", "passages of the plan"),
    ("period", "calendar of returns"),
)  # fmt: skip


def compare_wholes(old: Register, new: Register) -> Iterator[Difference]:
    for attribute, word in WHOLES:
        before, after = getattr(old, attribute), getattr(new, attribute)
        if before != after and declared(old, attribute) != declared(new, attribute):
            shown = {"what": word, "before": spoken(before), "after": spoken(after)}
            text = "The {what} changes from {before} to {after}"
            yield Difference(f"register.{attribute}", text, shown)
    if old.workflow != new.workflow:
        yield compare_flows(old.workflow, new.workflow)
    if conditions(old) != conditions(new):
        text = "The conditions between fields (if, then, dependencies) change"
        yield Difference("register.conditions", text)


def compare_flows(old: Workflow | None, new: Workflow | None) -> Difference:
    """Return the difference between two workflows: which states come and go."""
    before = {state.name: state.title for state in old.states} if old else {}
    after = {state.name: state.title for state in new.states} if new else {}
    come = "、".join(title for name, title in after.items() if name not in before)
    go = "、".join(title for name, title in before.items() if name not in after)
    text = "The workflow changes; new states: {come}; states that go away: {go}"
    return Difference("register.workflow", text, {"come": come or "–", "go": go or "–"})


def declared(register: Register, attribute: str) -> Any:
    """Return what the definition itself says; None where it follows from the fields."""
    if attribute in ("title", "description"):
        return register.document.get(attribute)
    return register.document.get("register", {}).get(attribute)


def conditions(register: Register) -> dict[str, Any]:
    """Return the parts of the record's schema that join fields."""
    skipped = ("properties", "required", "type", "additionalProperties", "$schema", "$defs")
    return {k: v for k, v in register.schema.items() if k not in skipped}


def spoken(value: Any) -> str:
    """Return an attribute's value in few words."""
    if value is None or value == () or value == "":
        return "–"
    if isinstance(value, Formula):
        return value.text
    if isinstance(value, tuple):
        said = [v if isinstance(v, str) else getattr(v, "title", str(v)) for v in value]
        return "、".join(part for part in said if part)
    return str(value)
