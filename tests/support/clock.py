"""A clock that tests move: every module that asks about people's sign-ins reads it."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from app.services import (
    attempts,
    identity,
    origins,
    second_factor,
    sessions,
    signing_in,
    work,
)

MODULES = (attempts, identity, origins, second_factor, sessions, signing_in)


def movable(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what moves the clock on: ``move(minutes=5)``."""
    moved = datetime.timedelta()
    real = work.now

    def move(**by: float) -> None:
        nonlocal moved
        moved += datetime.timedelta(**by)

    for module in MODULES:
        monkeypatch.setattr(module, "now", lambda: real() + moved)
    return move
