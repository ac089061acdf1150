"""The pages: generic Flask-Admin views over whatever the catalogue holds, in our own look."""

from __future__ import annotations

from flask import Flask

from app.faces.admin import (
    account_pages,
    audit_pages,
    calendar_page,
    chrome,
    definitions,
    draft_pages,
    failures,
    files,
    home,
    inbox_page,
    jobs_page,
    notices_page,
    people,
    people_accounts,
    provider_pages,
    signing,
    webhooks_page,
)
from app.faces.admin.mount import RegisterMount


def install(app: Flask) -> None:
    """Put every page into ``app``."""
    chrome.install(app)
    failures.install(app)
    app.register_blueprint(home.blueprint())
    signing.install(app)
    account_pages.install(app)
    app.register_blueprint(provider_pages.pages)
    app.register_blueprint(people_accounts.pages)
    app.register_blueprint(inbox_page.blueprint())
    app.register_blueprint(draft_pages.blueprint())
    app.register_blueprint(files.blueprint())
    app.register_blueprint(definitions.blueprint())
    app.register_blueprint(audit_pages.blueprint())
    for room in (calendar_page, jobs_page, notices_page, webhooks_page):
        app.register_blueprint(room.blueprint())
    app.register_blueprint(people.blueprint())
    app.register_blueprint(RegisterMount().blueprint())
