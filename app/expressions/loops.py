"""The list macros: all, exists, exists_one, map and filter."""

from __future__ import annotations

from typing import Any

from app.expressions.parts import Part, Run, Scope, charge
from app.expressions.problems import ABSORBED, NoResult
from app.expressions.tree import Call, Constant, Items, Loop, Node


def anatomy(loop: Loop) -> tuple[str, Node | None, Node | None] | None:
    """Return name, condition and result of the macro that was expanded to ``loop``.

    None means that it is none of the five.
    """
    start, step = loop.start, loop.step
    if not isinstance(step, Call):
        return None
    if isinstance(start, Constant) and start.type == "bool":
        return ("all" if start.value else "exists"), step.arguments[1], None
    if isinstance(start, Constant) and step.function == "_?_:_":
        return "exists_one", step.arguments[0], None
    if not isinstance(start, Items):
        return None
    if step.function == "_?_:_" and isinstance(step.arguments[1], Call):
        return "filter", step.arguments[0], _appended(step.arguments[1])
    return "map", None, _appended(step)


def _appended(call: Call) -> Node | None:
    """Return x of ``accumulator + [x]``."""
    added = call.arguments[1]
    return added.elements[0] if isinstance(added, Items) else None


def decide_over(values: Run, key: str, test: Run, steps: int, deciding: bool) -> Run:
    """Return ``all`` (deciding: False) or ``exists`` (deciding: True).

    One deciding element decides, even where others have no result or fail.
    """

    def run(scope: Scope) -> bool:
        trouble: Exception | None = None
        for element in values(scope):
            charge(scope, steps)
            scope[key] = element
            try:
                if test(scope) is deciding:
                    return deciding
            except ABSORBED as found:
                if trouble is None or isinstance(trouble, NoResult):
                    trouble = found
        if trouble is not None:
            raise trouble
        return not deciding

    return run


def exactly_one(values: Run, key: str, test: Run, steps: int) -> Run:
    def run(scope: Scope) -> bool:
        count = 0
        for element in values(scope):
            charge(scope, steps)
            scope[key] = element
            count += test(scope)
        return count == 1

    return run


def collect(values: Run, key: str, test: Run | None, result: Run, steps: int) -> Run:
    """Return ``map`` and ``filter``: ``result`` of every element that passes ``test``."""

    def run(scope: Scope) -> list[Any]:
        found = []
        for element in values(scope):
            charge(scope, steps)
            scope[key] = element
            if test is None or test(scope):
                found.append(result(scope))
        return found

    return run


def looping(
    macro: str, values: Part, key: str, test: Part | None, given: Part | None, steps: int
) -> Part:
    """Return the part for ``macro`` over ``values``; ``key`` holds the present element."""
    if test is not None and macro in ("all", "exists"):
        over = decide_over(values.run, key, test.run, steps, macro == "exists")
        return Part(over, "bool")
    if test is not None and macro == "exists_one":
        return Part(exactly_one(values.run, key, test.run, steps), "bool")
    assert given is not None
    condition = test.run if test else None
    return Part(collect(values.run, key, condition, given.run, steps), f"list({given.shape})")
