"""Circles: derived fields that would wait for each other through several registers.

What is compiled together is checked by the compiler; this looks at registers published at
different times, whose derived fields are kept as edges with each register.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa

from app.definitions.register import Field, Register
from app.services.work import Work
from app.storage import models

#: (register, field)
Node = tuple[str, str]
COMPUTED, LOOKUP, ROLLUP, LABEL = "computed", "lookup", "rollup", "label"


def edges(register: Register) -> Iterator[tuple[str, str, str, str]]:
    """Give (derived field or label, register, field it reads, how) of everything derived."""
    for field in register.fields:
        if field.lookup:
            yield field.name, field.lookup.register, field.lookup.field, LOOKUP
        if field.computed:
            for name in field.computed.reads:
                yield field.name, register.slug, name.split(".")[0], COMPUTED
        if field.rollup:
            yield from gathered(field)
        if field.reference and "{" + field.name + "}" in register.label:
            yield "_label", field.reference, "_label", LABEL


def gathered(field: Field) -> Iterator[tuple[str, str, str, str]]:
    rollup = field.rollup
    if rollup is None:
        return
    read = {rollup.field, rollup.by, *(c.field for c in rollup.conditions)} - {""}
    for name in sorted(read) or ["_id"]:
        yield field.name, rollup.register, name, ROLLUP


def find_circle(work: Work, registers: list[Register]) -> list[Node]:
    """Return a circle that ``registers`` would close with what is published, or ``[]``."""
    table = models.register
    fresh = {register.slug for register in registers}
    graph: dict[Node, list[Node]] = {}
    for slug, kept in work.tx.execute(sa.select(table.c.slug, table.c.reads)):
        if slug not in fresh:
            for edge in json.loads(kept) if isinstance(kept, str) else kept:
                graph.setdefault((slug, edge[0]), []).append((edge[1], edge[2]))
    for register in registers:
        for name, slug, read, _ in edges(register):
            graph.setdefault((register.slug, name), []).append((slug, read))
    return circle_in(graph, [(r.slug, e[0]) for r in registers for e in edges(r)])


def circle_in(graph: dict[Node, list[Node]], starts: list[Node]) -> list[Node]:
    """Return the first circle that can be reached from ``starts``, without recursion."""
    done: set[Node] = set()
    for start in starts:
        path: list[Node] = []
        stack: list[tuple[Node, bool]] = [(start, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                path.pop()
                done.add(node)
            elif node in path:
                return [*path[path.index(node) :], node]
            elif node not in done:
                path.append(node)
                stack.append((node, True))
                stack += [(after, False) for after in graph.get(node, ())]
    return []
