"""Registers with a workflow for tests, and an office whose people take its steps."""

from __future__ import annotations

import copy
from typing import Any

from app.services import records, workflow
from app.services.reading import Record
from app.services.work import Actor, Platform
from tests.support.office import Office
from tests.support.register import ME, definition, publish

#: submit, withdraw, return, approve, reject, pay – with a guard, a comment and a required field
STEPS: dict[str, Any] = {
    "states": [
        {"name": "draft", "title": "草稿"},
        {"name": "submitted", "title": "已报送", "colour": "blue", "locked": ["amount"]},
        {"name": "approved", "title": "已审定", "colour": "green", "locked": True},
        {"name": "paid", "title": "已拨付", "colour": "green", "final": True, "locked": True},
        {"name": "rejected", "title": "不予支持", "colour": "red", "final": True, "locked": True},
    ],
    "transitions": [
        {
            "name": "submit", "title": "报送", "from": ["draft"], "to": "submitted",
            "role": ["owner", "unit"], "set": {"noted_on": "=today()"},
            "guard": [{"check": "amount > 0.0", "message": "请先填写金额"}],
        },
        {
            "name": "withdraw", "title": "撤回", "from": ["submitted"], "to": "draft",
            "role": ["owner"],
        },
        {
            "name": "return", "title": "退回修改", "from": ["submitted"], "to": "draft",
            "role": ["giib_staff"], "comment": "required",
        },
        {
            "name": "approve", "title": "审定", "from": ["submitted"], "to": "approved",
            "role": ["giib_staff"], "apart": ["submit"], "require": ["kind"],
        },
        {
            "name": "reject", "title": "不予支持", "from": ["submitted"], "to": "rejected",
            "role": ["giib_staff"], "comment": "required",
        },
        {
            "name": "unlock", "title": "解锁", "from": ["approved"], "to": "submitted",
            "role": ["giib_head"], "comment": "required",
        },
        {
            "name": "pay", "title": "拨付", "from": ["approved"], "to": "paid",
            "role": ["giib_staff"], "comment": "none",
        },
    ],
}  # fmt: skip
GRANTS: list[dict[str, Any]] = [
    {"role": ["township"], "may": ["see", "create", "change", "delete"], "rows": "own-unit"},
    {"role": ["giib_staff", "giib_head"], "may": ["see", "change", "review", "import"]},
    {"role": ["dept"], "may": ["see"], "rows": "referred"},
]


def flow_definition(slug: str = "demo", flow: Any = None, **changes: Any) -> dict[str, Any]:
    """Return a register with a workflow."""
    register = {"workflow": copy.deepcopy(flow or STEPS), "permissions": GRANTS}
    register |= changes.pop("register", {})
    return definition(slug, register=register, **changes)


class Desk:
    """An office and a register: people enter records and take steps."""

    def __init__(self, platform: Platform, document: dict[str, Any] | None = None) -> None:
        self.platform = platform
        self.office = Office(platform)
        self.document = document or flow_definition()
        self.slug: str = self.document["$id"]
        publish(platform, self.document)

    def who(self, login: str) -> Actor:
        return ME if login == "me" else self.office.actor(login)

    def enter(self, login: str = "clerk-a", **raw: Any) -> Record:
        given = {"name": f"甲厂 {len(raw)}", "amount": "12.5", "kind": "a"} | raw
        with self.platform.writing(self.who(login)) as work:
            return records.create(work, self.slug, given)

    def move(self, login: str, record: int, name: str, comment: str = "", **more: Any) -> Record:
        version = more.pop("version", None)
        with self.platform.writing(self.who(login)) as work:
            return workflow.move(work, self.slug, record, version, name, comment, **more)

    def steps(self, login: str, record: int) -> dict[str, list[str]]:
        """Return the steps somebody is offered, with what stands against each."""
        with self.platform.reading(self.who(login)) as work:
            found = workflow.of_record(work, self.slug, record)
        return {p.transition.name: [r.sentence() for r in p.reasons] for p in found}

    def get(self, record: int) -> Record:
        with self.platform.reading(ME) as work:
            return records.get(work, self.slug, record)
