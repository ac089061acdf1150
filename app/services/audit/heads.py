"""Heads: the newest number and hash, written outside the database, day by day.

``audit-heads/heads.txt`` in the data folder grows by one line at each start and each day:
time, kind, number, hash, and an HMAC over the line and the HMAC of the line before it. Whoever
changes the database alone cannot make the log and the heads agree again; whoever has the printed
line of a day can prove it to somebody who trusts neither.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.services import work
from app.services.audit import chain
from app.services.work import Platform

#: a head, and the head after a backup took the place of a log
HEAD, RESTORED = "head", "restored"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file. ``sound`` is whether its HMAC is right."""

    at: datetime.datetime
    kind: str
    number: int
    hash: str
    sound: bool = True

    def __str__(self) -> str:
        return f"{self.at.isoformat()}Z {self.kind} {self.number} {self.hash}"


def path_of(platform: Platform) -> Path:
    """Return the file of the heads."""
    return platform.data_dir / "audit-heads" / "heads.txt"


def write_head(platform: Platform, kind: str = HEAD) -> Line:
    """Write the newest entry's number and hash at the end of the file and return the line."""
    path = path_of(platform)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _held(path) as file:
        # read once the file is held: a later line never has a lower number
        with platform.database.reading() as tx:
            newest = chain.head(tx)
        before = os.pread(file, 64, max(0, os.fstat(file).st_size - 65)).decode("ascii", "replace")
        line = Line(work.now(), kind, newest.number, newest.hash)
        os.write(file, f"{line} {_sign(platform, str(line), before)}\n".encode())
        os.fsync(file)
    return line


def read_heads(platform: Platform) -> list[Line]:
    """Return every line of the file; one that was changed, moved or cut is not ``sound``."""
    path = path_of(platform)
    if not path.exists():
        return []
    lines, before = [], ""
    for text in path.read_text("utf-8", "replace").splitlines():
        said, _, signature = text.rpartition(" ")
        sound = hmac.compare_digest(signature.encode(), _sign(platform, said, before).encode())
        lines.append(_read(said, sound))
        before = signature
    return lines


def _read(said: str, sound: bool) -> Line:
    try:
        at, kind, number, hash = said.split(" ")
        return Line(
            datetime.datetime.fromisoformat(at.removesuffix("Z")), kind, int(number), hash, sound
        )
    except ValueError:
        return Line(datetime.datetime.min, "", 0, "", False)


def _sign(platform: Platform, said: str, before: str) -> str:
    key = hmac.digest(platform.secret.encode(), b"taizhang audit heads", "sha256")
    return hmac.new(key, f"{before} {said}".encode(), hashlib.sha256).hexdigest()


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """Give the file to write to, to one process at a time."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)
