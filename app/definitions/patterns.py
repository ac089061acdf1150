"""Patterns: regular expressions that are matched in linear time, or refused."""

from __future__ import annotations

import functools
import re
from typing import Any

import jsonschema_rs
import re2

#: characters of a pattern
LONGEST = 500
#: memory of a compiled pattern: what ``x{1000}{1000}`` would take is refused
_MEMORY = 1 << 20
#: how a judge matches patterns: by an automaton, never by trying
LINEAR = jsonschema_rs.RegexOptions()
_ESCAPED = re.compile(r"(\\\\)|\\u\{?([0-9A-Fa-f]{4,6})\}?")


def judge(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """Return a judge for ``schema`` that matches patterns in linear time."""
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=LINEAR)


@functools.lru_cache(maxsize=1024)
def refusal(pattern: str) -> tuple[str, dict[str, Any]] | None:
    """Return why ``pattern`` is refused, as a sentence and its values; None when it is fine."""
    if len(pattern) > LONGEST:
        text = "The pattern has {length} characters, at most {most} are allowed."
        return text, {"length": len(pattern), "most": LONGEST}
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        re2.compile(translate(pattern), options)
    except (re2.error, UnicodeError) as error:
        text = (
            "The pattern {value} cannot be matched in linear time: {reason}. Look-around and "
            "back-references are not available."
        )
        reason = error.args[0] if error.args else ""
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        return text, {"value": pattern, "reason": reason}
    try:
        judge({"pattern": pattern})
    except jsonschema_rs.ValidationError:
        text = (
            "The pattern {value} uses a sign that regular expressions of JSON Schema do not have."
        )
        return text, {"value": pattern}
    return None


def translate(pattern: str) -> str:
    r"""Return ``pattern`` as RE2 reads it: ``\u4e00`` becomes ``\x{4e00}``."""
    return _ESCAPED.sub(lambda found: found[1] or rf"\x{{{found[2]}}}", pattern)
