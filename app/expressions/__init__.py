"""What a formula means: CEL, checked by Google's library and computed exactly."""

from app.expressions.formula import Formula, compile_formula
from app.expressions.functions import clock
from app.expressions.problems import FormulaFailed, FormulaProblem

__all__ = ["Formula", "FormulaFailed", "FormulaProblem", "clock", "compile_formula"]
