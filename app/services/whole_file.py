"""A file that appears whole or not at all, whatever goes wrong while it is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Give a path beside ``target`` to write to. Leaving well puts it in the place of ``target``
    once it is on the disk; an exception leaves ``target`` as it was, and nothing beside it."""
    partial = target.with_name(target.name + ".part")
    try:
        yield partial
        with partial.open("rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
