"""Inbox: what waits for the person, by due date, answered one by one or many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces.admin import addresses, desk
from app.services import answering, drafts, handing, inbox, tasks
from app.services.answering import Answer
from app.services.inbox import PIECES, Query
from app.services.tasks import Task
from app.services.work import Work
from app.words import gettext as _
from app.words import say

#: counted in the menu no further than this
MOST_COUNTED = 100
#: tasks that stand on the home page
FIRST = 8

PIECE_TITLES: Mapping[str, str] = {
    inbox.OVERDUE: "Overdue",
    inbox.TODAY: "Today",
    inbox.WEEK: "This week",
    inbox.LATER: "Later",
    inbox.UNDATED: "No due date",
}
KIND_TITLES: Mapping[str, str] = {
    tasks.TRANSITION: "To decide",
    tasks.JOINT_ANSWER: "Joint review",
    tasks.RETURN_DUE: "Return due",
    tasks.ORDER: "Order",
    tasks.MENTION: "Mention",
    tasks.OTHER: "Other",
}
WHOSE_TITLES: Mapping[str, str] = {inbox.MINE: "For me", inbox.UNIT: "For my unit"}


class NothingChosen(AppError):
    code = "inbox.nothing_chosen"
    text = "Choose at least one task, and at most {most}."


class NothingInCommon(AppError):
    code = "inbox.nothing_in_common"
    text = "The chosen tasks cannot be answered alike. Choose tasks of one kind, or open them."


def blueprint() -> Blueprint:
    """Return the addresses under ``/inbox/``."""
    made = Blueprint("inbox", __name__, url_prefix="/inbox")
    made.add_url_rule("/", "index", index)
    made.add_url_rule("/answer", "answer", answer, methods=("POST",))
    made.add_url_rule(f"/<int(max={2**63 - 1}):id>/hand", "hand", hand, methods=("POST",))
    where = f"/<int(max={2**63 - 1}):id>/hand-over"
    made.add_url_rule(where, "hand_over", hand_over, methods=("GET", "POST"))
    return made


def links() -> dict[str, str]:
    """Return the counts of the menu, as they are written there; ``""`` for none."""
    with desk.reading() as work:
        # a page that shows what waits has counted it
        known: int | None = g.get("waiting")
        waiting = tasks.count_waiting(work, MOST_COUNTED) if known is None else known
        kept = drafts.count(work)
    shown = f"{MOST_COUNTED - 1}+" if waiting >= MOST_COUNTED else str(waiting or "")
    return {"waiting": shown, "drafts": str(kept or "")}


def index() -> str:
    query = Query(
        request.args.get("register", "")[:40],
        request.args.get("kind", "")[:20],
        request.args.get("whose", "")[:10],
        addresses.whole(request.args.get("page", ""), 1),
        addresses.size_of(request.args.get("size", ""), inbox.SIZES, inbox.SIZE),
    )
    with desk.reading() as work:
        page = listed(work, query)
        here = {"register": query.register, "kind": query.kind, "whose": query.whose}
        chosen = {name: value for name, value in here.items() if value}
        size = {} if query.size == inbox.SIZE else {"size": query.size}
        return render_template(
            "taizhang/inbox.html", groups=groups(work, page), total=counted(page.total, page.more),
            total_known=page.total, page=page.page, pages=page.pages, more=page.more, here=here,
            filters=filters(work, page, query), query=chosen, size=query.size, sizes=inbox.SIZES,
            kept=chosen | size,
            crumbs=[(_("Inbox"), "")],
        )  # fmt: skip


def listed(work: Work, query: Query) -> inbox.Page:
    """Return a page of what waits, and keep for the menu how much it is."""
    page = inbox.waiting(work, query)
    if not (query.register or query.kind or query.whose):
        g.waiting = page.total
    return page


def groups(work: Work, page: inbox.Page) -> list[dict[str, Any]]:
    """Return the tasks of a page by piece of time."""
    found: dict[str, list[dict[str, Any]]] = {}
    answerable = answering.answerable(work, page.tasks)
    for task in page.tasks:
        line = shown(work, task) | {"answers": task.id in answerable}
        found.setdefault(inbox.piece(task.due_on, work.today), []).append(line)
    return [
        {"name": name, "title": _(PIECE_TITLES[name]), "count": number(page, name),
         "tasks": found[name]}
        for name in PIECES
        if name in found
    ]  # fmt: skip


def number(page: inbox.Page, name: str) -> str:
    """Return how many there are of a piece of time: at least so many of the one in which the
    counting ended, none said of those behind it."""
    last = max((p for p in PIECES if page.pieces.get(p)), key=PIECES.index, default="")
    if page.more and PIECES.index(name) > PIECES.index(last):
        return ""
    return counted(page.pieces[name], page.more and name == last)


def counted(many: int, more: bool) -> str:
    return f"{many:,}{'+' if more else ''}"


def shown(work: Work, task: Task) -> dict[str, Any]:
    """Return a task as it stands in a list."""
    return {
        "id": task.id,
        "title": _(task.title, **task.facts),
        "url": desk.record_url(task.slug, task.record),
        "register": work.register(task.slug).title,
        "kind": _(KIND_TITLES[task.kind]),
        "due": f"{task.due_on:%Y-%m-%d}" if task.due_on else "",
        "late": task.due_on is not None and task.due_on < work.today,
        "to": to_whom(work, task),
        "since": desk.moment(task.created_at),
        "who": desk.person(task.opened_by),
        "takes": task.addressee != f"a:{work.actor.id}",
        "taken": task.taken,
        "handed": task.facts.get("handed_by")
        and {
            "who": desk.person(task.facts["handed_by"]),
            "why": task.facts["handed_why"],
        },
    }


def to_whom(work: Work, task: Task) -> str:
    """Return for whom a task was opened."""
    to = task.to
    if to.account is not None:
        return _("me") if to.account == work.actor.id else _("handed over to me")
    return work.tree.title(to.unit) or _("everybody with the post")


def filters(work: Work, page: inbox.Page, query: Query) -> list[dict[str, Any]]:
    """Return the choices above the list, with how many each has."""
    registers = [(s, work.register(s).title, n) for s, n in sorted(page.registers.items())]
    kinds = [(k, _(t), page.kinds[k]) for k, t in KIND_TITLES.items() if k in page.kinds]
    whose: list[tuple[str, str, int | None]] = [(w, _(t), None) for w, t in WHOSE_TITLES.items()]
    return [
        {"name": "whose", "title": _("Whose"), "chosen": query.whose, "options": whose},
        {"name": "kind", "title": _("Kind"), "chosen": query.kind, "options": kinds},
        {"name": "register", "title": _("Register"), "chosen": query.register,
         "options": registers},
    ]  # fmt: skip


def chosen() -> list[int]:
    """Return the tasks that the form names. Raises ``NothingChosen``."""
    given = (addresses.digits(text) for text in request.form.getlist("task"))
    found = list(dict.fromkeys(number for number in given if number is not None))
    if not 0 < len(found) <= answering.MOST:
        raise NothingChosen(most=answering.MOST)
    return found


def answer() -> str | Response | tuple[str, int]:
    """Ask for the answer to the chosen tasks; with one, give it to each and tell what became
    of it. Every task is a change of its own: one that is refused does not hold the others."""
    try:
        numbers = chosen()
    except NothingChosen as error:
        flash(say(error), "warning")
        return redirect(url_for("inbox.index"))
    value, comment = request.form.get("value", ""), request.form.get("comment", "")
    if not value:
        return asked(numbers)
    refused: list[str] = []
    for number in numbers:
        try:
            with desk.writing() as work:
                answering.answer(work, number, value, comment)
        except answering.AnswerNeedsComment as error:
            return asked(numbers, comment, say(error)), error.status
        except AppError as error:
            refused.append(say(error))
    done = len(numbers) - len(refused)
    if done:
        flash(_("{count} tasks were answered.", count=done), "success")
    for text in dict.fromkeys(refused):
        flash(text, "danger")
    return redirect(url_for("inbox.index"))


def asked(numbers: Sequence[int], comment: str = "", refusal: str = "") -> str:
    """Return the page that asks how the chosen tasks are answered."""
    found, gone, offered = [], [], list[Answer]()
    with desk.reading() as work:
        for number in numbers:
            try:
                found.append(tasks.get(work, number))
            except AppError as error:
                gone.append(say(error))
        offered = answering.offered(work, found)
        if not offered and not refusal and found:
            refusal = say(NothingInCommon())
        return render_template(
            "taizhang/answer.html", tasks=[shown(work, t) for t in found], gone=gone,
            answers=[(a.value, _(a.label), a.needs_comment) for a in offered], comment=comment,
            needed=any(a.needs_comment for a in offered), refusal=refusal,
            crumbs=[(_("Inbox"), url_for("inbox.index")), (_("Answer"), "")],
        )  # fmt: skip


def hand(id: int) -> Response:
    """Take a task, or put it back."""
    try:
        with desk.writing() as work:
            if request.form.get("do") == "back":
                tasks.put_back(work, id)
            else:
                tasks.take(work, id)
    except AppError as error:
        flash(say(error), "danger")
    return redirect(url_for("inbox.index"))


def hand_over(id: int) -> str | Response | tuple[str | Response, int]:
    """Ask to whom a task goes that one has taken, and why; give it to that person."""
    if request.method != "POST":
        return handing_page(id)
    to, reason = request.form.get("to", ""), request.form.get("reason", "")
    account = addresses.digits(to)
    try:
        with desk.writing() as work:
            if account is None:
                raise handing.ReceiverMissing
            handing.hand_over(work, id, account, reason)
    except (handing.ReasonMissing, handing.ReceiverMissing, handing.NotTheirs) as error:
        return handing_page(id, say(error), to, reason), error.status
    except AppError as error:
        flash(say(error), "danger")
    else:
        flash(_("The task was handed over."), "success")
    return redirect(url_for("inbox.index"))


def handing_page(id: int, refusal: str = "", chosen: str = "", reason: str = "") -> str | Response:
    """Return the page that asks; whoever has not taken the task is told so in the inbox."""
    with desk.reading() as work:
        try:
            task = handing.mine(work, id)
            found = handing.receivers(work, task)
        except AppError as error:
            flash(say(error), "danger")
            return redirect(url_for("inbox.index"))
        return render_template(
            "taizhang/hand_over.html", task=shown(work, task), refusal=refusal, reason=reason,
            people=[(str(p.account), p.name, p.note) for p in found], chosen=chosen,
            most=handing.LONGEST,
            crumbs=[(_("Inbox"), url_for("inbox.index")), (_("Hand over"), "")],
        )  # fmt: skip


def first(work: Work) -> dict[str, Any]:
    """Return what stands on the home page: what is due first, and how much there is."""
    page = listed(work, Query(size=FIRST))
    return {
        "tasks": [shown(work, task) for task in page.tasks],
        "total": counted(page.total, page.more),
        "overdue": page.pieces.get(inbox.OVERDUE, 0),
        "today": page.pieces.get(inbox.TODAY, 0),
        "drafts": drafts.count(work),
    }
