"""What is accepted, and what the refusals say."""

from __future__ import annotations

from typing import Any

import pytest

from app.expressions import FormulaProblem, compile_formula

VARIABLES = {
    "revenue": "double",
    "old.revenue": "double",
    "count": "int",
    "listed": "bool",
    "name": "string",
    "founded": "timestamp",
    "tags": "list(string)",
    "visits": "rows",
    "visits.amount": "list(double)",
    "visits.type": "list(string)",
    "type": "string",
    "package": "int",
}


def refusal(text: str, expects: str | None = None) -> FormulaProblem:
    with pytest.raises(FormulaProblem) as caught:
        compile_formula(text, VARIABLES, expects)
    return caught.value


def test_a_formula_knows_its_type_and_what_it_reads() -> None:
    formula = compile_formula("revenue > old.revenue && 'a' in visits.type", VARIABLES)

    assert formula.type == "bool"
    assert formula.reads == {"revenue", "old.revenue", "visits.type"}
    assert formula.text == "revenue > old.revenue && 'a' in visits.type"


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("1.0", "double"),
        ("count", "int"),
        ("name", "string"),
        ("founded", "timestamp"),
        ("tags", "list(string)"),
        ("visits", "rows"),
        ("visits.amount", "list(double)"),
        ("visits[0].amount", "double"),
        ("visits.map(v, v.amount)", "list(double)"),
        ("visits.filter(v, v.amount > 1.0)", "rows"),
        ("visits.map(v, [v.type])", "list(list(string))"),
        ("sum(visits.map(v, v.amount))", "double"),
        ("listed ? none() : revenue", "double"),
        ("listed ? revenue : none()", "double"),
        ("none()", "dyn"),
        ("max([1, 2])", "int"),
        ("max(founded, today())", "timestamp"),
        ("has(visits[0].amount)", "bool"),
        ("month(founded)", "string"),
        ("[] + [1]", "list(int)"),
    ],
)
def test_the_type_is_found_without_dyn(text: str, type_: str) -> None:
    assert compile_formula(text, VARIABLES).type == type_


def test_formulas_are_equal_when_text_and_types_of_what_they_read_are() -> None:
    one = compile_formula("revenue > 1.0", VARIABLES)
    again = compile_formula("revenue > 1.0", {"revenue": "double", "more": "int"})
    other = compile_formula("count > 1", {"count": "int"})

    assert one == again
    assert hash(one) == hash(again)
    assert one != other
    with pytest.raises(AttributeError):
        one.text = "2"  # type: ignore[misc]


