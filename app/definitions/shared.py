"""Shared parts: ``$ref`` to this definition's ``$defs`` and to ``common.json``, nothing else.

Nothing is fetched or opened here: ``common.json`` comes in as a loaded document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.findings import Findings

LOCAL = "#/$defs/"
COMMON = "common.json#/$defs/"


class SharedParts:
    """The parts that the fields of one definition may refer to."""

    def __init__(
        self, own: Mapping[str, Any], common: Mapping[str, Any], findings: Findings
    ) -> None:
        parts = common.get("$defs", {})
        self._parts: dict[str, Any] = {LOCAL + name: part for name, part in own.items()}
        self._parts |= {COMMON + name: part for name, part in parts.items()}
        self._findings = findings

    def expand(self, field: Mapping[str, Any], at: tuple[str | int, ...]) -> dict[str, Any] | None:
        """Return ``field`` with every ``$ref`` replaced by what it names, beside which the field's
        own keywords win; None when one names nothing, which is noted."""
        whole = self._follow(field, at)
        if whole is None:
            return None
        if isinstance(whole.get("items"), dict):
            items = self.expand(whole["items"], (*at, "items"))
            if items is None:
                return None
            whole["items"] = items
        if isinstance(whole.get("properties"), dict):
            columns = {
                name: self.expand(column, (*at, "properties", name))
                for name, column in whole["properties"].items()
            }
            whole["properties"] = {name: part for name, part in columns.items() if part is not None}
        return whole

    def _follow(self, field: Mapping[str, Any], at: tuple[str | int, ...]) -> dict[str, Any] | None:
        whole = dict(field)
        seen: list[str] = []
        while "$ref" in whole:
            address = whole.pop("$ref")
            if address in seen:
                circle = " → ".join([*seen, address])
                text = "The $ref goes round in a circle: {circle}."
                self._findings.add((*at, "$ref"), "circular_ref", text, circle=circle)
                return None
            seen.append(address)
            part = self._named(address, at)
            if part is None:
                return None
            whole = {**part, **whole}
        return whole

    def _named(self, address: str, at: tuple[str | int, ...]) -> Mapping[str, Any] | None:
        part = self._parts.get(address)
        if isinstance(part, Mapping):
            return part
        if address.startswith((LOCAL, COMMON)):
            text = "There is no shared part {name}."
            self._findings.unknown((*at, "$ref"), "unknown_ref", text, address, self._parts)
        else:
            text = (
                "$ref leads to {value}. It may name a part of this file (#/$defs/…) or of "
                "common.json (common.json#/$defs/…); nothing else is read."
            )
            self._findings.add((*at, "$ref"), "outside_ref", text, value=address)
        return None
