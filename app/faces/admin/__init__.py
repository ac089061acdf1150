"""The pages: generic Flask-Admin views over whatever the catalogue holds, in our own look."""

from __future__ import annotations

from flask import Flask

from app.faces.admin import chrome, definitions, failures, files, home, people
from app.faces.admin.mount import RegisterMount


def install(app: Flask) -> None:
    """Put every page into ``app``."""
    chrome.install(app)
    failures.install(app)
    app.register_blueprint(home.blueprint())
    app.register_blueprint(files.blueprint())
    app.register_blueprint(definitions.blueprint())
    app.register_blueprint(people.blueprint())
    app.register_blueprint(RegisterMount().blueprint())
