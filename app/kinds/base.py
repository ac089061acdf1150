"""Kind: what a field can be, and the only place that knows it.

Five words for a value are used everywhere: *cell* (worksheet), *raw* (form, JSON input),
*value* (Python, inside), *json* (what the schema judges and history keeps), *stored* (SQL).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

import marshmallow as ma
import sqlalchemy as sa
import wtforms

from app.kinds.inventing import Draw


class Unreadable(ma.ValidationError):
    """A raw value that is not of the kind. ``text`` is a catalogue sentence, ``values`` fill it."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


#: What one may ask of a column. The names are part of addresses and of the command line.
EQUALS, NOT_EQUALS = "eq", "ne"
AT_LEAST, AT_MOST = "ge", "le"
MORE, LESS = "gt", "lt"
CONTAINS = "contains"
ANY_OF = "in"
EMPTY, PRESENT = "empty", "present"

#: what is asked of values that stand in an order
ORDERED = (EQUALS, NOT_EQUALS, AT_LEAST, AT_MOST, MORE, LESS, EMPTY, PRESENT)


class Reader(ma.fields.Field[Any]):
    """A marshmallow field that is one function ``read(raw) -> value``.

    It skips marshmallow's own pre- and post-processing, of which a kind uses none: a record
    of 20 fields is read in the time that would otherwise go into one.
    """

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__(allow_none=True)
        self.read = read

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the value of the raw ``value``; blank text gives None. Raises ``Unreadable``."""
        if value is None or value is ma.missing:
            return value
        return self.read(value)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of field with its options. Equal options make equal kinds."""

    #: name of the kind, used in documents, messages and tests
    name: ClassVar[str]
    #: a property that declares this kind
    example: ClassVar[Mapping[str, Any]]
    #: the property keywords that make sense for this kind, beside those every kind takes
    keywords: ClassVar[frozenset[str]] = frozenset()
    #: JSON Schema's type of the value's json
    json_type: ClassVar[str] = "string"
    #: type in a formula: double, int, string, bool, timestamp, list(string), rows, or "" (none)
    formula_type: ClassVar[str] = "string"
    #: what a list may ask of it
    filters: ClassVar[tuple[str, ...]] = (EQUALS, EMPTY, PRESENT)
    sortable: ClassVar[bool] = True
    #: may be searched as text
    searchable: ClassVar[bool] = False
    #: numbers stand at the end of a column
    align: ClassVar[str] = "start"
    #: the values live in a table of their own, not in a column: ``column_type`` is not asked
    own_table: ClassVar[bool] = False
    #: (raw, value) pairs that must be read so
    samples: ClassVar[tuple[tuple[Any, Any], ...]] = ()
    #: raw values that must be refused
    unreadable: ClassVar[tuple[Any, ...]] = ()

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        """Return the kind that ``prop`` declares, or None when it declares another."""
        raise NotImplementedError

    def column_type(self) -> sa.types.TypeEngine[Any]:
        """Return the SQL type, exact on every engine."""
        raise NotImplementedError

    def reader(self) -> ma.fields.Field[Any]:
        """Return the marshmallow field that reads a raw value; its ``deserialize`` raises
        ``Unreadable``. Blank is None everywhere: text of nothing but spaces is read as None.
        Build it once per field and keep it."""
        raise NotImplementedError

    def judged_as(self, prop: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the definition's own JSON Schema says of the value, without our keywords."""
        judged = {k: v for k, v in prop.items() if k in JUDGED}
        judged["type"] = self.json_type
        return judged

    def to_json(self, value: Any) -> Any:
        """Return the value as JSON: what the schema judges and history keeps. None stays None."""
        return value

    def from_json(self, json: Any) -> Any:
        """Return the value that ``to_json`` was given. None stays None."""
        return json

    def from_formula(self, result: Any) -> Any:
        """Return the value of a formula's result. None stays None; raises ``Unreadable``."""
        return self.reader().deserialize(result)

    def form_field(self, label: str, hint: str = "") -> wtforms.fields.core.UnboundField[Any]:
        """Return the WTForms control. It carries no validators: judging is the gate's."""
        raise NotImplementedError

    def to_form(self, value: Any) -> Any:
        """Return what the control shows for ``value``."""
        return "" if value is None else self.show(value)

    def from_cell(self, cell: Any) -> Any:
        """Return the raw value of a worksheet cell: text, number, bool, date, datetime, None."""
        return cell

    def to_cell(self, value: Any) -> Any:
        """Return what a worksheet cell holds for ``value``."""
        return None if value is None else self.show(value)

    @property
    def stores_text(self) -> bool:
        """Return whether the column holds text that reads as it is shown: any text may take it."""
        return False

    @property
    def cell_format(self) -> str:
        """Return Excel's number format of a column; ``"@"`` is text."""
        return "@"

    def show(self, value: Any) -> str:
        """Return the value as people read it; ``""`` for None."""
        return "" if value is None else str(value)

    def filter_reader(self) -> ma.fields.Field[Any]:
        """Return the field that reads one value of a filter on this kind."""
        return self.reader()

    def condition(
        self, column: sa.ColumnElement[Any], operator: str, value: Any = None
    ) -> sa.ColumnElement[bool]:
        """Return the SQL for "``column`` ``operator`` ``value``".

        ``value`` was read by ``filter_reader`` (each item of it for ``in``); ``empty`` and
        ``present`` take none. Asking what is not in ``filters`` raises ``ValueError``.
        """
        if operator not in self.filters:
            raise ValueError(f"{self.name} has no filter {operator!r}")
        return compare(column, operator, value)

    # ── demonstration records

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> Any:
        """Return a plausible raw value within the limits of ``prop``; None where the kind alone
        cannot know one, such as which record to refer to."""
        return None

    def month_of(self, value: Any) -> int | None:
        """Return the month a value lies in, as a number of months; None where it is no time."""
        return None

    def moved(self, value: Any, months: int, years: int) -> Any:
        """Return the value so many months later, a bare year so many years; what is no time
        stays as it is."""
        return value

    def times(self, value: Any, factor: Decimal) -> Any:
        """Return an amount multiplied; what is no amount (a share, a degree) stays as it is."""
        return value

    def holds(self, old: Kind) -> bool:
        """Return whether this kind's column holds the values stored for ``old`` as they are."""
        return self == old

    def to_other(self, value: Any) -> Any:
        """Return the text that another kind reads when a field leaves this one."""
        return self.show(value)

    def from_other(self, old: Kind, value: Any) -> Any:
        """Return the raw value to read when a field changes its kind from ``old``."""
        return None if value is None else old.to_other(value)


def compare(column: sa.ColumnElement[Any], operator: str, value: Any) -> sa.ColumnElement[bool]:
    """Return one comparison as SQL. "Is not" counts blank rows in; text is found in any case."""
    if operator == EMPTY:
        return column.is_(None)
    if operator == PRESENT:
        return column.is_not(None)
    if operator == ANY_OF:
        return column.in_(list(value))
    if operator == CONTAINS:
        return sa.type_coerce(column, sa.Text()).icontains(value, autoescape=True)
    if operator == NOT_EQUALS:
        return column.is_distinct_from(value)
    return COMPARISONS[operator](column, value)


COMPARISONS: dict[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    EQUALS: lambda column, value: column == value,
    AT_LEAST: lambda column, value: column >= value,
    AT_MOST: lambda column, value: column <= value,
    MORE: lambda column, value: column > value,
    LESS: lambda column, value: column < value,
}

#: JSON Schema keywords that the judge sees; everything else is ours or an annotation.
JUDGED = frozenset(
    [
        *("type", "enum", "const", "not", "anyOf", "oneOf", "allOf", "if", "then", "else"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern"),
        *("minItems", "maxItems", "uniqueItems", "items", "contains", "minContains", "maxContains"),
    ]
)
