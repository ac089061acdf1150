"""Fixtures: definitions to check, and the published registers around them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.definitions.compile import check_definition, compile_register
from app.definitions.register import Field, Register
from app.definitions.world import Alone
from app.errors import Problem

SCHEMAS = Path(__file__).parents[3] / "schemas"
COMMON = json.loads((SCHEMAS / "common.json").read_text("utf-8"))

TOWN: dict[str, Any] = {
    "$schema": "urn:taizhang:register:1",
    "$id": "town",
    "title": "乡镇",
    "type": "object",
    "properties": {
        "name": {"title": "名称", "type": "string"},
        "people": {"title": "人口", "type": "integer"},
        "since": {"title": "设立", "type": "string", "format": "date"},
        "scan": {"title": "批文", "type": "string", "format": "attachment"},
        "firm": {"title": "龙头", "reference": "firm"},
    },
}

#: one register with something of everything
FIRM: dict[str, Any] = {
    "$schema": "urn:taizhang:register:1",
    "$id": "firm",
    "title": "企业",
    "description": "规上企业",
    "type": "object",
    "properties": {
        "name": {
            "title": "名称",
            "type": "string",
            "maxLength": 40,
            "pattern": "^[\\u4e00-\\u9fa5]+$",
        },
        "code": {"$ref": "common.json#/$defs/credit_code", "unique": True},
        "town": {"title": "乡镇", "reference": "town", "onDelete": "restrict"},
        "year": {"title": "年度", "type": "integer", "format": "year", "minimum": 2000},
        "revenue": {"$ref": "#/$defs/money", "title": "收入", "factor": {"收入（元）": "0.0001"}},
        "last": {"$ref": "#/$defs/money", "title": "上年收入"},
        "growth": {"title": "增速", "unit": "%", "computed": "(revenue - last) / last * 100.0"},
        "tier": {"title": "等级", "enum": ["A", "B"], "computed": "growth > 10.0 ? 'A' : 'B'"},
        "stage": {
            "title": "阶段",
            "type": "string",
            "oneOf": [
                {"const": "grow", "title": "培育"},
                {"const": "done", "title": "入库"},
                {"const": "gone", "title": "退出", "deprecated": True},
            ],
            "default": "grow",
        },
        "phone": {"$ref": "common.json#/$defs/mobile", "visible": "stage == 'done'"},
        "visits": {
            "title": "走访",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "on": {"title": "日期", "type": "string", "format": "date"},
                    "amount": {"title": "金额", "type": "number", "scale": 2},
                },
                "required": ["on"],
            },
        },
        "spent": {"title": "合计", "scale": 2, "computed": "sum(visits.amount)"},
        "people": {"title": "人口", "lookup": "town.people"},
        "firms": {"title": "同名", "rollup": {"count": "firm", "where": {"name": "$name"}}},
    },
    "required": ["name", "year"],
    "if": {"properties": {"stage": {"const": "done"}}, "required": ["stage"]},
    "then": {"required": ["phone"]},
    "$defs": {"money": {"type": "number", "unit": "万元", "scale": 2, "minimum": 0}},
    "register": {
        "category": "工业",
        "key": ["name", "year"],
        "label": "{name} {year}",
        "sections": [{"title": "基本", "fields": ["name", "year"]}],
        "list": ["name", "year", "revenue"],
        "search": ["name"],
        "filters": ["year", "tier"],
        "sort": ["-revenue"],
        "export": ["name", "revenue"],
        "rules": [
            {"name": "rising", "check": "revenue >= last", "at": "revenue", "message": "不应下降"},
            {
                "check": "stage != old.stage",
                "when": "year > 2020",
                "at": "stage",
                "message": "阶段",
                "severity": "warning",
            },
        ],
        "examples": [
            {"record": {"name": "甲", "year": 2024}, "valid": True, "given": {"people": 3}},
            {"record": {"name": "甲"}, "valid": False, "at": ["/year"], "expect": {"tier": None}},
        ],
    },
}


class Published:
    """Registers that are published already."""

    def __init__(self, *registers: Register) -> None:
        self._registers = {register.slug: register for register in registers}
        self.titles = {slug: register.title for slug, register in self._registers.items()}

    def exists(self, slug: str) -> bool:
        return slug in self._registers

    def field(self, slug: str, name: str) -> Field | None:
        register = self._registers.get(slug)
        return register[name] if register and name in register else None


class _Firms(Alone):
    """Just enough for ``town`` to refer to ``firm`` before ``firm`` is there."""

    def exists(self, slug: str) -> bool:
        return slug == "firm"


PUBLISHED = Published(compile_register(TOWN, _Firms(), COMMON))

Change = Callable[[dict[str, Any]], object]


def firm(change: Change | None = None) -> dict[str, Any]:
    """Return the definition of ``firm``, changed."""
    document = copy.deepcopy(FIRM)
    if change is not None:
        change(document)
    return document


@pytest.fixture
def problems_of() -> Callable[[Change], list[Problem]]:
    """Return the problems of ``firm`` after a change."""
    return lambda change: check_definition(firm(change), PUBLISHED, COMMON)


@pytest.fixture
def compiled() -> Callable[..., Register]:
    """Return the register ``firm`` after a change."""
    return lambda change=None: compile_register(firm(change), PUBLISHED, COMMON)