def test_the_same_text_over_other_types_is_another_formula() -> None:
    of_texts = compile_formula("present(x)", {"x": "string"})
    of_numbers = compile_formula("present(x)", {"x": "double"})

    assert of_texts != of_numbers


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("revenu > 1.0", 1, "There is no field revenu here. Do you mean revenue?"),
        ("1.0 < old.revenu", 7, "old.revenu here. Do you mean old.revenue?"),
        ("xyz == 1", 1, "There is no field xyz here."),
        ("old", 1, "There is no field old here."),
        ("  sume(visits.amount)", 3, "There is no function sume. Do you mean sum?"),
        ("getattr(name, 'a')", 1, "There is no function getattr."),
        ("visits.all(v, v.amont > 0.0)", 16, "no column amont. Do you mean amount?"),
        ("visits.all(v, v.zzz > 0.0)", 16, "The rows have no column zzz."),
        ("revenue > 1", 9, "cannot be mixed in >: write 1.0 instead of 1"),
        ("revenue + count", 9, "cannot be mixed in +"),
        ("visits.all(v, v.amount > 0)", 24, "cannot be mixed in >"),
        ("listed ? 1 : 1.0", 8, "cannot be mixed in ? :"),
        ("revenue == null", 9, "present(…) says whether there is a value"),
        ("visits.all(v, v.amount == null)", 27, "present(…) says whether"),
        ("name > 1", 6, "> cannot be applied to string, int."),
        ("visits.all(v, v.amount > 'a')", 24, "> cannot be applied to double, string."),
        ("name.startsWith(1)", 6, "startsWith cannot be applied to string, int."),
        ("'a' in visits.amount", 5, "in cannot be applied to string, list(double)."),
        (
            "visits.all(v, 'a' in visits.map(w, w.amount))",
            19,
            "in cannot be applied to string, list(",
        ),
        ("visits.map(v, v.amount)[0] + 'a'", 28, "+ cannot be applied to double, string."),
        ("visits.map(v, v.amount)[0] ? 1 : 2", 28, "? : cannot be applied to double, int, int."),
        ("visits[0].amount && listed", 18, "&& cannot be applied to double, bool."),
        ("listed && count", 8, "&& cannot be applied to bool, int."),
        ("visits == visits", 8, "== cannot be applied to rows, rows."),
        ("visits.all(v, v.type)", 16, "The condition inside all() must be"),
        ("tags.filter(x, x)", 6, "The condition inside filter() must be"),
        ("name.all(x, true)", 1, "A list is needed here; this is string."),
        ("founded - founded", 9, "days(start, end) gives the days between"),
        ("revenue.x", 8, "A value of type double has no field x."),
        ("has(tags.x)", 4, "A value of type list(string) has no field x."),
        ("has(old.revenue) && listed", 1, "write present(old.revenue)"),
        ("has(old.revenue)", 4, "write present(old.revenue)"),
        ("revenue = 1.0", 9, "Write == to compare"),
        ("listed and listed", 8, "Write && for and, || for or, ! for not."),
        ("not listed", 5, "cannot be read from listed on"),
        ("revenue >", 10, "The expression ends too early."),
        ("(revenue", 9, "The expression ends too early."),
        ("revenue ＞ 1.0", 9, "The character ＞ has no meaning here."),
        ("", 1, "The expression is empty."),
        (" \n", 1, "The expression is empty."),
        ("date('2024-02-30')", 6, "2024-02-30 is not a date: write it like 2024-06-30."),
        ("date('20240230')", 6, "20240230 is not a date"),
        ("name.matches('(')", 14, "The pattern ( cannot be used: missing )"),
        ("name.matches('(?=a)')", 14, "The pattern (?=a) cannot be used"),
        ("name.matches(name)", 14, "must be written as text in the expression"),
        ("1e400", 1, "The number written here is too large."),
        ("99999999999999999999", 1, "invalid int literal"),
        ("[1, 'a']", 1, "must be of one type; here are int, string."),
        ("tags.all(count, true)", 9, "The name count is a field already"),
        ("tags.all(old, true)", 9, "The name old is a field already"),
        ("type == 'a'", 1, "write this.type for the field"),
        ("1 + package", 5, "write this.package for the field"),
        ("'中文' + nope", 8, "There is no field nope here."),
        ("1 +\n  nope", 7, "There is no field nope here."),
        ("+".join(["1"] * 40), 1, "A long sum can be written as sum([a, b, c])"),
        ("(" * 60 + "1" + ")" * 60, 1, "nested too deeply"),
        ("a" * 2001, 2001, "has 2001 characters, at most 2000 are allowed"),
        ("[" + "1+1," * 490 + "1]", 1335, "more than 1000 parts"),
        ("'a\0'", 3, "The character U+0000 has no meaning here."),
        ("'\ud800'", 2, "The character U+D800 has no meaning here."),
    ],
)
def test_a_refusal_says_where_and_what_to_do(text: str, column: int, part: str) -> None:
    problem = refusal(text)

    assert part in problem.sentence()
    assert problem.column == column


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("type(name)", "type"),
        ("dyn(name)", "dyn"),
        ("duration('1s')", "duration"),
        ("timestamp('2020-01-01T00:00:00Z')", "timestamp"),
        ("founded.getFullYear()", "getFullYear"),
        ("bytes(name)", "bytes"),
        ("uint(1)", "uint"),
        ("{'a': 1}", "{ }"),
        ("b'a'", "bytes"),
        ("1u", "uint"),
        ("int", "int"),
        ("google.protobuf.Timestamp{}", "{ }"),
    ],
)
def test_what_the_library_offers_beyond_our_list_is_refused(text: str, name: str) -> None:
    assert refusal(text).sentence() == f"{name} is not among the things an expression may use."


def test_all_problems_the_library_finds_are_reported() -> None:
    problem = refusal("nope1 + nope2 + nope3")

    assert [each.values["name"] for each in problem.all] == ["nope1", "nope2", "nope3"]
    assert [each.column for each in problem.all] == [1, 9, 17]


def test_the_same_problem_is_reported_once() -> None:
    assert len(refusal("type == 'a' || type == 'b'").all) == 1


@pytest.mark.parametrize(
    ("text", "expects", "sentence"),
    [
        ("name", "bool", "The expression gives string, but bool is needed here."),
        ("size(tags)", "double", "put double(…) round it"),
        ("[1]", "list(string)", "The expression gives list(int), but list(string) is needed here."),
    ],
)
def test_a_result_of_the_wrong_type_is_refused(text: str, expects: str, sentence: str) -> None:
    assert sentence in refusal(text, expects).sentence()


@pytest.mark.parametrize(
    ("text", "expects"),
    [("none()", "double"), ("[]", "list(string)"), ("name", "string"), ("name", "dyn")],
)
def test_no_value_and_the_empty_list_are_of_every_type(text: str, expects: str) -> None:
    compile_formula(text, VARIABLES, expects)


def test_a_field_with_a_word_of_the_language_is_read_through_this() -> None:
    values: dict[str, Any] = {"type": "a", "package": 2}

    formula = compile_formula("this.type == 'a' && this.package == 2", VARIABLES)

    assert formula(values) is True
    assert formula.reads == {"type", "package"}


def test_a_column_may_have_a_word_of_the_language() -> None:
    formula = compile_formula("visits.all(v, v.type == 'a')", VARIABLES)

    assert formula({"visits": [{"type": "a"}]}) is True


def test_a_comment_and_line_breaks_are_read() -> None:
    assert compile_formula("// what it is\n1 +\n2", {})({}) == 3
