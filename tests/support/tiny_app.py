"""A small application to try the server with: ``--app tests.support.tiny_app:create_app``."""

from __future__ import annotations

import os
import time

from flask import Flask, request

from app.config import Config


def create_app(config: Config) -> Flask:
    """Make an application that answers at once, slowly, with much, or with what it was sent."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = config.max_upload_mb << 20

    @app.get("/")
    def worker() -> str:
        return str(os.getpid())

    @app.get("/slow")
    def slow() -> str:
        time.sleep(1.5)
        return "answered"

    @app.get("/much")
    def much() -> bytes:
        return b"x" * (20 << 20)

    @app.post("/")
    def length() -> str:
        return str(len(request.get_data()))

    return app
