"""The WSGI entry: ``app`` for any server, and what ``flask`` commands load."""

from app import create_app

app = create_app()
