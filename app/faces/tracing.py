"""Tracing: every request has a number, which its answer and what it left in the log carry."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import cast

from flask import Flask, Response, g

from app.services import audit
from app.services.work import Actor

HEADER = "X-Request-Id"


def install(app: Flask, actor: Callable[[], Actor]) -> None:
    """Number every request, and let services that are given no actor ask ``actor``."""

    @app.before_request
    def _begin() -> None:
        g.asking = audit.asking.set(actor)

    @app.after_request
    def _answer(response: Response) -> Response:
        response.headers[HEADER] = number()
        return response

    @app.teardown_request
    def _end(_error: BaseException | None) -> None:
        if "asking" in g:
            audit.asking.reset(g.pop("asking"))


def number() -> str:
    """Return the number of this request: its time in milliseconds, then chance, as UUIDs of
    version 7 are made, so that numbers are in the order of the requests."""
    if "number" not in g:
        g.number = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"
    return cast(str, g.number)
