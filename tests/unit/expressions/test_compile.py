"""What is accepted, and what the refusals say."""

from __future__ import annotations

from app.expressions import compile_formula


def test_a_formula_knows_its_type_and_what_it_reads() -> None:
    variables = {"revenue": "double", "old.revenue": "double", "name": "string"}

    formula = compile_formula("revenue > old.revenue", variables)

    assert formula.type == "bool"
    assert formula.reads == {"revenue", "old.revenue"}
