"""Demonstration data for any register, from its definition alone.

A valid example of the definition is the pattern; its keys, references, amounts and dates are
varied, and the register's own gate judges the result. The same definitions on the same day give
the same records.
"""

from __future__ import annotations

from collections.abc import Callable

from app.services.demo.advancing import advance
from app.services.demo.filling import Filled, Filler
from app.services.demo.linking import link
from app.services.demo.order import arrange, postponed, sizes
from app.services.demo.reconciling import reconcile
from app.services.work import Actor, Platform

#: told of every register that was filled
Tell = Callable[[Filled], None]


def generate(
    platform: Platform, actor: Actor, scale: float, tell: Tell | None = None
) -> list[Filled]:
    """Fill every published register up to its number of rows; return what became of each."""
    with platform.reading(actor) as work:
        registers = {slug: work.register(slug) for slug in work.snapshot.entries}
    order = arrange(registers)
    wanted = sizes(order, scale)
    results: list[Filled] = []
    waiting: list[tuple[str, str]] = []
    before: set[str] = set()
    for slug in order:
        waiting += [(slug, field.name) for field in postponed(registers[slug], before)]
        done = Filler(platform, actor, slug, before, wanted[slug]).fill()
        results.append(done)
        before.add(slug)
        if tell:
            tell(done)
        ready = [
            (other, name) for other, name in waiting if registers[other][name].reference in before
        ]
        for other, name in ready:
            link(platform, actor, other, name)
        waiting = [place for place in waiting if place not in ready]
    reconcile(platform, actor, results)
    for done in results:
        done.states = advance(platform, actor, done.slug, done.after)
    return results


__all__ = ["Filled", "generate"]
