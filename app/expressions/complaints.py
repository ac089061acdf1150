"""What the library says of an expression, put into words of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from app.expressions import sentences
from app.expressions.names import CALLABLE, MACROS, RESERVED, declared
from app.expressions.problems import FormulaProblem

_LINE = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_OVERLOAD = re.compile(r"found no matching overload for '(.+?)' applied to '(.*)'")
_UNDECLARED = re.compile(r"undeclared reference to '(.+?)'")
_OPERAND = re.compile(r"expression of type '(.+?)' cannot be the operand of a select")
_NEAR = re.compile(r"(?:input|at:) '(.+?)'(?: expecting|$)")
_HAS = re.compile(r"\bhas\s*\(\s*([a-z]\w*\.\w+)\s*\)")
_RANGE = re.compile(r"expression of type '(.+?)' cannot be the range of a comprehension")
_WORDS = {"and", "or", "not"}
_SPELLINGS = (
    (r"google\.protobuf\.Timestamp", "timestamp"),
    (r"list\(map\(string, dyn\)\)", "rows"),
    (r"map\(string, dyn\)", "row"),
    (r"map\([^()]*\)", "map"),
    (r"type\([^()]*\)", "type"),
    (r"list\(T%\d+\)", "list"),
    (r"null_type", "null"),
)


def read(refusal: str, text: str, variables: Mapping[str, str]) -> Iterator[FormulaProblem]:
    """Put every line of a refusal into words of our own."""
    for match in _HAS.finditer(text):
        if match[1] in variables:
            yield FormulaProblem(sentences.HAS, {"name": match[1]}, match.start() + 1)
            return
    lines = _LINE.findall(refusal)
    if not lines or "recursion" in refusal:
        known = "recursion" in refusal
        values = {} if known else {"reason": refusal}
        yield FormulaProblem(sentences.TOO_DEEP if known else sentences.OTHER, values, 1)
        return
    seen = set()
    for row, column, message in lines:
        place = _place(text, int(row), int(column))
        sentence, values, place = _reworded(message, text, place, variables)
        key = (sentence, str(values), place)
        if key not in seen:
            seen.add(key)
            yield FormulaProblem(sentence, values, place + 1)
        if message.startswith("Syntax error"):
            return


def _place(text: str, row: int, column: int) -> int:
    """Return the character, from 0, at ``row`` and ``column``, both from 1."""
    before = sum(len(line) + 1 for line in text.split("\n")[: row - 1])
    return max(0, min(before + column - 1, len(text)))


def _reworded(
    message: str, text: str, place: int, variables: Mapping[str, str]
) -> tuple[str, dict[str, Any], int]:
    if match := _UNDECLARED.match(message):
        return unknown(match[1], text, place, variables)
    if match := _OVERLOAD.match(message):
        return _overload(match[1], _types(match[2]), text, place, variables)
    if match := _OPERAND.match(message):
        tested = re.match(r"\(\s*[\w.]*\.(\w+)|\.?\s*(\w+)", text[place:])
        field = (tested[1] or tested[2]) if tested else ""
        return sentences.NO_FIELDS, {"type": _types(match[1])[0], "name": field}, place
    if match := _RANGE.match(message):
        return sentences.NO_LIST, {"type": _types(match[1])[0]}, place
    if match := re.match(r"reserved identifier: (\w+)", message):
        return unknown(match[1], text, place, variables)
    if message.startswith("Syntax error"):
        return *_syntax(message, text, place), place
    return sentences.OTHER, {"reason": message}, place


def _overload(
    function: str, types: list[str], text: str, place: int, variables: Mapping[str, str]
) -> tuple[str, dict[str, Any], int]:
    """Return what to say of operands the library found no overload for."""
    if "type" in types:
        for match in re.finditer(r"(?<![.\w])[a-z]\w*\b(?!\s*\()", text):
            if match[0] in RESERVED and match[0] in variables:
                return sentences.RESERVED, {"name": match[0]}, match.start()
    macro = re.search(r"(\w+)\s*$", text[:place])
    if text[place : place + 1] == "(" and macro and macro[1] in MACROS:
        return sentences.CONDITION, {"macro": macro[1]}, macro.start()
    sentence, values = misapplied(function, types)
    return sentence, values, name_start(text, place, function)


def _syntax(message: str, text: str, place: int) -> tuple[str, dict[str, Any]]:
    near = _NEAR.search(message)
    found = near[1] if near else text[place : place + 1]
    if found == "<EOF>" or place >= len(text):
        return sentences.ENDS_EARLY, {}
    if found.strip() == "=" or (text[place] == "=" and "token recognition" in message):
        return sentences.EQUALS, {}
    if found in _WORDS:
        return sentences.AND_OR_NOT, {}
    if "token recognition" in message:
        return sentences.BAD_CHARACTER, {"found": text[place]}
    return sentences.UNREADABLE, {"found": found[:20]}


def unknown(
    name: str, text: str, place: int, variables: Mapping[str, str]
) -> tuple[str, dict[str, Any], int]:
    """Return sentence, values and place for a name nobody declared."""
    called = text[place : place + 1] == "("
    start = name_start(text, place, name)
    if name in RESERVED and name in variables:
        return sentences.RESERVED, {"name": name}, start
    known = CALLABLE if called else [declared(each) for each in variables]
    sentence, values = suggested(
        (sentences.UNKNOWN_FUNCTION, sentences.UNKNOWN_FUNCTION_LIKE)
        if called
        else (sentences.UNKNOWN_NAME, sentences.UNKNOWN_NAME_LIKE),
        name,
        known,
    )
    return sentence, values, start


def suggested(pair: tuple[str, str], name: str, known: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return the sentence without or with the known name that is closest."""
    close = get_close_matches(name, known, 1, 0.7)
    if close:
        return pair[1], {"name": name, "suggestion": close[0]}
    return pair[0], {"name": name}


def name_start(text: str, place: int, name: str) -> int:
    """Return where ``name`` begins: the library points at the bracket or dot behind it."""
    if text[place : place + 1] == "(" and text[:place].endswith(name):
        return place - len(name)
    head = name.rpartition(".")[0]
    if head and text[place : place + 1] == "." and text[:place].endswith(head):
        return place - len(head)
    return place


def spelled(function: str) -> str:
    """Return an operator as people write it."""
    if function == "_?_:_":
        return "? :"
    return (
        function.replace("@", "").strip("_")
        if "_" in function[:1] + function[-1:]
        else (function.lstrip("@"))
    )


def _types(applied: str) -> list[str]:
    """Return the types of "(double, int)" or "string.(int)" as people write them."""
    plain = applied
    for pattern, word in _SPELLINGS:
        plain = re.sub(pattern, word, plain)
    if ".(" not in plain and not plain.startswith("("):
        return [plain]
    target, _, arguments = plain.rpartition(".(") if ".(" in plain else ("", "", plain[1:])
    return [each for each in (target, *arguments[:-1].split(", ")) if each]


def misapplied(function: str, types: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the sentence for operands that do not go together."""
    operator = spelled(function)
    if "null" in types:
        return sentences.NO_NULL, {}
    mixing = set(types[1:] if operator == "? :" else types)
    if mixing == {"double", "int"}:
        return sentences.MIXED, {"operator": operator}
    if operator in ("+", "-") and types[:1] == ["timestamp"]:
        return sentences.DATES, {}
    return sentences.NO_OVERLOAD, {"operator": operator, "types": ", ".join(types)}
