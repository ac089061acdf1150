"""An identity provider of its own: Authlib's OpenID Connect server on a loopback port.

Run as ``python -m tests.support.provider PORT``. People sign in there at once: who it is, and what
it does wrong, is what ``POST /control`` said last (JSON: ``person``, the claims of the person, and
``spoil``, one of ``SPOILS``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Blueprint, Flask, current_app, jsonify, redirect, request
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from tests.support.server import ROOT, free_port

pages = Blueprint("provider", __name__)
CLIENT, SECRET = "taizhang", "a secret of the client"
SPOILS = ("nonce", "iss", "aud", "exp", "key", "none", "deny", "issuer", "subject")


class Client:
    """The one client: this application, which must use PKCE."""

    client_id = CLIENT

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str | None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/sign-in/provider/return")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    """A code that was given out and not used yet."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    person: dict[str, Any]

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> str | None:
        return None

    def get_amr(self) -> list[str] | None:
        return None


class State:
    """What the provider holds: its keys, codes, tokens, and what a test told it."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key, self.other = (RSAKey.generate_key(2048, {"kid": "1"}) for _ in range(2))
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.told: dict[str, Any] = {"person": {"sub": "nobody"}, "spoil": ""}


def state() -> State:
    """Return what the provider holds."""
    held: State = current_app.extensions["state"]
    return held


class Grant(AuthorizationCodeGrant):
    def save_authorization_code(self, code: str, asked: Any) -> None:
        data = asked.payload.data
        state().codes[code] = Code(
            CLIENT, asked.payload.redirect_uri, asked.payload.scope, data.get("nonce"),
            data.get("code_challenge"), data.get("code_challenge_method"), asked.user,
        )  # fmt: skip

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return state().codes.get(code)

    def delete_authorization_code(self, code: Code) -> None:
        state().codes = {k: v for k, v in state().codes.items() if v is not code}

    def authenticate_user(self, code: Code) -> dict[str, Any]:
        return code.person


class Token(OpenIDCode):
    def exists_nonce(self, nonce: str, asked: Any) -> bool:
        return False

    def get_client_algorithm(self, client: Client) -> str:
        return "RS256"

    def get_encode_header(self, client: Client) -> dict[str, Any]:
        return {"alg": "RS256", "kid": "1"}

    def resolve_client_private_key(self, client: Client) -> Any:
        return state().other if state().told["spoil"] == "key" else state().key

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": state().issuer, "aud": [CLIENT], "iat": now, "exp": now + 300}

    def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
        shown = {k: v for k, v in user.items() if not k.startswith("asked_")}
        return UserInfo(**shown, **spoiled(state().told["spoil"]))


def create_app(port: int) -> Flask:
    """Return the provider's application."""
    app = Flask("provider")
    app.extensions["state"] = State(port)
    server = app.extensions["server"] = AuthorizationServer(
        app, query_client=lambda client_id: Client() if client_id == CLIENT else None,
        save_token=lambda token, asked: state().tokens.update({token["access_token"]: asked.user}),
    )  # fmt: skip
    server.register_grant(Grant, [Token(require_nonce=True), CodeChallenge(required=True)])
    app.register_blueprint(pages)
    return app


def spoiled(spoil: str) -> dict[str, Any]:
    """Return the claims that replace right ones."""
    past = int(time.time()) - 3600
    return {
        "nonce": {"nonce": "of another sign-in"},
        "iss": {"iss": "http://127.0.0.1:1"},
        "aud": {"aud": ["another application"]},
        "exp": {"exp": past, "iat": past - 60},
    }.get(spoil, {})


@pages.get("/.well-known/openid-configuration")
def describe() -> Any:
    wrong = state().told["spoil"] == "issuer"
    return jsonify(
        issuer="http://127.0.0.1:1" if wrong else state().issuer,
        authorization_endpoint=f"{state().issuer}/authorize",
        token_endpoint=f"{state().issuer}/token",
        userinfo_endpoint=f"{state().issuer}/userinfo",
        jwks_uri=f"{state().issuer}/keys",
        end_session_endpoint=f"{state().issuer}/leave",
    )


@pages.get("/keys")
def keys() -> Any:
    return jsonify(keys=[state().key.as_dict(private=False)])


@pages.get("/authorize")
def authorize() -> Any:
    if state().told["spoil"] == "deny":
        given = f"?error=access_denied&state={request.args['state']}"
        return redirect(request.args["redirect_uri"] + given)
    grant = current_app.extensions["server"].get_consent_grant(end_user=state().told["person"])
    return current_app.extensions["server"].create_authorization_response(
        grant=grant, grant_user=state().told["person"]
    )


@pages.post("/token")
def token() -> Any:
    answer = current_app.extensions["server"].create_token_response()
    if state().told["spoil"] == "none":
        answer.set_data(json.dumps({**answer.get_json(), "id_token": unsigned(answer)}))
    return answer


@pages.get("/userinfo")
def userinfo() -> Any:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    person = state().tokens.get(bearer)
    if person is None:
        return jsonify(error="invalid_token"), 401
    more = {k.removeprefix("asked_"): v for k, v in person.items() if k.startswith("asked_")}
    other = {"sub": "another"} if state().told["spoil"] == "subject" else {}
    return jsonify({"sub": person["sub"], **more, **other})


@pages.post("/control")
def control() -> Any:
    held = state()
    held.told = {"spoil": "", **request.get_json()}
    return jsonify(held.told)


def unsigned(answer: Any) -> str:
    """Return the ID token of an answer with the algorithm ``none`` and no signature."""
    claims = answer.get_json()["id_token"].split(".")[1]
    return f"eyJhbGciOiJub25lIn0.{claims}."


class Running:
    """The provider as another process; ``tell`` says who signs in next and what goes wrong."""

    def __init__(self, port: int) -> None:
        self.issuer, self.port = f"http://127.0.0.1:{port}", port
        command = [sys.executable, "-m", "tests.support.provider", str(port)]
        # the library asks for https wherever it is not told that this is a test
        environ = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environ
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def tell(self, spoil: str = "", **person: Any) -> None:
        data = json.dumps({"person": person, "spoil": spoil}).encode()
        asked = urllib.request.Request(
            f"{self.issuer}/control", data, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(asked).close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def providing() -> Iterator[Running]:
    """Run the provider until the block ends."""
    running = Running(free_port())
    try:
        yield running
    finally:
        running.stop()


if __name__ == "__main__":
    number = int(sys.argv[1])
    listener = make_server("127.0.0.1", number, create_app(number), threaded=True)
    print("ready", flush=True)
    listener.serve_forever()
