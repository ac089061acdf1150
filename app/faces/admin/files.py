"""Files: attachments sent to a field, named on pages, and given out again, never to be run."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from flask import Blueprint, abort, jsonify, request, send_file, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.errors import AppError
from app.faces.admin import addresses, desk
from app.services import attachments
from app.services.work import Work
from app.words import gettext as _
from app.words import say

if TYPE_CHECKING:
    from app.faces.admin.register_view import RegisterView


def blueprint() -> Blueprint:
    """Return the address of attachments."""
    made = Blueprint("attachments", __name__)
    made.add_url_rule(f"/attachments/<int(max={2**63 - 1}):id>", "download", download)
    return made


def upload(view: RegisterView, field: str) -> Response | tuple[Response, int]:
    """Keep a file for a field and return what the form needs of it."""
    if field not in view.register or not hasattr(view.register[field].kind, "accepts"):
        abort(404)
    file = request.files.get("file")
    if file is None or not file.filename:
        return jsonify(text=_("Please choose a file first.")), 422
    try:
        with desk.writing() as work:
            kept = attachments.store(
                work,
                view.register.slug,
                field,
                file.filename,
                type_of(file),
                cast(BinaryIO, file.stream),
            )
    except AppError as error:
        return jsonify(text=say(error)), error.status
    return jsonify(fact(kept))


def download(id: int) -> Response:
    """Send a kept file under its own name, as a file to save."""
    with desk.reading() as work:
        kept = attachments.find(work, id, addresses.digits(request.args.get("of", "")))
        path = attachments.open_file(work, kept)
    answer = send_file(
        path, mimetype=kept.type, as_attachment=True, download_name=kept.name, max_age=0
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def facts(work: Work, ids: Sequence[str], record: int | None = None) -> list[dict[str, Any]]:
    """Return what pages show of the files ``ids`` of a record; one that is not there is shown by
    its number."""
    wanted = [number for id in ids if (number := addresses.digits(id)) is not None]
    if not wanted:
        return []
    kept = {id: fact(one, record) for id, one in attachments.named(work, tuple(wanted)).items()}
    return [kept.get(n) or {"id": n, "name": f"#{n}", "size": "", "url": ""} for n in wanted]


def type_of(file: FileStorage) -> str:
    """Return the type a browser states, else the one the name suggests."""
    guessed = mimetypes.guess_type(file.filename or "")[0] or ""
    return file.mimetype or guessed or "application/octet-stream"


def fact(kept: attachments.Attachment, record: int | None = None) -> dict[str, Any]:
    url = url_for("attachments.download", id=kept.id, of=record)
    return {"id": kept.id, "name": kept.name, "size": size(kept.size), "url": url}


def size(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.0f} KB" if count < 1024**2 else f"{count / 1024**2:.1f} MB"
