"""Why a unit, or the tree of units, is not changed."""

from __future__ import annotations

from app.errors import AppError


class UnitNotFound(AppError):
    code = "unit.not_found"
    status = 404
    text = "There is no unit {unit}."


class UnitRefused(AppError):
    """What was entered of a unit cannot be."""

    code = "unit.refused"
    text = "The unit was not changed."


class CodeRefused(UnitRefused):
    code = "unit.code_refused"
    text = (
        "{code} cannot be the code of a unit: up to 40 letters, digits, points and hyphens, "
        "beginning with a letter or digit."
    )


class CodeTaken(UnitRefused):
    code = "unit.code_taken"
    status = 409
    text = "There is already a unit with the code {code}: {title}. Take another code."


class TitleRefused(UnitRefused):
    code = "unit.title_refused"
    text = "A unit needs a name of 1 to {most} characters."


class KindRefused(UnitRefused):
    code = "unit.kind_refused"
    text = "{kind} is no kind of unit."


class UnitCycle(UnitRefused):
    code = "unit.cycle"
    status = 409
    text = "{unit} would stand below itself on {day}. Choose another unit above it."


class TooDeep(UnitRefused):
    code = "unit.too_deep"
    status = 409
    text = "{unit} would stand on level {level}; a tree of units has at most {most} levels."


class NotInForce(UnitRefused):
    code = "unit.not_in_force"
    status = 409
    text = "{unit} is not in force on {day}. Choose another day or another unit."


class OutOfOrder(UnitRefused):
    code = "unit.out_of_order"
    status = 409
    text = "{unit} was changed with effect of {last}. Choose that day or a later one."


class HasChildren(UnitRefused):
    code = "unit.has_children"
    status = 409
    text = "{count} units still stand below {unit} on {day}. Move or end them first."
