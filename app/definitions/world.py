"""The world around a definition: the registers that exist, and those checked together with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from app.definitions.register import Field
from app.kinds.base import Kind

if TYPE_CHECKING:
    from app.definitions.draft import Draft


class Neighbours(Protocol):
    """The published registers."""

    @property
    def titles(self) -> Mapping[str, str]:
        """Return the title of every register, by slug."""

    def exists(self, slug: str) -> bool:
        """Return whether ``slug`` is published."""

    def field(self, slug: str, name: str) -> Field | None:
        """Return a field of a published register, None when there is none."""


class Alone:
    """No other register is published."""

    titles: Mapping[str, str] = {}

    def exists(self, slug: str) -> bool:
        return False

    def field(self, slug: str, name: str) -> Field | None:
        return None


class World:
    """The published registers, with the drafts that are checked now in their place."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self.drafts: dict[str, Draft] = {}

    @property
    def slugs(self) -> list[str]:
        """Return the slugs of all registers."""
        return sorted({*self.drafts, *self._neighbours.titles})

    def exists(self, slug: str) -> bool:
        """Return whether there is a register ``slug``."""
        return slug in self.drafts or self._neighbours.exists(slug)

    def has(self, slug: str, name: str) -> bool:
        """Return whether register ``slug`` has, or tries to have, a field ``name``."""
        if slug in self.drafts:
            return name in self.drafts[slug].declared
        return self._neighbours.field(slug, name) is not None

    def names(self, slug: str) -> list[str]:
        """Return the fields of a register checked now; of others none is known."""
        return [*self.drafts[slug].declared] if slug in self.drafts else []

    def kind(self, slug: str, name: str) -> Kind | None:
        """Return the kind of a field, None when it is unknown or not well."""
        if slug in self.drafts:
            return self.drafts[slug].kinds.get(name)
        field = self._neighbours.field(slug, name)
        return field.kind if field else None

    def field(self, slug: str, name: str) -> Field | None:
        """Return a field, None when it is unknown or not well."""
        if slug in self.drafts:
            return self.drafts[slug].fields.get(name)
        return self._neighbours.field(slug, name)
