"""Hide the private part of a value from those who may not see it whole."""

from __future__ import annotations


def mask(value: str, how: str) -> str:
    """Return ``value`` (as shown) with its private part as ``*``.

    ``how`` is ``phone`` (138****1234), ``id`` (110101********1233) or ``name`` (王**). Text too
    short to keep both ends is hidden whole; another ``how`` raises ``ValueError``.
    """
    if how == "name":
        return value[:1] + "*" * (len(value) - 1) if len(value) > 1 else "*" * len(value)
    if how not in _ENDS:
        raise ValueError(f"there is no mask {how!r}")
    first, last = _ENDS[how]
    if len(value) < first + last + 3:
        return "*" * len(value)
    return value[:first] + "*" * (len(value) - first - last) + value[-last:]


#: what stays visible at the beginning and at the end
_ENDS = {"phone": (3, 4), "id": (6, 4)}
