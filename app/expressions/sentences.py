"""Every sentence this room can say. Each is a key of the translation catalogue."""

from __future__ import annotations

# ── refused when an expression is compiled ──
UNKNOWN_NAME = "There is no field {name} here."
UNKNOWN_NAME_LIKE = "There is no field {name} here. Do you mean {suggestion}?"
UNKNOWN_COLUMN = "The rows have no column {name}."
UNKNOWN_COLUMN_LIKE = "The rows have no column {name}. Do you mean {suggestion}?"
UNKNOWN_FUNCTION = "There is no function {name}."
UNKNOWN_FUNCTION_LIKE = "There is no function {name}. Do you mean {suggestion}?"
NOT_ALLOWED = "{name} is not among the things an expression may use."
RESERVED = "The word {name} belongs to the expression language: write this.{name} for the field."
HIDDEN = "The name {name} is a field already: choose another one for the row in {macro}."
MIXED = (
    "A number (double) and a whole number (int) cannot be mixed in {operator}: write 1.0 instead "
    "of 1, or double(…) round the whole number."
)
NO_NULL = "Nothing equals null here: present(…) says whether there is a value."
HAS = "has() is for the rows of a list: write present({name})."
DATES = (
    "Dates are not added or subtracted with signs: days(start, end) gives the days between, "
    "add_days(start, 15) the day so many days later."
)
NO_OVERLOAD = "{operator} cannot be applied to {types}."
NO_FIELDS = "A value of type {type} has no field {name}."
NO_LIST = "A list is needed here; this is {type}."
CONDITION = "The condition inside {macro}() must be one that holds or does not (bool)."
MIXED_LIST = "The values of a list must be of one type; here are {types}."
WRONG_RESULT = "The expression gives {actual}, but {expected} is needed here."
WRONG_RESULT_INT = "The expression gives int, but double is needed here: put double(…) round it."
EMPTY = "The expression is empty."
ENDS_EARLY = "The expression ends too early."
EQUALS = "Write == to compare: a single = has no meaning."
AND_OR_NOT = "Write && for and, || for or, ! for not."
UNREADABLE = "The expression cannot be read from {found} on."
BAD_CHARACTER = (
    "The character {found} has no meaning here. Only plain letters and half-width signs count "
    "outside quotation marks."
)
BAD_DATE = "{value} is not a date: write it like 2024-06-30."
BAD_PATTERN = "The pattern {pattern} cannot be used: {reason}"
PATTERN_NOT_WRITTEN = "The pattern of matches() must be written as text in the expression."
NUMBER_TOO_LARGE = "The number written here is too large."
TOO_LONG = "The expression has {length} characters, at most {limit} are allowed."
TOO_MANY = "The expression has more than {limit} parts."
TOO_DEEP = (
    "The expression is nested too deeply. A long sum can be written as sum([a, b, c]), a long "
    "comparison as x in [a, b, c]."
)
OTHER = "The expression cannot be used: {reason}"

# ── refused when an expression is computed ──
DIVISION = "The expression {expression} cannot be computed: division by zero."
OUT_OF_RANGE = "The expression {expression} cannot be computed: a number is too large."
NO_ELEMENT = "The expression {expression} cannot be computed: the list has no element {index}."
TEXT_TOO_LONG = "The expression {expression} cannot be computed: a text becomes too long."
TOO_COSTLY = "The expression {expression} cannot be computed: it takes more than {limit} steps."
NOT_A_DATE = "The expression {expression} cannot be computed: {value} is not a date."
NOT_DIGITS = "The expression {expression} cannot be computed: round() takes -18 to 18 digits."
WRONG_VALUE = "The expression {expression} cannot be computed: {value} is not of type {type}."
