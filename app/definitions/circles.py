"""Circles: put things that depend on each other in order, or name the circle they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from app.definitions.findings import Findings
from app.definitions.register import Field

#: a field of a register
Node = tuple[str, str]
CIRCLE = "The value depends on itself: {circle}. Break the circle at one of these fields."


def in_order(
    starts: Iterable[Node], needs: Callable[[Node], Iterable[Node]]
) -> tuple[list[Node], list[list[Node]]]:
    """Return every node reached, each after what it needs, and the circles that were met.

    Works without recursion: a chain of fields may be as long as it likes.
    """
    done: dict[Node, None] = {}
    circles: list[list[Node]] = []
    for start in starts:
        path: dict[Node, Iterator[Node]] = {} if start in done else {start: iter(needs(start))}
        while path:
            node = next(reversed(path))
            further = next((need for need in path[node] if need not in done), None)
            if further is None:
                path.popitem()
                done[node] = None
            elif further in path:
                walked = [*path]
                circles.append(walked[walked.index(further) :])
            else:
                path[further] = iter(needs(further))
    return [*done], circles


def needs_of(slug: str, field: Field | None) -> list[Node]:
    """Return the fields whose values the value of ``field`` is made from."""
    if field is None:
        return []
    if field.computed:
        reads = [name for name in field.computed.reads if not name.startswith("old.")]
        return [(slug, root) for root in sorted({name.split(".")[0] for name in reads})]
    if field.lookup:
        return [(slug, field.lookup.reference), (field.lookup.register, field.lookup.field)]
    if field.rollup:
        rollup = field.rollup
        source = [rollup.field, rollup.via, rollup.by, *(part.field for part in rollup.where)]
        own = [part.own for part in rollup.where if part.own]
        return [(rollup.register, name) for name in dict.fromkeys(source) if name] + [
            (slug, name) for name in own
        ]
    return []


def note_circles(slug: str, circles: Iterable[list[Node]], findings: Findings) -> set[str]:
    """Note each circle at a field of the register ``slug``; return its fields that are in one."""
    caught: set[str] = set()
    for circle in circles:
        own = [name for register, name in circle if register == slug]
        if not own or caught.issuperset(own):
            continue
        steps = [name if register == slug else f"{register}.{name}" for register, name in circle]
        first = steps.index(own[0])
        steps = [*steps[first:], *steps[:first], own[0]]
        findings.add(("properties", own[0]), "circular", CIRCLE, circle=" → ".join(steps))
        caught.update(own)
    return caught
