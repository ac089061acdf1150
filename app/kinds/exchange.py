"""JSON without loss: a decimal is written and read with all its digits."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any


def dump_json(obj: Any) -> str:
    """Return ``obj`` as JSON on one line; a Decimal becomes a number literal with its scale.

    Raises ``TypeError`` for what JSON has no word for and ``ValueError`` for NaN and infinity.
    """
    return _written(obj)


def load_json(text: str | bytes) -> Any:
    """Return what ``text`` says; numbers with a point or exponent are Decimals.

    Raises ``ValueError`` for text that is not JSON, for NaN and infinity, and for text nested
    so deep that Python cannot follow.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None


def _written(obj: Any) -> str:
    write = _WRITERS.get(type(obj))
    if write is None:
        write = next((_WRITERS[base] for base in _WRITERS if isinstance(obj, base)), None)
    if write is None:
        raise TypeError(f"{type(obj).__name__} has no JSON")
    return write(obj)


def _object(obj: dict[str, Any]) -> str:
    writer = _WRITERS.get
    parts = [
        f"{_key(key)}:{(writer(type(value)) or _written)(value)}" for key, value in obj.items()
    ]
    return "{" + ",".join(parts) + "}"


@lru_cache(maxsize=4096)
def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("a JSON object has text keys")
    return encode_basestring(key)


def _array(obj: list[Any] | tuple[Any, ...]) -> str:
    return "[" + ",".join([_written(item) for item in obj]) + "]"


def _decimal(number: Decimal) -> str:
    if not number.is_finite():
        raise ValueError(f"{number} has no JSON")
    text = str(number)
    if "E" not in text:
        return text
    return format(number, "f") if abs(number.adjusted()) < 100 else text


def _float(number: float) -> str:
    return json.dumps(number, allow_nan=False)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


#: bool stands before int, whose child it is
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    Decimal: _decimal,
    bool: lambda truth: "true" if truth else "false",
    int: int.__repr__,
    float: _float,
    type(None): lambda _: "null",
    dict: _object,
    list: _array,
    tuple: _array,
}
