"""OpenID Connect: what an identity provider says about a person, verified.

Authorization code with PKCE, state and nonce; the discovery document and the keys are asked for
at each sign-in, so that a provider may change either. Authlib makes the requests and judges the
claims, joserfc verifies the signature.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.errors import AppError, Problem, because
from app.services.policy import Provider

#: seconds to wait for an answer; how long a person may take at the provider; how far clocks differ
PATIENCE, ERRAND, LEEWAY = 10, 600, 60
#: signatures by a key of the provider; never none, never one made with the client's secret
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
SCOPE = "openid profile email"
#: where the discovery document stands below the issuer
DISCOVERY = "/.well-known/openid-configuration"


class ProviderDown(AppError):
    code = "oidc.down"
    status = 503
    text = (
        "{label} does not answer, so nobody can sign in with it at the moment. Use the login name "
        "and the password, or try again later."
    )


class ProviderRefused(AppError):
    code = "oidc.refused"
    status = 401
    text = "The sign-in with {label} did not succeed: {reason}"


@dataclass(frozen=True, slots=True)
class Errand:
    """A person who was sent to the provider: what the answer must fit."""

    state: str
    nonce: str
    verifier: str
    since: int

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("state", "nonce", "verifier", "since")}


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for, and the claims it signed or answered for the person."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]


class Client:
    """Our side of the conversation with one provider."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._known: dict[str, Any] = {}

    def send(self, back: str) -> tuple[str, Errand]:
        """Return the provider's address for a person to be sent to, and what to remember.

        ``back`` is our address to which the provider sends the person. Raises ``ProviderDown``.
        """
        described = self.describe()
        errand = Errand(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64),
            int(time.time()),
        )  # fmt: skip
        address, _state = self._session(back, described).create_authorization_url(
            described["authorization_endpoint"],
            state=errand.state,
            nonce=errand.nonce,
            code_verifier=errand.verifier,
        )
        return address, errand

    def receive(self, errand: Errand | None, answer: Mapping[str, str], back: str) -> Vouched:
        """Return whom the provider vouches for with its ``answer``.

        Raises:
            ProviderRefused: the answer is no answer to ``errand``, or does not hold.
            ProviderDown: the provider does not answer our questions.
        """
        if errand is None or not secrets.compare_digest(
            errand.state.encode(), answer.get("state", "").encode("utf-8", "replace")
        ):
            raise self._refused(because("it does not belong to this browser. Please start again."))
        if not 0 <= time.time() - errand.since <= ERRAND:
            raise self._refused(because("it took too long. Please start again."))
        if "code" not in answer:
            raise self._refused(_denied(answer))
        described = self.describe()
        session = self._session(back, described)
        token = self._token(session, described, errand, answer["code"])
        claims = self._claims(described, token, errand)
        return Vouched(str(claims["iss"]), str(claims["sub"]), self._more(described, token, claims))

    def describe(self) -> dict[str, Any]:
        """Return the discovery document. Raises ``ProviderDown`` where there is none of it."""
        found = self._ask(self.provider.issuer.rstrip("/") + DISCOVERY)
        if found.get("issuer") != self.provider.issuer:
            raise self._refused(because("its description names another issuer."))
        if not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(found):
            raise ProviderDown(label=self.provider.label)
        self._known = found
        return found

    def leave(self, back: str) -> str:
        """Return the address at which the provider signs the person out too; nothing where it
        offers none, or does not answer."""
        if not self._known:
            with suppress(ProviderDown, ProviderRefused):
                self.describe()
        place = self._known.get("end_session_endpoint")
        if not isinstance(place, str) or not place.startswith(("https://", "http://")):
            return ""
        query = {"client_id": self.provider.client_id, "post_logout_redirect_uri": back}
        return f"{place}{'&' if '?' in place else '?'}{urlencode(query)}"

    def _session(self, back: str, described: Mapping[str, Any]) -> OAuth2Session:
        ways = described.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = "client_secret_basic" in ways
        return OAuth2Session(
            self.provider.client_id,
            self.provider.client_secret,
            scope=SCOPE,
            redirect_uri=back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
            default_timeout=PATIENCE,
        )

    def _token(
        self, session: OAuth2Session, described: Mapping[str, Any], errand: Errand, code: str
    ) -> Mapping[str, Any]:
        try:
            token = session.fetch_token(
                described["token_endpoint"],
                code=code,
                code_verifier=errand.verifier,
                timeout=PATIENCE,
            )
        except requests.RequestException as error:
            raise ProviderDown(label=self.provider.label) from error
        except (AuthlibBaseError, ValueError) as error:
            raise self._refused(because("it does not know the code it gave.")) from error
        if not isinstance(token, Mapping) or "id_token" not in token:
            raise self._refused(because("it said nothing about the person."))
        return token

    def _claims(
        self, described: Mapping[str, Any], token: Mapping[str, Any], errand: Errand
    ) -> Mapping[str, Any]:
        """Return the claims of the ID token: signed there, for us, now, for this errand."""
        try:
            keys = KeySet.import_key_set(self._ask(described["jwks_uri"]))  # type: ignore[arg-type]
            signed = jwt.decode(str(token["id_token"]), keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                options={
                    "iss": {"essential": True, "value": self.provider.issuer},
                    "aud": {"essential": True, "value": self.provider.client_id},
                },
                params={
                    "nonce": errand.nonce,
                    "client_id": self.provider.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=LEEWAY)
        except (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError) as error:
            raise self._refused(_why(error)) from error
        return dict(claims)

    def _more(
        self, described: Mapping[str, Any], token: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return the claims, with the provider's further answer where the wanted one is missing."""
        wanted, place = self.provider.claim, described.get("userinfo_endpoint")
        if not wanted or wanted in claims or not place:
            return claims
        answer = self._ask(str(place), str(token.get("access_token", "")))
        return {**answer, **claims} if answer.get("sub") == claims["sub"] else claims

    def _ask(self, address: str, bearer: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        try:
            answer = requests.get(address, headers=headers, timeout=PATIENCE, allow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ProviderDown(label=self.provider.label) from error
        if not isinstance(found, dict):
            raise ProviderDown(label=self.provider.label)
        return found

    def _refused(self, reason: Problem) -> ProviderRefused:
        return ProviderRefused(label=self.provider.label, reason=reason)


def _denied(answer: Mapping[str, str]) -> Problem:
    if answer.get("error") == "access_denied":
        return because("it was cancelled there, or not allowed.")
    return because("it answered with the error {error}.", error=answer.get("error", "?")[:60])


def _why(error: Exception) -> Problem:
    """Return in words which check of the ID token failed."""
    said = {
        "nonce": because("the answer belongs to another sign-in. Please start again."),
        "iss": because("the answer comes from another issuer."),
        "aud": because("the answer is meant for another application."),
        "azp": because("the answer is meant for another application."),
        "exp": because("the answer has run out. Check that the clocks of both servers are right."),
        "iat": because("the answer has run out. Check that the clocks of both servers are right."),
        "nbf": because("the answer has run out. Check that the clocks of both servers are right."),
    }
    claim = getattr(error, "claim", None) or getattr(error, "claim_name", None)
    if claim is None and type(error).__name__ == "ExpiredTokenError":
        claim = "exp"
    return said.get(str(claim), because("the signature of the answer does not hold."))
