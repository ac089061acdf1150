"""Checking: whether the log is whole, and if not, where it breaks first."""

from __future__ import annotations

import datetime
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.errors import Problem, because
from app.services.audit import heads
from app.services.audit.chain import GENESIS, Head, hash_of
from app.services.audit.heads import Line
from app.services.work import Platform
from app.storage import audit_guard
from app.storage.models_audit import audit

BATCH = 2000


@dataclass(slots=True)
class Verdict:
    """What was found. ``breaks`` are in the order of the log; none is a whole log."""

    first: int = 0
    last: int = 0
    hash: str = GENESIS
    heads: int = 0
    breaks: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not self.breaks


def verify(platform: Platform, printed: Mapping[int, str] | None = None) -> Verdict:
    """Check triggers, chain, checkpoint and heads; ``printed`` are heads from paper.

    Reads every entry once, in one consistent view; writes nothing.
    """
    verdict = Verdict()
    # heads first: entries that come meanwhile do not make one look cut off
    lines = heads.read_heads(platform)
    wanted = {line.number for line in lines} | set(printed or {})
    with platform.database.reading() as tx:
        for name in audit_guard.missing(tx):
            verdict.breaks.append(because("The trigger {name} is missing or changed.", name=name))
        kept, purged = walk(tx, verdict, wanted)
    check_heads(verdict, lines, kept, purged)
    for number, hash in (printed or {}).items():
        if not kept.get(number, "").startswith(hash.lower()):
            text = "Entry {number} does not have the hash that was printed."
            verdict.breaks.append(because(text, number=number))
    return verdict


def walk(
    tx: sa.Connection, verdict: Verdict, wanted: set[int]
) -> tuple[dict[int, str], list[tuple[datetime.datetime, Head]]]:
    """Check every entry against the one before; return the hashes of the wanted numbers, and
    when the log was shortened up to which entry."""
    hashes: dict[int, str] = {0: GENESIS}
    purged: list[tuple[datetime.datetime, Head]] = []
    last: Head | None = None
    query = sa.select(audit).order_by(audit.c.number)
    with tx.execute(query, execution_options={"yield_per": BATCH}) as result:
        for row in result.mappings():
            if last is None:
                verdict.first, begin = row["number"], row["before"]
                last = Head(row["number"] - 1, begin)
            problem = wrong(row, last)
            if problem is not None:
                verdict.breaks.append(problem)
                break
            last = Head(row["number"], row["hash"])
            if row["number"] in wanted:
                hashes[row["number"]] = row["hash"]
            if row["event"] == "purge.done":
                purged.append((row["at"], _checkpoint(row)))
    if last is not None:
        verdict.last, verdict.hash = last.number, last.hash
        if not any("number" in p.values for p in verdict.breaks):
            check_start(verdict, begin, purged)
    return hashes, purged


def wrong(row: sa.RowMapping, last: Head) -> Problem | None:
    """Return what is wrong with an entry after ``last``."""
    number = row["number"]
    if number != last.number + 1:
        return because("Entry {number} is missing.", number=last.number + 1)
    if row["before"] != last.hash:
        return because("Entry {number} does not follow the entry before it.", number=number)
    if not hmac.compare_digest(hash_of(dict(row)), row["hash"]):
        return because("Entry {number} was changed: its hash is another.", number=number)
    return None


def check_start(verdict: Verdict, begin: str, purged: list[tuple[datetime.datetime, Head]]) -> None:
    """A log begins with entry 1, or where an entry of its own says that it was shortened."""
    first = Head(verdict.first - 1, begin)
    if first != Head() and first not in [head for _at, head in purged]:
        text = "The entries before {number} are missing, and no shortening of the log tells of it."
        verdict.breaks.append(because(text, number=verdict.first))


def check_heads(
    verdict: Verdict,
    lines: list[Line],
    kept: Mapping[int, str],
    purged: list[tuple[datetime.datetime, Head]],
) -> None:
    """Compare the log with every head that was written outside the database."""
    checkpoints = {head.number: head.hash for _at, head in purged}
    replaced = max((at for at, one in enumerate(lines) if one.kind == heads.RESTORED), default=-1)
    for at, line in enumerate(lines):
        verdict.heads += line.sound
        if not line.sound:
            text = "Line {line} of the file of heads was changed, or signed with another key."
            verdict.breaks.append(because(text, line=at + 1))
            continue
        found = kept.get(line.number)
        if line.number < verdict.first:
            found = checkpoints.get(line.number, line.hash)
        if found != line.hash and at < replaced:
            text = "Entry {number}, written down on {when}, was lost when a backup was restored."
            verdict.remarks.append(because(text, number=line.number, when=f"{line.at}Z"))
        else:
            check_head(verdict, line, found)
    check_age(verdict, lines, purged)


def check_head(verdict: Verdict, line: Line, found: str | None) -> None:
    """An entry that a head names must be there as it was."""
    if found == line.hash:
        return
    if found is not None:
        text = "Entry {number} is not the one that was written down on {when}."
    elif line.number > verdict.last and verdict.whole:
        text = "The log ends with {last}, but entry {number} was written down on {when}."
    else:
        return  # behind the first break: nothing can be said
    verdict.breaks.append(because(text, number=line.number, last=verdict.last, when=f"{line.at}Z"))


def check_age(
    verdict: Verdict, lines: list[Line], purged: list[tuple[datetime.datetime, Head]]
) -> None:
    """What is younger than the law allows was not taken out: a head tells how old it is."""
    floor = datetime.timedelta(days=audit_guard.FLOOR)
    for when, head in purged:
        younger = [n for n in lines if n.sound and when - n.at < floor and n.number < head.number]
        if younger:
            text = "Entries after {number} were taken out before they were {days} days old."
            least = min(line.number for line in younger)
            verdict.breaks.append(because(text, number=least, days=audit_guard.FLOOR))


def _checkpoint(row: sa.RowMapping) -> Head:
    detail = json.loads(row["detail"])
    return Head(int(row["object_id"]), str(detail.get("hash", "")))
