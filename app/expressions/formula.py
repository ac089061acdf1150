"""An expression that can be called with values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from typing import Any

from app.expressions import sentences
from app.expressions.builder import Builder
from app.expressions.environment import check
from app.expressions.functions import NUMBERS
from app.expressions.parts import MOST_STEPS, Part, Run, scope_of
from app.expressions.problems import Exhausted, Failure, FormulaFailed, FormulaProblem, NoResult
from app.expressions.shapes import element, fits, outside
from app.expressions.tree import read_tree

LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Formula:
    """A compiled expression. Calling it with values by name gives a value or None.

    Equal when text, type and the types of the variables it reads are equal.
    """

    text: str
    #: double, int, bool, string, timestamp, list(…), rows, or dyn for one that is only none()
    type: str
    #: the variables it reads, such as ``revenue``, ``old.stage``, ``visits``, ``visits.amount``
    reads: frozenset[str]
    #: those variables with their types, in order
    variables: tuple[tuple[str, str], ...]
    _run: Run = field(compare=False, repr=False)
    #: names to put into a scope of its own; None: the given values are the scope
    _names: tuple[str, ...] | None = field(compare=False, repr=False)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Return the result for ``values``, None where a missing value leaves it without one.

        Numbers come back as Decimal, lists as tuples, a date as it was given.

        Raises:
            FormulaFailed: the operation has no value, such as a division by zero.
        """
        try:
            return self._run(values if self._names is None else scope_of(values, self._names))
        except NoResult:
            return None
        except Failure as failure:
            found, details = failure.text, failure.values
        except DecimalException:
            found, details = sentences.OUT_OF_RANGE, {}
        except Exhausted:
            found, details = sentences.TOO_COSTLY, {"limit": MOST_STEPS}
        raise FormulaFailed(found, **details, expression=self.text)


def compile_formula(text: str, variables: Mapping[str, str], expects: str | None = None) -> Formula:
    """Return ``text`` as a formula over ``variables`` (name, possibly dotted, to type).

    Types are double, int, bool, string, timestamp, list(…) and rows; the columns of rows
    ``visits`` are the variables ``visits.amount`` and so on, each a list. ``expects`` is
    the type the result must have.

    Raises:
        FormulaProblem: the expression is refused; it points at the character.
    """
    _check_text(text)
    builder = Builder(text, variables)
    part = builder.build(read_tree(check(text, variables)))
    _check_result(part, expects)
    reads = frozenset(builder.reads)
    names = {*reads, *(name.rpartition(".")[0] for name in reads if "." in name)}
    return Formula(
        text,
        outside(part.shape),
        reads,
        tuple((name, variables[name]) for name in sorted(reads)),
        _finished(part),
        tuple(sorted(names)) if builder.metered else None,
    )


def _check_text(text: str) -> None:
    """Refuse what should not even reach the parser."""
    if not text.strip():
        raise FormulaProblem(sentences.EMPTY, {}, 1)
    if len(text) > LONGEST:
        limits = {"length": len(text), "limit": LONGEST}
        raise FormulaProblem(sentences.TOO_LONG, limits, LONGEST + 1)
    for place, character in enumerate(text):
        if "\ud800" <= character <= "\udfff" or character == "\0":
            values = {"found": f"U+{ord(character):04X}"}
            raise FormulaProblem(sentences.BAD_CHARACTER, values, place + 1)


def _check_result(part: Part, expects: str | None) -> None:
    actual = outside(part.shape)
    if expects in (None, "dyn", actual) or fits(part.shape, str(expects)):
        return
    if (actual, expects) == ("int", "double"):
        raise FormulaProblem(sentences.WRONG_RESULT_INT, {}, 1)
    raise FormulaProblem(sentences.WRONG_RESULT, {"actual": actual, "expected": expects}, 1)


def _finished(part: Part) -> Run:
    """Return the part with its result in the form people outside get."""
    if part.shape == "double":
        return _then(part.run, _settled)
    if element(part.shape):
        return _then(part.run, tuple)
    return part.run


def _settled(number: Decimal) -> Decimal:
    """Return ``number`` within 34 digits and without a negative zero."""
    settled = NUMBERS.plus(number)
    if settled.is_finite():
        return settled
    raise Failure(sentences.OUT_OF_RANGE)


def _then(run: Run, finish: Callable[[Any], Any]) -> Run:
    return lambda scope: finish(run(scope))
