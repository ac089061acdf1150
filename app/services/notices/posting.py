"""Sending one message to a webhook: bounded in time and size, never redirected."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlsplit

import urllib3

from app.errors import AppError, Problem, because
from app.services.jobs import GiveUp
from app.services.notices.recipes import Recipe

#: seconds to connect, for each answer of the network, and for all of it
CONNECT, READ, WHOLE = 5.0, 10.0, 20.0
#: bytes of an answer that are read
LARGEST = 64 * 1024
#: answers that mean "later": too slow, too early, too many
LATER = frozenset({408, 425, 429})


class WebhookFailed(AppError):
    code = "notice.webhook_failed"
    text = "{host} did not take the message: {reason}"


def post(url: str, body: bytes, headers: dict[str, str], recipe: Recipe) -> None:
    """Send a message. Raises ``WebhookFailed`` (try again) or ``GiveUp`` (no use)."""
    host = urlsplit(url).hostname or url[:60]
    timeout = urllib3.Timeout(connect=CONNECT, read=READ)
    try:
        with urllib3.PoolManager(num_pools=1, timeout=timeout, retries=False) as pool:
            answer = pool.request(
                "POST", url, body=body, headers=headers, redirect=False, preload_content=False
            )
            try:
                status, said = answer.status, bounded(answer)
            finally:
                answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise WebhookFailed(host=host, reason=worded(error, url)) from error
    judge(host, status, said, recipe)


def worded(error: Exception, url: str) -> Problem:
    """Return in words what stood in the way."""
    # what the socket said is the innermost cause
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    why = without(str(getattr(cause, "strerror", None) or cause), url)[:300]
    if isinstance(error, urllib3.exceptions.SSLError):
        return because("its certificate is not trusted ({why})", why=why)
    if isinstance(error, urllib3.exceptions.ReadTimeoutError | TimeoutError):
        return because("it did not answer in time")
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError | OSError):
        return because("it cannot be reached ({why})", why=why)
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return because("it cannot be reached ({why})", why=why)
    return because("the connection failed ({why})", why=why)


def without(text: str, url: str) -> str:
    """Return ``text`` without the path and the query of ``url``: they may hold a key."""
    parts = urlsplit(url)
    for part in (parts.query, parts.path):
        if len(part) > 1:
            text = text.replace(part, "…")
    return text


def bounded(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Read the answer up to ``LARGEST`` bytes and ``WHOLE`` seconds."""
    read, last = b"", time.monotonic() + WHOLE
    while len(read) <= LARGEST:
        part = answer.read1(4096)
        if not part:
            return read
        read += part
        if time.monotonic() > last:
            raise TimeoutError
    raise ValueError(f"the answer is longer than {LARGEST} bytes")


def judge(host: str, status: int, said: bytes, recipe: Recipe) -> None:
    """Raise unless the answer says that the message was taken."""
    shown = said[:200].decode("utf-8", "replace").strip()
    if not 200 <= status < 300:
        reason = because("it answered {status} {said}", status=status, said=shown)
        failed = WebhookFailed(host=host, reason=reason)
        raise failed if status >= 500 or status in LATER else GiveUp(failed)
    if recipe.success is None:
        return
    try:
        answer: Any = json.loads(said)
        good = answer[recipe.success["at"]] == recipe.success["is"]
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        reason = because("it answered {status} {said}", status=status, said=shown)
        raise WebhookFailed(host=host, reason=reason)
