"""SQL types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

#: digits of an exact number in all
DIGITS = 18


def whole() -> sa.types.TypeEngine[int]:
    """Return the type of whole numbers and of record ids: 64 bits on every engine."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Exact(sa.types.TypeDecorator[Decimal]):
    """A decimal of 18 digits, ``scale`` of them after the point, never a float.

    NUMERIC on PostgreSQL. SQLite has no decimals, so it keeps the number times 10**scale as
    a 64-bit integer: sort, compare, sum, min and max are exact. (An average is a float there:
    divide the sum by the count instead.) A number with more decimals is refused, not rounded.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, scale: int = 2) -> None:
        super().__init__(DIGITS, scale)
        self.scale = scale

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(DIGITS, self.scale))

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any]:
        scale = self.scale
        as_integer = dialect.name == "sqlite"

        def bind(value: Any) -> Any:
            if value is None:
                return None
            number = value if type(value) is Decimal else Decimal(value)
            scaled = number.scaleb(scale)
            units = int(scaled)
            if units != scaled or abs(units) >= 10**DIGITS:
                raise ValueError(f"{value} does not fit {DIGITS} digits, {scale} decimals")
            return units if as_integer else number

        return bind

    def literal_processor(self, dialect: sa.Dialect) -> Callable[[Any], str]:
        bind = self.bind_processor(dialect)
        return lambda value: format(bind(value), "f" if dialect.name != "sqlite" else "d")

    def result_processor(
        self, dialect: sa.Dialect, coltype: object
    ) -> Callable[[Any], Decimal | None] | None:
        if dialect.name != "sqlite":
            return None
        places = -self.scale

        def result(value: Any) -> Decimal | None:
            return None if value is None else Decimal(value).scaleb(places)

        return result


class JsonTuple(sa.types.TypeDecorator[tuple[Any, ...]]):
    """A short tuple of texts or whole numbers, kept as the text of a JSON array.

    ``'["a","b"]'``: the rows that contain ``a`` are ``LIKE '%"a"%'``. An item's own quotes are
    escaped in JSON, so the quoted item is never found inside another.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if not value else written(list(value))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> tuple[Any, ...] | None:
        return None if value is None else tuple(json.loads(value))

    def process_literal_param(self, value: Any, dialect: sa.Dialect) -> str:
        return self.process_bind_param(value, dialect) or ""


def written(item: Any) -> str:
    """Return ``item`` exactly as it stands inside the text of a ``JsonTuple``."""
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))
