"""Choice: one of the options that the definition lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from app.kinds.base import ANY_OF, EMPTY, EQUALS, NOT_EQUALS, PRESENT, Kind, Reader, Unreadable
from app.kinds.forms import Unbound, select
from app.kinds.inventing import Draw
from app.kinds.texts import brief, cell_text, clean_line

NOT_A_CHOICE = "{value} is not one of the choices. Choose one of: {choices}."


class Option(NamedTuple):
    """One option: what is stored, what is shown, and whether it may still be chosen."""

    value: str
    label: str
    deprecated: bool = False


def options_of(prop: Mapping[str, Any]) -> tuple[Option, ...]:
    """Return the options that ``prop`` lists, or ``()`` when it lists none of text alone."""
    entries = prop.get("oneOf", prop.get("enum"))
    if not isinstance(entries, list) or not entries:
        return ()
    options = []
    for entry in entries:
        if isinstance(entry, str):
            options.append(Option(entry, entry))
        elif isinstance(entry, Mapping) and isinstance(entry.get("const"), str):
            value = entry["const"]
            retired = entry.get("deprecated") is True
            options.append(Option(value, str(entry.get("title", value)), retired))
        else:
            return ()
    return tuple(options)


class Menu:
    """Options made quick to look up: by what is stored or, failing that, by label."""

    def __init__(self, options: tuple[Option, ...]) -> None:
        self.labels = {option.value: option.label for option in options}
        self._values: dict[str, str] = {}
        for option in options:
            self._values.setdefault(option.label, option.value)
            self._values.setdefault(clean_line(option.label) or "", option.value)
        self._values.update((option.value, option.value) for option in options)
        self._shown = [option.label for option in options if not option.deprecated]

    def find(self, text: str) -> str | None:
        """Return the stored value that ``text`` names, or None."""
        return self._values.get(text)

    def read(self, raw: Any) -> str | None:
        """Return the stored value ``raw`` names, or None for blank text. Retired ones are read."""
        if type(raw) is str and raw in self.labels and raw:
            return raw
        text = clean_line(raw)
        if text is None:
            return None
        value = self.find(text)
        if value is None:
            raise self.refusal(raw)
        return value

    def refusal(self, raw: Any) -> Unreadable:
        """Return the sentence that lists what may be chosen."""
        listed = "、".join(self._shown[:12]) + ("…" if len(self._shown) > 12 else "")
        return Unreadable(NOT_A_CHOICE, value=brief(raw), choices=listed)


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of ``options``. A deprecated one is kept and shown, and judged as not choosable."""

    name = "choice"
    example = {
        "type": "string",
        "oneOf": [
            {"const": "a", "title": "规划、建设"},
            {"const": "b", "title": "投产"},
            {"const": "c", "title": "停产", "deprecated": True},
        ],
    }
    keywords = frozenset(["enum", "oneOf"])
    filters = (EQUALS, NOT_EQUALS, ANY_OF, EMPTY, PRESENT)
    samples = (
        *(("a", "a"), ("规划、建设", "a"), (" 投产 ", "b"), ("停产", "c"), ("ｂ", "b")),
        ("\u3000", None),
    )
    unreadable = ("A", "投", "a,b", 1, True, ["a"], {"const": "a"}, "a\x00")

    options: tuple[Option, ...] = ()
    menu: Menu = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # options that were kept as JSON come back as plain tuples
        options = tuple(Option(*option) for option in self.options)
        object.__setattr__(self, "options", options)
        object.__setattr__(self, "menu", Menu(options))

    @classmethod
    def from_schema(cls, prop: Mapping[str, Any]) -> Self | None:
        if prop.get("type", "string") != "string" or "format" in prop:
            return None
        options = options_of(prop)
        return cls(options) if options else None

    @property
    def stores_text(self) -> bool:
        return all(option.value == option.label for option in self.options)

    def column_type(self) -> sa.types.TypeEngine[str]:
        return sa.Text()

    def reader(self) -> Reader:
        return Reader(self.menu.read)

    def judged_as(self, prop: Mapping[str, Any]) -> dict[str, Any]:
        return {**without_options(prop), "type": "string", "enum": choosable(self.options)}

    def to_form(self, value: str | None) -> str:
        return value or ""

    def invent(self, draw: Draw, prop: Mapping[str, Any]) -> str | None:
        offered = choosable(self.options)
        return draw.source.choice(offered) if offered else None

    def form_field(self, label: str, hint: str = "") -> Unbound:
        return select(self.name, label, hint, self.options)

    def from_cell(self, cell: Any) -> Any:
        return cell_text(cell)

    def show(self, value: str | None) -> str:
        return "" if value is None else self.menu.labels.get(value, value)

    def holds(self, old: Kind) -> bool:
        return isinstance(old, Choice)


def choosable(options: tuple[Option, ...]) -> list[str]:
    """Return the values that may be chosen today."""
    return [option.value for option in options if not option.deprecated]


def without_options(prop: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``prop`` says beside its list of options."""
    judged = Kind.judged_as(Choice(), prop)
    return {key: value for key, value in judged.items() if key not in ("oneOf", "enum")}
