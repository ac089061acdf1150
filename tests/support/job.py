"""One publication in a process of its own, to be killed: ``python -m tests.support.job URL FILE``.

Says ``begun`` before its transaction and ``done`` after it is committed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from app.storage.session import Database
from tests.support.register import platform_on, publish


def main() -> None:
    url, path = sys.argv[1:]
    platform = platform_on(Database(url), Path(tempfile.gettempdir()))
    document = json.loads(Path(path).read_text("utf-8"))
    print("begun", flush=True)
    publish(platform, document)
    print("done", flush=True)


if __name__ == "__main__":
    main()
