"""Answering: what one may say to a task in the inbox, one by one or many of a kind at once.

``ANSWERS`` names for each kind of task what offers its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from app.errors import AppError
from app.services import joint, reviewing, tasks, workflow
from app.services.tasks import Task
from app.services.together import orders
from app.services.work import Work
from app.services.workflow import Possible
from app.storage import rows

MOST = 200


class NoSuchAnswer(AppError):
    code = "task.no_such_answer"
    text = "Task {id} cannot be answered so any more. Open its record and look."


class AnswerNeedsComment(AppError):
    code = "task.comment_needed"
    text = "This answer needs a comment."


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to answer. ``act`` does it and returns what the task keeps as its outcome."""

    value: str
    label: str
    act: Callable[[Work, Task, str], str]
    needs_comment: bool = False


def acknowledge(_work: Work, _task: Task, comment: str) -> str:
    return comment or "acknowledged"


def carry_out(work: Work, task: Task, comment: str) -> str:
    """Answer an order for the recipient the task stands for."""
    number = int(task.key.removeprefix("order:"))
    orders.answer_one(work, task.slug, task.record, number, comment)
    return "answered"


def plain(_work: Work, _task: Task) -> Sequence[Answer]:
    return (Answer("acknowledge", "Noted", acknowledge),)


def of_order(_work: Work, _task: Task) -> Sequence[Answer]:
    return (Answer("done", "Carried out", carry_out, needs_comment=True),)


def of_step(work: Work, task: Task) -> Sequence[Answer]:
    """Return the steps that can be taken from the inbox: those that need nothing but a word."""
    if task.slug not in work.snapshot:
        return ()
    return offered_steps(workflow.of_record(work, task.slug, task.record))


def offered_steps(possible: Iterable[Possible]) -> tuple[Answer, ...]:
    return tuple(
        Answer(
            one.transition.name, one.transition.title,
            partial(step, name=one.transition.name), one.transition.comment == "required",
        )
        for one in possible
        if not one.reasons and not one.transition.require and not one.transition.chosen
    )  # fmt: skip


def step(work: Work, task: Task, comment: str, name: str) -> str:
    workflow.move(work, task.slug, task.record, None, name, comment)
    return name


def of_review(work: Work, task: Task) -> Sequence[Answer]:
    """Return what a unit may answer to a joint review; who does not agree says why."""
    return (
        Answer(joint.AGREE, "agree", partial(review, said=joint.AGREE)),
        Answer(joint.OBJECT, "object", partial(review, said=joint.OBJECT), True),
        Answer(joint.ASK, "needs more material", partial(review, said=joint.ASK), True),
    )


def review(work: Work, task: Task, comment: str, said: str) -> str:
    found = joint.rounds(work, task.slug, task.record)
    number = found[0].id if found else 0
    unit = task.to.unit or 0
    reviewing.answer(work, task.slug, task.record, number, unit, said, comment)
    return said


#: kind of task → what offers its answers
ANSWERS: dict[str, Callable[[Work, Task], Sequence[Answer]]] = {
    tasks.MENTION: plain,
    tasks.OTHER: plain,
    tasks.ORDER: of_order,
    tasks.TRANSITION: of_step,
    tasks.JOINT_ANSWER: of_review,
}


def answers_of(work: Work, task: Task) -> Sequence[Answer]:
    """Return the ways in which one task may be answered from the inbox."""
    return ANSWERS[task.kind](work, task) if task.kind in ANSWERS else ()


def answerable(work: Work, found: Sequence[Task]) -> set[int]:
    """Return which of many tasks, of records that may be seen, can be answered from the inbox."""
    possible: dict[tuple[str, int], list[Possible]] = {}
    stepping = [t for t in found if t.kind == tasks.TRANSITION and t.slug in work.snapshot]
    for slug in sorted({t.slug for t in stepping}):
        ids = sorted({t.record for t in stepping if t.slug == slug})
        rows_of = rows.get_many(work.tx, work.published(slug), ids)
        for record, steps in workflow.transitions_of_many(work, slug, rows_of).items():
            possible[slug, record] = steps
    answers = {
        t.id: offered_steps(possible.get((t.slug, t.record), ()))
        if t.kind == tasks.TRANSITION
        else answers_of(work, t)
        for t in found
    }
    return {number for number, ways in answers.items() if ways}


def offered(work: Work, found: Iterable[Task]) -> list[Answer]:
    """Return the answers that every one of the tasks can be given."""
    common: dict[str, Answer] | None = None
    for task in found:
        own = {answer.value: answer for answer in answers_of(work, task)}
        common = own if common is None else {v: a for v, a in common.items() if v in own}
    return list((common or {}).values())


def answer(work: Work, number: int, value: str, comment: str = "") -> str:
    """Answer a task that waits for who asks; return its outcome.

    Raises ``TaskNotFound``, ``NoSuchAnswer``, and what the answer itself refuses.
    """
    task = tasks.get(work, number)
    chosen = next((a for a in answers_of(work, task) if a.value == value), None)
    if chosen is None:
        raise NoSuchAnswer(id=number)
    if chosen.needs_comment and not comment.strip():
        raise AnswerNeedsComment
    outcome = chosen.act(work, task, comment.strip())
    tasks.close_tasks(work, task.slug, task.record, task.kind, outcome, key=task.key)
    return outcome
