"""Notices: what people are told – in the application, by mail, through webhooks.

``notify`` writes in the caller's unit of work; what goes out is sent by background jobs.
"""

from app.services.notices.inbox import (
    KINDS,
    Notice,
    holders,
    listed,
    mark_all_read,
    mark_read,
    notify,
    unread,
)

__all__ = [
    "KINDS", "Notice",
    "holders", "listed", "mark_all_read", "mark_read", "notify", "unread",
]  # fmt: skip
