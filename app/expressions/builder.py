"""From the checked tree to closures. Every part's type is found again here, without dyn.

The library calls a row's column ``dyn`` and lets it pass everywhere; we know the columns,
so ``v.amount > "a"`` and ``v.nope`` are refused too. Whatever is not named here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

import re2

from app.expressions import functions, loops, parts, sentences
from app.expressions.complaints import misapplied, name_start, spelled, suggested
from app.expressions.functions import FUNCTIONS, NUMBERS, Overload
from app.expressions.parts import Part
from app.expressions.problems import Failure, FormulaProblem
from app.expressions.shapes import element, fits, inside, join, moment, outside
from app.expressions.tree import Call, Constant, Items, Loop, Name, Node, Select

MOST_NODES = 1000
_NUMBER = re.compile(r"-?\s*(\d*\.\d+|\d+)([eE][+-]?\d+)?")


class Builder:
    """Compiles one expression; ``reads`` and ``metered`` are known when it is done."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self._text = text
        self._variables = variables
        self._local: dict[str, Part] = {}
        self._loops = 0
        self.nodes = 0
        self.reads: set[str] = set()
        self.metered = False

    def build(self, node: Node) -> Part:
        """Compile ``node`` and everything under it."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._refuse(node, sentences.TOO_MANY, limit=MOST_NODES)
        match node:
            case Constant():
                return self._constant(node)
            case Name():
                return self._name(node)
            case Select():
                return self._select(node)
            case Items():
                return self._items(node)
            case Loop():
                return self._loop(node)
            case Call():
                return self._call(node)
        return self._refuse(node, sentences.NOT_ALLOWED, name="{ }")

    def _refuse(self, node: Node, text: str, **values: Any) -> NoReturn:
        raise FormulaProblem(text, values, node.offset + 1)

    # ── leaves ──

    def _constant(self, node: Constant) -> Part:
        if node.type == "null":
            self._refuse(node, sentences.NO_NULL)
        if node.type == "double":
            return Part(parts.constant(self._decimal(node)), "double")
        if node.type not in ("bool", "int", "string"):
            self._refuse(node, sentences.NOT_ALLOWED, name=node.type)
        return Part(parts.constant(node.value), node.type)

    def _decimal(self, node: Constant) -> Decimal:
        """Return the number as it was written, which may have more digits than a double."""
        written = _NUMBER.match(self._text, node.offset)
        token = re.sub(r"\s", "", written[0]) if written else ""
        try:
            exact = Decimal(token if token and float(token) == node.value else repr(node.value))
            return NUMBERS.plus(exact)
        except ArithmeticError:
            return self._refuse(node, sentences.NUMBER_TOO_LARGE)

    def _name(self, node: Name) -> Part:
        if node.name in self._local:
            return self._local[node.name]
        name = node.name.removeprefix("this.")
        if name not in self._variables:
            self._refuse(node, sentences.NOT_ALLOWED, name=node.name)
        start = name_start(self._text, node.offset, node.name)
        if "." in name and self._text[node.offset : node.offset + 1] == "(":
            raise FormulaProblem(sentences.HAS, {"name": name}, start + 1)
        self.reads.add(name)
        shape = inside(name, self._variables[name])
        if not element(shape):
            return Part(parts.variable(name, shape), shape)
        self.metered = True
        head = name.rpartition(".")[0]
        rows = head if self._variables.get(head) == "rows" else ""
        return Part(parts.list_variable(name, shape, rows), shape)

    def _select(self, node: Select) -> Part:
        operand = self.build(node.operand)
        if not operand.shape.startswith("row "):
            type_ = outside(operand.shape)
            self._refuse(node, sentences.NO_FIELDS, type=type_, name=node.field)
        prefix = operand.shape[4:] + "."
        shape = element(self._variables.get(prefix + node.field, ""))
        if not shape:
            columns = [each[len(prefix) :] for each in self._variables if each.startswith(prefix)]
            pair = (sentences.UNKNOWN_COLUMN, sentences.UNKNOWN_COLUMN_LIKE)
            sentence, values = suggested(pair, node.field, columns)
            raise FormulaProblem(sentence, values, node.offset + 1)
        run = parts.column(operand.run, node.field, shape)
        return Part(parts.present(run), "bool") if node.test else Part(run, shape)

    def _items(self, node: Items) -> Part:
        self.metered = True
        elements = [self.build(each) for each in node.elements]
        shape = join(each.shape for each in elements)
        if shape is None:
            types = ", ".join(dict.fromkeys(outside(each.shape) for each in elements))
            self._refuse(node, sentences.MIXED_LIST, types=types)
        return Part(parts.items([each.run for each in elements]), f"list({shape})")

    # ── loops ──

    def _loop(self, node: Loop) -> Part:
        self.metered = True
        macro = loops.anatomy(node)
        if macro is None:
            self._refuse(node, sentences.NOT_ALLOWED, name="this loop")
        name, condition, result = macro
        if any(each.split(".")[0] == node.variable for each in self._variables):
            self._refuse(node, sentences.HIDDEN, name=node.variable, macro=name)
        values = self.build(node.range)
        inner = element(values.shape)
        if not inner:
            self._refuse(node, sentences.NO_LIST, type=outside(values.shape))
        self._loops += 1
        key = f"@{self._loops}"
        hidden = self._local.get(node.variable)
        self._local[node.variable] = Part(parts.row(key), inner)
        before = self.nodes
        test = self._condition(condition, name) if condition else None
        given = self.build(result) if result else None
        steps = self.nodes - before + 1
        del self._local[node.variable]
        if hidden:
            self._local[node.variable] = hidden
        return loops.looping(name, values, key, test, given, steps)

    def _condition(self, node: Node, macro: str) -> Part:
        part = self.build(node)
        if not fits(part.shape, "bool"):
            self._refuse(node, sentences.CONDITION, macro=macro)
        return part

    # ── calls ──

    def _call(self, node: Call) -> Part:
        arguments = [self.build(each) for each in node.arguments]
        special = getattr(self, _SPECIAL.get(node.function, ""), None)
        part = special(node, arguments) if special else None
        return part or self._overloaded(node, arguments)

    def _overloaded(self, node: Call, arguments: list[Part]) -> Part:
        start = name_start(self._text, node.offset, node.function)
        if node.function not in FUNCTIONS:
            values = {"name": spelled(node.function)}
            raise FormulaProblem(sentences.NOT_ALLOWED, values, start + 1)
        found = functions.matching(FUNCTIONS[node.function], [each.shape for each in arguments])
        if found is None:
            types = [outside(each.shape) for each in arguments]
            raise FormulaProblem(*misapplied(node.function, types), start + 1)
        overload, gives = found
        self.metered = self.metered or overload.cost is not None
        if node.function == "date":
            self._check_date(node)
        return Part(parts.apply(overload, [each.run for each in arguments]), gives)

    def _check_date(self, node: Call) -> None:
        written = node.arguments[0]
        if isinstance(written, Constant):
            try:
                functions.read_date(written.value)
            except Failure:
                self._refuse(written, sentences.BAD_DATE, value=written.value)

    def _logic(self, node: Call, arguments: list[Part]) -> Part | None:
        left, right = arguments
        if not (fits(left.shape, "bool") and fits(right.shape, "bool")):
            types = [outside(each.shape) for each in arguments]
            raise FormulaProblem(*misapplied(node.function, types), node.offset + 1)
        return Part(parts.decide(left.run, right.run, node.function == "_||_"), "bool")

    def _ternary(self, node: Call, arguments: list[Part]) -> Part:
        condition, yes, no = arguments
        shape = join((yes.shape, no.shape))
        if shape is None or not fits(condition.shape, "bool"):
            types = [outside(each.shape) for each in arguments]
            raise FormulaProblem(*misapplied(node.function, types), node.offset + 1)
        return Part(parts.choose(condition.run, yes.run, no.run), shape)

    def _present(self, node: Call, arguments: list[Part]) -> Part:
        return Part(parts.present(arguments[0].run), "bool")

    def _equality(self, node: Call, arguments: list[Part]) -> Part | None:
        left, right = arguments
        inner = element(join((left.shape, right.shape)) or "")
        if not inner or inner.startswith(("row ", "list(")):
            return None
        self.metered = True
        normal = moment if inner == "timestamp" else None
        return Part(parts.same(left.run, right.run, normal, node.function == "_==_"), "bool")

    def _among(self, node: Call, arguments: list[Part]) -> Part:
        value, values = arguments
        inner = element(values.shape)
        if not inner or inner.startswith("row ") or not fits(value.shape, inner):
            types = [outside(each.shape) for each in arguments]
            raise FormulaProblem(*misapplied(node.function, types), node.offset + 1)
        self.metered = True
        normal = moment if "timestamp" in (inner, value.shape) else None
        return Part(parts.among(value.run, values.run, normal), "bool")

    def _plus(self, node: Call, arguments: list[Part]) -> Part | None:
        shape = join(each.shape for each in arguments)
        if not shape or not element(shape):
            return None
        self.metered = True
        return Part(parts.add_lists(arguments[0].run, arguments[1].run), shape)

    def _index(self, node: Call, arguments: list[Part]) -> Part:
        values, index = arguments
        inner = element(values.shape)
        if not inner or not fits(index.shape, "int"):
            types = [outside(each.shape) for each in arguments]
            raise FormulaProblem(*misapplied("[ ]", types), node.offset + 1)
        self.metered = True
        overload = Overload((), inner, functions.item)
        return Part(parts.apply(overload, [values.run, index.run]), inner)

    def _matches(self, node: Call, arguments: list[Part]) -> Part:
        written = node.arguments[1]
        if not isinstance(written, Constant):
            self._refuse(written, sentences.PATTERN_NOT_WRITTEN)
        options = re2.Options()
        options.log_errors = False
        try:
            pattern = re2.compile(written.value, options)
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
            self._refuse(written, sentences.BAD_PATTERN, pattern=written.value, reason=reason)
        self.metered = True
        search = Overload(
            ("string",),
            "bool",
            lambda text: pattern.search(text) is not None,
            cost=lambda text: 1 + len(text) // 16,
        )
        return Part(parts.apply(search, [arguments[0].run]), "bool")


_SPECIAL = {
    "_&&_": "_logic",
    "_||_": "_logic",
    "_?_:_": "_ternary",
    "_==_": "_equality",
    "_!=_": "_equality",
    "@in": "_among",
    "_+_": "_plus",
    "_[_]": "_index",
    "present": "_present",
    "matches": "_matches",
}
