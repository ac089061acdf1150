"""Flood: somebody who is not signed in cannot fill the disk with entries."""

from __future__ import annotations

import threading
import time


class Flood:
    """Lets ``MOST`` entries of an event pass in a minute and counts the rest."""

    MOST = 120
    SPAN = 60.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}

    def pass_by(self, event: str) -> int | None:
        """Return how many were left out before this one, or ``None`` to leave this one out."""
        now = time.monotonic()
        with self._lock:
            since, count = self._seen.get(event, (now, 0))
            omitted = 0
            if now - since >= self.SPAN:
                omitted, since, count = max(0, count - self.MOST), now, 0
            self._seen[event] = (since, count + 1)
            return None if count >= self.MOST else omitted
