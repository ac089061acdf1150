"""Signing in with an identity provider: there, and back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask import session as form_session

from app.errors import AppError
from app.faces.admin import desk
from app.faces.admin.session import (
    device,
    local_path,
    open_to_all,
    outside,
    policy,
    provider,
)
from app.faces.admin.signing import entered, sign_in_page
from app.services import linking
from app.services.oidc import Errand
from app.words import say

pages = Blueprint("provider", __name__, url_prefix="/sign-in/provider")

#: where the errand is kept: in the signed cookie of the browser that was sent
ERRAND = "errand"


@pages.get("")
@open_to_all
def send() -> Any:
    """Send the person to the provider."""
    target, client = local_path(request.args.get("next")), provider()
    if client is None:
        return redirect(url_for("session.sign_in", next=target))
    try:
        address, errand = client.send(outside(url_for("provider.back")))
    except AppError as refused:
        return sign_in_page(target, error=say(refused)), refused.status
    form_session[ERRAND] = {**errand.as_dict(), "next": target}
    return redirect(address)


@pages.get("/return")
@open_to_all
def back() -> Any:
    """Take the person back, with what the provider says; an errand is taken back once."""
    kept, client = form_session.pop(ERRAND, None), provider()
    if client is None:
        return redirect(url_for("session.sign_in"))
    target = local_path(kept and kept.get("next"))
    errand = Errand(kept["state"], kept["nonce"], kept["verifier"], kept["since"]) if kept else None
    try:
        vouched = client.receive(errand, request.args, outside(url_for("provider.back")))
        with desk.platform().database.writing() as tx:
            token = linking.sign_in_vouched(tx, client.provider, vouched, device(), policy())
    except AppError as refused:
        return sign_in_page(target, error=say(refused)), refused.status
    return entered(token, target)
