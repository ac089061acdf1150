"""The administrators' pages of accounts: the list, a new one, one and what is done to it."""

from __future__ import annotations

import datetime
import math
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces.admin import addresses, desk
from app.faces.admin.account_words import STATES, lines, sessions_shown
from app.faces.admin.people.common import tabs
from app.faces.admin.session import policy, provider, the_account
from app.services import accounts, linking, sessions
from app.services.work import Work
from app.words import gettext as _
from app.words import say

pages = Blueprint("accounts", __name__, url_prefix="/people/accounts", template_folder="templates")

#: what a button does → what is said when it is done
DONE = {
    "reset_factor": "The second factor was reset.",
    "unlock": "The account may sign in again.",
    "disable": "The account is closed, and everybody signed in with it is signed out.",
    "enable": "The account is open again.",
    "end_sessions": "Every session of the account has ended.",
}


class DateUnreadable(AppError):
    code = "account.date_unreadable"
    text = "{value} is not a date. Write it like 2026-12-31, or leave it empty."


class ActionUnknown(AppError):
    code = "account.action_unknown"
    status = 400
    text = "This cannot be done to an account: {action}."


def crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(_("Accounts"), url_for("accounts.index") if more else ""), *more]


@pages.get("/")
def index() -> str:
    """Return the list of accounts."""
    search, state = request.args.get("q", "")[:100].replace("\0", ""), request.args.get("state", "")
    state = state if state in accounts.STATES else ""
    page = addresses.whole(request.args.get("page", ""), 1)
    with desk.reading() as work:
        found, total = accounts.listed(work, search, state, page)
        row = tabs(work)
    last = max(1, math.ceil(total / accounts.PAGE))
    return render_template(
        "taizhang/account/list.html",
        tabs=row,
        crumbs=crumbs(),
        rows=[shown(person) for person in found],
        total=total,
        search=search,
        state=state,
        states=[(slug, _(STATES[slug])) for slug in accounts.STATES],
        page=max(page, 1),
        last=last,
    )


def shown(person: accounts.Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "login": person.login,
        "name": person.name,
        "state": person.state,
        "state_text": _(STATES[person.state]),
        "administrator": person.administrator,
        "factor": person.totp_since is not None,
        "seen": desk.moment(person.last_sign_in_at),
        "ends": last_day(person.ends_at),
    }


@pages.route("/new", methods=["GET", "POST"])
def new() -> Any:
    """Create an account; its password is shown on the answer and nowhere else."""
    the_account().require_fresh()
    if request.method != "POST":
        with desk.reading() as work:
            accounts.require(work)
        return new_page()
    form = request.form
    try:
        with desk.writing() as work:
            login = form.get("login", "").strip()
            number, password = accounts.create(
                work,
                login,
                form.get("name", ""),
                "administrator" in form,
                ends_at(form.get("ends")),
            )
    except AppError as refused:
        return new_page(say(refused)), refused.status
    return password_page(number, login, password, created=True)


def new_page(error: str = "") -> str:
    with desk.reading() as work:
        row = tabs(work)
    return render_template(
        "taizhang/account/new.html", tabs=row, crumbs=crumbs((_("New account"), "")), error=error,
        form=request.form,
    )  # fmt: skip


def password_page(number: int, login: str, password: str, *, created: bool = False) -> str:
    return render_template(
        "taizhang/account/shown_once.html", crumbs=crumbs((login, "")), id=number, login=login,
        password=password, created=created,
    )  # fmt: skip


@pages.route("/<int:id>", methods=["GET", "POST"])
def one(id: int) -> Any:
    """Return one account, or do to it what a button says."""
    if request.method != "POST":
        return account_page(id)
    the_account().require_fresh()
    try:
        return done(id, request.form.get("do", ""))
    except accounts.NoSuchAccount:
        raise
    except AppError as refused:
        return account_page(id, say(refused)), refused.status


def done(id: int, action: str) -> str | Response:
    """Do ``action`` with what the form says."""
    form = request.form
    with desk.writing() as work:
        if action == "reset":
            password = accounts.reset_password(work, id)
            return password_page(id, accounts.one(work, id).login, password)
        if action == "change":
            accounts.change(
                work, id, form.get("name", ""), "administrator" in form, ends_at(form.get("ends"))
            )
        elif action in ("link", "unlink"):
            relink(work, id, action)
        elif action in accounts.ACTIONS:
            accounts.act(work, id, action)
        else:
            raise ActionUnknown(action=action[:40])
    flash(_(DONE.get(action, "The account was changed.")), "success")
    if id == the_account().id and action == "end_sessions":
        return redirect(url_for("session.sign_in"))
    return redirect(url_for("accounts.one", id=id))


def relink(work: Work, id: int, action: str) -> None:
    client, which = provider(), request.form.get("link", "")
    if action == "link" and client is not None:
        accounts.link(work, id, client.provider.issuer, request.form.get("subject", ""))
    elif action == "unlink" and (number := addresses.digits(which, 17)) is not None:
        accounts.unlink(work, id, number)
    else:
        raise ActionUnknown(action=action)


def account_page(id: int, error: str = "") -> str:
    with desk.reading() as work:
        person = accounts.one(work, id)
        open_sessions = sessions.open_sessions(work.tx, id, policy())
        log, links = accounts.own_log(work.tx, id), linking.links(work.tx, id)
        row_of_pages = tabs(work)
    client = provider()
    return render_template(
        "taizhang/account/one.html",
        tabs=row_of_pages,
        crumbs=crumbs((person.name, "")),
        person_shown=person,
        state_text=_(STATES[person.state]),
        ends=last_day(person.ends_at),
        moment=desk.moment,
        mine=the_account().id == id,
        sessions=sessions_shown(open_sessions, the_account().session),
        lines=lines(log),
        links=[
            {"id": row.id, "subject": row.subject, "issuer": row.issuer,
             "when": desk.moment(row.linked_at), "by": desk.person(row.linked_by)}
            for row in links
        ],
        label=client.provider.label if client else "",
        error=error,
    )  # fmt: skip


def ends_at(text: str | None) -> datetime.datetime | None:
    """Return the moment an account ends: the midnight after its last day, here. In UTC."""
    if not (text or "").strip():
        return None
    try:
        day = datetime.date.fromisoformat((text or "").strip())
        return desk.platform().office.at(day + datetime.timedelta(days=1), datetime.time())
    except (ValueError, OverflowError, OSError):
        raise DateUnreadable(value=(text or "")[:40]) from None


def last_day(ends: datetime.datetime | None) -> str:
    """Return the last day of an account that ends at a moment, as a form writes it."""
    return f"{desk.local(ends) - datetime.timedelta(seconds=1):%Y-%m-%d}" if ends else ""
