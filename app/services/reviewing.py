"""Reviewing: a unit answers a joint review, and somebody urges those that have not."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import AppError
from app.services import following, history, joint, tasks
from app.services.carrying import carry_out
from app.services.deciding import decide
from app.services.joint import Answer, Round
from app.services.moves import Order
from app.services.reading import stored_row, visible_row
from app.services.work import Work
from app.storage.catalog import Published
from app.storage.models_workflow import review_answer

LONGEST_REASON = 1000
#: actions of history
ANSWERED, URGED = "answer", "urge"


class AnswerRefused(AppError):
    code = "workflow.answer_refused"
    status = 409
    text = "The answer was not taken: the joint review is over, or another one has begun."


class AnswerTwice(AppError):
    code = "workflow.answered"
    status = 409
    text = "{unit} has answered already. An answer stands until the next joint review."


class AnswerIncomplete(AppError):
    code = "workflow.answer_incomplete"
    text = "Choose agree, object or ask; whoever does not agree says why."


class NotAsked(AppError):
    code = "workflow.not_asked"
    status = 403
    text = "None of your units is asked in this joint review."


def mine(work: Work, found: Sequence[Round]) -> tuple[Answer, ...]:
    """Return the answers of the newest round that are the actor's to give."""
    if not found or found[0].closed_at is not None:
        return ()
    units = work.standing.units
    everything = work.standing.everything
    return tuple(one for one in found[0].missing if everything or one.unit in units)


def answer(
    work: Work, slug: str, record: int, round_id: int, unit: int, said: str, reason: str
) -> str:
    """Store a unit's answer of a round; return the round's result, ``""`` while it is open.

    When the result is certain the round ends, and the transition it leads to is made at once
    where the workflow says so and nothing stands against it; otherwise it is open from now on.

    Raises ``AnswerIncomplete``, ``NotAsked``, ``AnswerTwice``, ``AnswerRefused``.
    """
    work.hold(slug)
    published = work.published(slug)
    visible_row(work, published, record)
    reason = reason.strip()[:LONGEST_REASON]
    if said not in joint.ANSWERS or (said != joint.AGREE and not reason):
        raise AnswerIncomplete
    found = joint.rounds(work, slug, record)
    current = found[0] if found else None
    if current is None or current.id != round_id or current.closed_at is not None:
        raise AnswerRefused
    asked = next((one for one in current.answers if one.unit == unit), None)
    standing = work.standing
    if asked is None or not (standing.everything or unit in standing.units):
        raise NotAsked
    if asked.answer:
        raise AnswerTwice(unit=work.tree.title(unit))
    values = {
        "answer": said, "reason": reason, "who": work.actor.name, "account_id": work.actor.id,
        "at": work.now,
    }  # fmt: skip
    work.tx.execute(review_answer.update().where(review_answer.c.id == asked.id).values(**values))
    note = {"unit": work.tree.title(unit), "answer": said, "comment": reason}
    keep(work, published, record, ANSWERED, note)
    tasks.close_of_unit(work, slug, record, unit, said)
    return conclude(work, published, record)


def keep(work: Work, published: Published, record: int, action: str, note: object) -> None:
    """Write what was said about a record into its history; the record itself stays as it is."""
    row = stored_row(work, published, record)
    said = {"said": note} if not isinstance(note, dict) else note
    history.append(
        work,
        [
            history.entry(
                work, published.slug, record, row["_version"], row["_revision"], action, note=said
            )
        ],
    )


def conclude(work: Work, published: Published, record: int) -> str:
    """End the newest round when its result is certain."""
    slug = published.slug
    current = joint.rounds(work, slug, record)[0]
    result = joint.result_of(current, joint.codes_of(work))
    if not result:
        return ""
    joint.close(work, slug, [record], result)
    following.round_ended(work, published, stored_row(work, published, record))
    flow = published.register.workflow
    opened = flow.transition(current.transition) if flow else None
    if flow is None or opened is None or opened.joint is None or not opened.joint.automatic:
        return result
    name = opened.joint.agreed if result == joint.AGREED else opened.joint.refused
    way = flow.transition(name)
    if way is not None:
        order = Order(by_itself=True)
        verdicts = decide(work, published, [stored_row(work, published, record)], way, order)
        carry_out(work, published, [v for v in verdicts if not v.problems], way, order)
    return result


def urge(work: Work, slug: str, record: int) -> int:
    """Urge every unit that has not answered (催办); return how many there are."""
    work.hold(slug)
    published = work.published(slug)
    visible_row(work, published, record, "review")
    found = joint.rounds(work, slug, record)
    if not found or found[0].closed_at is not None:
        raise AnswerRefused
    missing = found[0].missing
    table = review_answer
    statement = table.update().where(table.c.id.in_([one.id for one in missing]))
    work.tx.execute(statement.values(urged_at=work.now, urged=table.c.urged + 1))
    titles = [work.tree.title(one.unit) for one in missing]
    keep(work, published, record, URGED, {"units": titles})
    row = stored_row(work, published, record)
    following.urged(work, published, row, [one.unit for one in missing])
    return len(missing)
