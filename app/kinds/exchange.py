"""JSON without loss: a decimal is written and read with all its digits."""

from __future__ import annotations

import json
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any


def dump_json(obj: Any) -> str:
    """Return ``obj`` as JSON on one line; a Decimal becomes a number literal with its scale.

    Raises ``TypeError`` for what JSON has no word for and ``ValueError`` for NaN and infinity.
    """
    parts: list[str] = []
    _write(obj, parts.append)
    return "".join(parts)


def load_json(text: str | bytes) -> Any:
    """Return what ``text`` says; numbers with a point or exponent are Decimals.

    Raises ``ValueError`` for text that is not JSON, for NaN and infinity, and for text nested
    so deep that Python cannot follow.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None


def _write(obj: Any, put: Any) -> None:
    if isinstance(obj, str):
        put(encode_basestring(obj))
    elif obj is None or obj is True or obj is False or isinstance(obj, float):
        put(json.dumps(obj, allow_nan=False))
    elif isinstance(obj, int):
        put(str(obj))
    elif isinstance(obj, Decimal):
        put(_literal(obj))
    elif isinstance(obj, dict):
        _write_object(obj, put)
    elif isinstance(obj, (list, tuple)):
        before = "["
        for item in obj:
            put(before)
            _write(item, put)
            before = ","
        put("]" if obj else "[]")
    else:
        raise TypeError(f"{type(obj).__name__} has no JSON")


def _write_object(obj: dict[str, Any], put: Any) -> None:
    before = "{"
    for key, value in obj.items():
        if not isinstance(key, str):
            raise TypeError("a JSON object has text keys")
        put(before)
        put(encode_basestring(key))
        put(":")
        _write(value, put)
        before = ","
    put("}" if obj else "{}")


def _literal(number: Decimal) -> str:
    if not number.is_finite():
        raise ValueError(f"{number} has no JSON")
    return format(number, "f") if abs(number.adjusted()) < 100 else str(number)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
