"""Registers for tests: a platform on a database, and definitions small enough to read."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.definitions.library import compile_kept
from app.services import publishing
from app.services.standing import EVERYTHING
from app.services.work import Actor, Platform
from app.storage.catalog import Catalog, Published
from app.storage.session import Database

ROOT = Path(__file__).parents[2]
#: people who may do everything: what they may is known, and not read from their posts
ME = Actor(1, "王芳", "web", standing=EVERYTHING)
OTHER = Actor(2, "李雷", "web", standing=EVERYTHING)


def platform_on(database: Database, folder: Path) -> Platform:
    """Return a platform of its own, as another process would have it."""
    return Platform(database, Catalog(compile_kept), folder, "k" * 40)


def definition(slug: str = "demo", **changes: Any) -> dict[str, Any]:
    """Return a definition with the properties and register keywords a test wants.

    ``properties`` and ``register`` are laid over the plain ones; None takes one away.
    """
    document: dict[str, Any] = copy.deepcopy(PLAIN)
    document["$id"] = slug
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(document.get(key), dict):
            merged = document[key] | dict(value)
            document[key] = {k: v for k, v in merged.items() if v is not None}
        else:
            document[key] = value
    return document


PLAIN: dict[str, Any] = {
    "$schema": "urn:taizhang:register:1",
    "title": "示例台账",
    "type": "object",
    "properties": {
        "name": {"title": "名称", "type": "string", "maxLength": 100},
        "amount": {"title": "金额", "type": "number", "scale": 2, "unit": "万元", "minimum": 0},
        "kind": {
            "title": "类别",
            "type": "string",
            "oneOf": [{"const": "a", "title": "甲"}, {"const": "b", "title": "乙"}],
        },
        "noted_on": {"title": "登记日期", "type": "string", "format": "date"},
    },
    "required": ["name"],
    "register": {
        "category": "测试",
        "key": ["name"],
        "label": "{name}",
        "list": ["name", "amount", "kind", "noted_on"],
        "search": ["name"],
        "filters": ["kind"],
        "sort": ["-amount"],
    },
}


def shipped() -> list[dict[str, Any]]:
    """Return every definition that comes with the product."""
    folder = ROOT / "schemas" / "registers"
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def publish(platform: Platform, *documents: Mapping[str, Any], confirmed: bool = True) -> Published:
    """Publish definitions together and return the last."""
    with platform.writing(ME, publishing=True) as work:
        return publishing.publish_together(work, documents, confirmed=confirmed)[-1]
