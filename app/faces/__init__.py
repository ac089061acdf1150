"""Faces: what people and scripts meet. A face translates – request → service → answer."""

from __future__ import annotations

from flask import Flask

from app import words
from app.config import Config
from app.faces import admin, cli, forwarding, security
from app.faces.admin import session


def attach(app: Flask, config: Config) -> None:
    """Put pages, commands and protections into ``app``."""
    if config.trusted_proxies:
        inner = app.wsgi_app
        app.wsgi_app = forwarding.behind(inner, config.trusted_proxies)  # type: ignore
    words.install(app)
    security.install(app, config)
    session.install(app)
    admin.install(app)
    cli.install(app)
