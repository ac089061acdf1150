"""The application for any WSGI server: ``wsgi:app``, configured by the environment."""

from __future__ import annotations

import os

from app import create_app
from app.config import Config

app = create_app(Config.from_environment(os.environ))
