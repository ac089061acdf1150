"""A process that imports a file and says where it is: ``python -m tests.support.importing``.

It prints ``reading``, the number of rows after every batch, ``stored`` when only the commit is
left, and ``committed``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.services import exchange
from app.services.work import Actor
from app.storage.session import Database
from tests.support.register import platform_on

SLUG = "demo"


def main(url: str, folder: str, file: str) -> None:
    """Import ``file`` into the register ``demo`` of the database at ``url``."""
    platform = platform_on(Database(url), Path(folder))
    with platform.writing(Actor(None, "import", "cli")) as work:
        print("reading", flush=True)
        exchange.import_file(work, SLUG, Path(file), progress=tell)
        print("stored", flush=True)
    print("committed", flush=True)


def tell(rows: int) -> None:
    """Print how many rows have been taken in."""
    print(rows, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
