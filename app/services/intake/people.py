"""People from a file: accounts with one-time passwords, and posts; the same file again changes
nothing.

Accounts are the system administrator's, posts the security administrator's: whoever may do
one of them imports that part, and the columns of the other are passed over.
"""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, field
from typing import IO, Any

import sqlalchemy as sa

from app.errors import NotAllowed
from app.services import access, handing, identity, passwords, people, posts, powers, roles, units
from app.services.exchange.report import ImportReport
from app.services.intake.sheet import Line, attempt, read_sheet, told
from app.services.people import BEGINNING, day_after, last_day
from app.services.posts import Wanted
from app.services.work import Work
from app.storage import models_people as tables
from app.storage.models_identity import account

WHAT = "people"
CREATED, CHANGED, SAME = "created", "changed", "unchanged"
POST_COLUMNS = ("unit", "role", "title", "since", "until")


@dataclass(frozen=True, slots=True)
class Held:
    """A post as it is told: role, unit, the post's own name, first and last day."""

    role: str
    unit: str
    title: str
    since: datetime.date
    last: datetime.date | None


@dataclass(frozen=True, slots=True)
class PersonChange:
    """One person of a file, before and after. ``before`` is blank for who is new; of the posts,
    those that the file gives (None before it) or changes are told."""

    row: int
    login: str
    before: str
    after: str
    posts: tuple[tuple[Held | None, Held], ...] = ()

    @property
    def new(self) -> bool:
        return not self.before

    @property
    def renamed(self) -> bool:
        return bool(self.before) and self.before != self.after

    def as_json(self) -> dict[str, Any]:
        """Return the difference for scripts."""
        posts = [
            {"before": before and asdict(before), "after": asdict(after)}
            for before, after in self.posts
        ]
        return {
            "row": self.row, "login": self.login, "new": self.new,
            "name": {"before": self.before or None, "after": self.after}, "posts": posts,
        }  # fmt: skip


@dataclass(slots=True)
class PeopleReport:
    """What an import of people did, and the passwords it made up: shown once, kept nowhere."""

    report: ImportReport
    #: everybody who is new or different, in the order of the file
    changes: list[PersonChange] = field(default_factory=list)
    #: (login, name, password)
    passwords: list[tuple[str, str, str]] = field(default_factory=list)


def import_people(
    work: Work, source: IO[bytes], name: str, *, dry_run: bool = False, one_time: bool = True
) -> PeopleReport:
    """Enter the people of a csv or xlsx file: a row for each post, accounts where they are new.
    ``one_time``: their passwords must be changed at the first sign-in.

    Raises:
        NotAllowed: the actor may neither make accounts nor give roles.
        FileRefused: the file cannot be read.
        ImportStopped: rows were refused; let the unit of work roll back.
    """
    held = work.standing.powers
    accounts = bool(held & access.POWERS["administer"])
    granting = bool(held & access.POWERS["grant"])
    if not accounts and not granting:
        raise NotAllowed(action="administer")
    lines = read_sheet(source, name, WHAT)
    done = PeopleReport(ImportReport(total=len(lines), dry_run=dry_run))
    with work.trial(dry_run):
        job = _Import(work, done, accounts, granting)
        job.one_time = one_time
        job.run(lines)
        told(done.report, WHAT, lines)
    if dry_run:
        done.passwords.clear()
    return done


