"""Nothing but the language gets through: every way out is refused where it stands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.expressions import Formula, FormulaProblem, compile_formula
from app.expressions.environment import check
from app.expressions.tree import Call, Constant, Items, Loop, Name, Node, Select, read_tree

VARIABLES = {
    "revenue": "double",
    "name": "string",
    "tags": "list(string)",
    "visits": "rows",
    "visits.amount": "list(double)",
}

ESCAPES = [
    # attribute chains and double underscores, in every spelling
    ("().__class__", 2),
    ("().__class__.__base__.__subclasses__()", 2),
    ("name.__class__", 5),
    ("name.__class__.__mro__[1].__subclasses__()", 5),
    ("''.__class__", 3),
    ("revenue.real", 8),
    ("[].__class__", 3),
    ("name.format.__globals__", 5),
    ("visits[0].__class__", 10),
    ("visits.all(v, v.__class__ == v)", 16),
    ("visits.map(v, v.__init__.__globals__)", 16),
    ("visits[0].keys()", 11),
    ("name['__class__']", 5),
    ("name.`__class__`", 5),
    ("name.\\u005f_class__", 6),
    ("__class__", 1),
    ("__builtins__", 1),
    ("__builtins__['eval']", 1),
    ("_", 1),
    ("self", 1),
    ("this", 1),
    ("old", 1),
    ("values", 1),
    ("scope", 1),
    ("@left", 1),
    ("@result", 1),
    ("cel", 1),
    # methods of Python's texts and lists
    ("name.format()", 6),
    ("name.join(tags)", 6),
    ("name.encode()", 6),
    ("name.upper()", 6),
    ("name.__len__()", 6),
    ("tags.append('x')", 6),
    ("tags.sort()", 6),
    ("'{0.__class__}'.format(name)", 17),
    ("'%s' % name", 6),
    ("f'{name}'", 2),
    ("rb'x'", 3),
    ("{{7*7}}", 6),
    ("${7*7}", 1),
    # comprehension, lambda, walrus, stars, statements
    ("[x for x in tags]", 4),
    ("(x for x in tags)", 4),
    ("{x: 1 for x in tags}", 7),
    ("lambda: 1", 7),
    ("lambda x: x", 8),
    ("(x := 1)", 4),
    ("sum(*tags)", 5),
    ("sum(**tags)", 5),
    ("*tags", 1),
    ("2 ** 9", 4),
    ("1 if true else 2", 3),
    ("name; name", 5),
    ("del name", 5),
    ("import os", 1),
    ("from os import path", 6),
    ("exec 'x'", 6),
    ("while true: 1", 1),
    ("return 1", 1),
    ("yield 1", 7),
    ("await name", 7),
    ("revenue += 1.0", 10),
    ("name is null", 6),
    # what Python, other dialects or extensions would call
    ("__import__('os')", 1),
    ("__import__('os').system('id')", 1),
    ("import('os')", 1),
    ("getattr(name, 'a')", 1),
    ("setattr(name, 'a', 1)", 1),
    ("hasattr(name, 'a')", 1),
    ("eval('1')", 1),
    ("exec('1')", 1),
    ("compile('1', '', 'eval')", 1),
    ("open('/etc/passwd')", 1),
    ("globals()", 1),
    ("locals()", 1),
    ("vars()", 1),
    ("dir(name)", 1),
    ("id(name)", 1),
    ("input()", 1),
    ("breakpoint()", 1),
    ("print(name)", 1),
    ("chr(1)", 1),
    ("len(name)", 1),
    ("str(name)", 1),
    ("range(9)", 1),
    ("object()", 1),
    ("super()", 1),
    ("os.system('id')", 1),
    ("type(name)", 1),
    ("dyn(name)", 1),
    ("google.protobuf.Any{}", 1),
    ("cel.bind(x, 1, x)", 10),
    ("optional.of(1)", 1),
    ("math.greatest(1, 2)", 1),
    ("name.split(',')", 6),
    ("env.get('HOME')", 1),
    # look-alike letters and signs
    ("revenuе > 1.0", 7),
    ("ｒevenue", 1),
    ("ＮＡＭＥ", 1),
    ("ｅval('1')", 1),
    ("__ｉmport__('os')", 3),
    ("nаme", 2),
    ("𝓃ame", 1),
    ("revenue\u200b", 8),
    ("\u202ename", 1),
    ("\ufeffname", 1),
    ("revenue ＋ 1.0", 9),
    ("（revenue）", 1),
    ("＂a＂", 1),
    ("name == “a”", 9),
    ("revenue；1", 8),
]


_WATCHED = ("compile", "exec", "import", "open", "os.", "subprocess.", "socket.", "object.")
_watching: list[list[str]] = []


def _note(event: str, arguments: object) -> None:
    if _watching and event.startswith(_WATCHED):
        _watching[-1].append(event)


sys.addaudithook(_note)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Note what Python itself reports of code, files, processes and attributes being reached."""
    compile_formula("1", VARIABLES)  # the library looks for protobuf when it is first used
    events: list[str] = []
    _watching.append(events)
    try:
        yield events
    finally:
        _watching.pop()


@pytest.mark.parametrize(("text", "column"), ESCAPES, ids=[text for text, _ in ESCAPES])
def test_every_way_out_is_refused_where_it_stands(text: str, column: int) -> None:
    with watched() as events, pytest.raises(FormulaProblem) as caught:
        compile_formula(text, VARIABLES)

    assert caught.value.column == column
    assert events == []


def test_the_watch_notices_an_evaluation() -> None:
    with watched() as events:
        eval("1")

    assert "exec" in events


ALLOWED = (Constant, Name, Select, Call, Items, Loop)


def _nodes(node: Node) -> list[Node]:
    match node:
        case Select():
            below = [node.operand]
        case Call():
            below = list(node.arguments)
        case Items():
            below = list(node.elements)
        case Loop():
            below = [node.range, node.start, node.step]
        case _:
            below = []
    return [node, *(each for child in below for each in _nodes(child))]


_WORDS = "v x v.amount __class__ format type dyn null true none() today() in"
_SIGNS = "+ - * / % < <= == != && || ! ? : ( ) [ ] { } . , .all( .map( .filter( .exists( has("
_LITERALS = "0 1 1.5 1u 'a' b'a' 9223372036854775807 sum( size( date( matches( present( string("
_PIECES = (
    *VARIABLES,
    *_WORDS.split(),
    *_SIGNS.split(),
    *_LITERALS.split(),
    "\\",
    "＋",
    "\n",
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.one_of(st.text(), st.lists(st.sampled_from(_PIECES), max_size=12).map(" ".join)))
@example("visits . all ( v , v . amount > 1.5 )")
@example("\x00")
@example("'\ud800'")
def test_any_text_is_a_formula_of_allowed_parts_or_refused_with_a_place(text: str) -> None:
    try:
        formula = compile_formula(text, VARIABLES)
    except FormulaProblem as problem:
        assert 1 <= problem.column <= len(text) + 1
        assert all(each.sentence() for each in problem.all)
        return

    assert isinstance(formula, Formula)
    assert all(isinstance(node, ALLOWED) for node in _nodes(read_tree(check(text, VARIABLES))))
    assert formula.reads <= set(VARIABLES)


def test_a_value_is_never_read_as_an_expression() -> None:
    formula = compile_formula("name + '!'", VARIABLES)

    assert formula({"name": "{0.__class__} {{7*7}} %(x)s"}) == "{0.__class__} {{7*7}} %(x)s!"
