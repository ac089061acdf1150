"""Find every sentence the application can say, by reading its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[1]

#: begins like a sentence, has at least two words, ends like one
_SENTENCE = re.compile(r"(?:[A-Z“\"']|\{\w).*\s.*[.:?!…)}]", re.DOTALL)
#: calls whose texts are for developers and for the command line's help
_UNSAID = frozenset(
    "option argument command group version_option ArgumentParser add_argument RuntimeError "
    "TypeError ValueError AssertionError KeyError text execute exec_driver_sql compile DDL debug "
    "info warning exception AppGroup".split()
)
_SQL = re.compile(
    r"(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|PRAGMA|SET|WITH|BEGIN|LOCK|ROW)\b"
)
_TEMPLATE = re.compile(r"""\b_\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
_GETTEXT = frozenset({"_", "translate", "gettext", "say", "sentence", "tell"})


def sentences() -> dict[str, str]:
    """Return every sentence of the source with the place it was found first."""
    found: dict[str, str] = {}
    for path in sorted(APP.rglob("*.py")):
        if path.parent.name == "translations":
            continue
        for text, line in _said(ast.parse(path.read_text("utf-8"))):
            found.setdefault(text, f"{path.relative_to(APP.parent)}:{line}")
    for path in sorted(APP.rglob("templates/**/*.html")):
        for match in _TEMPLATE.finditer(path.read_text("utf-8")):
            text = (match[1] or match[2]).replace('\\"', '"').replace("\\'", "'")
            found.setdefault(text, str(path.relative_to(APP.parent)))
    return found


def _said(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the sentences below ``node``: not docstrings, help texts or messages to developers."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and _is_sentence(node.value):
            yield node.value, node.lineno
    elif isinstance(node, ast.Call):
        yield from _called(node)
    elif not isinstance(node, ast.JoinedStr) and not _is_docstring(node):
        for child in ast.iter_child_nodes(node):
            yield from _said(child)


def _called(node: ast.Call) -> Iterator[tuple[str, int]]:
    name = _name(node.func)
    if name in _UNSAID:
        return
    for given in node.args[:2] if name in _GETTEXT else ():
        if isinstance(given, ast.Constant) and given.value and isinstance(given.value, str):
            yield given.value, node.lineno
    for child in ast.iter_child_nodes(node):
        yield from _said(child)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_sentence(text: str) -> bool:
    return bool(_SENTENCE.fullmatch(text)) and not _SQL.match(text)
