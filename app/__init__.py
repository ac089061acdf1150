"""Taizhang: a government office's registers, each made from one JSON file.

``create_app`` joins what the rooms offer: settings → database → catalogue → faces.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Flask

from app.config import Config
from app.definitions.library import compile_kept
from app.services.work import Platform
from app.storage.catalog import Catalog
from app.storage.session import Database
from app.words import say


def create_platform(config: Config) -> Platform:
    """Return the platform of this process: a pool of connections and an empty catalogue."""
    database = Database(config.database_url)
    catalog = Catalog(compile_kept)
    office = replace(
        config.office,
        say=partial(say, language=config.language),
        audit_days=config.audit_days,
        unused_days=config.sign_in.unused_days,
    )
    return Platform(database, catalog, config.data_dir, config.secret_key, office)


def create_app(config: Config | None = None) -> Flask:
    """Return the application, ready to serve. Raises ``SettingRefused`` for a wrong setting."""
    # Imported here: the faces bring Flask-Admin, which the command line's workers can do without.
    from app.faces import attach

    config = config or Config.from_environment(os.environ)
    app = Flask("app", template_folder=None, static_folder=None)
    app.config.update(SECRET_KEY=config.secret_key)
    extensions: dict[str, Any] = app.extensions
    extensions["taizhang"] = create_platform(config)
    extensions["taizhang_config"] = config
    attach(app, config)
    return app
