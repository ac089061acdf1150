"""Import a file through the product's own service, in a process of its own: URL FILE."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from app.definitions.library import compile_kept
from app.services.exchange import import_file
from app.services.work import Actor, Platform
from app.storage.catalog import Catalog
from app.storage.session import Database
from bench.memory import peak
from bench.rows import SLUG


def main() -> None:
    """Print rows, seconds and the peak of memory as JSON."""
    database = Database(sys.argv[1])
    platform = Platform(database, Catalog(compile_kept), Path(tempfile.gettempdir()))
    begun = time.perf_counter()
    with platform.writing(Actor(None, "bench", "cli")) as work:
        report = import_file(work, SLUG, Path(sys.argv[2]))
    seconds = time.perf_counter() - begun
    print(json.dumps({"rows": report.created, "seconds": seconds, "peak": peak()}))


if __name__ == "__main__":
    main()
