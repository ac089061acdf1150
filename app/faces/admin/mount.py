"""Mount: answers ``/registers/<slug>/…`` for any published register, without a restart."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from flask import Blueprint, g, request

from app.faces.admin import desk
from app.faces.admin.register_view import RegisterView
from app.storage.catalog import Published

#: How many registers' views a process keeps.
KEPT = 64


class RegisterMount:
    """One blueprint for all registers. The slug is taken out of the address and put back into
    every address that is made, so a view knows nothing of it."""

    def __init__(self) -> None:
        self._views: OrderedDict[str, RegisterView] = OrderedDict()
        self._lock = Lock()

    def blueprint(self) -> Blueprint:
        """Return the blueprint with every address of ``RegisterView``."""
        made = Blueprint("register", __name__, url_prefix="/registers/<slug>")
        for url, method, verbs in RegisterView._urls:
            made.add_url_rule(url, method, self._serve(method), methods=verbs)
        made.url_value_preprocessor(take_slug)
        made.url_defaults(put_slug)
        return made

    def _serve(self, method: str) -> Callable[..., Any]:
        def serve(**values: Any) -> Any:
            if request.method in ("GET", "HEAD"):
                with desk.reading() as work:
                    return getattr(self._view(work.published(g.slug)), method)(**values)
            return getattr(self._view(desk.published(g.slug)), method)(**values)

        return serve

    def _view(self, published: Published) -> RegisterView:
        """Return the view of a revision, made when it is asked for first."""
        slug = published.slug
        with self._lock:
            view = self._views.get(slug)
            if view is not None and view.published is published:
                self._views.move_to_end(slug)
                return view
        view = RegisterView(published)
        with self._lock:
            self._views[slug] = view
            self._views.move_to_end(slug)
            while len(self._views) > KEPT:
                self._views.popitem(last=False)
        return view


def take_slug(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values is not None:
        g.slug = values.pop("slug")


def put_slug(_endpoint: str, values: dict[str, Any]) -> None:
    values.setdefault("slug", g.get("slug"))