class _Import:
    def __init__(self, work: Work, done: PeopleReport, accounts: bool, granting: bool) -> None:
        self.work, self.done, self.accounts, self.granting = work, done, accounts, granting
        self.one_time = True
        self.roles = {title: slug for slug, title in roles.titles(work).items()}
        self.roles |= {slug: slug for slug in self.roles.values()}
        tree = units.tree(work, units.EVER)
        self.units = {unit.code: unit.id for unit in tree.units.values()}
        if not granting:
            done.report.ignored = POST_COLUMNS

    def run(self, lines: list[Line]) -> None:
        seen: dict[str, tuple[int, str, dict[int, Held]]] = {}
        for line in lines:
            wanted = self.read(line)
            if line.problems:
                continue
            seen.setdefault(line.text("login"), (line.row, *self.standing(line.text("login"))))
            outcome = attempt(self.work, line, "login", lambda: self.store(line, wanted))  # noqa: B023
            report = self.done.report
            if outcome == CREATED:
                report.created += 1
            elif outcome == CHANGED:
                report.changed += 1
            elif outcome == SAME:
                report.unchanged += 1
        for login, (row, name, held) in seen.items():
            self.compare(row, login, name, held)

    def standing(self, login: str) -> tuple[str, dict[int, Held]]:
        """Return the name and the posts somebody has at this moment, none for who is not there."""
        number = self.find(login)
        if number is None:
            return "", {}
        tx, post, role, unit = self.work.tx, tables.post, tables.role, tables.unit
        query = (
            sa.select(
                post.c.id, role.c.title, unit.c.title, post.c.title, post.c.valid_from,
                post.c.valid_until,
            )
            .select_from(post.join(role, post.c.role == role.c.slug))
            .join(unit, unit.c.id == post.c.unit_id)
            .where(post.c.account_id == number, post.c.deputy_of.is_(None))
            .order_by(post.c.id)
        )  # fmt: skip
        held = {row[0]: Held(*row[1:5], last_day(row[5])) for row in tx.execute(query)}
        name = tx.scalar(sa.select(account.c.name).where(account.c.id == number))
        return str(name), held

    def compare(self, row: int, login: str, before: str, held: dict[int, Held]) -> None:
        """Add what became of a person to the report, unless nothing did."""
        after, now = self.standing(login)
        moved = tuple(
            (held.get(number), post) for number, post in now.items() if held.get(number) != post
        )
        if after and (before != after or moved):
            self.done.changes.append(PersonChange(row, login, before, after, moved))

    def read(self, line: Line) -> Wanted | None:
        """Return the post a row gives, None for none; note what cannot be."""
        if not line.has("login") or not line.has("name"):
            blank = "login" if not line.has("login") else "name"
            line.refuse(blank, "value.missing", "This cell must not be empty.")
        if not self.granting or not (line.has("role") or line.has("unit")):
            return None
        role = self.roles.get(line.text("role"), "")
        unit = self.units.get(line.text("unit"))
        if not role:
            text = "There is no role {value}. Roles: {listed}."
            listed = "、".join(roles.titles(self.work).values())
            line.refuse("role", "role.not_found", text, value=line.text("role"), listed=listed)
        if unit is None:
            text = "There is no unit {value}. Enter it first, or correct the code."
            line.refuse("unit", "unit.not_found", text, value=line.text("unit"))
        since, until = line.day("since") or BEGINNING, day_after(line.day("until"))
        if line.problems or unit is None:
            return None
        since = max(since, units.get(self.work, unit).since)
        return Wanted(0, unit, role, since, until, line.text("title"))

    def store(self, line: Line, wanted: Wanted | None) -> str:
        login, name = line.text("login"), line.text("name")
        number = self.find(login)
        outcome = SAME
        if number is None:
            number = self.create(login, name)
            outcome = CREATED
        elif self.rename(number, name):
            outcome = CHANGED
        if wanted is None:
            return outcome
        given = self.give(number, wanted)
        return outcome if outcome == CREATED else max(outcome, given, key=[SAME, CHANGED].index)

    def find(self, login: str) -> int | None:
        try:
            return identity.find(self.work.tx, login)
        except identity.AccountNotFound:
            return None

    def create(self, login: str, name: str) -> int:
        if not self.accounts:
            raise identity.AccountNotFound(login=login)
        given = passwords.generate()
        number, _ = identity.create_account(
            self.work.tx, login, name, given, one_time=self.one_time
        )
        self.done.passwords.append((login, name, given))
        return number

    def rename(self, number: int, name: str) -> bool:
        if not self.accounts:
            return False
        changed = self.work.tx.execute(
            account.update().where(account.c.id == number, account.c.name != name).values(name=name)
        )
        return bool(changed.rowcount)

    def give(self, number: int, wanted: Wanted) -> str:
        """Give the post, or bring the same post to what the row says."""
        post = tables.post
        same = (
            post.c.account_id == number, post.c.unit_id == wanted.unit, post.c.deputy_of.is_(None),
            post.c.role == wanted.role, post.c.valid_from == wanted.since,
        )  # fmt: skip
        query = sa.select(post.c.id, post.c.title, post.c.valid_until).where(*same)
        old = self.work.tx.execute(query.order_by(post.c.id).limit(1)).one_or_none()
        if old is None:
            posts.appoint(
                self.work,
                Wanted(number, wanted.unit, wanted.role, wanted.since, wanted.until, wanted.title),
            )
            return CHANGED
        until: datetime.date | None = wanted.until if wanted.until is not None else old.valid_until
        if (old.title, old.valid_until) == (wanted.title or old.title, until):
            return SAME
        people.touch(self.work.tx)
        powers.check_apart(self.work, number, wanted.role, wanted.since, until)
        values = {"title": wanted.title or old.title, "valid_until": until}
        self.work.tx.execute(post.update().where(post.c.id == old.id).values(values))
        handing.release(self.work, [number])
        return CHANGED
