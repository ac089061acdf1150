"""Inventing: where a kind takes the values of demonstration records from."""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

#: stands at the beginning of every invented name
MARK = "示例"


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw: its seeded source, the row's number, the day it is, and the field's title."""

    source: random.Random
    number: int
    today: datetime.date
    title: str = ""


def month_count(year: int, month: int) -> int:
    """Return a month as a number of months, so that months can be counted on."""
    return year * 12 + month - 1


def counted(months: int) -> tuple[int, int]:
    """Return (year, month) of a number of months."""
    return months // 12, months % 12 + 1


#: periods that are kept as texts, and how many months one has
_PERIOD = re.compile(r"(20[0-9]{2})(?:([HQ])([1-4]))?", re.ASCII)
_LENGTH = {"H": 6, "Q": 3}
#: the year in a running number such as JB2024-0001
_NUMBERED = re.compile(r"(?<![0-9])20[0-9]{2}(?=-[0-9]{2})", re.ASCII)


def last_month(text: str) -> int | None:
    """Return the last month of a period that is kept as a text: 2024, 2024H1, 2024Q3."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        return None
    return month_count(int(found[1]), int(found[3]) * _LENGTH[found[2]] if found[2] else 12)


def later_text(text: str, months: int, years: int) -> str:
    """Return a period later, or a text with the years of its running numbers later."""
    found, last = _PERIOD.fullmatch(text), last_month(text)
    if found is None or last is None:
        return _NUMBERED.sub(lambda year: str(int(year[0]) + years), text)
    if not found[2]:
        return str(int(found[1]) + years)
    year, month = counted(last + months)
    length = _LENGTH[found[2]]
    return f"{year}{found[2]}{(month + length - 1) // length}"


def between(draw: Draw, prop: Mapping[str, Any], scale: int, most: int = 1000) -> Decimal:
    """Return a number within the limits that ``prop`` says, with ``scale`` decimals."""
    step = Decimal(1).scaleb(-scale)
    if "multipleOf" in prop:
        step = max(step, Decimal(str(prop["multipleOf"])))
    low = _limit(prop, "minimum", "exclusiveMinimum", step)
    high = _limit(prop, "maximum", "exclusiveMaximum", -step)
    if low is None:
        low = min(Decimal(0), high - most) if high is not None else Decimal(0)
    if high is None:
        high = low + most
    first, last = -(-low // step), high // step
    return step * draw.source.randint(int(first), max(int(first), int(last)))


def _limit(prop: Mapping[str, Any], name: str, without: str, step: Decimal) -> Decimal | None:
    if without in prop:
        return Decimal(str(prop[without])) + step
    return Decimal(str(prop[name])) if name in prop else None


def fitting(prop: Mapping[str, Any], text: str) -> str:
    """Return ``text`` as long as ``prop`` wants it."""
    least = prop.get("minLength", 0)
    while text and len(text) < least:
        text += text
    return text[: prop.get("maxLength", max(least, len(text)))]


# ── texts of a pattern

_CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789", "s": " "}
_ANY = _CLASSES["w"]
#: repetitions of what may be repeated without end
_MOST = 3


def of_pattern(source: random.Random, pattern: str) -> str | None:
    """Return a text that matches a simple regular expression: literals, classes, groups,
    alternatives and repetitions. None for one that says more than that."""
    try:
        return _Sampler(source, pattern).text()
    except (IndexError, ValueError):
        return None


class _Sampler:
    """Reads a pattern from left to right and writes a text as it goes."""

    def __init__(self, source: random.Random, pattern: str) -> None:
        self.source, self.pattern, self.at = source, pattern, 0

    def text(self) -> str:
        made = self.alternatives()
        if self.at < len(self.pattern):
            raise ValueError(self.pattern)
        return made()

    def alternatives(self) -> Callable[[], str]:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.sequence())
        return lambda: self.source.choice(branches)()

    def sequence(self) -> Callable[[], str]:
        parts: list[Callable[[], str]] = []
        while self.peek() not in ("", "|", ")"):
            if self.peek() in "^$":
                self.at += 1
                continue
            parts.append(self.repeated(self.atom()))
        return lambda: "".join(part() for part in parts)

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]

    def atom(self) -> Callable[[], str]:
        sign = self.take()
        if sign == "(":
            if self.pattern.startswith("?:", self.at):
                self.at += 2
            made = self.alternatives()
            if self.take() != ")":
                raise ValueError(self.pattern)
            return made
        if sign == "[":
            return self.one_of(self.members())
        if sign == "\\":
            return self.one_of(self.escaped())
        if sign in "?*+{":
            raise ValueError(self.pattern)
        return self.one_of(_ANY if sign == "." else sign)

    def one_of(self, characters: str) -> Callable[[], str]:
        return lambda: self.source.choice(characters)

    def escaped(self) -> str:
        sign = self.take()
        if sign.isalnum() and sign not in _CLASSES:
            raise ValueError(self.pattern)
        return _CLASSES.get(sign, sign)

    def members(self) -> str:
        if self.peek() == "^":
            raise ValueError(self.pattern)
        found = ""
        while (sign := self.take()) != "]":
            if sign == "\\":
                found += self.escaped()
            elif sign == "-" and found and self.peek() != "]":
                last = self.take()
                found += "".join(chr(c) for c in range(ord(found[-1]) + 1, ord(last) + 1))
            else:
                found += sign
        return found

    def repeated(self, atom: Callable[[], str]) -> Callable[[], str]:
        least, most = 1, 1
        sign = self.peek()
        if sign in ("?", "*", "+"):
            self.at += 1
            least, most = int(sign == "+"), 1 if sign == "?" else _MOST
        elif sign == "{":
            end = self.pattern.index("}", self.at)
            first, comma, last = self.pattern[self.at + 1 : end].partition(",")
            least = int(first)
            most = int(last) if last else least + (_MOST if comma else 0)
            self.at = end + 1
        return lambda: "".join(atom() for _ in range(self.source.randint(least, most)))
