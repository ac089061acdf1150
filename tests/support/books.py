"""Registers that read each other in every way, for tests of the record service."""

from __future__ import annotations

from typing import Any

from tests.support.register import definition


def text(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "type": "string", "maxLength": 100, **more}


def number(title: str, scale: int = 2, **more: Any) -> dict[str, Any]:
    return {"title": title, "type": "number", "scale": scale, **more}


def firm(**properties: Any) -> dict[str, Any]:
    """A register that rolls up reports, in three ways, and computes from them."""
    own = {
        "town": text("镇街"),
        "income": {"title": "收入合计", "rollup": {"sum": "report.income", "via": "firm"}},
        "reports": {"title": "月报数", "rollup": {"count": "report", "via": "firm"}},
        "newest": {
            "title": "最近收入",
            "rollup": {"latest": "report.income", "via": "firm", "by": "month"},
        },
        "big": {"title": "是否规上", "type": "boolean", "computed": "income >= 2000.0"},
    }
    return definition("firm", title="企业", properties={**own, **properties})


def report(on_delete: str = "restrict", **properties: Any) -> dict[str, Any]:
    """Months of a firm: look-ups through the reference, roll-ups over the register itself."""
    same = {"firm": "$firm"}
    own = {
        "firm": {"title": "企业", "reference": "firm", "onDelete": on_delete},
        "month": text("月份", format="month"),
        "year": {"title": "年度", "type": "integer"},
        "income": number("收入"),
        "town": {"title": "镇街", "lookup": "firm.town"},
        "big": {"title": "是否规上", "lookup": "firm.big"},
        "last_year": {
            "title": "上年同期",
            "rollup": {
                "sum": "report.income",
                "where": {**same, "month": {"==": "$month", "plus": -12}},
            },
        },
        "so_far": {
            "title": "本年累计",
            "rollup": {
                "sum": "report.income",
                "where": {**same, "year": "$year", "month": {"<=": "$month"}},
            },
        },
        "growth": number("同比", computed="income - last_year"),
        **{n: None for n in ("name", "amount", "kind", "noted_on")},
    }
    del own["month"]["maxLength"]
    book = {
        "key": ["firm", "month"],
        "label": "{firm} {month}",
        "list": ["firm", "month", "income"],
        "search": [],
        "filters": [],
        "sort": ["-month"],
    }
    document = definition(
        "report",
        title="月报",
        properties={**own, **properties},
        required=["firm", "month", "year"],
        register=book,
    )
    if on_delete == "clear":
        document["required"] = ["month", "year"]
    return document


def area(**properties: Any) -> dict[str, Any]:
    """A third register, which rolls up what the firms roll up: a chain of two."""
    own = {
        "firm": {"title": "企业", "reference": "firm", "onDelete": "clear"},
        "firm_income": {"title": "企业收入", "lookup": "firm.income"},
        "title_of": text("地块"),
    }
    return definition(
        "area", title="地块", properties={**own, **properties}, register={"label": "{firm} {name}"}
    )
