"""The pages: generic Flask-Admin views over whatever the catalogue holds, in our own look."""

from __future__ import annotations

from flask import Flask

from app.faces.admin import chrome, definitions, draft_pages, failures, files, home, inbox_page
from app.faces.admin.mount import RegisterMount


def install(app: Flask) -> None:
    """Put every page into ``app``."""
    chrome.install(app)
    failures.install(app)
    app.register_blueprint(home.blueprint())
    app.register_blueprint(inbox_page.blueprint())
    app.register_blueprint(draft_pages.blueprint())
    app.register_blueprint(files.blueprint())
    app.register_blueprint(definitions.blueprint())
    app.register_blueprint(RegisterMount().blueprint())
