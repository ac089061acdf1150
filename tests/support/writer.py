"""A process that writes: ``python -m tests.support.writer URL PREFIX COUNT``.

Reads inside each transaction before it writes, and prints the name of every record that was
acknowledged. A refusal of the platform is printed after ``!``; anything else ends the process.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from app.errors import AppError
from app.services import records
from app.services.lists import Query, page
from app.storage.session import Database
from tests.support.register import ME, platform_on


def main() -> None:
    url, prefix, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    platform = platform_on(Database(url), Path(tempfile.gettempdir()))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        name = f"{prefix}{number}"
        for _ in range(200):
            try:
                with platform.writing(ME) as work:
                    page(work, "demo", Query(search=prefix))
                    records.create(work, "demo", {"name": name, "amount": number}, token=name)
            except AppError as error:
                print(f"!{error.code}", flush=True)
                continue
            print(name, flush=True)
            break


if __name__ == "__main__":
    main()
