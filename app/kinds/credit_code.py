"""Unified social credit code (统一社会信用代码), GB 32100-2015."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, CONTAINS, EMPTY, EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.forms import Unbound, control
from app.kinds.inventing import Draw
from app.kinds.texts import REWRITTEN, brief, code_text, compact

OLD_NUMBER = (
    "{value} is an old 15-digit registration number. Enter the 18 characters of the unified social "
    "credit code on the business licence."
)
LENGTH = "{value} has {count} characters, a unified social credit code has 18. Check it."
LETTER = (
    "{value} contains {letter}, which no unified social credit code contains. Did you mean "
    "{suggestion}?"
)
CHARACTER = "{value} contains {letter}, which no unified social credit code contains. Check it."
REGION = "{value} must have six digits in places 3 to 8. Check it."
CHECK = (
    "{value} is mistyped: its last character would have to be {expected}. Compare it with the "
    "business licence."
)
PREFIX = "{value} does not begin with {prefix}. Check that it is a code of the right sort."

#: section 4.3 of the standard: 31 characters, without I, O, S, V and Z
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_SHAPE = re.compile(f"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")
#: 3**i mod 31
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
#: letters that stand for a digit when copied by hand
_MISTAKEN = str.maketrans("OIZS", "0125")


@dataclass(frozen=True, slots=True)
class CreditCode(Kind):
    """18 characters, the last of which checks the others."""

    name = "credit-code"
    example = {"type": "string", "format": "credit-code", "prefix": ["91", "92"]}
    keywords = frozenset(["prefix"])
    filters = (EQUALS, CONTAINS, ANY_OF, EMPTY, PRESENT)
    searchable = True
    stores_text = True
    samples = (
        *((code, code) for code in (
            *("91440300192185379H", "914403007488656882", "91440300760482233Q"),
            *("91100000100003962T", "91350100M000100Y43"),
        )),
        (" 9144 0300 1921 8537 9h\u3000", "91440300192185379H"),
        ("９１４４０３００１９２１８５３７９Ｈ", "91440300192185379H"),
        ("  ", None),
    )  # fmt: skip
    unreadable: ClassVar[tuple[Any, ...]] = (
        *("91350100M000100Y4Z", "91350100M000100Y44", "91610722MA6YN2BOXN", "320682000293863"),
        *("510681000018582（1-1）", "9.14403E+17", "914403001921853790", "9144030019218537H"),
        *("12440300192185379H", "9144A300192185379H", "914403007488656000"),
        *(9.14403007488656e17, 914403007488656882, True, [], "91440300192185379H1", "牧原"),
    )

    prefix: tuple[str, ...] = ()

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        if prop.get("type") != "string" or prop.get("format") != "credit-code":
            return None
        prefix = prop.get("prefix", ())
        return cls((prefix,) if isinstance(prefix, str) else tuple(str(item) for item in prefix))

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        prefix = self.prefix

        def read(raw: Any) -> str | None:
            code = code_text(raw).upper()
            if not code:
                return None
            _check(code)
            if prefix and not code.startswith(prefix):
                raise Unreadable(PREFIX, value=code, prefix="、".join(prefix))
            return code

        return Reader(read)

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str:
        """Return a code that says it is invented: MADEM stands where the body's own number is."""
        start = draw.source.choice(self.prefix or ("91",))
        shape = "91411303MADEM"
        own = "".join(draw.source.choices(ALPHABET, k=4))
        first = (start + shape[len(start) :] + own)[:17]
        return first + check_character(first)

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return control(self.name, label, hint, spellcheck="false")

    def filter_reader(self) -> Reader:
        """Return the field that reads a code or a part of one."""
        return Reader(lambda raw: compact(raw).upper() or None)

    def holds(self, old: Kind) -> bool:
        return isinstance(old, CreditCode)


def check_character(first: str) -> str:
    """Return the check character of the first 17 characters (section 4.4 of the standard)."""
    total = sum(_VALUE[c] * weight for c, weight in zip(first, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def _check(code: str) -> None:
    """Refuse ``code`` (upper case, no spaces) with what is wrong with it."""
    if len(code) != 18:
        sentence = OLD_NUMBER if len(code) == 15 and code.isdigit() else LENGTH
        raise Unreadable(sentence, value=brief(code), count=len(code))
    if not _SHAPE.fullmatch(code):
        raise _misshapen(code)
    expected = check_character(code[:17])
    if code[17] != expected:
        if code.isdigit() and code.endswith("000"):
            raise Unreadable(REWRITTEN, value=code)
        raise Unreadable(CHECK, value=code, expected=expected)


def _misshapen(code: str) -> Unreadable:
    """Return the sentence about the first strange character, with the code that was meant."""
    letter = next((character for character in code if character not in _VALUE), "")
    if not letter:
        return Unreadable(REGION, value=code)
    meant = code.translate(_MISTAKEN)
    if _SHAPE.fullmatch(meant) and check_character(meant[:17]) == meant[17]:
        return Unreadable(LETTER, value=code, letter=letter, suggestion=meant)
    return Unreadable(CHARACTER, value=code, letter=letter)
