"""Handing over: a task that somebody has taken goes to a colleague, or back to all it waits for.

Both are told in the audit log, with who did it and why. Apart from ``tasks``, which knows
nothing of posts: whom a task may go to is asked of what they hold.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from app.errors import AppError, Problem, RecordNotFound, because
from app.services import audience, audit, notices, tasks
from app.services.audience import Party
from app.services.following import Book
from app.services.standing import read_standing
from app.services.tasks import Task
from app.services.together.telling import TASK, link
from app.services.tree import read_tree
from app.services.work import Work
from app.storage import rows
from app.storage.models_identity import account as accounts
from app.storage.models_together import task as table

LONGEST = 300
#: people who are offered for one task
MOST = 400


class TaskNotTaken(AppError):
    code = "task.not_taken"
    status = 409
    text = "Take task {id} first: only who has taken a task hands it over."


class NotTheirs(AppError):
    code = "task.not_theirs"
    text = "{name} cannot be given this task. Choose one of the colleagues it waits for as well."


class ReceiverMissing(AppError):
    code = "task.receiver_missing"
    text = "Choose to whom the task is handed over."


class ReasonMissing(AppError):
    code = "task.reason_missing"
    text = "Say why you hand this task over, in at most {most} characters."


def mine(work: Work, number: int) -> Task:
    """Return a task that who asks has taken. Raises ``TaskNotFound``, ``TaskNotTaken``."""
    found = tasks.get(work, number)
    if not found.taken or found.addressee != f"a:{work.actor.id}":
        raise TaskNotTaken(id=number)
    return found


def receivers(work: Work, found: Task) -> list[Party]:
    """Return to whom a task may be handed over, by name: those for whom it was opened, whose
    accounts are open and who may see its record; not who asks."""
    published = work.published(found.slug)
    row = rows.get(work.tx, published, found.record)
    if row is None:
        raise RecordNotFound(id=found.record, register=published.register.title)
    behind = Book(work).behind(found.to) - {work.actor.id}
    words = words_of(work, sorted(behind)[:MOST])
    able = [number for number, held in words.items() if found.to.word in held]
    seeing = audience.seeing(work, published, row, able)
    names = audience.named(work, seeing)
    made = [Party(n, None, names[n], units_of(work, n)) for n in seeing]
    return sorted(made, key=lambda party: (party.name, party.account))


def units_of(work: Work, account: int) -> str:
    held = audience.standing_of(work, account).holdings
    return "、".join(dict.fromkeys(work.tree.title(one.unit) for one in held))


def words_of(work: Work, wanted: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return account → the words under which something waits for it, of those that are open.
    Read anew: a post may have ended in this very unit of work."""
    query = sa.select(accounts.c.id).where(
        accounts.c.id.in_(sorted(set(wanted))), accounts.c.disabled_at.is_(None),
        accounts.c.suspended_at.is_(None),
        sa.or_(accounts.c.ends_at.is_(None), accounts.c.ends_at > work.now),
    )  # fmt: skip
    tree, today = read_tree(work.tx, work.today), work.today
    return {
        number: frozenset(tasks.addresses(read_standing(work.tx, tree, number, today)))
        for number in work.tx.scalars(query).all()
    }


def hand_over(work: Work, number: int, account: int, reason: str) -> Task:
    """Give a task one has taken to a colleague, who is told.

    Raises ``TaskNotFound``, ``TaskNotTaken``, ``ReasonMissing``, ``NotTheirs``, ``TaskMoved``.
    """
    found = mine(work, number)
    why = " ".join(reason.replace("\x00", "").split())
    if not 0 < len(why) <= LONGEST:
        raise ReasonMissing(most=LONGEST)
    whom = next((one for one in receivers(work, found) if one.account == account), None)
    if whom is None:
        # whoever is not there is refused in the same words
        raise NotTheirs(name=f"#{account}")
    tasks.readdress(work, found, whom.word, {"handed_by": work.actor.name, "handed_why": why})
    note(work, "task.handed", found, {"whom": whom.name, "reason": why})
    said = because("{who} handed over to you: {task}", who=work.actor.name, task=title(found))
    where = link(found.slug, found.record)
    notices.notify(work, [account], TASK, work.office.say(said), why, where, slug=found.slug)
    return found


def release(work: Work, whose: Iterable[int] | None = None) -> int:
    """Put back what is taken by somebody it would no longer wait for – the account was closed or
    has ended, the post is over – and return how many tasks it was.

    ``whose`` are the accounts to look at; all that have taken something where left out.
    """
    waiting = sa.select(table).where(
        table.c.done_at.is_(None), table.c.account_id.is_(None), table.c.addressee.like("a:%")
    )
    if whose is not None:
        waiting = waiting.where(table.c.addressee.in_([f"a:{n}" for n in sorted(set(whose))]))
    taken = [tasks.as_task(row) for row in work.tx.execute(waiting.order_by(table.c.id)).mappings()]
    holder = {found.id: int(found.addressee.removeprefix("a:")) for found in taken}
    words = words_of(work, holder.values())
    lost = [f for f in taken if f.to.word not in words.get(holder[f.id], ())]
    names = audience.named(work, (holder[found.id] for found in lost))
    for found in lost:
        tasks.readdress(work, found, found.to.word)
        note(work, "task.released", found, {"whom": names[holder[found.id]]})
    return len(lost)


def title(found: Task) -> Problem:
    return because(found.title, **found.facts)


def note(work: Work, event: str, found: Task, told: dict[str, str]) -> None:
    about = audit.About("record", found.slug, found.record)
    thing = f"{work.register(found.slug).title} #{found.record}"
    audit.note(work, event, about, {"title": thing, **told})
