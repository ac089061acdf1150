"""AC-29: whatever people try, a record only ever takes the steps of a table written by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.errors import AppError
from app.services import history, records
from tests.support.flows import Desk
from tests.support.register import ME

#: (state, step) -> (where it leads, who may), written down independently of the definition
TABLE: dict[tuple[str, str], tuple[str, frozenset[str]]] = {
    ("draft", "submit"): ("submitted", frozenset({"clerk-a", "me"})),
    ("submitted", "withdraw"): ("draft", frozenset({"clerk-a", "me"})),
    ("submitted", "return"): ("draft", frozenset({"staff", "me"})),
    ("submitted", "approve"): ("approved", frozenset({"staff", "me"})),
    ("submitted", "reject"): ("rejected", frozenset({"staff", "me"})),
    ("approved", "unlock"): ("submitted", frozenset({"me"})),
    ("approved", "pay"): ("paid", frozenset({"staff", "me"})),
}
SAYING = frozenset({"return", "reject", "unlock"})
LOGINS = ("clerk-a", "clerk-b", "staff", "reader", "outsider", "me")
#: steps of the table, of another workflow, and of none
NAMES = sorted({step for _, step in TABLE} | {"publicise", "archive", "x"})


def machine(desk: Desk) -> type[RuleBasedStateMachine]:
    class Steps(RuleBasedStateMachine):
        """One record, and people who try everything."""

        def __init__(self) -> None:
            super().__init__()
            self.number = desk.enter(name=f"第{next(COUNTER)}厂").id
            self.state, self.version, self.submitter = "draft", 1, ""
            self.amount = 0
            self.told: list[tuple[str, str, str]] = []

        @rule(
            login=st.sampled_from(LOGINS), step=st.sampled_from(NAMES),
            comment=st.sampled_from(["", "请补充"]), stale=st.booleans(),
        )  # fmt: skip
        def attempt(self, login: str, step: str, comment: str, stale: bool) -> None:
            target, people = TABLE.get((self.state, step), ("", frozenset()))
            version = self.version - 1 if stale else self.version
            expected = (
                bool(target) and login in people and not stale
                and (comment != "" or step not in SAYING)
                and not (step == "approve" and login == self.submitter)
            )  # fmt: skip
            before = self.state
            try:
                desk.move(login, self.number, step, comment, version=version)
                done = True
            except AppError as refused:
                assert refused.status in (403, 404, 409, 422)
                done = False
            assert done == expected, (login, step, before)
            if done:
                self.told.append((step, before, target))
                self.state, self.version = target, self.version + 1
                self.submitter = login if step == "submit" else self.submitter

        @rule(login=st.sampled_from(("clerk-a", "staff", "me")), amount=st.integers(1, 99))
        def edit(self, login: str, amount: int) -> None:
            try:
                with desk.platform.writing(desk.who(login)) as work:
                    saved = records.change(
                        work, desk.slug, self.number, self.version, {"amount": f"{amount}.25"}
                    )
            except AppError:
                assert self.state != "draft"
                return
            same = amount == self.amount
            assert self.state == "draft" or same, "the amount is locked once it is submitted"
            self.version, self.amount = saved.version, amount

        @invariant()
        def agrees(self) -> None:
            record = desk.get(self.number)
            assert (record.state, record.version) == (self.state, self.version)
            with desk.platform.reading(ME) as work:
                entries = history.of_record(work, desk.slug, self.number)
            notes = [e.note for e in reversed(entries) if e.action == "transition"]
            assert [(n["transition"], n["from"], n["to"]) for n in notes] == self.told

    return Steps


COUNTER = itertools.count(1)


@pytest.fixture
def desk(platform):
    return Desk(platform)


def test_only_the_steps_of_the_table_are_ever_taken(desk):
    run_state_machine_as_test(
        machine(desk),
        settings=settings(
            max_examples=12, stateful_step_count=15, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
